//! The logarithm of a mean weight, with its error where that can be known.

use super::estimate::{decimals_of_value, write_error};
use std::fmt;

/// ln of the mean of e^w over many log-weights w, its standard error and the effective sample size.
///
/// Where the mean of e^w is Z, or Z / Z₀, without bias, `value` lies below ln Z in expectation (Jensen), and above
/// ln Z + b with probability e⁻ᵇ at most (Markov).
///
/// The delta method's error, sd(e^w) / (mean(e^w) √n), is about 1 / √ESS and can never exceed 1 nat, however far the figure moves
/// from seed to seed: a few large weights say nothing of larger ones that have not been drawn. So where it comes out above
/// 1 / √10, the error is not known, and infinite. Of many weights that is an effective sample size below
/// [`FEWEST_EFFECTIVE`](Self::FEWEST_EFFECTIVE), of n weights one below 10 n / (n + 9).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogMeanExp {
    /// ln of the mean, nats.
    pub value: f64,
    /// Standard error of `value`, nats; infinite where it is not known.
    pub error: f64,
    /// (Σ e^w)² / Σ e^2w.
    pub effective_sample_size: f64,
}

impl fmt::Display for LogMeanExp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LogMeanExp { value, error, effective_sample_size } = self;
        let decimals = f.precision().unwrap_or(decimals_of_value(&[*error]));
        write!(f, "{value:.decimals$} nats (Monte Carlo error ")?;
        write_error(f, *error)?;
        write!(f, ", {effective_sample_size:.1} effective draws)")
    }
}

impl LogMeanExp {
    /// The effective sample size of many weights below which their variance says nothing of the error.
    pub const FEWEST_EFFECTIVE: f64 = 10.0;

    /// From the log-weights; −∞ where there are none.
    pub fn of(log_weights: &[f64]) -> Self {
        let mut sums = WeightSums::NONE;
        sums.largest = log_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        log_weights.iter().for_each(|&w| sums.add(w));
        sums.log_mean()
    }

    /// Whether the error is known: weights enough share the sum.
    pub fn error_is_known(&self) -> bool {
        self.error.is_finite()
    }
}

/// Weights e^w, summed as they come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WeightSums {
    count: f64,
    largest: f64,
    /// Σ e^(w − largest), and of its squares.
    sum: f64,
    squares: f64,
}

impl WeightSums {
    /// Of no weights.
    pub(crate) const NONE: WeightSums =
        WeightSums { count: 0.0, largest: f64::NEG_INFINITY, sum: 0.0, squares: 0.0 };

    /// One more, by its logarithm.
    pub(crate) fn add(&mut self, log_weight: f64) {
        self.count += 1.0;
        if log_weight > self.largest {
            let scale = (self.largest - log_weight).exp();
            (self.sum, self.squares, self.largest) = (self.sum * scale, self.squares * scale * scale, log_weight);
        }
        if self.largest > f64::NEG_INFINITY {
            let weight = (log_weight - self.largest).exp();
            self.sum += weight;
            self.squares += weight * weight;
        }
    }

