//! How an RBM is trained: a plain struct with good defaults.

use super::Precision;
use crate::Setting;

/// Units of the smaller layer up to which the exact gradient is computed.
pub(super) const EXACT_GRADIENT_UNITS: usize = 16;

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
    /// Momentum: the part of the step before that is kept, in [0, 1).
    pub momentum: f32,
    /// Strength λ of the penalty λ/2 ‖W‖²; `None` follows the rows, [`weight_decay_for`](Self::weight_decay_for).
    pub weight_decay: Option<f32>,
    /// About what the gradient is taken.
    pub centering: Centering,
    /// Decay of a running average of the parameters: the part it keeps each step, in [0, 1). It is evaluated
    /// beside them. 0 keeps none.
    pub average_decay: f32,
    /// Precision of the half-sweeps of the chains of [`Method::Pcd`] and [`Method::Cd`]. With [`Precision::I16`] they
    /// are those of the machine [rounded](super::Rbm::rounded) at each step; probabilities and the gradient stay f32.
    pub precision: Precision,
}

impl Default for Method {
    /// One sweep a step of persistent chains.
    fn default() -> Self {
        Method::Pcd { k: 1 }
    }
}

impl Default for Recipe {
    fn default() -> Self {
        Recipe {
            method: Method::default(),
            chain_start: ChainStart::Persistent,
            chains: None,
            learning_rate: 0.05,
            momentum: 0.0,
            weight_decay: None,
            centering: Centering::Centered,
            average_decay: 0.999,
            precision: Precision::F32,
        }
    }
}

impl Recipe {
    /// Replicas of a ladder of [`Method::Pt`]: a default for those who have to choose them.
    pub const REPLICAS: usize = 8;

    /// The weight decay of a machine trained on `rows` rows: that of the recipe, else 1.5 / `rows`, at most 0.001. Fewer rows
    /// ask for more; but a handful of patterns that are all there is ask for none, which the exact gradient, made for them,
    /// takes.
    pub fn weight_decay_for(&self, rows: usize) -> f32 {
        match (self.weight_decay, self.method) {
            (Some(weight_decay), _) => weight_decay,
            (None, Method::Exact) => 0.0,
            (None, _) => (1.5 / rows.max(1) as f32).min(0.001),
        }
    }

    /// Whether the chains start each step at the batch.
    pub(super) fn starts_at_data(&self) -> bool {
        matches!((self.method, self.chain_start), (Method::Cd { .. }, _) | (Method::Pcd { .. }, ChainStart::Data))
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// Names the first setting out of its range.
    pub fn check(&self) -> Result<(), Setting> {
        Setting::positive("the learning rate", self.learning_rate)?;
        Setting::fraction("the momentum", self.momentum)?;
        Setting::not_negative("the weight decay", self.weight_decay.unwrap_or(0.0))?;
        Setting::fraction("the decay of the average", self.average_decay)?;
        if let Method::Pcd { k } | Method::Cd { k } | Method::Pt { k, .. } = self.method {
            Setting::at_least_one("k, the sweeps a step,", k)?;
        }
        if let Method::Pt { replicas, .. } = self.method {
            Setting::check(replicas >= 2, "the number of replicas", replicas, "at least 2")?;
            let (name, given) =
                ("the start of the chains of parallel tempering", format!("{:?}", self.chain_start));
            let persistent = self.chain_start == ChainStart::Persistent;
            Setting::check(persistent, name, given.to_lowercase(), "persistent")?;
        }
        if matches!(self.method, Method::Pt { .. } | Method::Exact) {
            let name = "the precision of parallel tempering and of the exact gradient";
            Setting::check(self.precision == Precision::F32, name, "i16", "f32")?;
        }
        Setting::at_least_one("the number of chains", self.chains.unwrap_or(1))
    }
}
