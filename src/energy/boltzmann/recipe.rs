//! How a Boltzmann machine is trained: a plain struct with good defaults.

use super::BoltzmannError;

/// How ⟨xᵢ xⱼ⟩ under the data is found. Without hidden units it is exact whichever is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataTerm {
    /// Hidden units drawn with the batch clamped, from fair coins, so many sweeps of Gibbs sampling.
    Gibbs {
        /// Sweeps a step.
        sweeps: usize,
    },
    /// Hidden units' means by the naive mean-field equations, so many sweeps from ½ (Peterson & Anderson 1987;
    /// Salakhutdinov & Hinton 2009). A lower bound of the likelihood is climbed instead of the likelihood.
    MeanField {
        /// Sweeps a step.
        sweeps: usize,
    },
    /// The sum over all states of at most 20 hidden units.
    Exact,
}

/// How ⟨xᵢ xⱼ⟩ under the model is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelTerm {
    /// k sweeps a step of chains that go on where the step before left them (Younes 1989; Tieleman 2008).
    Persistent {
        /// Sweeps a step.
        k: usize,
    },
    /// k sweeps a step from fair coins: unbiased only where k is enough to forget them (Ackley, Hinton & Sejnowski 1985).
    Restarted {
        /// Sweeps a step.
        k: usize,
    },
    /// The sum over all states of at most 20 units.
    Exact,
}

/// A training recipe. The rate falls linearly from `learning_rate` to 0 over the whole run.
///
/// ```
/// use helmholtz::energy::boltzmann::{ModelTerm, Recipe};
/// let recipe = Recipe { model: ModelTerm::Persistent { k: 5 }, learning_rate: 0.02, ..Recipe::default() };
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recipe {
    /// How the data's expectation is found.
    pub data: DataTerm,
    /// How the model's expectation is found.
    pub model: ModelTerm,
    /// Chains of the model; as many as the batch has rows where `None`.
    pub chains: Option<usize>,
    /// Step of gradient ascent on the mean log-likelihood, at the start.
    pub learning_rate: f32,
    /// What is kept of the step before, in [0, 1).
    pub momentum: f32,
    /// Strength λ of the penalty λ/2 Σ Wᵢⱼ² over pairs.
    pub weight_decay: f32,
}

impl Default for Recipe {
    fn default() -> Self {
        Recipe {
            data: DataTerm::Gibbs { sweeps: 10 },
            model: ModelTerm::Persistent { k: 5 },
            chains: None,
            learning_rate: 0.02,
            momentum: 0.0,
            weight_decay: 0.0,
        }
    }
}

impl Recipe {
    /// Both expectations exact: no sampling at all, for machines of at most 20 units.
    pub fn exact() -> Self {
        Recipe { data: DataTerm::Exact, model: ModelTerm::Exact, ..Recipe::default() }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// Names the first setting out of its range.
    pub fn check(&self) -> Result<(), BoltzmannError> {
        let setting = |name, given: String, wanted| Err(BoltzmannError::Setting { name, given, wanted });
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            return setting("the learning rate", self.learning_rate.to_string(), "a positive number");
        }
        if !(0.0..1.0).contains(&self.momentum) {
            return setting("the momentum", self.momentum.to_string(), "at least 0 and below 1");
        }
        if !(self.weight_decay >= 0.0 && self.weight_decay.is_finite()) {
            return setting("the weight decay", self.weight_decay.to_string(), "0 or a positive number");
        }
        if let DataTerm::Gibbs { sweeps: 0 } | DataTerm::MeanField { sweeps: 0 } = self.data {
            return setting("the number of sweeps of the data's term", "0".into(), "at least 1");
        }
        if let ModelTerm::Persistent { k: 0 } | ModelTerm::Restarted { k: 0 } = self.model {
            return setting("k, the sweeps a step,", "0".into(), "at least 1");
        }
        if self.chains == Some(0) {
            return setting("the number of chains", "0".into(), "at least 1");
        }
        Ok(())
    }
}
