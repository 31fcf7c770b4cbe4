//! Model-free Monte Carlo: estimates that know their error.

mod estimate;

pub use estimate::{Estimate, Kind, Warning};
pub(crate) use estimate::{LogMeanExp, mean_and_error};
