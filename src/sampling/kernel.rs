//! What a Markov chain does: a kernel begins a chain, and the chain steps.

use super::{DensityError, GradientLogDensity, LogDensity, SamplingError};
use crate::random::Stream;

/// A kind of Markov chain that leaves the target `T` unchanged: the settings of one.
///
/// Ready ones are [`Metropolis`](super::Metropolis), [`Langevin`](super::Langevin),
/// [`Hamiltonian`](super::Hamiltonian), [`Gibbs`](super::Gibbs), [`Tempering`](super::Tempering), and
/// [`Cycle`](super::Cycle) of two of them. [`Run::sample`](super::Run::sample) runs any.
pub trait MarkovKernel<T: ?Sized>: Sync {
    /// A chain under way.
    type Chain: Chain<T>;

    /// Components of the target's points.
    fn dimension(&self, target: &T) -> usize;

    /// A chain at `start` `[dimension]`.
    ///
    /// # Errors
    /// Where a setting is out of its range, or the target cannot be started from there.
    fn begin(&self, target: &T, start: &[f64], step: &mut Step<'_>) -> Result<Self::Chain, SamplingError>;
}

/// A chain under way: where it is, and what it has learned in its warm-up.
pub trait Chain<T: ?Sized>: Send {
    /// Where it is, `[dimension]`.
    fn position(&self) -> &[f64];

    /// Moves it to `position` `[dimension]`, for another kernel has moved it or another chain was there.
    ///
    /// # Errors
    /// As [`Chain::step`].
    fn relocate(&mut self, target: &T, position: &[f64], step: &mut Step<'_>) -> Result<(), SamplingError>;

    /// One step.
    ///
    /// # Errors
    /// Where the target is NaN or +∞, or gives up for good.
    fn step(&mut self, target: &T, step: &mut Step<'_>) -> Result<Outcome, SamplingError>;

    /// Learns from an outcome. Called after each step of the warm-up, and never again.
    ///
    /// # Errors
    /// As [`Chain::step`].
    fn adapt(
        &mut self,
        _target: &T,
        _outcome: Outcome,
        _warm_up: WarmUp,
        _step: &mut Step<'_>,
    ) -> Result<(), SamplingError> {
        Ok(())
    }

    /// Its step size or the factor of its proposal's scale; NaN where it has none.
    fn scale(&self) -> f64 {
        f64::NAN
    }

    /// Fractions of exchanges accepted and round trips finished since the warm-up, of chains that have them.
    fn exchanges(&self) -> Exchanges {
        Exchanges::default()
    }
}

/// Outcome of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// The probability with which the proposal was accepted.
    pub acceptance: f64,
    /// Whether an approximate trajectory left the path of equal energy for good.
    pub diverged: bool,
}

/// Where a chain is in its warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WarmUp {
    /// Steps finished, from 1.
    pub done: usize,
    /// Steps there are.
    pub of: usize,
}

/// Exchanges between replicas at several temperatures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exchanges {
    /// Fraction accepted between each temperature and the next hotter one.
    pub accepted: Vec<f64>,
    /// Journeys of all replicas from the coldest temperature to the hottest and back.
    pub round_trips: u64,
}

/// The means of a step: randomness, its number, and the one way to ask for a density.
#[derive(Debug)]
pub struct Step<'s> {
    /// The chain's own stream.
    pub stream: &'s mut Stream,
    /// Which chain.
    pub chain: usize,
    /// Steps finished before this one.
    pub done: usize,
    /// Points so far where the density gave up for once.
    pub recoverable_errors: u64,
}

impl<'s> Step<'s> {
    /// Before the first step of chain `chain`.
    pub fn first(stream: &'s mut Stream, chain: usize) -> Self {
        Step { stream, chain, done: 0, recoverable_errors: 0 }
    }

    /// log p*(x); −∞ where the density gave up for once, which is counted.
    ///
    /// # Errors
    /// NaN, +∞, or a density that gives up for good.
    pub fn log_density<D: LogDensity + ?Sized>(&mut self, target: &D, x: &[f64]) -> Result<f64, SamplingError> {
        let value = target.log_density(x);
        self.settle(value, f64::NEG_INFINITY).and_then(|value| self.finite_or_zero(value))
    }

    /// log p*(x) and its gradient; −∞, and a gradient without meaning, where the density gave up for once.
    ///
    /// # Errors
    /// NaN, +∞, a gradient that is not finite where the density is not zero, or a density that gives up for good.
    pub fn log_density_and_gradient<D: GradientLogDensity + ?Sized>(
        &mut self,
        target: &D,
        x: &[f64],
        gradient: &mut [f64],
    ) -> Result<f64, SamplingError> {
        let value = target.log_density_and_gradient(x, gradient);
        let value = self.settle(value, f64::NEG_INFINITY).and_then(|value| self.finite_or_zero(value))?;
        match gradient.iter().find(|slope| !slope.is_finite()) {
            Some(&slope) if value > f64::NEG_INFINITY => Err(self.non_finite("the gradient", slope)),
            _ => Ok(value),
        }
    }

    /// log p*(x) where a chain starts.
    ///
    /// # Errors
    /// As [`Step::log_density`], and where it is −∞.
    pub(super) fn started(&self, log_density: f64) -> Result<f64, SamplingError> {
        match log_density {
            f64::NEG_INFINITY => Err(SamplingError::Start { chain: self.chain, log_density }),
            _ => Ok(log_density),
        }
    }

    /// The value of `result`, or `instead` where the density gave up for once, which is counted.
    ///
    /// # Errors
    /// Where it gave up for good.
    pub fn settle<V>(&mut self, result: Result<V, DensityError>, instead: V) -> Result<V, SamplingError> {
        match result {
            Ok(value) => Ok(value),
            Err(DensityError::Recoverable(_)) => {
                self.recoverable_errors += 1;
                Ok(instead)
            }
            Err(fatal) => Err(SamplingError::Density(fatal)),
        }
    }

    /// The error of `what`, which gave `value` in this step.
    pub fn non_finite(&self, what: &'static str, value: f64) -> SamplingError {
        SamplingError::NonFinite { what, value, step: self.done }
    }

    fn finite_or_zero(&self, value: f64) -> Result<f64, SamplingError> {
        if value.is_nan() || value == f64::INFINITY {
            return Err(self.non_finite("the log-density", value));
        }
        Ok(value)
    }
}
