//! Features: a model of the latent variables of another, trained before (M1 + M2 of Kingma et al. 2014).
//!
//! Rows x of the data go through the first model's q(z₁ | x); what this model learns are draws of z₁, anew each time a row is seen, and what it
//! is asked about rows it answers for the means. Its draws are decoded by the first model. The first model does not change.

use super::objective::X;
use super::rows::Rows;
use super::{Vae, VaeConfig, VaeError};
use crate::autodiff::Program;
use crate::data::Dataset;
use crate::random::{Lanes, Seed};
use crate::store::{Snapshot, SnapshotError};
use crate::train::tape::BatchReader;
use crate::train::{Batch, Training};
use std::ops::Range;
use std::sync::Arc;

/// The beginning of the names of the first model's arrays and of its metadata.
pub(super) const FEATURES: &str = "features.";

impl Vae {
    /// A model of the latent variables of another, which is taken as it is.
    ///
    /// ```
    /// use helmholtz::Seed;
    /// use helmholtz::vae::{Labels, Likelihood, Vae, VaeConfig};
    /// let first = Vae::new(VaeConfig::new(64, 8), Seed(1))?; // trained before
    /// let config = VaeConfig {
    ///     likelihood: Likelihood::GaussianLearned,
    ///     labels: Some(Labels::new(10)),
    ///     ..VaeConfig::new(8, 4)
    /// };
    /// let second = Vae::on_features(config, first, Seed(2))?;
    /// assert_eq!((second.width(), second.config().visible), (64, 8));
    /// # Ok::<(), helmholtz::vae::VaeError>(())
    /// ```
    ///
    /// # Errors
    /// As [`new`](Self::new), and where the values of a row are not the latent dimensions of the other, this model is one of bits, or the
    /// other is one of features or knows classes itself.
    pub fn on_features(config: VaeConfig, first: Vae, seed: Seed) -> Result<Self, VaeError> {
        let fits = config.visible == first.config.latent;
        if !fits {
            let wanted = "the latent dimensions of the model whose features they are";
            return Err(VaeError::setting("the number of values a row", config.visible, wanted));
        }
        if config.likelihood == super::Likelihood::Bernoulli {
            return Err(VaeError::setting(
                "the likelihood of features",
                config.likelihood,
                "gaussian or gaussian-learned",
            ));
        }
        if config.masks.or(first.config.masks).is_some() {
            return Err(VaeError::setting(
                "the encoder of a model of features",
                "one that sees masks",
                "one of whole rows",
            ));
        }
        if first.features.is_some() || first.classes() > 0 {
            return Err(VaeError::GivenClasses);
        }
        let mut vae = Vae::new(config, seed)?;
        vae.features = Some(Arc::new(first));
        Ok(vae)
    }

    /// The model whose latent variables this is one of, where it is.
    pub fn features(&self) -> Option<&Vae> {
        self.features.as_deref()
    }

    /// Values of a row of its data: those of the features' model where there is one.
    pub fn width(&self) -> usize {
        self.features.as_ref().map_or(self.config.visible, |first| first.config.visible)
    }

    /// Rows of data `[rows, width]` as this model takes them: themselves, or the means of their features.
    pub(super) fn taken(&self, x: &[f32]) -> Vec<f32> {
        self.features.as_ref().map_or_else(|| x.to_vec(), |first| first.encode(x).means)
    }

    /// Rows of this model `[rows, visible]` as rows of data: themselves, or what the features' model decodes them to.
    pub(super) fn given_back(&self, x: Vec<f32>) -> Vec<f32> {
        match &self.features {
            None => x,
            Some(first) => first.decode(&x),
        }
    }
}

/// The means of rows' features, some rows at a time.
#[derive(Clone, Debug)]
pub(super) struct Means {
    first: Arc<Vae>,
    encoder: Program,
}

impl Means {
    /// For `batch` rows at a time.
    pub(super) fn new(first: &Arc<Vae>, batch: usize) -> Self {
        let encoder = Program::record(&first.store, |tape| {
            let q = first.network.encode(tape.input(X, [batch, first.config.visible]), None);
            tape.output(MEAN, first.network.after_steps(q.mean, &q).value);
        });
        Means { first: Arc::clone(first), encoder }
    }

