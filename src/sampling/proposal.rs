//! Where a Metropolis–Hastings chain might go next.

use super::{DensityError, SamplingError};
use crate::random::Stream;

/// A distribution q(to | from) over where to go from a point.
///
/// A shift of one component by a step of its own size:
///
/// ```
/// use helmholtz::{random::Stream, sampling::{DensityError, Proposal}};
/// use rand::RngExt;
///
/// #[derive(Clone)]
/// struct Coin;
///
/// impl Proposal for Coin {
///     fn propose(&self, from: &[f64], to: &mut [f64], stream: &mut Stream) -> Result<f64, DensityError> {
///         to.copy_from_slice(from);
///         to[0] += if stream.random::<bool>() { 1.0 } else { -1.0 };
///         Ok(0.0) // as likely one way as the other
///     }
/// }
/// ```
pub trait Proposal: Clone + Send + Sync {
    /// Draws `to` `[dimension]` given `from` `[dimension]`, and returns the logarithm of the Hastings ratio,
    /// log q(from | to) − log q(to | from): 0 where the proposal is symmetric.
    ///
    /// # Errors
    /// [`DensityError::Recoverable`] where there is no way on from here: the chain stays, and counts it.
    fn propose(&self, from: &[f64], to: &mut [f64], stream: &mut Stream) -> Result<f64, DensityError>;

    /// Multiplies the size of its steps by `factor`; nothing where they have none.
    fn rescale(&mut self, _factor: f64) {}

    /// The acceptance that tuning its size should aim at in so many dimensions; `None` where there is nothing to tune.
    fn best_acceptance(&self, _dimension: usize) -> Option<f64> {
        None
    }

    /// Refuses settings that make no proposal in so many dimensions.
    ///
    /// # Errors
    /// [`SamplingError::Setting`] or [`SamplingError::Dimension`].
    fn check(&self, _dimension: usize) -> Result<(), SamplingError> {
        Ok(())
    }
}
