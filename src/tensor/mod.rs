//! Dense `f32` tensors, bit-packed binary matrices and the 64-byte aligned buffers under both.

mod aligned;
mod bits;
mod dense;
mod huge_pages;

pub use aligned::AlignedVec;
pub use bits::{BitMatrix, LANES};
pub use dense::Tensor;
