//! One of finitely many things.

use super::{Sampler, SamplingError};
use crate::Setting;
use crate::random::Stream;
use rand::RngExt;

/// A distribution over 0 … n − 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Categorical {
    /// Σ of the weights up to and with each index.
    cumulative: Vec<f64>,
    log_probabilities: Vec<f64>,
}

impl Categorical {
    /// Proportional to `weights`.
    ///
    /// # Errors
    /// [`SamplingError::Setting`] where a weight is negative or not finite, or none is positive.
    pub fn new(weights: &[f64]) -> Result<Self, SamplingError> {
        let mut sum = 0.0;
        let add = |&weight: &f64| {
            sum += weight;
            sum
        };
        let cumulative: Vec<f64> = weights.iter().map(add).collect();
        let valid = weights.iter().all(|weight| *weight >= 0.0) && sum > 0.0 && sum.is_finite();
        if !valid {
            let wanted = "finite, none negative and one positive";
            return Err(Setting::new("the row of weights", format!("{weights:?}"), wanted).into());
        }
        Ok(Categorical {
            cumulative,
            log_probabilities: weights.iter().map(|weight| (weight / sum).ln()).collect(),
        })
    }
}

impl Sampler for Categorical {
    type Point = usize;

    fn draw(&self, stream: &mut Stream) -> usize {
        let total = self.cumulative[self.cumulative.len() - 1];
        let u = stream.random::<f64>() * total;
        // u < total where rounding is kind; a weight of 0 is never drawn, as its interval is empty.
        let last = self.cumulative.partition_point(|sum| *sum < total);
        self.cumulative.partition_point(|sum| *sum <= u).min(last)
    }

    fn log_density(&self, index: &usize) -> f64 {
        self.log_probabilities.get(*index).copied().unwrap_or(f64::NEG_INFINITY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;

    #[test]
    fn weights_that_are_no_distribution_are_refused() {
        for weights in [&[][..], &[0.0, 0.0], &[1.0, -1.0, 3.0], &[1.0, f64::NAN], &[f64::INFINITY]] {
            assert!(matches!(Categorical::new(weights), Err(SamplingError::Setting(_))));
        }
    }

    #[test]
    fn draws_come_in_proportion_and_never_from_weight_zero() {
        let categorical = Categorical::new(&[0.0, 1.0, 0.0, 3.0, 0.0]).unwrap();
        let mut stream = Seed(1).stream("categorical", 0);
        let mut counts = [0u32; 5];
        (0..100_000).for_each(|_| counts[categorical.draw(&mut stream)] += 1);
        assert_eq!((counts[0], counts[2], counts[4]), (0, 0, 0));
        // 4.9 standard deviations: two-sided α = 10⁻⁶.
        assert!((f64::from(counts[3]) - 75_000.0).abs() < 4.9 * (100_000.0f64 * 0.75 * 0.25).sqrt(), "{counts:?}");
        assert_eq!(categorical.log_density(&3), 0.75f64.ln());
        assert_eq!(categorical.log_density(&9), f64::NEG_INFINITY);
    }
}
