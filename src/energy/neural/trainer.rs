//! A neural energy in training: parameters, optimiser, chains or noise; one step after the other.

use super::objective::{denoising, two_phases};
use super::recipe::Method;
use super::replay::Replay;
use super::{AVERAGE, NeuralEnergy, NeuralError, NeuralRecipe, rows_of};
use crate::autodiff::Program;
use crate::data::Dataset;
use crate::optim::{Optimiser, WeightAverage, clip_by_global_norm};
use crate::random::{Lanes, Seed};
use crate::store::{Gradients, Snapshot, SnapshotError};
use crate::train::{Batch, Learner, Metrics, Observer, Progress, Summary, TrainError, Training, train};

/// Rows that evaluation looks at.
const MONITORED_ROWS: usize = 1024;
/// Points along an axis of the grid that a likelihood is monitored on.
const MONITORED_POINTS: usize = 256;
/// σ of the score that is monitored where the recipe has none, in units of the data's deviations: little enough to leave most
/// densities as they are.
const MONITORED_NOISE: f32 = 0.05;
const HINT: &str = "a lower --learning-rate usually helps";
const NOISE_STREAM: &str = "noise.stream";
const GRADIENT_NORM: &str = "gradient_norm";
const DATA: &str = "data";
const CHAINS: &str = "chains";
const NOISE: &str = "noise";
const LOSS: &str = "loss";

/// What a step draws besides the batch.
#[derive(Debug)]
enum Draws {
    Chains(Box<Replay>),
    Noise(Box<Lanes>),
}

/// A neural energy in training.
#[derive(Debug)]
pub struct NeuralTrainer {
    energy: NeuralEnergy,
    average: Option<WeightAverage>,
    recipe: NeuralRecipe,
    program: Program,
    optimiser: Optimiser,
    gradients: Gradients,
    draws: Draws,
    gradient_norm: f64,
    /// The loss of denoising score matching on so many rows, recorded at the first evaluation.
    monitor: Option<(usize, Program)>,
}

impl NeuralTrainer {
    /// Prepares `energy` for `recipe` on `data`: a program for batches of `training`'s size, and a buffer of chains.
    ///
    /// # Errors
    /// Where a setting is out of its range, or the data has no rows, is bits or not as wide as the model.
    pub fn new(
        energy: NeuralEnergy,
        recipe: NeuralRecipe,
        data: &Dataset<'_>,
        training: &Training,
    ) -> Result<Self, NeuralError> {
        recipe.check(training.batch)?;
        energy.check_data(data)?;
        let averages = recipe.average_decay > 0.0;
        let draws = match recipe.method {
            Method::TwoPhase(phases) => {
                Draws::Chains(Box::new(Replay::new(&energy, phases, training.batch, training.seed)?))
            }
            Method::DenoisingScoreMatching { .. } => {
                Draws::Noise(Box::new(training.seed.lanes("score matching noise", 0)))
            }
        };
        Ok(NeuralTrainer {
            average: averages.then(|| WeightAverage::new(&energy.store, recipe.average_decay)).transpose()?,
            program: gradient_program(&energy, recipe.method, training.batch),
            optimiser: Optimiser::new(recipe.adam, &energy.store)?,
            gradients: energy.store.gradients(),
            gradient_norm: 0.0,
            monitor: None,
            draws,
            recipe,
            energy,
        })
    }

    /// The model as it is now.
    pub fn energy(&self) -> &NeuralEnergy {
        &self.energy
    }

    /// The model of the running average of the parameters; the model itself where the recipe keeps none.
    pub fn average(&self) -> NeuralEnergy {
        let mut energy = self.energy.clone();
        if let Some(average) = &self.average {
            average.copy_to(&mut energy.store);
        }
        energy
    }

    /// The recipe.
    pub fn recipe(&self) -> &NeuralRecipe {
        &self.recipe
    }

    /// The trained model.
    pub fn into_energy(self) -> NeuralEnergy {
        self.energy
    }

    /// What the step draws besides the batch.
    fn draw(&mut self, step: u64) -> Result<(), TrainError> {
        match &mut self.draws {
            Draws::Chains(replay) => {
                let drawn = replay.draw(&self.energy, step, self.program.input_mut(CHAINS));
                drawn.map_err(|error| match error {
                    NeuralError::NonFiniteEnergy { chain } => {
                        let parameter = self.energy.store.first_non_finite().map(str::to_owned);
                        let tensor = parameter.unwrap_or_else(|| format!("the energy of chain {chain}"));
                        TrainError::NonFinite { step, tensor, hint: HINT }
                    }
                    error => TrainError::Learner(Box::new(error)),
                })
            }
            Draws::Noise(stream) => {
                stream.fill_normal(self.program.input_mut(NOISE));
                Ok(())
            }
        }
    }

    /// The mean energies of the first rows and of the chains, and their difference.
    fn report_energies(&self, data: &[f32], replay: &Replay, metrics: &mut Metrics) {
        let mean = |energies: &[f64]| energies.iter().sum::<f64>() / energies.len() as f64;
        let config = &self.energy.config;
        let units = config.scale.iter().zip(&config.centre).cycle();
        let chains: Vec<f32> = replay.buffer().iter().zip(units).map(|(u, (s, m))| m + s * u).collect();
        let data = mean(&self.energy.energies(data));
        metrics.set("energy", data);
        metrics.set("energy_gap", mean(&self.energy.energies(&chains)) - data);
        metrics.set("acceptance", replay.acceptance());
        metrics.set("step_size", f64::from(replay.step()));
    }

