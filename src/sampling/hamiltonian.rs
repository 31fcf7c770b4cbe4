//! Hamiltonian Monte Carlo (Duane, Kennedy, Pendleton & Roweth 1987; Neal 2011).
//!
//! Give each component a momentum pᵢ ~ N(0, mᵢ) and follow H(x, p) = −log p*(x) + ½ Σ pᵢ² / mᵢ by leapfrog steps,
//!
//! p ← p + ½ε ∇log p*(x);  x ← x + ε p / m;  p ← p + ½ε ∇log p*(x),
//!
//! which preserve volume and run backwards when p is turned around; where they end is accepted with probability
//! min(1, e^(H − H′)). The step size is tuned by dual averaging, the masses to the inverse variances of the warm-up's draws.

use super::dual_averaging::DualAveraging;
use super::kernel::{Chain, MarkovKernel, Outcome, Step, WarmUp};
use super::mass::MassLearner;
use super::metropolis::accepted;
use super::tuning::Tuning;
use super::{GradientLogDensity, SamplingError};
use crate::Setting;
use rand::RngExt;

/// The acceptance that the step size is tuned to (Betancourt, Byrne & Girolami 2014).
const BEST_ACCEPTANCE: f64 = 0.8;
/// A trajectory whose energy is this far off will not come back (Hoffman & Gelman 2014, Δmax).
const DIVERGENCE: f64 = 1000.0;
/// The most leapfrog steps of a trajectory given by its length.
const MOST_STEPS: f64 = 1000.0;

/// How far a trajectory goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trajectory {
    /// So many leapfrog steps. Where all directions have one period, it may come back to where it began.
    Steps(usize),
    /// A length ε · steps drawn uniformly from 0 to twice this for each trajectory, at most 1,000 steps: no direction can
    /// be in step with it. With adapted masses, lengths are in standard deviations of a component.
    Jittered(f64),
}

/// The masses of the components.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mass {
    /// All 1.
    Unit,
    /// One over the variance of the component's draws, learned in windows of the warm-up, each twice as long as the one
    /// before.
    Adapted,
}

/// Hamiltonian Monte Carlo.
#[derive(Clone, Debug, PartialEq)]
pub struct Hamiltonian {
    /// The step size ε; where it is tuned, what the search for one begins with.
    pub step: f64,
    /// How far a trajectory goes.
    pub trajectory: Trajectory,
    /// The masses.
    pub mass: Mass,
    /// Whether ε is tuned: towards an acceptance of 0.8, where no other is given.
    pub tuning: Tuning,
}

impl Default for Hamiltonian {
    /// Jittered trajectories of mean length 2, adapted masses, and a step size tuned from 0.1.
    fn default() -> Self {
        Hamiltonian {
            step: 0.1,
            trajectory: Trajectory::Jittered(2.0),
            mass: Mass::Adapted,
            tuning: Tuning::WarmUp,
        }
    }
}

impl<D: GradientLogDensity + ?Sized> MarkovKernel<D> for Hamiltonian {
    type Chain = HamiltonianChain;

    fn dimension(&self, target: &D) -> usize {
        target.dimension()
    }

    fn begin(&self, target: &D, start: &[f64], step: &mut Step<'_>) -> Result<HamiltonianChain, SamplingError> {
        Setting::positive("the step size", self.step)?;
        match self.trajectory {
            Trajectory::Steps(steps) => Setting::at_least_one("the leapfrog steps", steps)?,
            Trajectory::Jittered(length) => Setting::positive("the trajectory length", length)?,
        }
        let wanted = self.tuning.target(Some(BEST_ACCEPTANCE))?;
        let here = Phase::new(start);
        let mut chain = HamiltonianChain {
            size: self.step,
            trajectory: self.trajectory,
            averaging: None,
            learner: (self.mass == Mass::Adapted).then(|| MassLearner::new(start.len())),
            variances: vec![1.0; start.len()],
            there: here.clone(),
            here,
        };
        chain.relocate(target, start, step)?;
        step.started(chain.here.log_density)?;
        if let Some(wanted) = wanted {
            chain.find_size(target, step)?;
            chain.averaging = Some(DualAveraging::new(wanted, chain.size));
        }
        Ok(chain)
    }
}

/// A point of phase space.
#[derive(Clone, Debug)]
struct Phase {
    x: Vec<f64>,
    momentum: Vec<f64>,
    gradient: Vec<f64>,
    log_density: f64,
}

impl Phase {
    fn new(x: &[f64]) -> Self {
        let zeros = vec![0.0; x.len()];
        Phase { x: x.to_vec(), momentum: zeros.clone(), gradient: zeros, log_density: 0.0 }
    }

    fn copy_from(&mut self, other: &Phase) {
        self.x.copy_from_slice(&other.x);
        self.momentum.copy_from_slice(&other.momentum);
        self.gradient.copy_from_slice(&other.gradient);
        self.log_density = other.log_density;
    }

    /// p ← p + ½ε ∇log p*(x).
    fn kick(&mut self, size: f64) {
        self.momentum.iter_mut().zip(&self.gradient).for_each(|(p, slope)| *p += 0.5 * size * slope);
    }

