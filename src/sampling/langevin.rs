//! The Metropolis-adjusted Langevin algorithm (Rossky, Doll & Friedman 1978; Roberts & Tweedie 1996).
//!
//! A step along the gradient and a normal one, x′ = x + ½ε² ∇log p*(x) + ε ξ, is a proposal
//! q(x′ | x) = N(x′; x + ½ε² ∇log p*(x), ε²), which is not symmetric: its Hastings ratio goes into the acceptance. Without
//! it the chain would have the bias of the discretised diffusion.

use super::kernel::{Chain, MarkovKernel, Outcome, Step, WarmUp};
use super::metropolis::{acceptance, accepted};
use super::tuning::{Tuning, robbins_monro};
use super::{GradientLogDensity, SamplingError};
use crate::Setting;

/// The acceptance at which it explores fastest in many dimensions (Roberts & Rosenthal 1998).
const BEST_ACCEPTANCE: f64 = 0.574;

/// The Metropolis-adjusted Langevin algorithm, MALA.
#[derive(Clone, Debug, PartialEq)]
pub struct Langevin {
    /// The step size ε to begin with.
    pub step: f64,
    /// Whether ε is tuned: towards an acceptance of 0.574, where no other is given.
    pub tuning: Tuning,
}

impl Default for Langevin {
    /// ε = 0.5, tuned in the warm-up.
    fn default() -> Self {
        Langevin { step: 0.5, tuning: Tuning::WarmUp }
    }
}

impl<D: GradientLogDensity + ?Sized> MarkovKernel<D> for Langevin {
    type Chain = LangevinChain;

    fn dimension(&self, target: &D) -> usize {
        target.dimension()
    }

    fn begin(&self, target: &D, start: &[f64], step: &mut Step<'_>) -> Result<LangevinChain, SamplingError> {
        Setting::positive("the step size", self.step)?;
        let wanted = self.tuning.target(Some(BEST_ACCEPTANCE))?;
        let mut here = Place { x: start.to_vec(), gradient: vec![0.0; start.len()], log_density: 0.0 };
        here.evaluate(target, step)?;
        step.started(here.log_density)?;
        Ok(LangevinChain { size: self.step, wanted, there: here.clone(), here, noise: vec![0.0; start.len()] })
    }
}

/// A point with its log-density and gradient.
#[derive(Clone, Debug)]
struct Place {
    x: Vec<f64>,
    gradient: Vec<f64>,
    log_density: f64,
}

impl Place {
    fn evaluate<D: GradientLogDensity + ?Sized>(
        &mut self,
        target: &D,
        step: &mut Step<'_>,
    ) -> Result<(), SamplingError> {
        self.log_density = step.log_density_and_gradient(target, &self.x, &mut self.gradient)?;
        Ok(())
    }
}

/// A Langevin chain under way.
#[derive(Clone, Debug)]
pub struct LangevinChain {
    /// ε.
    size: f64,
    wanted: Option<f64>,
    here: Place,
    there: Place,
    /// ξ.
    noise: Vec<f64>,
}

impl LangevinChain {
    /// log q(x | x′) − log q(x′ | x).
    fn log_hastings(&self) -> f64 {
        let size = self.size;
        let back = |i: usize| {
            let drift = 0.5 * size * size * self.there.gradient[i];
            (self.here.x[i] - self.there.x[i] - drift) / size
        };
        let squares: f64 = (0..self.noise.len()).map(|i| self.noise[i].powi(2) - back(i).powi(2)).sum();
        0.5 * squares
    }
}

impl<D: GradientLogDensity + ?Sized> Chain<D> for LangevinChain {
    fn position(&self) -> &[f64] {
        &self.here.x
    }

    fn relocate(&mut self, target: &D, position: &[f64], step: &mut Step<'_>) -> Result<(), SamplingError> {
        self.here.x.copy_from_slice(position);
        self.here.evaluate(target, step)
    }

    fn step(&mut self, target: &D, step: &mut Step<'_>) -> Result<Outcome, SamplingError> {
        let size = self.size;
        step.stream.fill_normal(&mut self.noise);
        for (i, x) in self.there.x.iter_mut().enumerate() {
            *x = self.here.x[i] + 0.5 * size * size * self.here.gradient[i] + size * self.noise[i];
        }
        self.there.evaluate(target, step)?;
        let acceptance = acceptance(self.here.log_density, self.there.log_density, self.log_hastings());
        if accepted(acceptance, step.stream) {
            std::mem::swap(&mut self.here, &mut self.there);
        }
        Ok(Outcome { acceptance, diverged: false })
    }

    fn adapt(&mut self, _: &D, outcome: Outcome, warm_up: WarmUp, _: &mut Step<'_>) -> Result<(), SamplingError> {
        if let Some(wanted) = self.wanted {
            self.size *= robbins_monro(outcome.acceptance, wanted, warm_up.done).exp();
        }
        Ok(())
    }

    fn scale(&self) -> f64 {
        self.size
    }
}