    /// What part of the noise in noisy rows the score tells: 1 − E|σs + ε|² / width, 0 of a flat energy. The same noise every time.
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

/// A program for the gradient of the method's loss.
pub(super) fn gradient_program(energy: &NeuralEnergy, method: Method, batch: usize) -> Program {
    let width = energy.width();
    Program::record(&energy.store, |tape| {
        let data = tape.input(DATA, [batch, width]);
        let loss = match method {
            Method::TwoPhase(phases) => {
                let [chains, _] = phases.sizes(batch);
                two_phases(&energy.network, data, tape.input(CHAINS, [chains, width]), phases.regulariser)
            }
            Method::DenoisingScoreMatching { noise } => {
                denoising(&energy.network, data, tape.input(NOISE, [batch, width]), noise)
            }
        };
        tape.output(LOSS, loss);
        tape.gradients(loss);
    })
}

impl Learner for NeuralTrainer {
    fn step(&mut self, batch: &Batch<'_>, progress: &Progress) -> Result<(), TrainError> {
        self.energy.check_data(batch.data).map_err(|error| TrainError::Learner(Box::new(error)))?;
        let data = self.program.input_mut(DATA);
        batch.data.rows_into(batch.rows, data);
        self.energy.standardise(data);
        self.draw(progress.step)?;
        self.program.run(&self.energy.store, &mut self.gradients);
        let limit = self.recipe.clip.unwrap_or(f64::INFINITY);
        self.gradient_norm = clip_by_global_norm(&mut self.gradients, limit);
        if !(self.program.scalar(LOSS).is_finite() && self.gradient_norm.is_finite()) {
            let found = self.program.first_non_finite(&self.energy.store);
            let tensor = found.unwrap_or_else(|| "the gradient".to_owned());
            return Err(TrainError::NonFinite { step: progress.step, tensor, hint: HINT });
        }
        let rate = self.recipe.learning_rate * self.recipe.schedule.factor(progress.step, progress.steps);
        self.optimiser.step(&mut self.energy.store, &self.gradients, rate);
        if let Some(average) = &mut self.average {
            average.update(&self.energy.store);
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
        if let Some(tensor) = self.energy.store.first_non_finite() {
            return Err(TrainError::NonFinite { step: progress.step, tensor: tensor.to_owned(), hint: HINT });
        }
        let first = |data: &Dataset<'_>| rows_of(data, data.len().min(MONITORED_ROWS));
        let (seen, watched) = (first(train), first(held_out.unwrap_or(train)));
        let average = self.average();
        for (log_likelihood, noise_explained, energy) in [
            ("log_likelihood", "noise_explained", self.energy.clone()),
            ("average_log_likelihood", "average_noise_explained", average),
        ] {
            if energy.has_grid() {
                let log_z = energy.quadrature(&watched, Some(MONITORED_POINTS)).log_z;
                let energies = energy.energies(&watched);
                metrics.set(log_likelihood, -energies.iter().sum::<f64>() / energies.len() as f64 - log_z);
            }
            metrics.set(noise_explained, self.noise_explained(&energy, &watched));
            if self.average.is_none() {
                break;
            }
        }
        if let Draws::Chains(replay) = &self.draws {
            self.report_energies(&seen, replay, metrics);
        }
        metrics.set(GRADIENT_NORM, self.gradient_norm);
        Ok(())
    }

    fn save(&self, snapshot: &mut Snapshot) {
        self.energy.write_to(snapshot, "");
        if let Some(average) = &self.average {
            average.save(AVERAGE, snapshot);
        }
        self.optimiser.save("adam.", snapshot);
        match &self.draws {
            Draws::Chains(replay) => replay.save(self.energy.width(), snapshot),
            Draws::Noise(stream) => snapshot.put_u32(NOISE_STREAM, &[64], &stream.state()),
        }
        snapshot.put_f64(GRADIENT_NORM, &[], &[self.gradient_norm]);
    }

    fn load(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        self.energy.store.load("", snapshot)?;
        if let Some(average) = &mut self.average {
            average.load(AVERAGE, snapshot)?;
        }
        self.optimiser.load("adam.", snapshot)?;
        match &mut self.draws {
            Draws::Chains(replay) => replay.load(self.energy.width(), snapshot)?,
            Draws::Noise(stream) => {
                let mut words = [0; 64];
                words.copy_from_slice(snapshot.u32(NOISE_STREAM, &[64])?);
                **stream = Lanes::from_state(&words);
            }
        }
        self.gradient_norm = snapshot.f64(GRADIENT_NORM, &[])?[0];
        Ok(())
    }
}

impl NeuralEnergy {
    /// Trains the model on `data` by `recipe`; what is left is the average of the parameters where the recipe keeps one.
    /// See [`NeuralTrainer`] for checkpoints and both of them.
    ///
    /// # Errors
    /// Where a setting is out of its range, the data does not fit, or a number becomes NaN or infinite.
    pub fn fit(
        &mut self,
        data: &Dataset<'_>,
        recipe: &NeuralRecipe,
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
        recipe: &NeuralRecipe,
        training: &Training,
        observer: &mut dyn Observer,
    ) -> Result<Summary, TrainError> {
        let mut trainer = NeuralTrainer::new(self.clone(), *recipe, data, training)
            .map_err(|error| TrainError::Learner(Box::new(error)))?;
        let summary = train(&mut trainer, data, None, training, None, observer)?;
        *self = trainer.average();
        Ok(summary)
    }
}
