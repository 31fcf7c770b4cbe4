//! A Boltzmann machine in training: parameters, chains, velocities; one step after the other.

use super::exact::EXACT_UNITS;
use super::statistics::{Expectation, mean_field};
use super::{BoltzmannChains, BoltzmannError, BoltzmannMachine, DataTerm, ModelTerm, Recipe, metrics};
use crate::Setting;
use crate::data::{Dataset, Values, Wanted, check_width};
use crate::random::{Seed, Streams};
use crate::store::{Snapshot, SnapshotError};
use crate::tensor::{AlignedVec, BitMatrix, LANES};
use crate::train::{Batch, Fit, Judge, Learner, Metrics, Progress, TrainError, Trainer, Training};
use std::fmt;

/// Rows looked at by an evaluation.
const ROWS: usize = 512;
/// Units up to which the exact log-likelihood is cheap enough to be watched.
const CHEAP_UNITS: usize = 16;
/// Sweeps of the hidden units before visible ones are predicted from them.
const WATCH_SWEEPS: usize = 10;

/// A Boltzmann machine in training.
#[derive(Clone)]
pub struct BoltzmannTrainer {
    machine: BoltzmannMachine,
    recipe: Recipe,
    /// The step before, `[units, units]` with the biases' on the diagonal.
    velocity: AlignedVec<f32>,
    /// The model's chains.
    chains: Option<BoltzmannChains>,
    /// Chains of the hidden units, visible ones clamped to the batch.
    clamped: Option<BoltzmannChains>,
    data_streams: Streams,
    bits: BitMatrix,
    /// `[batch, units]`, of the mean-field term.
    means: Vec<f32>,
    data: Expectation,
    model: Expectation,
    seed: Seed,
}

impl fmt::Debug for BoltzmannTrainer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (last, recipe) = (&self.machine, &self.recipe);
        f.debug_struct("BoltzmannTrainer").field("last", last).field("recipe", recipe).finish_non_exhaustive()
    }
}