    /// x ← x + ε p / m.
    fn drift(&mut self, size: f64, variances: &[f64]) {
        for (i, x) in self.x.iter_mut().enumerate() {
            *x += size * variances[i] * self.momentum[i];
        }
    }

    /// H.
    fn energy(&self, variances: &[f64]) -> f64 {
        let kinetic: f64 = self.momentum.iter().zip(variances).map(|(p, variance)| p * p * variance).sum();
        0.5 * kinetic - self.log_density
    }
}

/// A Hamiltonian chain under way.
#[derive(Clone, Debug)]
pub struct HamiltonianChain {
    /// ε.
    size: f64,
    trajectory: Trajectory,
    averaging: Option<DualAveraging>,
    learner: Option<MassLearner>,
    /// 1 / m, `[dimension]`.
    variances: Vec<f64>,
    here: Phase,
    there: Phase,
}

impl HamiltonianChain {
    /// Follows a trajectory of `steps` leapfrog steps from `here` with a new momentum to `there`. H − H′, or `None` where
    /// it diverged.
    fn follow<D: GradientLogDensity + ?Sized>(
        &mut self,
        target: &D,
        steps: usize,
        step: &mut Step<'_>,
    ) -> Result<Option<f64>, SamplingError> {
        step.stream.fill_normal(&mut self.here.momentum);
        for (p, variance) in self.here.momentum.iter_mut().zip(&self.variances) {
            *p /= variance.sqrt();
        }
        let energy = self.here.energy(&self.variances);
        self.there.copy_from(&self.here);
        let mut gain = 0.0;
        for _ in 0..steps {
            self.there.kick(self.size);
            self.there.drift(self.size, &self.variances);
            if !self.there.x.iter().all(|x| x.is_finite()) {
                return Ok(None);
            }
            let Phase { x, gradient, log_density, .. } = &mut self.there;
            *log_density = step.log_density_and_gradient(target, x, gradient)?;
            if *log_density == f64::NEG_INFINITY {
                return Ok(None);
            }
            self.there.kick(self.size);
            gain = energy - self.there.energy(&self.variances);
            if gain.is_nan() || gain < -DIVERGENCE {
                return Ok(None);
            }
        }
        Ok(Some(gain))
    }

    /// Doubles or halves ε until the acceptance of a single leapfrog step crosses 0.8 (Hoffman & Gelman 2014, algorithm
    /// 4, with Stan's threshold).
    fn find_size<D: GradientLogDensity + ?Sized>(
        &mut self,
        target: &D,
        step: &mut Step<'_>,
    ) -> Result<(), SamplingError> {
        let mut grew = None;
        for _ in 0..60 {
            let gain = self.follow(target, 1, step)?;
            let grow = gain.is_some_and(|gain| gain > BEST_ACCEPTANCE.ln());
            if grew.is_some_and(|grew| grew != grow) {
                break;
            }
            self.size *= if grow { 2.0 } else { 0.5 };
            grew = Some(grow);
        }
        Ok(())
    }

    fn steps(&self, step: &mut Step<'_>) -> usize {
        match self.trajectory {
            Trajectory::Steps(steps) => steps,
            Trajectory::Jittered(length) => {
                let drawn = 2.0 * length * step.stream.random::<f64>();
                (drawn / self.size).ceil().clamp(1.0, MOST_STEPS) as usize
            }
        }
    }
}

impl<D: GradientLogDensity + ?Sized> Chain<D> for HamiltonianChain {
    fn position(&self) -> &[f64] {
        &self.here.x
    }

    fn relocate(&mut self, target: &D, position: &[f64], step: &mut Step<'_>) -> Result<(), SamplingError> {
        let Phase { x, gradient, log_density, .. } = &mut self.here;
        x.copy_from_slice(position);
        *log_density = step.log_density_and_gradient(target, x, gradient)?;
        Ok(())
    }

    fn step(&mut self, target: &D, step: &mut Step<'_>) -> Result<Outcome, SamplingError> {
        let steps = self.steps(step);
        let Some(gain) = self.follow(target, steps, step)? else {
            return Ok(Outcome { acceptance: 0.0, diverged: true });
        };
        let acceptance = gain.min(0.0).exp();
        if accepted(acceptance, step.stream) {
            std::mem::swap(&mut self.here, &mut self.there);
        }
        Ok(Outcome { acceptance, diverged: false })
    }

    fn adapt(
        &mut self,
        target: &D,
        outcome: Outcome,
        warm_up: WarmUp,
        step: &mut Step<'_>,
    ) -> Result<(), SamplingError> {
        if let Some(averaging) = &mut self.averaging {
            self.size = averaging.learn(outcome.acceptance);
        }
        let window_ended = match &mut self.learner {
            Some(learner) => learner.learn(&self.here.x, warm_up, &mut self.variances),
            None => false,
        };
        if let Some(DualAveraging { wanted, .. }) = self.averaging {
            if window_ended {
                self.find_size(target, step)?;
                self.averaging = Some(DualAveraging::new(wanted, self.size));
            }
            if warm_up.done == warm_up.of {
                self.size = self.averaging.map_or(self.size, |averaging| averaging.average());
            }
        }
        Ok(())
    }

    fn scale(&self) -> f64 {
        self.size
    }
}
