//! A Boltzmann machine in training: parameters, chains, velocities; one step after the other.

use super::chains::Chains;
use super::exact::EXACT_UNITS;
use super::statistics::{Expectation, mean_field};
use super::{BoltzmannError, BoltzmannMachine, DataTerm, ModelTerm, Recipe};
use crate::data::{Binarization, Dataset};
use crate::random::{Lanes, Seed};
use crate::store::{Snapshot, SnapshotError};
use crate::tensor::{AlignedVec, BitMatrix, LANES};
use crate::train::{Batch, Learner, Metrics, Observer, Progress, Summary, TrainError, Training, train};

/// Rows looked at by an evaluation.
const ROWS: usize = 512;
/// Units up to which the exact log-likelihood is cheap enough to be watched.
const CHEAP_UNITS: usize = 16;
/// Sweeps of the hidden units before visible ones are predicted from them.
const WATCH_SWEEPS: usize = 10;

/// A Boltzmann machine in training.
#[derive(Debug)]
pub struct BoltzmannTrainer {
    machine: BoltzmannMachine,
    recipe: Recipe,
    /// The step before, `[units, units]` with the biases' on the diagonal.
    velocity: AlignedVec<f32>,
    /// The model's chains.
    chains: Option<Chains>,
    /// Chains of the hidden units, visible ones clamped to the batch.
    clamped: Option<Chains>,
    data_streams: Vec<Lanes>,
    bits: BitMatrix,
    /// `[batch, units]`, of the mean-field term.
    means: Vec<f32>,
    data: Expectation,
    model: Expectation,
    seed: Seed,
}

impl BoltzmannTrainer {
    /// Prepares `machine` for `recipe` on `data`: visible biases from the data's means where all biases are zero, chains at
    /// fair coins.
    ///
    /// # Errors
    /// Where a setting is out of its range, the data has no rows, is grey or not as wide as the machine, or there are too
    /// many units for an exact term.
    pub fn new(
        machine: BoltzmannMachine,
        recipe: Recipe,
        data: &Dataset<'_>,
        training: &Training,
    ) -> Result<Self, BoltzmannError> {
        recipe.check()?;
        let (visible, hidden, n) = (machine.visible, machine.hidden, machine.len());
        if training.batch == 0 {
            let (name, wanted) = ("the batch size", "at least 1");
            return Err(BoltzmannError::Setting { name, given: "0".into(), wanted });
        }
        if data.width() != visible {
            return Err(BoltzmannError::Width { data: data.width(), model: visible });
        }
        if data.is_empty() {
            return Err(BoltzmannError::NoRows);
        }
        if !data.is_binary() && data.binarization() == Binarization::None {
            return Err(BoltzmannError::Grey);
        }
        let enumerated = match (recipe.model, recipe.data) {
            (ModelTerm::Exact, _) => n,
            (_, DataTerm::Exact) => hidden,
            _ => 0,
        };
        if enumerated > EXACT_UNITS {
            return Err(BoltzmannError::TooManyUnits { units: enumerated, limit: EXACT_UNITS });
        }
        let mut machine = machine;
        if machine.bias.iter().all(|&bias| bias == 0.0) {
            machine.set_visible_bias_from_means(&data.means(), data.len());
        }
        let seed = training.seed;
        let chains = (recipe.model != ModelTerm::Exact).then(|| {
            Chains::random(recipe.chains.unwrap_or(training.batch), n, seed.derive("boltzmann model", 0))
        });
        let clamped = (hidden > 0 && matches!(recipe.data, DataTerm::Gibbs { .. })).then(|| {
            let mut clamped = Chains::random(training.batch, n, seed.derive("boltzmann data", 0));
            clamped.clamp(&held(visible, n));
            clamped
        });
        let means =
            if hidden > 0 && matches!(recipe.data, DataTerm::MeanField { .. }) { training.batch * n } else { 0 };
        let blocks = training.batch.div_ceil(LANES) as u64;
        Ok(BoltzmannTrainer {
            velocity: AlignedVec::zeroed(n * n),
            chains,
            clamped,
            data_streams: (0..blocks).map(|block| seed.lanes("training data", block)).collect(),
            bits: BitMatrix::zeros(training.batch, visible),
            means: vec![0.0; means],
            data: Expectation::default(),
            model: Expectation::default(),
            seed,
            machine,
            recipe,
        })
    }

    /// The machine as it is now.
    pub fn machine(&self) -> &BoltzmannMachine {
        &self.machine
    }

    /// The recipe.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// The trained machine.
    pub fn into_machine(self) -> BoltzmannMachine {
        self.machine
    }