impl BoltzmannTrainer {
    /// Prepares `machine` for `recipe` on `data`: visible biases from the data's means where all biases are zero, chains at
    /// fair coins.
    ///
    /// # Errors
    /// Where a setting is out of its range, the data has no rows, is not as wide as the visible units or not one of bits, or
    /// there are too many units for an exact term.
    pub fn new(
        machine: BoltzmannMachine,
        recipe: Recipe,
        data: &Dataset<'_>,
        training: &Training,
    ) -> Result<Self, BoltzmannError> {
        recipe.check()?;
        let (visible, hidden, n) = (machine.visible, machine.hidden, machine.len());
        Setting::at_least_one("the batch size", training.batch)?;
        Wanted { width: visible, values: Values::Bits }.check(data)?;
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
            BoltzmannChains::random(recipe.chains.unwrap_or(training.batch), n, seed.derive("boltzmann model", 0))
        });
        let clamped = (hidden > 0 && matches!(recipe.data, DataTerm::Gibbs { .. })).then(|| {
            let mut clamped = BoltzmannChains::random(training.batch, n, seed.derive("boltzmann data", 0));
            clamped.clamp(&held(visible, n));
            clamped
        });
        let means =
            if hidden > 0 && matches!(recipe.data, DataTerm::MeanField { .. }) { training.batch * n } else { 0 };
        Ok(BoltzmannTrainer {
            velocity: AlignedVec::zeroed(n * n),
            chains,
            clamped,
            data_streams: Streams::new(seed, "training data", training.batch),
            bits: BitMatrix::zeros(training.batch, visible),
            means: vec![0.0; means],
            data: Expectation::default(),
            model: Expectation::default(),
            seed,
            machine,
            recipe,
        })
    }

    /// The recipe.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// Both expectations for one batch.
    pub(super) fn expectations(&mut self, batch: &Batch<'_>) -> Result<(), BoltzmannError> {
        let (visible, n) = (self.machine.visible, self.machine.len());
        check_width(batch.data.width(), visible)?;
        batch.data.bits_into(batch.rows, self.data_streams.blocks_mut(), &mut self.bits);
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

    /// The figure that judges the machine.
    fn watched(&self) -> &'static str {
        if self.machine.hidden == 0 { metrics::PSEUDO_LIKELIHOOD } else { metrics::CONDITIONAL_LIKELIHOOD }
    }

    /// Visible rows with hidden units drawn given them, `[rows, units]`.
    fn completed(&self, rows: &BitMatrix) -> BitMatrix {
        if self.machine.hidden == 0 {
            return rows.clone();
        }
        let n = self.machine.len();
        let mut states = BitMatrix::zeros(rows.rows(), n);
        lay_visible(rows, &mut states);
        let mut chains = BoltzmannChains::from_states(states, self.seed.derive("boltzmann watch", 0));
        chains.clamp(&held(self.machine.visible, n));
        chains.toss();
        chains.gibbs(&self.machine, WATCH_SWEEPS);
        chains.states().clone()
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
        self.expectations(batch)?;
        self.update(progress);
        let finite = |values: &[f32]| values.iter().all(|value| value.is_finite());
        if !finite(&self.machine.bias) || !finite(&self.machine.weights) {
            return Err(TrainError::NonFinite {
                step: progress.step,
                tensor: "weights".into(),
                hint: "a lower learning rate usually helps",
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
            let values = self.machine.exact_log_likelihoods(&rows)?;
            metrics.set(metrics::LOG_LIKELIHOOD, values.iter().sum::<f64>() / values.len() as f64);
        }
        metrics.set(self.watched(), self.machine.conditional_log_likelihood(&self.completed(&rows)));
        let norm = |values: &[f32]| values.iter().map(|&w| f64::from(w) * f64::from(w)).sum::<f64>().sqrt();
        metrics.set(metrics::WEIGHT_NORM, norm(&self.machine.weights));
        metrics.set(metrics::UPDATE_NORM, norm(&self.velocity));
        Ok(())
    }

    fn judge(&self) -> Option<Judge> {
        Some(Judge::higher(self.watched()))
    }

    fn save(&self, snapshot: &mut Snapshot) {
        let n = self.machine.len();
        self.machine.write_to(snapshot);
        snapshot.put_f32("velocity", &[n, n], &self.velocity);
        for (name, chains) in [("chains", &self.chains), ("clamped", &self.clamped)] {
            if let Some(chains) = chains {
                chains.save(name, snapshot);
            }
        }
        snapshot.put_streams("data.streams", &self.data_streams);
    }

    fn load(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let n = self.machine.len();
        self.machine.weights.copy_from_slice(snapshot.f32("weights", &[n, n])?);
        self.machine.bias.copy_from_slice(snapshot.f32("bias", &[n])?);
        self.machine.refresh();
        self.velocity.copy_from_slice(snapshot.f32("velocity", &[n, n])?);
        for (name, chains) in [("chains", &mut self.chains), ("clamped", &mut self.clamped)] {
            if let Some(chains) = chains {
                chains.load(name, snapshot)?;
            }
        }
        snapshot.load_streams("data.streams", &mut self.data_streams)
    }
}

impl Trainer for BoltzmannTrainer {
    type Model = BoltzmannMachine;

    fn last(&self) -> &BoltzmannMachine {
        &self.machine
    }

    fn model(&self) -> BoltzmannMachine {
        self.machine.clone()
    }
}

/// Training by the gradient of the log-likelihood.
///
/// ```
/// use helmholtz::data::Dataset;
/// use helmholtz::energy::boltzmann::{BoltzmannMachine, Recipe, Units};
/// use helmholtz::{Seed, train::{Fit, Training}};
/// let bars = Dataset::bars(2)?;
/// let mut machine = BoltzmannMachine::new(4, 2, Units::Binary, Seed(1));
/// let training = Training { steps: Some(50), batch: 6, ..Training::default() };
/// machine.fit(&bars, &Recipe::exact(), &training)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl Fit for BoltzmannMachine {
    type Recipe = Recipe;
    type Trainer = BoltzmannTrainer;

    fn trainer(
        self,
        recipe: &Recipe,
        data: &Dataset<'_>,
        training: &Training,
    ) -> Result<BoltzmannTrainer, TrainError> {
        Ok(BoltzmannTrainer::new(self, *recipe, data, training)?)
    }
}
