//! The recipe by which a neural energy is trained: a plain struct with good defaults.

use super::chains::STEP;
use crate::Setting;
use crate::optim::Descent;

/// The method of training: the figure whose gradient is followed.
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
    /// Chains of the replay buffer, a multiple of the above: a buffer
    /// of n times as many moves each chain once in n updates. `None`: twice as many.
    pub buffer: Option<usize>,
    /// The probability that a chain that is taken out starts anew from N(m, s² / κ), in [0, 1]; at 1 none persists
    /// (Nijkamp et al. 2019).
    pub restart: f64,
    /// Langevin steps of an update, with an exact accept step.
    pub steps: usize,
    /// Their size.
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
    fn check(&self, batch: usize) -> Result<(), Setting> {
        let [chains, buffer] = self.sizes(batch);
        Setting::at_least_one("the number of chains", chains)?;
        Setting::at_least_one("the number of Langevin steps", self.steps)?;
        self.step.check()?;
        let whole = buffer > 0 && buffer.is_multiple_of(chains);
        Setting::check(whole, "the size of the replay buffer", buffer, "a multiple of the chains of an update")?;
        let share = (0.0..=1.0).contains(&self.restart);
        Setting::check(share, "the share of restarts", self.restart, "from 0 to 1")?;
        Setting::not_negative("the regulariser", self.regulariser)
    }

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
        /// The size of the first one.
        start: f32,
        /// The mean probability of acceptance that is wanted, between 0 and 1.
        acceptance: f64,
    },
}

impl StepSize {
    /// The size of the first one.
    pub fn start(self) -> f32 {
        match self {
            StepSize::Fixed(step) | StepSize::Tuned { start: step, .. } => step,
        }
    }

    /// Checks its numbers.
    ///
    /// # Errors
    /// Where a step is not positive, or the acceptance not between 0 and 1.
    pub fn check(self) -> Result<(), Setting> {
        Setting::positive(STEP, self.start())?;
        match self {
            StepSize::Tuned { acceptance, .. } => {
                let good = acceptance > 0.0 && acceptance < 1.0;
                Setting::check(good, "the acceptance to tune for", acceptance, "between 0 and 1")
            }
            StepSize::Fixed(_) => Ok(()),
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
/// # Ok::<(), helmholtz::Setting>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NeuralRecipe {
    /// The figure whose gradient is followed.
    pub method: Method,
    /// The settings of the parameters' descent.
    pub descent: Descent,
}

impl Default for NeuralRecipe {
    fn default() -> Self {
        NeuralRecipe {
            method: Method::default(),
            descent: Descent { learning_rate: 5e-3, clip: Some(1.0), average_decay: 0.995, ..Descent::default() },
        }
    }
}

impl NeuralRecipe {
    /// Checks every setting against its range, for updates on `batch` rows.
    ///
    /// # Errors
    /// Names the first setting out of its range.
    pub fn check(&self, batch: usize) -> Result<(), Setting> {
        Setting::at_least_one("the batch size", batch)?;
        match self.method {
            Method::TwoPhase(phases) => phases.check(batch)?,
            Method::DenoisingScoreMatching { noise } => Setting::positive("the noise of score matching", noise)?,
        }
        self.descent.check()
    }
}
