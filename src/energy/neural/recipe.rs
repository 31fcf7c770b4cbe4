//! How a neural energy is trained: a plain struct with good defaults.

use super::NeuralError;
use super::chains::{check_step, check_steps};
use crate::optim::{Adam, Schedule};

/// What the gradient is of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    /// The log-likelihood, the model's phase being averaged over Markov chains.
    TwoPhase(TwoPhase),
    /// ½E|σ s(u + σε) + ε|² with ε ~ N(0, I) and the score s = −∂E/∂u (Vincent 2011): its optimum is the score of the data with
    /// noise of deviation σ, whatever normalises it. Cheap, as there are no chains; but where the data has islands, their
    /// relative weights are learned from the few points between them.
    DenoisingScoreMatching {
        /// σ, in units of the data's deviations.
        noise: f32,
    },
}

impl Default for Method {
    fn default() -> Self {
        Method::TwoPhase(TwoPhase::default())
    }
}

/// The gradient in two phases, ⟨∂E/∂θ⟩_data − ⟨∂E/∂θ⟩_model, of the negative log-likelihood. The model's phase is a mean over chains
/// that persist in a replay buffer from update to update (Tieleman 2008; Du & Mordatch 2019): each update takes some of
/// them out, lets a few start anew from noise, moves them all, and puts them back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TwoPhase {
    /// Chains that an update moves; `None`: as many as rows of a batch.
    pub chains: Option<usize>,
    /// Chains of the replay buffer, a multiple of the above: each is moved in every so manieth update. `None`: twice as many.
    pub buffer: Option<usize>,
    /// With what probability a chain that is taken out starts anew from N(m, s² / κ), in [0, 1]; at 1 none persists
    /// (Nijkamp et al. 2019).
    pub restart: f64,
    /// Langevin steps of an update, with an exact accept step.
    pub steps: usize,
    /// How large they are.
    pub step: StepSize,
    /// Weight α of the regulariser α (⟨E²⟩_data + ⟨E²⟩_model), which keeps energies about 0 (Du & Mordatch 2019).
    pub regulariser: f32,
}

impl Default for TwoPhase {
    fn default() -> Self {
        TwoPhase {
            chains: None,
            buffer: None,
            restart: 0.02,
            steps: 10,
            step: StepSize::Tuned { start: 0.2, acceptance: 0.7 },
            regulariser: 1e-4,
        }
    }
}

impl TwoPhase {
    /// Chains that an update on `batch` rows moves, and chains of the buffer.
    pub(super) fn sizes(&self, batch: usize) -> [usize; 2] {
        let chains = self.chains.unwrap_or(batch);
        [chains, self.buffer.unwrap_or(chains.saturating_mul(2))]
    }
}

/// The size ε of a Langevin step, in units of the data's deviations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StepSize {
    /// It stays as given.
    Fixed(f32),
    /// After every update it grows or shrinks by the difference of the acceptance there was and the one wanted.
    Tuned {
        /// What it is at first.
        start: f32,
        /// The mean probability of acceptance that is wanted, between 0 and 1.
        acceptance: f64,
    },
}

impl StepSize {
    /// What it is at first.
    pub fn start(self) -> f32 {
        match self {
            StepSize::Fixed(step) | StepSize::Tuned { start: step, .. } => step,
        }
    }

    /// Checks its numbers.
    ///
    /// # Errors
    /// Where a step is not positive, or the acceptance not between 0 and 1.
    pub fn check(self) -> Result<(), NeuralError> {
        check_step(self.start())?;
        match self {
            StepSize::Tuned { acceptance, .. } if !(acceptance > 0.0 && acceptance < 1.0) => {
                Err(NeuralError::setting("the acceptance to tune for", acceptance, "between 0 and 1"))
            }
            _ => Ok(()),
        }
    }

