//! The names of the figures that a neural energy reports while it trains. Likelihoods and explained noise are of the rows held out where
//! there are some, else of the training split.

/// The mean log-density, nats a row, up to two dimensions: higher is better.
pub const LOG_LIKELIHOOD: &str = "log_likelihood";
/// The same of the average of the parameters, where one is kept: higher is better.
pub const AVERAGE_LOG_LIKELIHOOD: &str = "average_log_likelihood";
/// The part of the noise in noisy rows that the score tells, at most 1: higher is better.
pub const NOISE_EXPLAINED: &str = "noise_explained";
/// The same of the average of the parameters, where one is kept: higher is better.
pub const AVERAGE_NOISE_EXPLAINED: &str = "average_noise_explained";
/// The mean energy of training rows: no direction is better.
pub const ENERGY: &str = "energy";
/// The mean energy of the chains less that of training rows: nearer 0 is better.
pub const ENERGY_GAP: &str = "energy_gap";
/// The mean probability of acceptance of the chains' last steps, from 0 to 1: no direction is better.
pub const ACCEPTANCE: &str = "acceptance";
/// The size of the chains' next step, in deviations of the data: no direction is better.
pub const STEP_SIZE: &str = "step_size";
