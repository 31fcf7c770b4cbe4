//! From an instruction set chosen at run time to code compiled for it.

#[cfg(target_arch = "x86_64")]
use super::{Avx2, Avx512};
use super::{Isa, Portable, Simd};

/// Code that runs on any instruction set: a struct of its arguments, and the body generic over the token.
pub trait Kernel {
    /// What it returns.
    type Output;
    /// The body; mark it, and all it calls down to the token's methods, `#[inline(always)]`.
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// Runs `kernel` on the instruction set of this process, [`Isa::current`].
#[inline]
pub fn dispatch<K: Kernel>(kernel: K) -> K::Output {
    dispatch_on(Isa::current(), kernel)
}

/// As [`dispatch`], on vectors of at most 256 bits: for kernels that wait for memory, which longer ones would not make faster
/// but would have compiled once more. Only for those whose bits are the same on every instruction set.
#[inline]
pub fn dispatch_narrow<K: Kernel>(kernel: K) -> K::Output {
    match Isa::current() {
        Isa::Portable => Portable::new().run(kernel),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 | Isa::Avx512 => Avx2::new().expect("the CPU has AVX2 and FMA").run(kernel),
        #[cfg(not(target_arch = "x86_64"))]
        isa @ (Isa::Avx2 | Isa::Avx512) => unreachable!("{isa} is an instruction set of x86-64"),
    }
}

/// Runs `kernel` on `isa`. Panics where the CPU lacks it; tests and comparisons ask [`Isa::is_supported`] first.
#[inline]
pub fn dispatch_on<K: Kernel>(isa: Isa, kernel: K) -> K::Output {
    match isa {
        Isa::Portable => Portable::new().run(kernel),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => Avx2::new().expect("the CPU has AVX2 and FMA").run(kernel),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => Avx512::new().expect("the CPU has AVX-512").run(kernel),
        #[cfg(not(target_arch = "x86_64"))]
        Isa::Avx2 | Isa::Avx512 => unreachable!("{isa} is an instruction set of x86-64"),
    }
}