    /// The next size after one with this acceptance: ln ε moves by a tenth of what the acceptance was above the one wanted. A
    /// gain that does not fall follows a model that changes.
    pub(super) fn next(self, step: f32, acceptance: f64) -> f32 {
        match self {
            StepSize::Fixed(_) => step,
            StepSize::Tuned { acceptance: wanted, .. } => {
                let next = f64::from(step) * (0.1 * (acceptance - wanted)).exp();
                next.clamp(SMALLEST, LARGEST) as f32
            }
        }
    }
}

/// Bounds of a tuned step: ten deviations of the data lead out of everything, and a ten-thousandth leads nowhere.
const SMALLEST: f64 = 1e-4;
const LARGEST: f64 = 10.0;

/// A training recipe. Gradients are of the mean over the batch.
///
/// ```
/// use helmholtz::energy::neural::{Method, NeuralRecipe, TwoPhase};
/// let short_run = TwoPhase { restart: 1.0, steps: 50, ..TwoPhase::default() };
/// let recipe = NeuralRecipe { method: Method::TwoPhase(short_run), ..NeuralRecipe::default() };
/// recipe.check(128)?;
/// # Ok::<(), helmholtz::energy::neural::NeuralError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NeuralRecipe {
    /// What the gradient is of.
    pub method: Method,
    /// Adam's rate, before the schedule.
    pub learning_rate: f32,
    /// What becomes of the rate over the run.
    pub schedule: Schedule,
    /// The optimiser's other settings.
    pub adam: Adam,
    /// The gradient's largest Euclidean norm: a longer one is scaled down to it. `None`: as it is.
    pub clip: Option<f64>,
    /// What an average of the parameters keeps each step, in [0, 1); it is kept beside the parameters and evaluated beside
    /// them. 0 keeps none.
    pub average_decay: f64,
}

impl Default for NeuralRecipe {
    fn default() -> Self {
        NeuralRecipe {
            method: Method::default(),
            learning_rate: 5e-3,
            schedule: Schedule::default(),
            adam: Adam::default(),
            clip: Some(1.0),
            average_decay: 0.995,
        }
    }
}

impl NeuralRecipe {
    /// Checks every setting against its range, for updates on `batch` rows.
    ///
    /// # Errors
    /// Names the first setting out of its range.
    pub fn check(&self, batch: usize) -> Result<(), NeuralError> {
        let setting = |name, given: f64, wanted| Err(NeuralError::setting(name, given, wanted));
        if batch == 0 {
            return setting("the batch size", 0.0, "at least 1");
        }
        match self.method {
            Method::TwoPhase(phases) => {
                let [chains, buffer] = phases.sizes(batch);
                check_steps("the number of chains", chains)?;
                check_steps("the number of Langevin steps", phases.steps)?;
                phases.step.check()?;
                if buffer == 0 || !buffer.is_multiple_of(chains) {
                    let wanted = "a multiple of the chains of an update";
                    return Err(NeuralError::setting("the size of the replay buffer", buffer, wanted));
                }
                if !(0.0..=1.0).contains(&phases.restart) {
                    return setting("the share of restarts", phases.restart, "from 0 to 1");
                }
                if !(phases.regulariser >= 0.0 && phases.regulariser.is_finite()) {
                    return setting("the regulariser", phases.regulariser.into(), "0 or a positive number");
                }
            }
            Method::DenoisingScoreMatching { noise } if !(noise > 0.0 && noise.is_finite()) => {
                return setting("the noise of score matching", noise.into(), "a positive number");
            }
            Method::DenoisingScoreMatching { .. } => {}
        }
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            return setting("the learning rate", self.learning_rate.into(), "a positive number");
        }
        if let Some(clip) = self.clip.filter(|clip| !(*clip > 0.0 && clip.is_finite())) {
            return setting("the largest norm of the gradient", clip, "a positive number");
        }
        if !(0.0..1.0).contains(&self.average_decay) {
            return setting("the decay of the average", self.average_decay, "at least 0 and below 1");
        }
        Ok(())
    }
}
