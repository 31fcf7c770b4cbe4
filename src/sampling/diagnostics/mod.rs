//! How far Monte Carlo can be trusted.
//!
//! Functions of several chains of one number, `[chain][draw]`, all of one length:
//!
//! ```
//! use helmholtz::sampling::diagnostics::{ess_bulk, r_hat};
//! let chains = [[1.0, -0.5, 0.2, 0.9, -1.3, 0.1], [0.3, -0.8, 1.1, -0.2, 0.6, -0.9]];
//! assert!(r_hat(&chains).unwrap() < 1.5);
//! assert_eq!(ess_bulk(&[[1.0; 6]; 2]), None); // constant chains have no effective sample size
//! ```

#[cfg(test)]
mod arviz;
mod beta;
mod effective;
mod normal;
mod pareto;
mod r_hat;
mod series;
mod standard_error;
mod summary;
#[cfg(test)]
mod tests;

pub(crate) use beta::ln_gamma;
pub use effective::{autocorrelation_time, ess_bulk, ess_mean, ess_quantile, ess_sd, ess_tail};
pub use normal::normal_quantile;
pub use pareto::{pareto_shape, pareto_threshold};
pub use r_hat::r_hat;
pub use standard_error::{mcse_mean, mcse_quantile, mcse_sd, quantile};
pub use summary::Summary;
