//! Model-free Monte Carlo: estimates that know their error.

mod annealed;
#[cfg(test)]
mod annealed_tests;
mod baseline;
mod categorical;
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
mod mass;
mod metropolis;
#[cfg(test)]
mod moments_tests;
mod proposal;
mod run;
mod sampler;
#[cfg(test)]
mod targets;
mod tempered;
mod tempering;
mod tuning;
mod walk;

pub use annealed::{AnnealedImportance, AnnealingPath, GeometricPath, random_walk_transition};
pub use categorical::Categorical;
pub use cycle::{Cycle, CycleChain};
pub use density::{DensityError, GradientLogDensity, LogDensity};
pub use draws::{ChainReport, Draws};
pub use error::SamplingError;
pub use estimate::{Estimate, Kind, LogMeanExp, Warning};
pub use gibbs::{Conditionals, Gibbs, GibbsChain, Scan};
pub use hamiltonian::{Hamiltonian, HamiltonianChain, Mass, Path};
pub use importance::{ImportanceEstimate, ImportanceSampling, Reliability, Weighting};
pub use independence::Independence;
pub use kernel::{Chain, Exchanges, Kernel, Outcome, Step, WarmUp};
pub use langevin::{Langevin, LangevinChain};
pub use metropolis::{Metropolis, MetropolisChain};
pub use proposal::Proposal;
pub use run::Run;
pub use sampler::Sampler;
pub use tempered::{Flat, Tempered};
pub use tempering::{Tempering, TemperingChain};
pub use tuning::Tuning;
pub use walk::{MultiplicativeWalk, RandomWalk};

pub(crate) use baseline::{independent_bernoulli, independent_gaussian};
pub(crate) use estimate::mean_and_error;
