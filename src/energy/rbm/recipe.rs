//! How an RBM is trained: a plain struct with good defaults.

use super::{Precision, RbmError};

/// How the model's side of the gradient is estimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// k sweeps of chains of their own a step: persistent contrastive divergence (Tieleman 2008) where the chains
    /// persist.
    Pcd {
        /// Sweeps a step.
        k: usize,
    },
    /// k sweeps from the batch itself: contrastive divergence (Hinton 2002).
    Cd {
        /// Sweeps a step.
        k: usize,
    },
    /// k sweeps of parallel tempering a step, whose chains persist: the replicas at β = 1 are the negative side
    /// (Desjardins et al. 2010). Costs `replicas` times the chains of [`Method::Pcd`].
    Pt {
        /// Replicas of each ladder, at evenly spaced inverse temperatures from 0 to 1.
        replicas: usize,
        /// Sweeps a step.
        k: usize,
    },
    /// The exact expectation, by enumeration of a layer of at most 16 units.
    Exact,
}

/// Where the chains of [`Method::Pcd`] start each step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ChainStart {
    /// Where the step before left them.
    #[default]
    Persistent,
    /// At fair coins.
    Random,
    /// At the batch, which makes it contrastive divergence.
    Data,
}

/// Whether the gradient is taken about the means of the units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Centering {
    /// About offsets: the data's means for visible units, a moving average of the data-driven means for hidden ones
    /// (Melchior, Fischer & Wiskott 2016). Training does not depend on which state of a unit is called 1.
    #[default]
    Centered,
    /// About zero: the plain gradient.
    Plain,
}

/// A training recipe. The rate falls linearly from `learning_rate` to 0 over the whole run.
///
/// ```
/// use helmholtz::rbm::{Method, Recipe};
/// let recipe = Recipe { method: Method::Pcd { k: 5 }, learning_rate: 0.02, ..Recipe::default() };
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recipe {
    /// How the model's expectation is estimated.
    pub method: Method,
    /// Where the chains of [`Method::Pcd`] start each step.
    pub chain_start: ChainStart,
    /// Chains of [`Method::Pcd`], ladders of [`Method::Pt`]; as many as the batch has rows where `None`.
    pub chains: Option<usize>,
    /// Step of gradient ascent on the mean log-likelihood, at the start.
    pub learning_rate: f32,
    /// What is kept of the step before, in [0, 1).
    pub momentum: f32,
    /// Strength λ of the penalty λ/2 ‖W‖².
    pub weight_decay: f32,
    /// About what the gradient is taken.
    pub centering: Centering,
    /// What an average of the parameters keeps each step, in [0, 1); it is kept beside the parameters and evaluated
    /// beside them. 0 keeps none.
    pub average_decay: f32,
    /// What the half-sweeps of the chains of [`Method::Pcd`] and [`Method::Cd`] compute in. With [`Precision::I16`] they
    /// are those of the machine [rounded](super::Rbm::rounded) at each step; probabilities and the gradient stay f32.
    pub precision: Precision,
}

impl Default for Recipe {
    fn default() -> Self {
        Recipe {
            method: Method::Pcd { k: 1 },
            chain_start: ChainStart::Persistent,
            chains: None,
            learning_rate: 0.05,
            momentum: 0.0,
            weight_decay: 0.0,
            centering: Centering::Centered,
            average_decay: 0.999,
            precision: Precision::F32,
        }
    }
}

impl Recipe {
    /// Checks every setting against its range.
    ///
    /// # Errors
    /// Names the first setting out of its range.
    pub fn check(&self) -> Result<(), RbmError> {
        let setting = |name, given: String, wanted| Err(RbmError::Setting { name, given, wanted });
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            return setting("the learning rate", self.learning_rate.to_string(), "a positive number");
        }
        if !(0.0..1.0).contains(&self.momentum) {
            return setting("the momentum", self.momentum.to_string(), "at least 0 and below 1");
        }
        if !(self.weight_decay >= 0.0 && self.weight_decay.is_finite()) {
            return setting("the weight decay", self.weight_decay.to_string(), "0 or a positive number");
        }
        if !(0.0..1.0).contains(&self.average_decay) {
            return setting("the decay of the average", self.average_decay.to_string(), "at least 0 and below 1");
        }
        if let Method::Pcd { k: 0 } | Method::Cd { k: 0 } | Method::Pt { k: 0, .. } = self.method {
            return setting("k, the sweeps a step,", "0".into(), "at least 1");
        }
        if let Method::Pt { replicas: given @ (0 | 1), .. } = self.method {
            return setting("the number of replicas", given.to_string(), "at least 2");
        }
        if matches!(self.method, Method::Pt { .. }) && self.chain_start != ChainStart::Persistent {
            let given = format!("{:?}", self.chain_start).to_lowercase();
            return setting("the start of the chains of parallel tempering", given, "persistent");
        }
        if matches!(self.method, Method::Pt { .. } | Method::Exact) && self.precision == Precision::I16 {
            let name = "the precision of parallel tempering and of the exact gradient";
            return setting(name, "i16".into(), "f32");
        }
        if self.chains == Some(0) {
            return setting("the number of chains", "0".into(), "at least 1");
        }
        Ok(())
    }
}
