//! Variational autoencoders (Kingma & Welling 2014; Rezende, Mohamed & Wierstra 2014).
//!
//! A latent variable z is drawn from the prior p(z) = N(0, I) and decoded into an example x from p(x | z). Learning it by
//! maximum likelihood needs p(x) = ∫ p(x | z) p(z) dz, which nobody can integrate; with any density q(z | x),
//!
//! - log p(x) ≥ E_q [log p(x | z)] − KL(q(z | x) ‖ p(z)), the ELBO, by Jensen's inequality;
//! - q(z | x) = N(μ(x), diag e^s(x)), a network's outputs, so that the divergence is ½ Σⱼ (e^sⱼ + μⱼ² − 1 − sⱼ);
//! - z = μ(x) + e^(s(x)/2) ε with ε from N(0, I): a draw from q through which gradients pass.
//!
//! Either distribution of z may be a flow instead: an inverse autoregressive one for [`Posterior`], a learned one for [`Prior`].
//!
//! ```
//! use helmholtz::vae::{ImportanceSampling, Vae, VaeConfig, VaeRecipe};
//! use helmholtz::train::{Fit, Training};
//! use helmholtz::{Seed, data::Dataset};
//!
//! let digits = Dataset::digits();
//! let mut vae = Vae::new(VaeConfig { encoder: vec![32], decoder: vec![32], ..VaeConfig::new(64, 4) }, Seed(1))?;
//! vae.fit(&digits.train(), &VaeRecipe::default(), &Training { epochs: 2, ..Training::default() })?;
//! let sampling = ImportanceSampling { samples: 32, ..ImportanceSampling::default() };
//! let likelihood = vae.log_likelihood(&digits.test(), &sampling)?;
//! println!("{likelihood}"); // … nats (importance sampling, 32 samples an example, conservative; …)
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod by_class;
mod classes;
mod classification;
mod config;
mod error;
mod evaluator;
mod features;
mod generate;
mod given_noise;
mod images;
mod impute;
mod labelled;
mod labels;
mod latent;
mod likelihood;
mod masks;
pub mod metrics;
mod monitor;
mod network;
mod objective;
mod probe;
mod recipe;
mod rows;
mod simulate;
mod trainer;

pub use by_class::ClassScore;
pub use classification::Classification;
pub use config::{Likelihood, MaskInput, VaeConfig};
pub use error::VaeError;
pub use generate::{Codes, Observation};
pub use given_noise::ElboParts;
pub use images::Convolutions;
pub use impute::{Imputed, Imputing};
pub use labels::{ClassesBy, LabelPosterior, LabelPrior, LabelRecipe, Labels};
pub use latent::{Posterior, Prior};
pub use likelihood::{ImportanceSampling, VaeScore};
pub use masks::{MaskLoss, MaskRecipe};
pub use monitor::{Collapse, CollapseCause, Figures};
pub use probe::ClassEstimator;
pub use recipe::{Bound, Scheme, VaeRecipe};
pub use simulate::SimulatedBounds;
pub use trainer::{VaeObjective, VaeTrainer};

use crate::data::{Dataset, Unsuitable, Values, Wanted};
use crate::random::Seed;
use crate::store::{Snapshot, Store};
use crate::train::tape::TapeModel;
use network::Network;
use std::sync::Arc;

/// A variational autoencoder: its shape and its parameters.
///
/// The parameters are named and oriented as in PyTorch, weights `[out, in]`. This module has the same state dict, with one
/// hidden layer on either side:
///
/// ```python
/// class Vae(nn.Module):
///     def __init__(self):
///         super().__init__()
///         self.encoder = nn.Sequential(nn.Linear(784, 400), nn.ReLU())
///         self.mean = nn.Linear(400, 20)
///         self.log_variance = nn.Linear(400, 20)
///         self.decoder = nn.Sequential(nn.Linear(20, 400), nn.ReLU(), nn.Linear(400, 784))
///         # for learned noise: self.observation_log_variance = nn.Parameter(torch.zeros(1))
/// ```
#[derive(Clone, Debug)]
pub struct Vae {
    config: VaeConfig,
    store: Store,
    network: Network,
    /// The model whose latent variables this is one of.
    features: Option<Arc<Vae>>,
}

impl PartialEq for Vae {
    fn eq(&self, other: &Self) -> bool {
        self.config == other.config && self.store == other.store && self.features == other.features
    }
}

impl Vae {
    /// A model with random weights and zero biases.
    ///
    /// # Errors
    /// Where a width is 0.
    pub fn new(config: VaeConfig, seed: Seed) -> Result<Self, VaeError> {
        config.check()?;
        let mut store = Store::new();
        let network = Network::new(&mut store, &config, seed);
        Ok(Vae { config, store, network, features: None })
    }

    /// Its shape.
    pub fn config(&self) -> &VaeConfig {
        &self.config
    }

    /// Its parameters.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Its parameters, to be set.
    pub fn store_mut(&mut self) -> &mut Store {
        &mut self.store
    }

    /// The standard deviation of each column in p(x | z), `[visible]`, where there is noise, in the data's units.
    pub fn noise_deviations(&self) -> Option<Vec<f32>> {
        self.network.noise_deviations(&self.store, self.config.visible)
    }

    /// The variance of the noise in p(x | z), where there is one for all columns.
    pub fn noise_variance(&self) -> Option<f32> {
        self.network.noise_variance(&self.store)
    }

