//! Model-free Monte Carlo: estimates that know their error.

mod baseline;
mod estimate;

pub(crate) use baseline::{independent_bernoulli, independent_gaussian};
pub use estimate::{Estimate, Kind, Warning};
pub(crate) use estimate::{LogMeanExp, mean_and_error};
