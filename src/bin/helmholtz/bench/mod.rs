//! Benches: timing that all of them share, and those of parts of the engine.

pub mod gemm;
pub mod gibbs;
pub mod random;
mod timing;
mod training;

pub use timing::{Peak, check_sizes, seconds_of};
pub use training::{Levels, ROWS, random_rows, time_steps};
