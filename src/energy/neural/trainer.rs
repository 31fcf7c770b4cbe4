//! Training: the objective of a neural energy, for the one trainer of all models on the tape.

use super::objective::{denoising, two_phases};
use super::recipe::Method;
use super::replay::Replay;
use super::{NeuralEnergy, NeuralError, NeuralRecipe, metrics, rows_of};
use crate::autodiff::{Program, Var};
use crate::data::Dataset;
use crate::random::{Lanes, Seed};
use crate::store::{Snapshot, SnapshotError};
use crate::train::tape::{BatchProgram, Evaluation, Objective, Part, Piece, TapeTrainer};
use crate::train::{Batch, Fit, Judge, LOWER_RATE, Metrics, Progress, TrainError, Training};

/// Rows that evaluation looks at.
const MONITORED_ROWS: usize = 1024;
/// Points along an axis of the grid that a likelihood is monitored on.
const MONITORED_POINTS: usize = 256;
/// σ of the score that is monitored where the recipe has none, in units of the data's deviations: little enough to leave most
/// densities as they are.
const MONITORED_NOISE: f32 = 0.05;
const NOISE_STREAM: &str = "noise.stream";
const DATA: &str = "data";
const CHAINS: &str = "chains";
const NOISE: &str = "noise";
const LOSS: &str = "loss";

/// A neural energy in training.
pub type NeuralTrainer = TapeTrainer<NeuralObjective>;

/// The draws of a step besides the batch.
#[derive(Clone, Debug)]
enum Draws {
    Chains(Box<Replay>),
    Noise(Box<Lanes>),
}

/// The loss that a [`NeuralRecipe`] descends, and the chains or the noise that it is fed.
#[derive(Clone, Debug)]
pub struct NeuralObjective {
    recipe: NeuralRecipe,
    parts: [Part; 1],
    draws: Draws,
    /// The loss of denoising score matching on so many rows, recorded at the first evaluation.
    monitor: Option<(usize, Program)>,
}

impl NeuralObjective {
    /// The mean energies of the first rows and of the chains, and their difference.
    fn report_energies(energy: &NeuralEnergy, data: &[f32], replay: &Replay, metrics: &mut Metrics) {
        let mean = |energies: &[f64]| energies.iter().sum::<f64>() / energies.len() as f64;
        let config = &energy.config;
        let units = config.scale.iter().zip(&config.centre).cycle();
        let chains: Vec<f32> = replay.buffer().iter().zip(units).map(|(u, (s, m))| m + s * u).collect();
        let data = mean(&energy.energies(data));
        metrics.set(metrics::ENERGY, data);
        metrics.set(metrics::ENERGY_GAP, mean(&energy.energies(&chains)) - data);
        metrics.set(metrics::ACCEPTANCE, replay.acceptance());
        metrics.set(metrics::STEP_SIZE, f64::from(replay.step()));
    }

    /// The part of the noise in noisy rows that the score tells: 1 − E|σs + ε|² / width, 0 of a flat energy. The same noise every time.
    fn noise_explained(&mut self, energy: &NeuralEnergy, rows: &[f32]) -> f64 {
        let width = energy.width();
        let noise = match self.recipe.method {
            Method::DenoisingScoreMatching { noise } => noise,
            Method::TwoPhase(_) => MONITORED_NOISE,
        };
        let count = rows.len() / width;
        let mut program = match self.monitor.take() {
            Some((rows, program)) if rows == count => program,
            _ => Program::record(&energy.store, |tape| {
                let (data, drawn) = (tape.input(DATA, [count, width]), tape.input(NOISE, [count, width]));
                tape.output(LOSS, denoising(&energy.network, data, drawn, noise));
            }),
        };
        let data = program.input_mut(DATA);
        data.copy_from_slice(rows);
        energy.standardise(data);
        Seed(0).lanes("score matching noise", 0).fill_normal(program.input_mut(NOISE));
        program.evaluate(&energy.store);
        let loss = f64::from(program.scalar(LOSS));
        self.monitor = Some((count, program));
        1.0 - 2.0 * loss / width as f64
    }
}

/// The method's loss for a batch.
pub(super) fn loss<'t>(energy: &NeuralEnergy, method: Method, batch: &Piece<'t>) -> Var<'t> {
    let width = energy.width();
    let data = batch.rows(DATA, width);
    match method {
        Method::TwoPhase(phases) => {
            let [chains, _] = phases.sizes(batch.examples());
            two_phases(&energy.network, data, batch.shared(CHAINS, [chains, width]), phases.regulariser)
        }
        Method::DenoisingScoreMatching { noise } => {
            denoising(&energy.network, data, batch.rows(NOISE, width), noise)
        }
    }
}

impl Objective for NeuralObjective {
    type Model = NeuralEnergy;
    type Recipe = NeuralRecipe;

