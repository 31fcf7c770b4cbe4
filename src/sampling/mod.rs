//! Model-free Monte Carlo: estimates that know their error.

mod density;
mod error;
mod estimate;

pub use density::{DensityError, GradientLogDensity, LogDensity};
pub use error::SamplingError;
pub use estimate::{Estimate, Kind, Warning};
pub(crate) use estimate::{LogMeanExp, mean_and_error};
