//! Random walks: normal steps, of x or of ln x.

use super::{DensityError, Proposal, SamplingError};
use crate::Setting;
use crate::random::Stream;

/// The acceptance of random walks at which they explore fastest: 0.44 in one dimension, 0.234 in many (Roberts, Gelman &
/// Gilks 1997; Gelman, Roberts & Gilks 1996).
fn best_of_random_walks(dimension: usize) -> f64 {
    if dimension == 1 { 0.44 } else { 0.234 }
}

/// One scale for all components, or one each.
#[derive(Clone, Debug, PartialEq)]
struct Scales(Vec<f64>);

impl Scales {
    fn of(&self, component: usize) -> f64 {
        if self.0.len() == 1 { self.0[0] } else { self.0[component] }
    }

    fn check(&self, dimension: usize) -> Result<(), SamplingError> {
        if self.0.len() != 1 && self.0.len() != dimension {
            return Err(SamplingError::Dimension { given: self.0.len(), wanted: dimension });
        }
        Ok(self.0.iter().try_for_each(|scale| Setting::positive("the scale of the proposal", *scale))?)
    }

    fn rescale(&mut self, factor: f64) {
        self.0.iter_mut().for_each(|scale| *scale *= factor);
    }
}

/// A normal step: to = from + scale · ξ (Metropolis et al. 1953).
#[derive(Clone, Debug, PartialEq)]
pub struct RandomWalk(Scales);

impl RandomWalk {
    /// Steps of one standard deviation for all components.
    pub fn new(scale: f64) -> Self {
        RandomWalk(Scales(vec![scale]))
    }

    /// Steps of a standard deviation for each component, `[dimension]`.
    pub fn with_scales(scales: &[f64]) -> Self {
        RandomWalk(Scales(scales.to_vec()))
    }
}

impl Proposal for RandomWalk {
    fn propose(&self, from: &[f64], to: &mut [f64], stream: &mut Stream) -> Result<f64, DensityError> {
        stream.fill_normal(to);
        to.iter_mut().enumerate().for_each(|(i, x)| *x = from[i] + self.0.of(i) * *x);
        Ok(0.0)
    }

    fn rescale(&mut self, factor: f64) {
        self.0.rescale(factor);
    }

    fn best_acceptance(&self, dimension: usize) -> Option<f64> {
        Some(best_of_random_walks(dimension))
    }

    fn check(&self, dimension: usize) -> Result<(), SamplingError> {
        self.0.check(dimension)
    }
}

/// A log-normal factor, for positive components: to = from · e^(scale · ξ).
///
/// q(to | from) is normal in ln to, so its density in `to` has a factor 1 / to, and the Hastings ratio is Π to / from.
#[derive(Clone, Debug, PartialEq)]
pub struct MultiplicativeWalk(Scales);

impl MultiplicativeWalk {
    /// Steps of one standard deviation in ln x for all components.
    pub fn new(scale: f64) -> Self {
        MultiplicativeWalk(Scales(vec![scale]))
    }

    /// Steps of a standard deviation in ln x for each component, `[dimension]`.
    pub fn with_scales(scales: &[f64]) -> Self {
        MultiplicativeWalk(Scales(scales.to_vec()))
    }
}

impl Proposal for MultiplicativeWalk {
    fn propose(&self, from: &[f64], to: &mut [f64], stream: &mut Stream) -> Result<f64, DensityError> {
        stream.fill_normal(to);
        let mut log_ratio = 0.0;
        for (i, x) in to.iter_mut().enumerate() {
            let log_factor = self.0.of(i) * *x;
            *x = from[i] * log_factor.exp();
            log_ratio += log_factor;
        }
        Ok(log_ratio)
    }

    fn rescale(&mut self, factor: f64) {
        self.0.rescale(factor);
    }

    fn best_acceptance(&self, dimension: usize) -> Option<f64> {
        Some(best_of_random_walks(dimension))
    }

    fn check(&self, dimension: usize) -> Result<(), SamplingError> {
        self.0.check(dimension)
    }
}
