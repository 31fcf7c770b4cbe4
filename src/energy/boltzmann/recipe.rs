//! How a Boltzmann machine is trained: a plain struct with good defaults.

use crate::Setting;

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
    /// Momentum: the part of the step before that is kept, in [0, 1).
    pub momentum: f32,
    /// Strength λ of the penalty λ/2 Σ Wᵢⱼ² over pairs.
    pub weight_decay: f32,
}

impl DataTerm {
    /// Sweeps a step: a default for those who have to choose them.
    pub const SWEEPS: usize = 10;
}

impl ModelTerm {
    /// Sweeps a step: a default for those who have to choose them.
    pub const K: usize = 5;
}

impl Default for Recipe {
    fn default() -> Self {
        Recipe {
            data: DataTerm::Gibbs { sweeps: DataTerm::SWEEPS },
            model: ModelTerm::Persistent { k: ModelTerm::K },
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
    pub fn check(&self) -> Result<(), Setting> {
        Setting::positive("the learning rate", self.learning_rate)?;
        Setting::fraction("the momentum", self.momentum)?;
        Setting::not_negative("the weight decay", self.weight_decay)?;
        if let DataTerm::Gibbs { sweeps } | DataTerm::MeanField { sweeps } = self.data {
            Setting::at_least_one("the number of sweeps of the data's term", sweeps)?;
        }
        if let ModelTerm::Persistent { k } | ModelTerm::Restarted { k } = self.model {
            Setting::at_least_one("k, the sweeps a step,", k)?;
        }
        Setting::at_least_one("the number of chains", self.chains.unwrap_or(1))
    }
}