    fn new(
        energy: &mut NeuralEnergy,
        &recipe: &NeuralRecipe,
        data: &Dataset<'_>,
        training: &Training,
    ) -> Result<Self, TrainError> {
        recipe.check(training.batch)?;
        energy.check_data(data)?;
        let draws = match recipe.method {
            Method::TwoPhase(phases) => {
                Draws::Chains(Box::new(Replay::new(energy, phases, training.batch, training.seed)?))
            }
            Method::DenoisingScoreMatching { .. } => {
                Draws::Noise(Box::new(training.seed.lanes("score matching noise", 0)))
            }
        };
        let parts = [Part::joint("adam.", recipe.descent, &energy.store)];
        Ok(NeuralObjective { recipe, parts, draws, monitor: None })
    }

    fn parts(&self) -> &[Part] {
        &self.parts
    }

    fn loss<'t>(&self, energy: &NeuralEnergy, _: usize, piece: &Piece<'t>) -> Var<'t> {
        loss(energy, self.recipe.method, piece)
    }

    fn read(
        &mut self,
        energy: &NeuralEnergy,
        batch: &Batch<'_>,
        _: &Progress,
        programs: &mut [BatchProgram],
    ) -> Result<(), TrainError> {
        energy.check_data(batch.data)?;
        let data = programs[0].input_mut(DATA);
        batch.data.rows_into(batch.rows, data);
        energy.standardise(data);
        Ok(())
    }

    fn draw(
        &mut self,
        energy: &NeuralEnergy,
        _: usize,
        progress: &Progress,
        program: &mut BatchProgram,
    ) -> Result<(), TrainError> {
        match &mut self.draws {
            Draws::Noise(stream) => stream.fill_normal(program.input_mut(NOISE)),
            Draws::Chains(replay) => {
                let drawn = replay.draw(energy, progress.step, program.input_mut(CHAINS));
                drawn.map_err(|error| match error {
                    NeuralError::NonFiniteEnergy { chain } => {
                        let parameter = energy.store.first_non_finite().map(str::to_owned);
                        let tensor = parameter.unwrap_or_else(|| format!("the energy of chain {chain}"));
                        TrainError::NonFinite { step: progress.step, tensor, hint: LOWER_RATE }
                    }
                    error => error.into(),
                })?;
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, at: &Evaluation<'_, NeuralEnergy>, metrics: &mut Metrics) -> Result<(), TrainError> {
        let first = |data: &Dataset<'_>| rows_of(data, data.len().min(MONITORED_ROWS));
        let watched = first(at.watched());
        let last = (at.model, metrics::LOG_LIKELIHOOD, metrics::NOISE_EXPLAINED);
        let average =
            at.average.map(|average| (average, metrics::AVERAGE_LOG_LIKELIHOOD, metrics::AVERAGE_NOISE_EXPLAINED));
        for (energy, log_likelihood, noise_explained) in [last].into_iter().chain(average) {
            if energy.has_grid() {
                let log_z = energy.quadrature(&watched, Some(MONITORED_POINTS)).log_z;
                let energies = energy.energies(&watched);
                metrics.set(log_likelihood, -energies.iter().sum::<f64>() / energies.len() as f64 - log_z);
            }
            metrics.set(noise_explained, self.noise_explained(energy, &watched));
        }
        if let Draws::Chains(replay) = &self.draws {
            Self::report_energies(at.model, &first(at.train), replay, metrics);
        }
        Ok(())
    }

    fn judge(&self, energy: &NeuralEnergy) -> Option<Judge> {
        Some(Judge::higher(match (energy.has_grid(), self.recipe.descent.averages()) {
            (true, true) => metrics::AVERAGE_LOG_LIKELIHOOD,
            (true, false) => metrics::LOG_LIKELIHOOD,
            (false, true) => metrics::AVERAGE_NOISE_EXPLAINED,
            (false, false) => metrics::NOISE_EXPLAINED,
        }))
    }

    fn save(&self, snapshot: &mut Snapshot) {
        match &self.draws {
            Draws::Chains(replay) => replay.save(snapshot),
            Draws::Noise(stream) => snapshot.put_stream(NOISE_STREAM, stream),
        }
    }

    fn load(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        match &mut self.draws {
            Draws::Chains(replay) => replay.load(snapshot),
            Draws::Noise(stream) => snapshot.load_stream(NOISE_STREAM, stream),
        }
    }
}

impl Fit for NeuralEnergy {
    type Recipe = NeuralRecipe;
    type Trainer = NeuralTrainer;

    fn trainer(
        self,
        recipe: &NeuralRecipe,
        data: &Dataset<'_>,
        training: &Training,
    ) -> Result<NeuralTrainer, TrainError> {
        TapeTrainer::new(self, recipe, data, training)
    }
}
