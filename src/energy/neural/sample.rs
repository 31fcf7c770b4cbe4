//! Draws of a model: chains that start with the confinement's normal distribution, are led to the model as its network is
//! switched on, and walk on.

use super::chains::STEP;
use super::{NeuralEnergy, NeuralError, StepSize};
use crate::Setting;
use crate::random::Seed;

/// The settings by which samples are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NeuralSampling {
    /// Langevin steps of each chain. In the first half of them the network's part of the energy rises from 0 to all of it,
    /// so that chains spread over modes before these part; the step size is tuned meanwhile, and then stays.
    pub steps: usize,
    /// The step size to begin with, in units of the data's deviations.
    pub step: f32,
    /// The seed of the chains.
    pub seed: Seed,
}

impl Default for NeuralSampling {
    /// 1,000 steps.
    fn default() -> Self {
        NeuralSampling { steps: 1000, step: 0.5, seed: Seed(0) }
    }
}

/// The mean probability of acceptance that the step size is tuned for: in few dimensions more than 0.574 explores as fast,
/// and narrow valleys are not left out.
const ACCEPTANCE: f64 = 0.7;

impl NeuralEnergy {
    /// `count` draws `[count, width]`, each the end of a chain of its own.
    ///
    /// # Errors
    /// Where there are no draws or steps, or an energy is no number.
    ///
    /// ```
    /// use helmholtz::energy::neural::{NeuralConfig, NeuralEnergy, NeuralSampling};
    /// use helmholtz::Seed;
    /// let energy = NeuralEnergy::new(NeuralConfig::new(2), Seed(1))?;
    /// assert_eq!(energy.sample(10, &NeuralSampling { steps: 50, ..NeuralSampling::default() })?.len(), 20);
    /// # Ok::<(), helmholtz::energy::neural::NeuralError>(())
    /// ```
    pub fn sample(&self, count: usize, sampling: &NeuralSampling) -> Result<Vec<f32>, NeuralError> {
        Setting::at_least_one("the number of steps", sampling.steps)?;
        Setting::positive(STEP, sampling.step)?;
        let mut chains = self.chains(count, sampling.seed)?;
        let tuned = StepSize::Tuned { start: sampling.step, acceptance: ACCEPTANCE };
        let (rise, mut step) = (sampling.steps / 2, sampling.step);
        for done in 1..=rise {
            let beta = done as f32 / rise as f32;
            let acceptance = chains.tempered_step(self, beta, step)?;
            step = tuned.next(step, acceptance);
        }
        chains.langevin(self, step, sampling.steps - rise)?;
        Ok(chains.positions())
    }
}
