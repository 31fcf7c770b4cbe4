//! A variational autoencoder in training: parameters, optimiser, noise; one step after the other.

use super::batch_gradient::BatchGradient;
use super::evaluator::Evaluator;
use super::monitor::{self, Figures};
use super::recipe::Scheme;
use super::rows::{BatchReader, Rows};
use super::{AVERAGE, Vae, VaeError, VaeRecipe};
use crate::data::Dataset;
use crate::optim::{Optimiser, WeightAverage, clip_by_global_norm};
use crate::random::Lanes;
use crate::store::{Gradients, Parameter, Snapshot, SnapshotError};
use crate::train::{Batch, Learner, Metrics, Observer, Progress, Summary, TrainError, Training, train};

/// Rows that evaluation looks at.
const MONITORED_ROWS: usize = 1024;
const HINT: &str = "a lower --learning-rate usually helps";
const NOISE_STREAM: &str = "noise.stream";
const GRADIENT_NORM: &str = "gradient_norm";

/// Some of the parameters, and how they move: their gradient, and an optimiser. Of the other parameters the optimiser's averages
/// stay zero, and so do its steps.
#[derive(Debug)]
struct Update {
    gradient: BatchGradient,
    optimiser: Optimiser,
    /// What the names of the optimiser's state begin with in a checkpoint.
    name: &'static str,
}

/// A variational autoencoder in training.
#[derive(Debug)]
pub struct VaeTrainer {
    vae: Vae,
    average: Option<WeightAverage>,
    recipe: VaeRecipe,
    updates: Vec<Update>,
    gradients: Gradients,
    reader: BatchReader,
    noise: Lanes,
    gradient_norm: f64,
    /// Recorded at the first evaluation.
    evaluator: Option<Evaluator>,
}

impl VaeTrainer {
    /// Prepares `vae` for `recipe` on `data`: the decoder's last bias from the data's means where it is zero, programs for
    /// batches of `training`'s size.
    ///
    /// # Errors
    /// Where a setting is out of its range, or the data has no rows, is not as wide as the model or outside of its
    /// likelihood's support.
    pub fn new(vae: Vae, recipe: VaeRecipe, data: &Dataset<'_>, training: &Training) -> Result<Self, VaeError> {
        recipe.check()?;
        if training.batch == 0 {
            return Err(VaeError::setting("the batch size", 0, "at least 1"));
        }
        vae.check_data(data)?;
        let mut vae = vae;
        if vae.store.get(vae.network.output_bias()).iter().all(|&bias| bias == 0.0) {
            vae.set_output_bias_from_means(&data.means(), data.len());
        }
        let (theta, phi) = (vae.network.decoder_parameters(), vae.network.encoder_parameters());
        let update = |name, parameters: &[Parameter]| -> Result<Update, VaeError> {
            let gradient = BatchGradient::new(&vae, &recipe, training.batch, parameters);
            Ok(Update { gradient, optimiser: Optimiser::new(recipe.adam, &vae.store)?, name })
        };
        let updates = match recipe.scheme {
            Scheme::Joint => vec![update("adam.", &[theta, phi].concat())?],
            Scheme::Alternating => vec![update("adam.decoder.", &theta)?, update("adam.encoder.", &phi)?],
        };
        let averages = recipe.average_decay > 0.0;
        Ok(VaeTrainer {
            average: averages.then(|| WeightAverage::new(&vae.store, recipe.average_decay)).transpose()?,
            gradients: vae.store.gradients(),
            reader: BatchReader::new(training.seed, training.batch, data.width()),
            noise: training.seed.lanes("training noise", 0),
            gradient_norm: 0.0,
            evaluator: None,
            updates,
            recipe,
            vae,
        })
    }

    /// The model as it is now.
    pub fn vae(&self) -> &Vae {
        &self.vae
    }

    /// The model of the running average of the parameters; the model itself where the recipe keeps none.
    pub fn average(&self) -> Vae {
        match &self.average {
            Some(average) => {
                let mut vae = self.vae.clone();
                average.copy_to(&mut vae.store);
                vae
            }
            None => self.vae.clone(),
        }
    }

    /// The recipe.
    pub fn recipe(&self) -> &VaeRecipe {
        &self.recipe
    }

    /// The trained model.
    pub fn into_vae(self) -> Vae {
        self.vae
    }

    fn update(&mut self, index: usize, progress: &Progress) -> Result<(), TrainError> {
        let Update { gradient, optimiser, .. } = &mut self.updates[index];
        self.noise.fill_normal(gradient.noise_mut());
        gradient.set_beta(self.recipe.beta_at(progress.step));
        let bound = gradient.run(&self.vae.store, &mut self.gradients);
        let limit = self.recipe.clip.unwrap_or(f64::INFINITY);
        self.gradient_norm = clip_by_global_norm(&mut self.gradients, limit);
        if !(bound.is_finite() && self.gradient_norm.is_finite()) {
            let tensor = gradient.first_non_finite(&self.vae.store).unwrap_or_else(|| "the gradient".to_owned());
            return Err(TrainError::NonFinite { step: progress.step, tensor, hint: HINT });
        }
        let rate = self.recipe.learning_rate * self.recipe.schedule.factor(progress.step, progress.steps);
        optimiser.step(&mut self.vae.store, &self.gradients, rate);
        Ok(())
    }
}

