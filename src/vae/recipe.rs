//! The recipe by which a variational autoencoder is trained: a plain struct with good defaults.

use super::{LabelRecipe, MaskLoss, MaskRecipe, Posterior, VaeConfig};
use crate::Setting;
use crate::optim::Descent;

/// The bound that is maximised, k being [`VaeRecipe::importance_samples`] and wᵢ = p(x, zᵢ) / q(zᵢ | x).
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

/// The scheme of a step: which parameters move together.
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
/// # Ok::<(), helmholtz::Setting>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VaeRecipe {
    /// Weight β of the divergence (Higgins et al. 2017); only 1 maximises a bound on the likelihood. Of an
    /// importance-weighted bound, the power of p(z) / q(z | x) in the weights.
    pub beta: f32,
    /// Steps in which β goes from `beta_start` to its value, in equal parts.
    pub warm_up: u64,
    /// Where β starts if there is a warm-up: 0 lets the latent variable in before it is paid for (Bowman et al. 2016); a number above β keeps it
    /// out until classes, where the model knows some, have told rows apart.
    pub beta_start: f32,
    /// Draws k of the latent variable for each example.
    pub importance_samples: usize,
    /// The bound that is maximised.
    pub bound: Bound,
    /// Which parameters move together.
    pub scheme: Scheme,
    /// The settings of the parameters' descent. The alternating scheme wants no decay of weights.
    pub descent: Descent,
    /// What a model that knows classes makes of labels.
    pub labels: LabelRecipe,
    /// What of each row is hidden in training, of a model whose encoder sees masks.
    pub masks: Option<MaskRecipe>,
    /// The probability with which a hidden unit of the encoder is dropped, for a row and a step; the others are scaled up (Srivastava et al.
    /// 2014).
    pub dropout: f32,
}

impl Default for VaeRecipe {
    fn default() -> Self {
        VaeRecipe {
            beta: 1.0,
            warm_up: 0,
            beta_start: 0.0,
            importance_samples: 1,
            bound: Bound::Elbo,
            scheme: Scheme::Joint,
            descent: Descent::default(),
            labels: LabelRecipe::default(),
            masks: None,
            dropout: 0.0,
        }
    }
}

impl VaeRecipe {
    /// Checks every setting against its range.
    ///
    /// # Errors
    /// Names the first setting out of its range.
    pub fn check(&self) -> Result<(), Setting> {
        Setting::not_negative("beta", self.beta)?;
        Setting::not_negative("the start of beta", self.beta_start)?;
        Setting::at_least_one("the number of importance samples", self.importance_samples)?;
        self.descent.check()?;
        self.labels.check()?;
        let drops = (0.0..1.0).contains(&self.dropout);
        Setting::check(drops, "the part of hidden units that are dropped", self.dropout, "from 0 to below 1")?;
        let decay = self.descent.adam.weight_decay;
        let alone = self.scheme == Scheme::Joint || decay == 0.0;
        Setting::check(alone, "the weight decay of the alternating scheme", decay, "0")
    }

    /// Checks what a model of this shape wants of it.
    ///
    /// # Errors
    /// Where the gradient is to be reparameterised twice and the posterior is a flow: what the formula takes of ln q(z | x) is that of a normal
    /// distribution.
    pub fn check_for(&self, config: &VaeConfig) -> Result<(), Setting> {
        let fits = self.bound != Bound::DoublyReparameterised || config.posterior == Posterior::Gaussian;
        Setting::check(
            fits,
            "the posterior of the doubly reparameterised gradient",
            config.posterior,
            "gaussian",
        )?;
        let plain = config.labels.is_none() || self.dropout == 0.0;
        Setting::check(plain, "the dropout of a model that knows classes", self.dropout, "0")?;
        let completes = self.masks.is_some_and(|masks| masks.loss == MaskLoss::Hidden);
        let (name, wanted) =
            ("the bound of masked rows", "hidden, of a model that completes rows, and of no other");
        let given = self.masks.map_or("none".to_owned(), |masks| masks.loss.to_string());
        Setting::check(completes == config.completes, name, given, wanted)?;
        let Some(masks) = self.masks else { return Ok(()) };
        Setting::check(config.masks.is_some(), "the mask of an encoder that sees none", masks.masking, "none")?;
        if masks.loss == MaskLoss::Hidden {
            let fits = self.bound != Bound::DoublyReparameterised;
            let name = "the bound of what is hidden given the rest";
            Setting::check(
                fits,
                name,
                "the doubly reparameterised one",
                "the elbo or the importance-weighted one",
            )?;
        }
        Ok(())
    }

    /// β after `step` updates.
    pub(super) fn beta_at(&self, step: u64) -> f32 {
        let part = if step >= self.warm_up { 1.0 } else { step as f32 / self.warm_up as f32 };
        self.beta_start + (self.beta - self.beta_start) * part
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optim::Adam;

    #[test]
    fn beta_rises_in_equal_parts() {
        let recipe = VaeRecipe { beta: 4.0, warm_up: 4, ..VaeRecipe::default() };
        let rise: Vec<f32> = (0..6).map(|step| recipe.beta_at(step)).collect();
        assert_eq!(rise, [0.0, 1.0, 2.0, 3.0, 4.0, 4.0]);
        assert_eq!(VaeRecipe::default().beta_at(0), 1.0);
        let falling = VaeRecipe { beta_start: 3.0, warm_up: 4, ..VaeRecipe::default() };
        assert_eq!([0, 2, 4, 9].map(|step| falling.beta_at(step)), [3.0, 2.0, 1.0, 1.0]);
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
        let decay = Adam { weight_decay: 0.1, ..good.descent.adam };
        for recipe in [
            VaeRecipe { descent: Descent { learning_rate: 0.0, ..good.descent }, ..good },
            VaeRecipe { scheme: Scheme::Alternating, descent: Descent { adam: decay, ..good.descent }, ..good },
        ] {
            assert!(recipe.check().is_err(), "{recipe:?}");
        }
    }
}
