//! Metrics: the names of the figures that an RBM in training reports, on the first 1,024 rows held out, else trained on.

/// The mean log-likelihood, nats a row, where the smaller layer has at most 16 units: higher is better.
pub const LOG_LIKELIHOOD: &str = "log_likelihood";
/// The log-likelihood of the average of the parameters: higher is better.
pub const AVERAGE_LOG_LIKELIHOOD: &str = "average_log_likelihood";
/// The stochastic pseudo-log-likelihood, nats a row: higher is better. It judges a learner that keeps no average.
pub const PSEUDO_LIKELIHOOD: &str = "pseudo_likelihood";
/// The pseudo-log-likelihood of the average of the parameters: higher is better. It judges a learner that keeps one.
pub const AVERAGE_PSEUDO_LIKELIHOOD: &str = "average_pseudo_likelihood";
/// The mean squared difference a pixel of training rows from their reconstructions: lower is better, to a point.
pub const RECONSTRUCTION_ERROR: &str = "reconstruction_error";
/// The mean free energy of rows held out less that of training rows, nats: it grows as the machine overfits.
pub const FREE_ENERGY_GAP: &str = "free_energy_gap";
/// Hidden units whose mean over training rows is below 0.001 or above 0.999: fewer are better.
pub const DEAD_HIDDEN: &str = "dead_hidden";
/// ‖W‖, without a direction.
pub const WEIGHT_NORM: &str = "weight_norm";
/// The norm of the last step of the weights, without a direction.
pub const UPDATE_NORM: &str = "update_norm";
/// The lowest rate of exchange between neighbouring temperatures of parallel tempering: higher is better.
pub const LOWEST_SWAP_RATE: &str = "lowest_swap_rate";
/// Round trips of all replicas of parallel tempering so far: more are better.
pub const ROUND_TRIPS: &str = "round_trips";
