//! Two kernels in turns.

use super::SamplingError;
use super::kernel::{Chain, Exchanges, MarkovKernel, Outcome, Step, WarmUp};

/// A step of the first kernel, then one of the second. What both leave unchanged, their composition does. The acceptance
/// and the step size reported are the first's.
#[derive(Clone, Debug, PartialEq)]
pub struct Cycle<A, B>(pub A, pub B);

impl<T: ?Sized, A: MarkovKernel<T>, B: MarkovKernel<T>> MarkovKernel<T> for Cycle<A, B> {
    type Chain = CycleChain<A::Chain, B::Chain>;

    fn dimension(&self, target: &T) -> usize {
        self.0.dimension(target)
    }

    fn begin(&self, target: &T, start: &[f64], step: &mut Step<'_>) -> Result<Self::Chain, SamplingError> {
        let first = self.0.begin(target, start, step)?;
        Ok(CycleChain { first, second: self.1.begin(target, start, step)?, of_second: None })
    }
}

/// Two chains that hand one position to and fro.
#[derive(Clone, Debug)]
pub struct CycleChain<A, B> {
    first: A,
    second: B,
    of_second: Option<Outcome>,
}

impl<T: ?Sized, A: Chain<T>, B: Chain<T>> Chain<T> for CycleChain<A, B> {
    fn position(&self) -> &[f64] {
        self.second.position()
    }

    fn relocate(&mut self, target: &T, position: &[f64], step: &mut Step<'_>) -> Result<(), SamplingError> {
        self.second.relocate(target, position, step)
    }

    fn step(&mut self, target: &T, step: &mut Step<'_>) -> Result<Outcome, SamplingError> {
        self.first.relocate(target, self.second.position(), step)?;
        let outcome = self.first.step(target, step)?;
        self.second.relocate(target, self.first.position(), step)?;
        let second = self.second.step(target, step)?;
        self.of_second = Some(second);
        Ok(Outcome { acceptance: outcome.acceptance, diverged: outcome.diverged || second.diverged })
    }

    fn adapt(
        &mut self,
        target: &T,
        outcome: Outcome,
        warm_up: WarmUp,
        step: &mut Step<'_>,
    ) -> Result<(), SamplingError> {
        self.first.adapt(target, outcome, warm_up, step)?;
        match self.of_second {
            Some(of_second) => self.second.adapt(target, of_second, warm_up, step),
            None => Ok(()),
        }
    }

    fn scale(&self) -> f64 {
        self.first.scale()
    }

    fn exchanges(&self) -> Exchanges {
        self.first.exchanges()
    }
}
