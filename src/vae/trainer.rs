//! Training: the objective of a variational autoencoder, for the one trainer of all models on the tape.

use super::evaluator::Evaluator;
use super::features::RowReader;
use super::labelled::Labelled;
use super::masks::{MaskRecipe, Masked};
use super::monitor::{self, Figures};
use super::objective::{BETA, NOISE, Sight, X, objective};
use super::recipe::Scheme;
use super::rows::Rows;
use super::{Vae, VaeRecipe, metrics};
use crate::autodiff::Var;
use crate::data::Dataset;
use crate::random::Lanes;
use crate::store::{Snapshot, SnapshotError};
use crate::train::tape::{BatchProgram, Evaluation, Group, Objective, Part, Piece, Pieces, TapeTrainer};
use crate::train::{Batch, Fit, Judge, Metrics, Progress, TrainError, Training};

/// Rows that evaluation looks at.
const MONITORED_ROWS: usize = 1024;
const NOISE_STREAM: &str = "noise.stream";

/// A variational autoencoder in training.
pub type VaeTrainer = TapeTrainer<VaeObjective>;

/// The bound that a [`VaeRecipe`] climbs, and the noise that it is fed.
#[derive(Clone, Debug)]
pub struct VaeObjective {
    recipe: VaeRecipe,
    parts: Vec<Part>,
    reader: Reader,
    noise: Lanes,
    /// What is hidden of the rows that are watched, and their shape as images.
    watched: Option<(MaskRecipe, (usize, usize))>,
    /// Recorded at the first evaluation.
    evaluator: Option<Evaluator>,
}

/// What reads the rows of a batch.
#[derive(Clone, Debug)]
enum Reader {
    /// The batch's own.
    Plain(Box<RowReader>),
    /// Rows with labels and rows without, of a model that knows classes.
    OfClasses(Box<Labelled>),
    /// Rows of which not all is shown to the encoder.
    Masked(Box<Masked>),
}

impl Objective for VaeObjective {
    type Model = Vae;
    type Recipe = VaeRecipe;

    /// The decoder's last bias starts at the data's means where it is zero.
    fn new(
        vae: &mut Vae,
        &recipe: &VaeRecipe,
        data: &Dataset<'_>,
        training: &Training,
    ) -> Result<Self, TrainError> {
        recipe.check()?;
        recipe.check_for(vae.config())?;
        vae.check_data(data)?;
        vae.take_columns(data);
        if vae.features.is_none() && vae.store.get(vae.network.output_bias()).iter().all(|&bias| bias == 0.0) {
            vae.set_output_bias_from_means(&data.means(), data.len());
        }
        let labelled = Labelled::new(vae, &recipe, data, training)?;
        let reader = match (labelled, Masked::new(vae, &recipe, data, training)) {
            (Some(labelled), _) => Reader::OfClasses(Box::new(labelled)),
            (None, Some(masked)) => Reader::Masked(Box::new(masked)),
            (None, None) => Reader::Plain(Box::new(RowReader::new(vae, None, training, data))),
        };
        let watched = recipe.masks.map(|masks| (masks, data.image_shape()));
        let (theta, phi) = (vae.network.decoder_parameters(), vae.network.encoder_parameters());
        let pieces = Pieces::OfDraws(recipe.importance_samples);
        let part = |name, parameters| Part { name, parameters, descent: recipe.descent, pieces, updates: 1 };
        let parts = match recipe.scheme {
            Scheme::Joint => vec![part("adam.", [theta, phi].concat())],
            Scheme::Alternating => vec![part("adam.decoder.", theta), part("adam.encoder.", phi)],
        };
        let noise = training.seed.lanes("training noise", 0);
        Ok(VaeObjective { recipe, parts, reader, noise, watched, evaluator: None })
    }

    fn parts(&self) -> &[Part] {
        &self.parts
    }

    fn groups(&self, part: usize, batch: usize) -> Vec<Group> {
        match &self.reader {
            Reader::OfClasses(labelled) => labelled.groups(&self.recipe),
            Reader::Plain(_) | Reader::Masked(_) => {
                vec![Group { examples: batch, pieces: self.parts[part].pieces }]
            }
        }
    }