    /// Reads the features of the rows `range`, at most a batch, to the front of `out`.
    pub(super) fn read(&mut self, rows: Rows<'_>, range: Range<usize>, out: &mut [f32]) {
        let count = range.len() * self.first.config.latent;
        rows.read(range, self.encoder.input_mut(X));
        self.encoder.evaluate(&self.first.store);
        out[..count].copy_from_slice(&self.encoder.output(MEAN)[..count]);
    }
}

/// Puts the features' model into a snapshot.
pub(super) fn save(first: &Vae, snapshot: &mut Snapshot) {
    first.store.save(FEATURES, snapshot);
    first.config.save(FEATURES, snapshot);
}

/// The features' model of a snapshot, where there is one.
pub(super) fn saved(snapshot: &Snapshot) -> Result<Option<Arc<Vae>>, VaeError> {
    if !snapshot.contains(&format!("{FEATURES}mean.weight")) {
        return Ok(None);
    }
    let mut first = Vae::new(VaeConfig::of(snapshot, FEATURES, FEATURES)?, Seed(0))?;
    first.store.load(FEATURES, snapshot)?;
    match first.store.first_non_finite() {
        Some(name) => Err(SnapshotError::NonFinite { name: format!("{FEATURES}{name}") }.into()),
        None => Ok(Some(Arc::new(first))),
    }
}

/// Reads batches for training as a model takes them.
#[derive(Clone, Debug)]
pub(super) struct RowReader {
    reader: BatchReader,
    drawn: Option<Drawn>,
}

/// Draws of features.
#[derive(Clone, Debug)]
struct Drawn {
    /// The name of its stream in snapshots.
    name: String,
    first: Arc<Vae>,
    encoder: Program,
    stream: Lanes,
    noise: Vec<f32>,
}

const MEAN: &str = "mean";
const LOG_VARIANCE: &str = "log_variance";

impl RowReader {
    /// For batches of `training`; of several in a model each has a name.
    pub(super) fn new(vae: &Vae, name: Option<&str>, training: &Training, data: &Dataset<'_>) -> Self {
        let width = data.width();
        let reader = match name {
            None => BatchReader::new(training, width),
            Some(name) => BatchReader::named(name, training, width),
        };
        let drawn = vae.features.clone().map(|first| {
            let encoder = Program::record(&first.store, |tape| {
                let q = first.network.encode(tape.input(X, [training.batch, width]), None);
                tape.output(MEAN, q.mean);
                tape.output(LOG_VARIANCE, q.log_variance);
            });
            Drawn {
                name: format!("features.{}stream", name.map_or_else(String::new, |name| format!("{name}."))),
                encoder,
                stream: training.seed.lanes("features", 0),
                noise: vec![0.0; training.batch * first.config.latent],
                first,
            }
        });
        RowReader { reader, drawn }
    }

    /// The rows of a batch into `out`, `[batch, visible]`.
    pub(super) fn read(&mut self, batch: &Batch<'_>, out: &mut [f32]) {
        let Some(drawn) = &mut self.drawn else { return self.reader.read(batch, out) };
        self.reader.read(batch, drawn.encoder.input_mut(X));
        drawn.encoder.evaluate(&drawn.first.store);
        drawn.stream.fill_normal(&mut drawn.noise);
        let [means, log_variances] = [MEAN, LOG_VARIANCE].map(|output| drawn.encoder.output(output));
        for (place, (out, noise)) in out.iter_mut().zip(&drawn.noise).enumerate() {
            *out = means[place] + (0.5 * log_variances[place]).exp() * noise;
        }
    }

    /// Puts the streams into a snapshot.
    pub(super) fn save(&self, snapshot: &mut Snapshot) {
        self.reader.save(snapshot);
        if let Some(drawn) = &self.drawn {
            snapshot.put_stream(&drawn.name, &drawn.stream);
        }
    }

    /// Takes back what [`save`](Self::save) wrote.
    pub(super) fn load(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        self.reader.load(snapshot)?;
        match &mut self.drawn {
            Some(drawn) => snapshot.load_stream(&drawn.name, &mut drawn.stream),
            None => Ok(()),
        }
    }
}