    /// Both expectations for one batch.
    pub(super) fn expectations(&mut self, batch: &Batch<'_>) -> Result<(), BoltzmannError> {
        let (visible, n) = (self.machine.visible, self.machine.len());
        if batch.data.width() != visible {
            return Err(BoltzmannError::Width { data: batch.data.width(), model: visible });
        }
        batch.data.bits_into(batch.rows, &mut self.data_streams, &mut self.bits);
        match (self.recipe.data, &mut self.clamped) {
            _ if self.machine.hidden == 0 => self.data.of_bits(&self.bits),
            (DataTerm::Gibbs { sweeps }, Some(clamped)) => {
                lay_visible(&self.bits, clamped.states_mut());
                clamped.toss();
                clamped.gibbs(&self.machine, sweeps);
                self.data.of_bits(clamped.states());
            }
            (DataTerm::MeanField { sweeps }, _) => {
                mean_field(&self.machine, &self.bits, sweeps, &mut self.means);
                self.data.of_means(&self.means, n);
            }
            _ => self.data.of_data(&self.machine, &self.bits),
        }
        match (self.recipe.model, &mut self.chains) {
            (ModelTerm::Persistent { k }, Some(chains)) => {
                chains.gibbs(&self.machine, k);
                self.model.of_bits(chains.states());
            }
            (ModelTerm::Restarted { k }, Some(chains)) => {
                chains.toss();
                chains.gibbs(&self.machine, k);
                self.model.of_bits(chains.states());
            }
            _ => self.model.of_model(&self.machine),
        }
        Ok(())
    }

    /// ∂/∂Wᵢⱼ of the mean log-likelihood of the batch last seen, ∂/∂bᵢ for i = j.
    pub(super) fn gradient(&self, i: usize, j: usize) -> f64 {
        self.data.gradient(&self.model, self.machine.units, self.machine.len(), i, j)
    }

    fn update(&mut self, progress: &Progress) {
        let n = self.machine.len();
        let rate = self.recipe.learning_rate * (1.0 - progress.fraction()) as f32;
        for i in 0..n {
            for j in 0..=i {
                let parameter = if i == j { self.machine.bias[i] } else { self.machine.weights[i * n + j] };
                let decay = if i == j { 0.0 } else { self.recipe.weight_decay * parameter };
                let gradient = self.gradient(i, j) as f32;
                let velocity = &mut self.velocity[i * n + j];

                *velocity = self.recipe.momentum * *velocity + rate * (gradient - decay);
                let value = parameter + *velocity;
                if i == j {
                    self.machine.bias[i] = value;
                } else {
                    self.machine.weights[i * n + j] = value;
                    self.machine.weights[j * n + i] = value;
                }
            }
        }
        self.machine.refresh();
    }

    /// Visible rows with hidden units drawn given them, `[rows, units]`.
    fn completed(&self, rows: &BitMatrix) -> BitMatrix {
        if self.machine.hidden == 0 {
            return rows.clone();
        }
        let n = self.machine.len();
        let mut states = BitMatrix::zeros(rows.rows(), n);
        lay_visible(rows, &mut states);
        let mut chains = Chains::from_states(states, self.seed.derive("boltzmann watch", 0));
        chains.clamp(&held(self.machine.visible, n));
        chains.toss();
        chains.gibbs(&self.machine, WATCH_SWEEPS);
        chains.states().clone()
    }

    fn parts(&self) -> [(&'static str, Option<&Chains>); 2] {
        [("chains", self.chains.as_ref()), ("clamped", self.clamped.as_ref())]
    }
}

/// The first `visible` of `n` units.
fn held(visible: usize, n: usize) -> Vec<bool> {
    (0..n).map(|unit| unit < visible).collect()
}

/// Copies rows `[rows, visible]` into the first units of `states` `[rows, units]`.
fn lay_visible(visible: &BitMatrix, states: &mut BitMatrix) {
    let (from, to) = (visible.words_per_row() * LANES, states.words_per_row() * LANES);
    let last = visible.units() % 32;
    for (visible, states) in visible.words().chunks_exact(from).zip(states.words_mut().chunks_exact_mut(to)) {
        for (word, (visible, states)) in
            visible.chunks_exact(LANES).zip(states.chunks_exact_mut(LANES)).enumerate()
        {
            let mask = if last > 0 && (word + 1) * LANES == from { (1u32 << last) - 1 } else { u32::MAX };
            states.iter_mut().zip(visible).for_each(|(state, visible)| *state = *state & !mask | *visible & mask);
        }
    }
}

fn first_rows(data: &Dataset<'_>) -> BitMatrix {
    data.to_bits_range(0..data.len().min(ROWS))
}

impl Learner for BoltzmannTrainer {
    fn step(&mut self, batch: &Batch<'_>, progress: &Progress) -> Result<(), TrainError> {
        self.expectations(batch).map_err(|error| TrainError::Learner(Box::new(error)))?;
        self.update(progress);
        let finite = |values: &[f32]| values.iter().all(|value| value.is_finite());
        if !finite(&self.machine.bias) || !finite(&self.machine.weights) {
            return Err(TrainError::NonFinite {
                step: progress.step,
                tensor: "weights".into(),
                hint: "a lower --learning-rate usually helps",
            });
        }
        Ok(())
    }