    fn loss<'t>(&self, vae: &Vae, _: usize, piece: &Piece<'t>) -> Var<'t> {
        match &self.reader {
            Reader::OfClasses(labelled) => labelled.loss(vae, &self.recipe, piece),
            Reader::Masked(masked) => loss(vae, &self.recipe, piece, masked.inputs(vae, piece)),
            Reader::Plain(_) => loss(vae, &self.recipe, piece, Sight::default()),
        }
    }

    fn read(
        &mut self,
        vae: &Vae,
        batch: &Batch<'_>,
        progress: &Progress,
        programs: &mut [BatchProgram],
    ) -> Result<(), TrainError> {
        vae.check_data(batch.data)?;
        let reader = match &mut self.reader {
            Reader::Plain(reader) => reader,
            Reader::OfClasses(labelled) => {
                labelled.read(batch, progress, programs);
                return Ok(());
            }
            Reader::Masked(masked) => {
                masked.read(batch, progress, programs);
                return Ok(());
            }
        };
        let [first, others @ ..] = programs else { return Ok(()) };
        let x = first.input_mut(X);
        reader.read(batch, x);
        others.iter_mut().for_each(|program| program.input_mut(X).copy_from_slice(x));
        Ok(())
    }

    fn draw(
        &mut self,
        _: &Vae,
        _: usize,
        progress: &Progress,
        program: &mut BatchProgram,
    ) -> Result<(), TrainError> {
        match &mut self.reader {
            Reader::OfClasses(labelled) => labelled.draw(&self.recipe, &mut self.noise, progress, program),
            Reader::Plain(_) | Reader::Masked(_) => self.noise.fill_normal(program.input_mut(NOISE)),
        }
        program.input_mut(BETA)[0] = self.recipe.beta_at(progress.step);
        Ok(())
    }

    fn evaluate(&mut self, at: &Evaluation<'_, Vae>, metrics: &mut Metrics) -> Result<(), TrainError> {
        at.model.check_labels(at.watched())?;
        let watched = self.watched;
        let evaluator = self.evaluator.get_or_insert_with(|| monitor::evaluator(at.model, watched));
        let mut figures = |vae: &Vae, data: &Dataset<'_>| {
            let first = data.subset(0..data.len().min(MONITORED_ROWS));
            monitor::figures_of(vae, evaluator, Rows::Data(&first))
        };
        report(&figures(at.model, at.watched()), metrics);
        if at.held_out.is_some() {
            metrics.set(metrics::TRAIN_ELBO, figures(at.model, at.train).elbo());
        }
        if let Some(average) = at.average {
            let figures = figures(average, at.watched());
            metrics.set(metrics::AVERAGE_ELBO, figures.elbo());
            figures.accuracy.into_iter().for_each(|accuracy| metrics.set(metrics::AVERAGE_ACCURACY, accuracy));
        }
        metrics.set(metrics::BETA, f64::from(self.recipe.beta_at(at.progress.step)));
        Ok(())
    }

    fn judge(&self, _: &Vae) -> Option<Judge> {
        let averages = self.recipe.descent.averages();
        Some(Judge::higher(if averages { metrics::AVERAGE_ELBO } else { metrics::ELBO }))
    }

    fn save(&self, snapshot: &mut Snapshot) {
        match &self.reader {
            Reader::OfClasses(labelled) => labelled.save(snapshot),
            Reader::Plain(reader) => reader.save(snapshot),
            Reader::Masked(masked) => masked.save(snapshot),
        }
        snapshot.put_stream(NOISE_STREAM, &self.noise);
    }

    fn load(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        match &mut self.reader {
            Reader::OfClasses(labelled) => labelled.load(snapshot)?,
            Reader::Plain(reader) => reader.load(snapshot)?,
            Reader::Masked(masked) => masked.load(snapshot)?,
        }
        snapshot.load_stream(NOISE_STREAM, &mut self.noise)
    }
}

/// The recipe's loss for a piece of a batch.
pub(super) fn loss<'t>(vae: &Vae, recipe: &VaeRecipe, piece: &Piece<'t>, sight: Sight<'t>) -> Var<'t> {
    let x = piece.rows(X, vae.config.visible);
    let noise = piece.draws(NOISE, recipe.importance_samples, vae.config.latent);
    objective(&vae.network, recipe.bound, [x, noise, piece.shared(BETA, [])], None, sight)
}

fn report(figures: &Figures, metrics: &mut Metrics) {
    metrics.set(metrics::ELBO, figures.elbo());
    metrics.set(metrics::RECONSTRUCTION, figures.reconstruction);
    metrics.set(metrics::KL, figures.divergence);
    figures.accuracy.into_iter().for_each(|accuracy| metrics.set(metrics::ACCURACY, accuracy));
    metrics.set(metrics::ACTIVE_UNITS, figures.active_units() as f64);
}

/// ```
/// use helmholtz::train::{Fit, Training};
/// use helmholtz::{Seed, data::Dataset, vae::{Vae, VaeConfig, VaeRecipe}};
/// let digits = Dataset::digits();
/// let mut vae = Vae::new(VaeConfig::new(64, 2), Seed(1))?;
/// vae.fit(&digits.train(), &VaeRecipe::default(), &Training { epochs: 1, ..Training::default() })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl Fit for Vae {
    type Recipe = VaeRecipe;
    type Trainer = VaeTrainer;

    fn trainer(
        self,
        recipe: &VaeRecipe,
        data: &Dataset<'_>,
        training: &Training,
    ) -> Result<VaeTrainer, TrainError> {
        TapeTrainer::new(self, recipe, data, training)
    }
}