impl Learner for VaeTrainer {
    fn step(&mut self, batch: &Batch<'_>, progress: &Progress) -> Result<(), TrainError> {
        self.vae.check_data(batch.data).map_err(|error| TrainError::Learner(Box::new(error)))?;
        let [first, others @ ..] = &mut self.updates[..] else { return Ok(()) };
        let x = first.gradient.x_mut();
        self.reader.read(batch.data, batch.rows, x);
        others.iter_mut().for_each(|update| update.gradient.x_mut().copy_from_slice(x));
        for index in 0..self.updates.len() {
            self.update(index, progress)?;
        }
        if let Some(average) = &mut self.average {
            average.update(&self.vae.store);
        }
        Ok(())
    }

    fn evaluate(
        &mut self,
        train: &Dataset<'_>,
        held_out: Option<&Dataset<'_>>,
        progress: &Progress,
        metrics: &mut Metrics,
    ) -> Result<(), TrainError> {
        if let Some(tensor) = self.vae.store.first_non_finite() {
            return Err(TrainError::NonFinite { step: progress.step, tensor: tensor.to_owned(), hint: HINT });
        }
        let average = self.average.is_some().then(|| self.average());
        let evaluator = self.evaluator.get_or_insert_with(|| monitor::evaluator(&self.vae));
        let mut figures = |vae: &Vae, data: &Dataset<'_>| {
            let first = data.subset(0..data.len().min(MONITORED_ROWS));
            monitor::figures_of(vae, evaluator, Rows::Data(&first))
        };
        let seen = figures(&self.vae, train);
        let watched = held_out.map_or_else(|| seen.clone(), |data| figures(&self.vae, data));
        report(&watched, metrics);
        if held_out.is_some() {
            metrics.set("train_elbo", seen.elbo());
        }
        if let Some(average) = average {
            metrics.set("average_elbo", figures(&average, held_out.unwrap_or(train)).elbo());
        }
        metrics.set("beta", f64::from(self.recipe.beta_at(progress.step)));
        metrics.set(GRADIENT_NORM, self.gradient_norm);
        Ok(())
    }

    fn save(&self, snapshot: &mut Snapshot) {
        self.vae.write_to(snapshot, "");
        if let Some(average) = &self.average {
            average.save(AVERAGE, snapshot);
        }
        for Update { optimiser, name, .. } in &self.updates {
            optimiser.save(name, snapshot);
        }
        self.reader.save(snapshot);
        snapshot.put_u32(NOISE_STREAM, &[64], &self.noise.state());
        snapshot.put_f64(GRADIENT_NORM, &[], &[self.gradient_norm]);
    }

    fn load(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        self.vae.store.load("", snapshot)?;
        if let Some(average) = &mut self.average {
            average.load(AVERAGE, snapshot)?;
        }
        for Update { optimiser, name, .. } in &mut self.updates {
            optimiser.load(name, snapshot)?;
        }
        self.reader.load(snapshot)?;
        let mut words = [0; 64];
        words.copy_from_slice(snapshot.u32(NOISE_STREAM, &[64])?);
        self.noise = Lanes::from_state(&words);
        self.gradient_norm = snapshot.f64(GRADIENT_NORM, &[])?[0];
        Ok(())
    }
}

fn report(figures: &Figures, metrics: &mut Metrics) {
    metrics.set("elbo", figures.elbo());
    metrics.set("reconstruction", figures.reconstruction);
    metrics.set("kl", figures.divergence());
    metrics.set("active_units", figures.active_units() as f64);
}

impl Vae {
    /// Trains the model on `data` by `recipe`. See [`VaeTrainer`] for checkpoints and averages.
    ///
    /// # Errors
    /// Where a setting is out of its range, the data does not fit, or a number becomes NaN or infinite.
    ///
    /// ```
    /// use helmholtz::{Seed, data::Dataset, train::Training, vae::{Vae, VaeConfig, VaeRecipe}};
    /// let digits = Dataset::digits();
    /// let mut vae = Vae::new(VaeConfig::new(64, 2), Seed(1))?;
    /// vae.fit(&digits.train(), &VaeRecipe::default(), &Training { epochs: 1, ..Training::default() })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fit(
        &mut self,
        data: &Dataset<'_>,
        recipe: &VaeRecipe,
        training: &Training,
    ) -> Result<Summary, TrainError> {
        self.fit_observed(data, recipe, training, &mut ())
    }

    /// As [`fit`](Self::fit), with an observer of steps, evaluations and checkpoints.
    ///
    /// # Errors
    /// As for `fit`, and what the observer refuses.
    pub fn fit_observed(
        &mut self,
        data: &Dataset<'_>,
        recipe: &VaeRecipe,
        training: &Training,
        observer: &mut dyn Observer,
    ) -> Result<Summary, TrainError> {
        let mut trainer = VaeTrainer::new(self.clone(), *recipe, data, training)
            .map_err(|error| TrainError::Learner(Box::new(error)))?;
        let summary = train(&mut trainer, data, None, training, None, observer)?;
        *self = trainer.into_vae();
        Ok(summary)
    }
}
