//! Benches: timing that all of them share, and those of parts of the engine.

pub mod gemm;
pub mod gibbs;
pub mod random;
pub mod timing;
pub mod training;
