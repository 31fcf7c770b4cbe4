//! Normalizing flows: densities of real numbers whose likelihood is exact.
//!
//! A flow is an invertible map from the data's side to a base that is easy to draw from, u = g(x), made of transforms whose
//! Jacobian determinants are quick to compute. With it ln p(x) = ln p(u) + ln |det ∂u/∂x|: maximum likelihood needs no bound and no
//! chains, and a draw is x = g⁻¹(u) of a draw u of the base (Rezende & Mohamed 2015; Dinh, Sohl-Dickstein & Bengio 2017;
//! Papamakarios et al. 2021).
//!
//! Each layer is
//!
//! - a normalisation, y = (x − c) e^(−s), which starts with the mean and deviation of its first rows;
//! - a mixing of the components: an order, or a matrix P L U;
//! - a coupling or an autoregressive transform: each component goes through an increasing function, affine or a rational-quadratic
//!   spline, whose parameters a network gives of others.
//!
//! Real numbers are standardised first; grey levels are dequantised and spread over the line by logits ([`Preprocessing`]), with
//! their Jacobians in the likelihood. A figure says in which [`Space`] it is.
//!
//! ```
//! use helmholtz::data::{Dataset, ToyDensity};
//! use helmholtz::flow::{Flow, FlowConfig, FlowRecipe, FlowScoring};
//! use helmholtz::train::{Fit, Training};
//! use helmholtz::Seed;
//!
//! let data = Dataset::toy(ToyDensity::Gaussians8);
//! let config = FlowConfig { hidden: vec![32], layers: 3, ..FlowConfig::fitted(&data.train())? };
//! let mut flow = Flow::new(config, Seed(1))?;
//! flow.fit(&data.train(), &FlowRecipe::default(), &Training { steps: Some(100), ..Training::default() })?;
//! println!("{}", flow.log_likelihood(&data.test(), &FlowScoring::default())?); // nats (change of variables, exact; …)
//! assert!(flow.round_trip_error(&data.test())? < 1e-4);
//! let draws = flow.sample(1000, Seed(2))?; // [1000, 2]
//! # assert_eq!(draws.len(), 2000);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod act_norm;
mod autoregressive;
#[cfg(test)]
mod autoregressive_tests;
mod base;
mod bounded_scales;
mod conditional;
mod config;
mod coupling;
mod density;
mod dropout;
mod error;
#[expect(clippy::module_inception, reason = "the module's type is that of its name")]
mod flow;
mod generate;
mod likelihood;
mod log_normaliser;
mod lu;
mod lu_matrix;
mod made;
mod made_in_turn;
#[cfg(test)]
mod made_tests;
pub mod metrics;
mod mixture;
mod mixture_density;
#[cfg(test)]
mod mixture_tests;
mod pass;
mod permutation;
mod preprocessing;
mod recipe;
#[cfg(test)]
mod reference;
mod reverse;
#[cfg(test)]
mod reverse_tests;
mod rows;
mod steps;
mod structure;
#[cfg(test)]
mod tests;
mod trainer;
#[cfg(test)]
mod training_tests;
mod transform;
mod triangular;
mod univariate;

pub use config::FlowConfig;
pub use density::FlowDensity;
pub use dropout::Dropout;
pub use error::FlowError;
pub use flow::Flow;
pub use likelihood::{FlowScore, FlowScoring};
pub use log_normaliser::{FlowLogZ, FlowProposal, RowWeights};
pub use preprocessing::{Preprocessing, Space};
pub use recipe::FlowRecipe;
pub use reverse::{ReverseKl, ReverseObjective, ReverseTrainer};
pub(crate) use steps::{Steps, StepsShape};
pub use structure::{Base, Conditioning, Mixing, Structure, TransformKind};
pub use trainer::{FlowObjective, FlowTrainer};
pub use transform::{Transform, Transformed};