    /// Sets the decoder's last bias to what the model would say without a latent variable: the data's `means` `[visible]`, as
    /// logits where they are probabilities, kept 1 / (2 `examples`) away from 0 and 1.
    ///
    /// # Panics
    /// Where `means` is not `visible` long.
    #[track_caller]
    pub fn set_output_bias_from_means(&mut self, means: &[f64], examples: usize) {
        let visible = self.config.visible;
        assert_eq!(means.len(), visible, "means of {} values for {visible}", means.len());
        let margin = 0.5 / examples.max(1) as f64;
        let columns = self.network.columns().map(|columns| columns.map(|column| self.store.get(column).to_vec()));
        for (column, (bias, &mean)) in
            self.store.get_mut(self.network.output_bias()).iter_mut().zip(means).enumerate()
        {
            *bias = match self.config.likelihood {
                Likelihood::Bernoulli => {
                    let mean = mean.clamp(margin, 1.0 - margin);
                    (mean / (1.0 - mean)).ln() as f32
                }
                Likelihood::Gaussian | Likelihood::GaussianLearned => mean as f32,
                Likelihood::GaussianColumns => columns
                    .as_ref()
                    .map_or(0.0, |[centre, deviation]| (mean as f32 - centre[column]) / deviation[column]),
            };
        }
    }

    /// The parameters as named arrays, and what they do not say as metadata.
    pub fn to_snapshot(&self) -> Snapshot {
        TapeModel::to_snapshot(self)
    }

    /// The model whose [`to_snapshot`](Self::to_snapshot) this is, or whose state dict: widths are those of the tensors.
    /// Without metadata the activation is taken for a rectifier, and the likelihood for bits, or for learned noise where
    /// there is an `observation_log_variance`.
    ///
    /// # Errors
    /// Where an array is missing, of another type or shape, or not finite.
    pub fn from_snapshot(snapshot: &Snapshot) -> Result<Self, VaeError> {
        TapeModel::read_from(snapshot, "")
    }

    /// The trained model that a checkpoint holds: the average of the parameters where it keeps one, at the best evaluation where
    /// the run stops early. Of a file that is no checkpoint, [`from_snapshot`](Self::from_snapshot).
    ///
    /// # Errors
    /// As for `from_snapshot`.
    pub fn from_checkpoint(checkpoint: &Snapshot) -> Result<Self, VaeError> {
        TapeModel::from_checkpoint(checkpoint)
    }

    /// Whether the labels of `data` are of classes that the model knows.
    fn check_labels(&self, data: &Dataset<'_>) -> Result<(), VaeError> {
        if !self.reads_labels() {
            return Ok(());
        }
        let classes = self.classes();
        let beyond = |label: &u16| usize::from(*label) >= classes;
        let found = (0..data.len()).filter_map(|row| data.label(row)).find(beyond);
        found.map_or(Ok(()), |label| Err(VaeError::Label { label, classes }))
    }

    /// Whether labels name classes of the model.
    pub fn reads_labels(&self) -> bool {
        self.config.labels.as_ref().is_some_and(|labels| labels.named)
    }

    /// Whether rows of `data` are examples for this model.
    fn check_data(&self, data: &Dataset<'_>) -> Result<(), Unsuitable> {
        self.check_wanted(Values::Probabilities, data)
    }

    /// Whether the model gives `data` a likelihood.
    fn check_scored(&self, data: &Dataset<'_>) -> Result<(), Unsuitable> {
        self.check_wanted(Values::Bits, data)
    }

    fn check_wanted(&self, bits: Values, data: &Dataset<'_>) -> Result<(), Unsuitable> {
        let wanted = self.wanted(bits);
        if self.config.masks.is_some() { wanted.check_observed(data) } else { wanted.check(data) }
    }

    /// The likelihood of rows of data: that of the features' model where there is one.
    pub fn data_likelihood(&self) -> Likelihood {
        self.features.as_ref().map_or(self.config.likelihood, |first| first.config.likelihood)
    }

    /// Rows of the model's width: numbers that were measured, or these where it is one of bits.
    fn wanted(&self, bits: Values) -> Wanted {
        let values = match self.data_likelihood() {
            Likelihood::Bernoulli => bits,
            _ => Values::Measured,
        };
        Wanted { width: self.width(), values }
    }
}

impl TapeModel for Vae {
    type Error = VaeError;

    fn store(&self) -> &Store {
        &self.store
    }

    fn store_mut(&mut self) -> &mut Store {
        &mut self.store
    }

    fn describe(&self, snapshot: &mut Snapshot) {
        self.config.save("", snapshot);
        self.features.iter().for_each(|first| features::save(first, snapshot));
    }

    fn shaped_like(snapshot: &Snapshot, prefix: &str) -> Result<Self, VaeError> {
        let mut vae = Vae::new(VaeConfig::of(snapshot, prefix, "")?, Seed(0))?;
        vae.features = features::saved(snapshot)?;
        let fits = vae.features.as_ref().is_none_or(|first| first.config.latent == vae.config.visible);
        let wanted = "the latent dimensions of the model of features";
        if fits {
            Ok(vae)
        } else {
            Err(VaeError::setting("the number of values a row", vae.config.visible, wanted))
        }
    }
}

#[cfg(test)]
mod label_training_tests;
#[cfg(test)]
mod labels_tests;
#[cfg(test)]
mod latent_tests;
#[cfg(test)]
mod likelihood_tests;
#[cfg(test)]
mod linear_tests;
#[cfg(test)]
mod masks_tests;
#[cfg(test)]
mod objective_tests;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod training_tests;
