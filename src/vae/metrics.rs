//! The names of the figures that a variational autoencoder reports while it trains, nats an example unless said otherwise. They are of
//! the rows held out where there are some, else of the training split.

/// The evidence lower bound, from one draw an example: higher is better.
pub const ELBO: &str = "elbo";
/// The ELBO of the training split, where rows are held out: higher is better.
pub const TRAIN_ELBO: &str = "train_elbo";
/// The ELBO of the average of the parameters, where one is kept: higher is better.
pub const AVERAGE_ELBO: &str = "average_elbo";
/// The ELBO's first term, E_q [log p(x | z)]: higher is better.
pub const RECONSTRUCTION: &str = "reconstruction";
/// The ELBO's second term, KL(q(z | x) ‖ p(z)): 0 of a collapsed model; no direction is better.
pub const KL: &str = "kl";
/// Latent dimensions whose posterior mean tells examples apart: 0 of a collapsed model.
pub const ACTIVE_UNITS: &str = "active_units";
/// The weight β of the divergence in the last step: no direction is better.
pub const BETA: &str = "beta";
/// The part of the rows with a label that the classifier q(y | x) names right: higher is better.
pub const ACCURACY: &str = "accuracy";
/// The same of the average of the parameters, where one is kept: higher is better.
pub const AVERAGE_ACCURACY: &str = "average_accuracy";