    fn evaluate(
        &mut self,
        train: &Dataset<'_>,
        held_out: Option<&Dataset<'_>>,
        _: &Progress,
        metrics: &mut Metrics,
    ) -> Result<(), TrainError> {
        let rows = first_rows(held_out.unwrap_or(train));
        if self.machine.len() <= CHEAP_UNITS {
            let values =
                self.machine.exact_log_likelihoods(&rows).map_err(|error| TrainError::Learner(Box::new(error)))?;
            metrics.set("log_likelihood", values.iter().sum::<f64>() / values.len() as f64);
        }
        let name = if self.machine.hidden == 0 { "pseudo_likelihood" } else { "conditional_likelihood" };
        metrics.set(name, self.machine.conditional_log_likelihood(&self.completed(&rows)));
        let norm = |values: &[f32]| values.iter().map(|&w| f64::from(w) * f64::from(w)).sum::<f64>().sqrt();
        metrics.set("weight_norm", norm(&self.machine.weights));
        metrics.set("update_norm", norm(&self.velocity));
        Ok(())
    }

    fn save(&self, snapshot: &mut Snapshot) {
        let n = self.machine.len();
        self.machine.write_to(snapshot);
        snapshot.put_f32("velocity", &[n, n], &self.velocity);
        for (name, chains) in self.parts() {
            let Some(chains) = chains else { continue };
            let words = chains.states().words();
            snapshot.put_u32(&format!("{name}.states"), &[words.len()], words);
            save_streams(snapshot, &format!("{name}.streams"), chains.streams());
        }
        save_streams(snapshot, "data.streams", &self.data_streams);
    }

    fn load(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let n = self.machine.len();
        self.machine.weights.copy_from_slice(snapshot.f32("weights", &[n, n])?);
        self.machine.bias.copy_from_slice(snapshot.f32("bias", &[n])?);
        self.machine.refresh();
        self.velocity.copy_from_slice(snapshot.f32("velocity", &[n, n])?);
        for (name, chains) in [("chains", &mut self.chains), ("clamped", &mut self.clamped)] {
            let Some(chains) = chains else { continue };
            let words = chains.states_mut().words_mut();
            words.copy_from_slice(snapshot.u32(&format!("{name}.states"), &[words.len()])?);
            load_streams(snapshot, &format!("{name}.streams"), chains.streams_mut())?;
        }
        load_streams(snapshot, "data.streams", &mut self.data_streams)
    }
}

fn save_streams(snapshot: &mut Snapshot, name: &str, streams: &[Lanes]) {
    let words: Vec<u32> = streams.iter().flat_map(Lanes::state).collect();
    snapshot.put_u32(name, &[streams.len(), 64], &words);
}

fn load_streams(snapshot: &Snapshot, name: &str, streams: &mut [Lanes]) -> Result<(), SnapshotError> {
    let states = snapshot.u32(name, &[streams.len(), 64])?;
    for (stream, state) in streams.iter_mut().zip(states.as_chunks::<64>().0) {
        *stream = Lanes::from_state(state);
    }
    Ok(())
}

impl BoltzmannMachine {
    /// Trains the machine on `data` by `recipe`. See [`BoltzmannTrainer`] for checkpoints.
    ///
    /// # Errors
    /// Where a setting is out of its range, the data does not fit, or a parameter becomes NaN or infinite.
    ///
    /// ```
    /// use helmholtz::data::Dataset;
    /// use helmholtz::energy::boltzmann::{BoltzmannMachine, Recipe, Units};
    /// use helmholtz::{Seed, train::Training};
    /// let bars = Dataset::bars(2)?;
    /// let mut machine = BoltzmannMachine::new(4, 2, Units::Binary, Seed(1));
    /// let training = Training { steps: Some(50), batch: 6, ..Training::default() };
    /// machine.fit(&bars, &Recipe::exact(), &training)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fit(
        &mut self,
        data: &Dataset<'_>,
        recipe: &Recipe,
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
        recipe: &Recipe,
        training: &Training,
        observer: &mut dyn Observer,
    ) -> Result<Summary, TrainError> {
        let mut trainer = BoltzmannTrainer::new(self.clone(), *recipe, data, training)
            .map_err(|error| TrainError::Learner(Box::new(error)))?;
        let summary = train(&mut trainer, data, None, training, None, observer)?;
        *self = trainer.into_machine();
        Ok(summary)
    }
}
