//! How a variational autoencoder is trained: a plain struct with good defaults.

use super::VaeError;
use crate::optim::{Adam, Schedule};

/// What is maximised, k being [`VaeRecipe::importance_samples`] and wᵢ = p(x, zᵢ) / q(zᵢ | x).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Bound {
    /// (1/k) Σᵢ log p(x | zᵢ) − β KL(q(z | x) ‖ p(z)), the divergence in closed form (Kingma & Welling 2014).
    #[default]
    Elbo,
    /// log (1/k) Σᵢ wᵢ (Burda, Grosse & Salakhutdinov 2016): tighter with every sample, but the gradient that reaches the
    /// encoder drowns in noise as k grows.
    ImportanceWeighted,
    /// The same bound, its gradient with respect to the encoder being the doubly reparameterised one (Tucker et al. 2019),
    /// which gets better as k grows.
    DoublyReparameterised,
}

/// Which parameters move in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Scheme {
    /// Encoder and decoder together.
    #[default]
    Joint,
    /// First the decoder, on samples of the encoder's distribution; then the encoder, by reparameterisation, with noise of
    /// its own. With frozen parameters and the same noise the two halves are the joint gradient, bit for bit.
    Alternating,
}

/// A training recipe. Gradients are of the mean over the batch.
///
/// ```
/// use helmholtz::vae::{Bound, VaeRecipe};
/// let recipe = VaeRecipe { bound: Bound::DoublyReparameterised, importance_samples: 8, ..VaeRecipe::default() };
/// recipe.check()?;
/// # Ok::<(), helmholtz::vae::VaeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VaeRecipe {
    /// Weight β of the divergence (Higgins et al. 2017); only 1 maximises a bound on the likelihood. Of an
    /// importance-weighted bound, the power of p(z) / q(z | x) in the weights.
    pub beta: f32,
    /// Steps in which β rises from 0 to its value (Bowman et al. 2016), in equal parts.
    pub warm_up: u64,
    /// Draws k of the latent variable for each example.
    pub importance_samples: usize,
    /// What is maximised.
    pub bound: Bound,
    /// Which parameters move in a step.
    pub scheme: Scheme,
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

impl Default for VaeRecipe {
    fn default() -> Self {
        VaeRecipe {
            beta: 1.0,
            warm_up: 0,
            importance_samples: 1,
            bound: Bound::Elbo,
            scheme: Scheme::Joint,
            learning_rate: 1e-3,
            schedule: Schedule::default(),
            adam: Adam::default(),
            clip: None,
            average_decay: 0.0,
        }
    }
}

impl VaeRecipe {
    /// Checks every setting against its range.
    ///
    /// # Errors
    /// Names the first setting out of its range.
    pub fn check(&self) -> Result<(), VaeError> {
        let setting = |name, given: String, wanted| Err(VaeError::Setting { name, given, wanted });
        if !(self.beta >= 0.0 && self.beta.is_finite()) {
            return setting("beta", self.beta.to_string(), "0 or a positive number");
        }
        if self.importance_samples == 0 {
            return setting("the number of importance samples", "0".into(), "at least 1");
        }
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            return setting("the learning rate", self.learning_rate.to_string(), "a positive number");
        }
        if self.scheme == Scheme::Alternating && self.adam.weight_decay != 0.0 {
            let given = self.adam.weight_decay.to_string();
            return setting("the weight decay of the alternating scheme", given, "0");
        }
        if let Some(clip) = self.clip.filter(|clip| !(*clip > 0.0 && clip.is_finite())) {
            return setting("the largest norm of the gradient", clip.to_string(), "a positive number");
        }
        if !(0.0..1.0).contains(&self.average_decay) {
            return setting("the decay of the average", self.average_decay.to_string(), "at least 0 and below 1");
        }
        Ok(())
    }

    /// β after `step` updates.
    pub(super) fn beta_at(&self, step: u64) -> f32 {
        if step >= self.warm_up { self.beta } else { self.beta * (step as f32 / self.warm_up as f32) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beta_rises_in_equal_parts() {
        let recipe = VaeRecipe { beta: 4.0, warm_up: 4, ..VaeRecipe::default() };
        let rise: Vec<f32> = (0..6).map(|step| recipe.beta_at(step)).collect();
        assert_eq!(rise, [0.0, 1.0, 2.0, 3.0, 4.0, 4.0]);
        assert_eq!(VaeRecipe::default().beta_at(0), 1.0);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let good = VaeRecipe::default();
        assert_eq!(good.check(), Ok(()));
        let said = |recipe: VaeRecipe| recipe.check().unwrap_err().to_string();
        assert_eq!(said(VaeRecipe { beta: -1.0, ..good }), "beta is -1, but must be 0 or a positive number");
        assert_eq!(said(VaeRecipe { beta: f32::NAN, ..good }), "beta is NaN, but must be 0 or a positive number");
        assert_eq!(
            said(VaeRecipe { importance_samples: 0, ..good }),
            "the number of importance samples is 0, but must be at least 1"
        );
        for recipe in [
            VaeRecipe { learning_rate: 0.0, ..good },
            VaeRecipe { scheme: Scheme::Alternating, adam: Adam { weight_decay: 0.1, ..Adam::default() }, ..good },
            VaeRecipe { clip: Some(f64::NAN), ..good },
            VaeRecipe { average_decay: 1.0, ..good },
        ] {
            assert!(recipe.check().is_err(), "{recipe:?}");
        }
    }
}
