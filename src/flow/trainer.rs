//! Training: the objective of a flow, for the one trainer of all models on the tape.

use super::dropout::fill_masks;
use super::likelihood::FlowScoring;
use super::pass::{Forward, ROWS, through};
use super::rows::fill_noise;
use super::{Dropout, Flow, FlowRecipe, metrics};
use crate::Setting;
use crate::autodiff::Var;
use crate::data::Dataset;
use crate::random::{Lanes, Seed, Streams};
use crate::store::{Snapshot, SnapshotError};
use crate::train::tape::{BatchProgram, Evaluation, Objective, Part, Piece, Pieces, TapeTrainer};
use crate::train::{Batch, Fit, Judge, Metrics, Progress, TrainError, Training};

/// Rows that evaluation looks at.
const MONITORED_ROWS: usize = 2048;
/// Rows that the normalisations begin with.
const FIRST_ROWS: usize = 1024;
/// Rows of a batch that one lane takes through all layers without meeting another: the activations of a layer of 64 units are as large as a
/// first-level cache, and the few hundred operations are long enough to be worth starting.
const PIECE: usize = 128;
const NOISE_STREAMS: &str = "noise.streams";
const MASKS_STREAM: &str = "dropout.stream";
const MASKS: &str = "masks";
const WEIGHTS: &str = "weights";
const X: &str = "x";
const CONTEXT: &str = "context";

/// A flow in training.
pub type FlowTrainer = TapeTrainer<FlowObjective>;

/// The log-likelihood that a [`FlowRecipe`] climbs, and the noise that grey levels are fed with.
#[derive(Clone, Debug)]
pub struct FlowObjective {
    recipe: FlowRecipe,
    parts: [Part; 1],
    noise: BatchNoise,
    /// Which units a step leaves out.
    masks: Lanes,
    /// The mean of the rows' weights, where they have some.
    mean_weight: Option<f64>,
    /// What a batch is conditioned on, `[batch, context]`.
    context: Vec<f32>,
    /// Recorded at the first evaluation.
    forward: Option<Forward>,
}

/// Uniform noise for a batch of rows, each of which draws from a lane of its own; none for real numbers.
#[derive(Clone, Debug)]
struct BatchNoise {
    streams: Streams,
    drawn: Vec<f32>,
    /// `[batch, width]`, up to a whole number of sixteen rows.
    values: Vec<f32>,
}

impl BatchNoise {
    fn new(flow: &Flow, seed: Seed, name: &str, rows: usize) -> Self {
        let levels = flow.config.preprocessing.levels().is_some();
        let (rows, width) = if levels { (rows, flow.width()) } else { (0, 0) };
        let streams = Streams::new(seed, name, rows);
        let (drawn, values) = (vec![0.0; Streams::ROWS * width], vec![0.0; streams.len() * Streams::ROWS * width]);
        BatchNoise { streams, drawn, values }
    }

    /// The next noise of all rows.
    fn next(&mut self) -> &[f32] {
        let Self { streams, drawn, values } = self;
        let blocks = values.chunks_exact_mut(drawn.len().max(1));
        blocks.zip(streams.blocks_mut()).for_each(|(block, stream)| fill_noise(stream, drawn, block));
        values
    }
}

/// Sets the parameters that start with the data, one transform after the other, from rows spread over all of it.
fn begin(flow: &mut Flow, data: &Dataset<'_>, seed: Seed) {
    let count = data.len().min(FIRST_ROWS);
    let (mut z, mut context) = (vec![0.0; count * flow.width()], vec![0.0; count * flow.config.context()]);
    let mut noise = BatchNoise::new(flow, seed, "first noise", count);
    let spread = (0..count).map(|row| row * data.len() / count);
    flow.read_rows(data, spread, noise.next(), &mut z, &mut context);
    for transform in flow.transforms.clone() {
        transform.begin_with(&mut flow.store, &z);
        through(&*transform, flow, &mut z, &context);
    }
    flow.has_begun();
}

impl FlowObjective {
    /// Whether there are units to leave out.
    fn drops(&self, flow: &Flow) -> bool {
        self.recipe.dropout > 0.0 && flow.hidden_units() > 0
    }

    /// The mean log-likelihood of the first rows of checked data, with noise that is the same every time.
    fn log_likelihood(&mut self, flow: &Flow, data: &Dataset<'_>) -> f64 {
        let first = data.subset(0..data.len().min(MONITORED_ROWS));
        let forward = self.forward.get_or_insert_with(|| Forward::new(flow, ROWS));
        let densities = flow.densities_of(&first, forward, FlowScoring { draws: 1, ..FlowScoring::default() });
        let mut sums = [0.0; 2];
        // Rows of which none counts are looked at alike.
        let alike = !first.is_weighted() || mean_weight(&first) == 0.0;
        for (row, density) in densities.iter().enumerate() {
            let weight = if alike { 1.0 } else { first.weight(row).map_or(1.0, f64::from) };
            sums = [sums[0] + weight * density.value(flow.space()), sums[1] + weight];
        }
        sums[0] / sums[1]
    }
}

/// The mean of the rows' weights.
fn mean_weight(data: &Dataset<'_>) -> f64 {
    (0..data.len()).filter_map(|row| data.weight(row)).map(f64::from).sum::<f64>() / data.len() as f64
}

impl Objective for FlowObjective {
    type Model = Flow;
    type Recipe = FlowRecipe;

