//! Instruction sets as tokens.
//!
//! A kernel is written once, generic over a token `S:` [`Simd`], and entered through `dispatch`, which chooses the
//! token at run time and calls the kernel inside a function compiled for its instructions. A token can be made only
//! where the CPU has the instructions, so holding one is the proof that its methods may run. `HELMHOLTZ_ISA` pins one.
//!
//! Everything between `dispatch` and an intrinsic is `#[inline(always)]`: only then is it compiled for the
//! instruction set. Nearly all `unsafe` of the crate lives here and in the kernels that walk pointers.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod dispatch;
mod isa;
pub(crate) mod math;
mod portable;
mod token;

#[cfg(target_arch = "x86_64")]
pub use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub use avx512::Avx512;
pub use dispatch::{Vectorised, dispatch, dispatch_narrow, dispatch_on};
pub use isa::{Isa, IsaError};
pub use portable::Portable;
pub(crate) use portable::transpose_four;
pub use token::Simd;
