//! Metrics: the names of the figures that a Boltzmann machine in training reports, on the first 512 rows held out, else
//! trained on.

/// The mean log-likelihood, nats a row, where there are at most 16 units: higher is better.
pub const LOG_LIKELIHOOD: &str = "log_likelihood";
/// The pseudo-log-likelihood Σᵢ ln p(xᵢ | all others), nats a row: higher is better. It judges machines without hidden units.
pub const PSEUDO_LIKELIHOOD: &str = "pseudo_likelihood";
/// The same of the visible units with hidden ones drawn given the row: higher is better. It judges machines that have some.
pub const CONDITIONAL_LIKELIHOOD: &str = "conditional_likelihood";
/// ‖W‖, without a direction.
pub const WEIGHT_NORM: &str = "weight_norm";
/// The norm of the last step, without a direction.
pub const UPDATE_NORM: &str = "update_norm";