    /// The parameters that start with the data do so, where no training has set them before.
    fn new(
        flow: &mut Flow,
        &recipe: &FlowRecipe,
        data: &Dataset<'_>,
        training: &Training,
    ) -> Result<Self, TrainError> {
        recipe.check()?;
        flow.check_data(data)?;
        if flow.is_pending() {
            begin(flow, data, training.seed);
        }
        let noise = BatchNoise::new(flow, training.seed, "training noise", training.batch);
        let context = vec![0.0; training.batch * flow.config.context()];
        let joint = Part::joint("adam.", recipe.descent, &flow.store);
        let parts = [Part { pieces: Pieces::OfRows(PIECE), ..joint }];
        let masks = training.seed.lanes("dropout", 0);
        let mean_weight = data.is_weighted().then(|| mean_weight(data));
        Setting::check(mean_weight != Some(0.0), "the mean weight of the rows", 0, "positive")?;
        Ok(FlowObjective { recipe, parts, noise, masks, mean_weight, context, forward: None })
    }

    fn parts(&self) -> &[Part] {
        &self.parts
    }

    fn loss<'t>(&self, flow: &Flow, _: usize, piece: &Piece<'t>) -> Var<'t> {
        let context = flow.config.context();
        let z = piece.rows(X, flow.width());
        let context = (context > 0).then(|| piece.rows(CONTEXT, context));
        let dropout = self.drops(flow).then(|| Dropout::new(piece.rows(MASKS, flow.hidden_units())));
        let densities = flow.densities_with(z, context, dropout.as_ref());
        let log_densities = densities.log_base + densities.log_determinant;
        match self.mean_weight {
            None => -log_densities.mean(),
            Some(_) => -(log_densities * piece.rows(WEIGHTS, 1).reshape([piece.examples()])).mean(),
        }
    }

    fn read(
        &mut self,
        flow: &Flow,
        batch: &Batch<'_>,
        _: &Progress,
        programs: &mut [BatchProgram],
    ) -> Result<(), TrainError> {
        let (rows, z) = (batch.rows.iter().copied(), programs[0].input_mut(X));
        flow.read_rows(batch.data, rows, self.noise.next(), z, &mut self.context);
        if let Some(mean) = self.mean_weight {
            for (weight, &row) in programs[0].input_mut(WEIGHTS).iter_mut().zip(batch.rows) {
                *weight = (f64::from(batch.data.weight(row).unwrap_or(1.0)) / mean) as f32;
            }
        }
        if !self.context.is_empty() {
            programs[0].input_mut(CONTEXT).copy_from_slice(&self.context);
        }
        Ok(())
    }

    fn draw(&mut self, flow: &Flow, _: usize, _: &Progress, program: &mut BatchProgram) -> Result<(), TrainError> {
        if self.drops(flow) {
            fill_masks(&mut self.masks, self.recipe.dropout as f32, program.input_mut(MASKS));
        }
        Ok(())
    }

    fn evaluate(&mut self, at: &Evaluation<'_, Flow>, metrics: &mut Metrics) -> Result<(), TrainError> {
        at.model.check_data(at.watched())?;
        metrics.set(metrics::LOG_LIKELIHOOD, self.log_likelihood(at.model, at.watched()));
        if at.held_out.is_some() {
            metrics.set(metrics::TRAIN_LOG_LIKELIHOOD, self.log_likelihood(at.model, at.train));
        }
        if let Some(average) = at.average {
            metrics.set(metrics::AVERAGE_LOG_LIKELIHOOD, self.log_likelihood(average, at.watched()));
        }
        Ok(())
    }

    fn takes_weights(&self) -> bool {
        true
    }

    fn judge(&self, _: &Flow) -> Option<Judge> {
        let averages = self.recipe.descent.averages();
        Some(Judge::higher(if averages { metrics::AVERAGE_LOG_LIKELIHOOD } else { metrics::LOG_LIKELIHOOD }))
    }

    fn save(&self, snapshot: &mut Snapshot) {
        snapshot.put_streams(NOISE_STREAMS, &self.noise.streams);
        if self.recipe.dropout > 0.0 {
            snapshot.put_stream(MASKS_STREAM, &self.masks);
        }
    }

    fn load(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        if self.recipe.dropout > 0.0 {
            snapshot.load_stream(MASKS_STREAM, &mut self.masks)?;
        }
        snapshot.load_streams(NOISE_STREAMS, &mut self.noise.streams)
    }
}

/// ```
/// use helmholtz::data::{Dataset, ToyDensity};
/// use helmholtz::flow::{Flow, FlowConfig, FlowRecipe, FlowScoring};
/// use helmholtz::train::{Fit, Training};
/// use helmholtz::Seed;
/// let data = Dataset::toy(ToyDensity::Moons);
/// let config = FlowConfig { hidden: vec![16], layers: 3, ..FlowConfig::fitted(&data.train())? };
/// let mut flow = Flow::new(config, Seed(1))?;
/// flow.fit(&data.train(), &FlowRecipe::default(), &Training { steps: Some(50), ..Training::default() })?;
/// println!("{}", flow.log_likelihood(&data.test(), &FlowScoring::default())?); // nats, exact
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl Fit for Flow {
    type Recipe = FlowRecipe;
    type Trainer = FlowTrainer;

    fn trainer(
        self,
        recipe: &FlowRecipe,
        data: &Dataset<'_>,
        training: &Training,
    ) -> Result<FlowTrainer, TrainError> {
        TapeTrainer::new(self, recipe, data, training)
    }
}
