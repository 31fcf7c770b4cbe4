//! Model-free Monte Carlo: for densities that can be evaluated up to a constant, but not drawn from.
//!
//! - [`ImportanceSampling`] weighs draws of another distribution, and says when their tail makes that worthless.
//! - [`Run::sample`] runs chains of a [`MarkovKernel`]: [`Metropolis`] with any [`Proposal`], [`Langevin`] and [`Hamiltonian`]
//!   where there is a gradient, [`Gibbs`] where there are conditionals, [`Tempering`] where there are several modes.
//! - [`AnnealedImportance`] estimates a normaliser along a path of densities.
//! - [`diagnostics`] say how far the draws can be trusted; [`Estimate`] is a likelihood that knows its errors.
//! - [`Paired`] holds two models against one another on the same rows, [`TwoSamples`] draws against data.
//!
//! A correlated normal distribution, by its log-density and
//! gradient:
//!
//! ```
//! use helmholtz::sampling::{DensityError, GradientLogDensity, Hamiltonian, LogDensity, Run};
//!
//! struct Correlated;
//!
//! impl LogDensity for Correlated {
//!     fn dimension(&self) -> usize {
//!         2
//!     }
//!     fn log_density(&self, x: &[f64]) -> Result<f64, DensityError> {
//!         Ok(-(x[0] * x[0] - 1.8 * x[0] * x[1] + x[1] * x[1]) / 0.38)
//!     }
//! }
//!
//! impl GradientLogDensity for Correlated {
//!     fn log_density_and_gradient(&self, x: &[f64], gradient: &mut [f64]) -> Result<f64, DensityError> {
//!         gradient[0] = -(2.0 * x[0] - 1.8 * x[1]) / 0.38;
//!         gradient[1] = -(2.0 * x[1] - 1.8 * x[0]) / 0.38;
//!         self.log_density(x)
//!     }
//! }
//!
//! let draws = Run::default().sample(&Hamiltonian::default(), &Correlated, &[0.0, 0.0])?;
//! println!("{draws}"); // a line a component: mean, sd, quantiles, R̂, effective draws
//! let product = helmholtz::sampling::diagnostics::Summary::of(&draws.map(|x| x[0] * x[1]));
//! assert!((product.mean - 0.9).abs() < 5.0 * product.mean_error);
//! # Ok::<(), helmholtz::sampling::SamplingError>(())
//! ```

mod ais;
mod annealed;
#[cfg(test)]
mod annealed_tests;
mod baseline;
mod categorical;
#[cfg(test)]
pub(crate) mod chi_squared;
mod cycle;
mod density;
pub mod diagnostics;
mod draws;
mod dual_averaging;
mod error;
mod estimate;
mod gibbs;
mod hamiltonian;
mod importance;
#[cfg(test)]
mod importance_tests;
mod independence;
#[cfg(test)]
mod invariance_tests;
mod kernel;
mod langevin;
mod log_mean_exp;
mod mass;
mod metropolis;
mod mmd;
mod mmd_power;
#[cfg(test)]
mod moments_tests;
mod paired;
mod precision_recall;
mod proposal;
mod run;
#[cfg(test)]
mod run_tests;
mod sampler;
#[cfg(test)]
mod targets;
mod tempered;
mod tempering;
mod tuning;
mod two_samples;
mod walk;
mod warning;
mod work;

pub use ais::Ais;
pub use annealed::{AnnealedImportance, AnnealingPath, GeometricPath, random_walk_transition};
pub use baseline::{independent_bits_of_rows, normal_of_rows};
pub use categorical::Categorical;
pub use cycle::{Cycle, CycleChain};
pub use density::{DensityError, GradientLogDensity, LogDensity};
pub use draws::{ChainReport, Draws};
pub use error::SamplingError;
pub use estimate::{Estimate, Kind};
pub use gibbs::{Conditionals, Gibbs, GibbsChain, Scan};
pub use hamiltonian::{Hamiltonian, HamiltonianChain, Mass, Trajectory};
pub use importance::{ImportanceEstimate, ImportanceSampling, Reliability, Weighting};
pub use independence::Independence;
pub use kernel::{Chain, Exchanges, MarkovKernel, Outcome, Step, WarmUp};
pub use langevin::{Langevin, LangevinChain};
pub use log_mean_exp::LogMeanExp;
pub use metropolis::{Metropolis, MetropolisChain};
pub use mmd::Mmd;
pub use mmd_power::MmdPower;
pub use paired::{Distinction, Paired, RowLikelihoods};
pub use precision_recall::PrecisionRecall;
pub use proposal::Proposal;
pub use run::Run;
pub use sampler::Sampler;
pub use tempered::{Flat, Tempered};
pub use tempering::{Tempering, TemperingChain};
pub use tuning::Tuning;
pub use two_samples::{TwoSampleError, TwoSamples};
pub use walk::{MultiplicativeWalk, RandomWalk};
pub use warning::Warning;
pub use work::Work;

pub(crate) use baseline::{
    all_but_constant, correlated_gaussian, few_levels, independent_bernoulli, independent_bits,
    independent_gaussian, mean_and_covariance,
};
pub(crate) use estimate::{error_of_mean, mean_and_error, three_errors};
pub(crate) use log_mean_exp::WeightSums;
