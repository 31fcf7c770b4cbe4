//! The names of the figures that a flow reports while it trains, nats a row in the [space](super::Flow::space) of the model. They are of the
//! rows held out where there are some, else of the training split.

/// The mean log-likelihood, of grey levels with one draw of the noise a row: higher is better.
pub const LOG_LIKELIHOOD: &str = "log_likelihood";
/// The same of the training split, where rows are held out: higher is better.
pub const TRAIN_LOG_LIKELIHOOD: &str = "train_log_likelihood";
/// The same of the average of the parameters, where one is kept: higher is better.
pub const AVERAGE_LOG_LIKELIHOOD: &str = "average_log_likelihood";
/// Of training by the [reverse divergence](super::ReverseKl): E_q[ln p* − ln q], which is ln Z at the most: higher is better.
pub const LOG_Z_BOUND: &str = "log_z_bound";
/// The same of the average of the parameters, where one is kept: higher is better.
pub const AVERAGE_LOG_Z_BOUND: &str = "average_log_z_bound";
