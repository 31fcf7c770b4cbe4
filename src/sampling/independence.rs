//! Proposals that forget where the chain is.

use super::{DensityError, Proposal, Sampler};
use crate::random::Stream;

/// A distribution that does not look where it comes from: q(to | from) = q(to) (Hastings 1970; Tierney 1994).
#[derive(Clone, Debug, PartialEq)]
pub struct Independence<S>(pub S);

impl<S: Sampler<Point = Vec<f64>> + Clone + Send> Proposal for Independence<S> {
    fn propose(&self, from: &[f64], to: &mut [f64], stream: &mut Stream) -> Result<f64, DensityError> {
        let point = self.0.draw(stream);
        if point.len() != to.len() {
            let why = format!("the proposal draws {} components for a density of {}", point.len(), to.len());
            return Err(DensityError::Fatal(why));
        }
        to.copy_from_slice(&point);
        Ok(self.0.log_density(&from.to_vec()) - self.0.log_density(&point))
    }
}
