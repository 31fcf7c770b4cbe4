//! Model-free Monte Carlo: estimates that know their error.

mod categorical;
mod density;
pub mod diagnostics;
mod error;
mod estimate;
mod importance;
#[cfg(test)]
mod importance_tests;
mod sampler;

pub use categorical::Categorical;
pub use density::{DensityError, GradientLogDensity, LogDensity};
pub use error::SamplingError;
pub use estimate::{Estimate, Kind, LogMeanExp, Warning};
pub use importance::{ImportanceEstimate, ImportanceSampling, Reliability, Weighting};
pub use sampler::Sampler;

pub(crate) use estimate::mean_and_error;
