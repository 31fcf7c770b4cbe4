//! The Metropolis–Hastings algorithm (Metropolis et al. 1953; Hastings 1970).
//!
//! From x propose x′ ~ q(x′ | x) and go there with probability min(1, r), else stay,
//!
//! r = p*(x′) q(x | x′) / (p*(x) q(x′ | x)).
//!
//! The normaliser of p* cancels. Then p(x) q(x′ | x) min(1, r) is symmetric in x and x′: detailed balance, so p is left
//! unchanged. Dropping q's ratio is right for symmetric proposals alone.

use super::kernel::{Chain, MarkovKernel, Outcome, Step, WarmUp};
use super::tuning::{Tuning, robbins_monro};
use super::{LogDensity, Proposal, SamplingError};
use crate::random::Stream;
use rand::RngExt;

/// min(1, r) by the logarithms of p*(x), p*(x′) and of the proposal's ratio. A point of density zero is never entered.
pub(super) fn acceptance(log_density: f64, proposed: f64, log_hastings: f64) -> f64 {
    if proposed == f64::NEG_INFINITY {
        return 0.0;
    }
    (proposed - log_density + log_hastings).min(0.0).exp()
}

/// True with this probability. The uniform lies in [0, 1): a probability of 0 is never taken, one of 1 always.
pub(super) fn accepted(probability: f64, stream: &mut Stream) -> bool {
    stream.random::<f64>() < probability
}

/// Metropolis–Hastings with a proposal of one's choice.
#[derive(Clone, Debug, PartialEq)]
pub struct Metropolis<P> {
    /// Where it might go next.
    pub proposal: P,
    /// Whether the proposal's scale is tuned.
    pub tuning: Tuning,
}

impl<P: Proposal> Metropolis<P> {
    /// With `proposal`, whose scale is tuned in the warm-up where it has one.
    pub fn new(proposal: P) -> Self {
        Metropolis { proposal, tuning: Tuning::WarmUp }
    }
}

impl<D: LogDensity + ?Sized, P: Proposal> MarkovKernel<D> for Metropolis<P> {
    type Chain = MetropolisChain<P>;

    fn dimension(&self, target: &D) -> usize {
        target.dimension()
    }

    fn begin(&self, target: &D, start: &[f64], step: &mut Step<'_>) -> Result<MetropolisChain<P>, SamplingError> {
        self.proposal.check(start.len())?;
        let wanted = self.tuning.target(self.proposal.best_acceptance(start.len()))?;
        let log_density = step.log_density(target, start)?;
        Ok(MetropolisChain {
            proposal: self.proposal.clone(),
            wanted,
            scale: 1.0,
            x: start.to_vec(),
            to: vec![0.0; start.len()],
            log_density: step.started(log_density)?,
        })
    }
}

/// A Metropolis–Hastings chain under way.
#[derive(Clone, Debug)]
pub struct MetropolisChain<P> {
    proposal: P,
    /// The acceptance that the scale is tuned for.
    wanted: Option<f64>,
    /// Factor of the proposal's scale so far.
    scale: f64,
    x: Vec<f64>,
    to: Vec<f64>,
    log_density: f64,
}

impl<D: LogDensity + ?Sized, P: Proposal> Chain<D> for MetropolisChain<P> {
    fn position(&self) -> &[f64] {
        &self.x
    }

    fn relocate(&mut self, target: &D, position: &[f64], step: &mut Step<'_>) -> Result<(), SamplingError> {
        self.x.copy_from_slice(position);
        self.log_density = step.log_density(target, position)?;
        Ok(())
    }

    fn step(&mut self, target: &D, step: &mut Step<'_>) -> Result<Outcome, SamplingError> {
        let proposed = self.proposal.propose(&self.x, &mut self.to, step.stream);
        let log_hastings = step.settle(proposed, f64::NEG_INFINITY)?;
        if log_hastings.is_nan() || log_hastings == f64::INFINITY {
            return Err(step.non_finite("the proposal's log-ratio", log_hastings));
        }
        if log_hastings == f64::NEG_INFINITY {
            return Ok(Outcome { acceptance: 0.0, diverged: false });
        }
        if let Some(&value) = self.to.iter().find(|x| x.is_nan()) {
            return Err(step.non_finite("the proposal", value));
        }
        let log_density = step.log_density(target, &self.to)?;
        let acceptance = acceptance(self.log_density, log_density, log_hastings);
        if accepted(acceptance, step.stream) {
            std::mem::swap(&mut self.x, &mut self.to);
            self.log_density = log_density;
        }
        Ok(Outcome { acceptance, diverged: false })
    }

    fn adapt(&mut self, _: &D, outcome: Outcome, warm_up: WarmUp, _: &mut Step<'_>) -> Result<(), SamplingError> {
        if let Some(wanted) = self.wanted {
            let factor = robbins_monro(outcome.acceptance, wanted, warm_up.done).exp();
            self.proposal.rescale(factor);
            self.scale *= factor;
        }
        Ok(())
    }

    fn scale(&self) -> f64 {
        self.scale
    }
}