    /// ln of their mean.
    pub(crate) fn log_mean(&self) -> LogMeanExp {
        let WeightSums { count: n, largest, sum, squares } = *self;
        if !largest.is_finite() {
            return LogMeanExp { value: largest, error: f64::INFINITY, effective_sample_size: 0.0 };
        }
        let mean = sum / n;
        let variance = if n > 1.0 { (squares - n * mean * mean).max(0.0) / (n - 1.0) } else { f64::INFINITY };
        let error = (variance / n).sqrt() / mean;
        let known = error * error * LogMeanExp::FEWEST_EFFECTIVE <= 1.0;
        LogMeanExp {
            value: largest + mean.ln(),
            error: if known { error } else { f64::INFINITY },
            effective_sample_size: sum * sum / squares,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;
    use crate::sampling::mean_and_error;

    #[test]
    fn equal_weights_have_no_error_and_one_knows_none() {
        let mean = LogMeanExp::of(&[700.0; 8]);
        assert_eq!((mean.value, mean.error, mean.effective_sample_size), (700.0, 0.0, 8.0));
        assert_eq!(LogMeanExp::of(&[3.0]).error, f64::INFINITY);
    }

    #[test]
    fn two_digits_of_the_error_are_shown() {
        let mean = LogMeanExp { value: 12.345_678, error: 0.0234, effective_sample_size: 41.23 };
        assert_eq!(mean.to_string(), "12.346 nats (Monte Carlo error 0.023, 41.2 effective draws)");
        assert_eq!(format!("{mean:.1}"), "12.3 nats (Monte Carlo error 0.0, 41.2 effective draws)");
        let unknown = LogMeanExp { error: f64::INFINITY, effective_sample_size: 1.2, ..mean };
        assert_eq!(unknown.to_string(), "12.35 nats (Monte Carlo error unknown, 1.2 effective draws)");
    }

    /// n weights of which m are 1 and all others 0 have the effective size m: known from 10 n / (n + 9) on.
    #[test]
    fn the_error_is_known_from_the_stated_size_on() {
        for n in [2usize, 3, 10, 16, 100, 10_000] {
            for m in 1..=n.min(20) {
                let log_weights: Vec<f64> = (0..n).map(|i| if i < m { 5.0 } else { -2000.0 }).collect();
                let mean = LogMeanExp::of(&log_weights);
                assert!((mean.effective_sample_size - m as f64).abs() < 1e-9);
                let bound = 10.0 * n as f64 / (n as f64 + 9.0);
                assert_eq!(mean.error_is_known(), m as f64 >= bound - 1e-9, "{m} of {n}: {mean}");
                assert!(!mean.error_is_known() || mean.error <= 0.1f64.sqrt() + 1e-12);
            }
        }
    }

    /// Log-weights of deviation σ, 100 at a time: where an error is reported, the figure moves from seed to seed by no more than
    /// twice the mean of what is reported (200 repeats know a deviation to 5 %; the delta method's own bias is within the rest).
    #[test]
    fn reported_errors_cover_what_the_figure_moves_by() {
        for (sigma, known) in [(0.3, 200..=200), (1.0, 190..=200), (4.0, 0..=20), (14.0, 0..=0)] {
            let (mut values, mut errors) = (Vec::new(), Vec::new());
            for repeat in 0..200 {
                let mut normals = vec![0.0f32; 100];
                Seed(3).lanes("log-weights", repeat).fill_normal(&mut normals);
                let log_weights: Vec<f64> = normals.iter().map(|&x| sigma * f64::from(x)).collect();
                let mean = LogMeanExp::of(&log_weights);
                values.push(mean.value);
                errors.extend(mean.error_is_known().then_some(mean.error));
            }
            assert!(known.contains(&errors.len()), "σ = {sigma}: {} errors are known", errors.len());
            let moved = mean_and_error(&values).1 * 200f64.sqrt();
            let reported = errors.iter().sum::<f64>() / errors.len().max(1) as f64;
            assert!(
                errors.is_empty() || sigma > 2.0 || moved < 2.0 * reported,
                "σ = {sigma}: {moved}, {reported}"
            );
            assert!(
                sigma < 14.0 || moved > 3.0,
                "the figure moves by {moved}, and 1 was the most that was ever reported"
            );
        }
    }

    #[test]
    fn weights_summed_as_they_come_are_those_summed_at_once() {
        for scale in [0.1, 3.0, 400.0] {
            let log_weights: Vec<f64> = (0..50).map(|i| scale * (1.7 * f64::from(i)).sin() - 2000.0).collect();
            let mut weights = WeightSums::NONE;
            log_weights.iter().for_each(|&w| weights.add(w));
            let (running, at_once) = (weights.log_mean(), LogMeanExp::of(&log_weights));
            for (a, b) in [
                (running.value, at_once.value),
                (running.error, at_once.error),
                (running.effective_sample_size, at_once.effective_sample_size),
            ] {
                assert!(a == b || (a - b).abs() <= 1e-10 * b.abs(), "{a} and {b}");
            }
        }
        let mut weights = WeightSums::NONE;
        weights.add(f64::NEG_INFINITY);
        assert_eq!(weights.log_mean().value, f64::NEG_INFINITY);
        weights.add(1.0);
        assert!((weights.log_mean().value - 1.0 + 2f64.ln()).abs() < 1e-15);
    }
}
