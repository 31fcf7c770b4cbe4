//! An RBM in training: parameters, chains, offsets, velocities; one step after the other.

use super::exact::Enumeration;
use super::gradient::{Grey, Stack, Statistics, subtract_exact_model};
use super::rounding::Precision;
use super::tabulated::Tabulated;
use super::update::{Average, Momentum, Products, Step, ascend};
use super::{
    AVERAGE, Centering, ChainStart, Method, Rbm, RbmError, Recipe, TemperedChains, chains, likelihood, monitor,
    stride,
};
use crate::data::{Binarization, Dataset};
use crate::random::{Lanes, Seed};
use crate::store::{Snapshot, SnapshotError};
use crate::tensor::{AlignedVec, BitMatrix};
use crate::train::{Batch, Learner, Metrics, Observer, Progress, Summary, TrainError, Training, train};

/// Units of the smaller layer up to which the exact gradient is computed.
const EXACT_GRADIENT_UNITS: usize = 16;

/// How far the hidden offsets move to the batch's means each step (Melchior, Fischer & Wiskott 2016).
const OFFSET_SHARE: f32 = 0.01;

/// An RBM in training.
#[derive(Debug)]
pub struct RbmTrainer {
    rbm: Rbm,
    average: Average,
    recipe: Recipe,
    momentum: Momentum,
    visible_offset: AlignedVec<f32>,
    hidden_offset: AlignedVec<f32>,
    /// The chains: the state that persists is the hidden one.
    chains: BitMatrix,
    chain_streams: Vec<Lanes>,
    /// The chains of parallel tempering, which have states, streams and temperatures of their own.
    tempered: Option<TemperedChains>,
    /// The tables of the rounded machine that the chains are of, where they compute in 16 bits.
    rounded: Option<Tabulated>,
    data_streams: Vec<Lanes>,
    /// The batch as bits; none for grey levels.
    bits: BitMatrix,
    grey: Option<Grey>,
    stack: Stack,
    statistics: Statistics,
    seed: Seed,
}

impl RbmTrainer {
    /// Prepares `rbm` for `recipe` on `data`: visible biases from the data's means where they are all zero, offsets,
    /// chains at the hidden units' fair coins.
    ///
    /// # Errors
    /// Where a setting is out of its range, or the data has no rows or is not as wide as the machine.
    pub fn new(rbm: Rbm, recipe: Recipe, data: &Dataset<'_>, training: &Training) -> Result<Self, RbmError> {
        recipe.check()?;
        if training.batch == 0 {
            let (name, wanted) = ("the batch size", "at least 1");
            return Err(RbmError::Setting { name, given: "0".into(), wanted });
        }
        if data.width() != rbm.visible {
            return Err(RbmError::Width { data: data.width(), model: rbm.visible });
        }
        if data.is_empty() {
            return Err(RbmError::NoRows);
        }
        if data.is_real() {
            return Err(RbmError::Real);
        }
        if recipe.method == Method::Exact {
            Enumeration::of(&rbm, EXACT_GRADIENT_UNITS)?;
        }
        let seed = training.seed;
        let means = data.means();
        // Its weights leave whatever grid they were on.
        let mut rbm = Rbm { step: None, ..rbm };
        if rbm.visible_bias.iter().all(|&bias| bias == 0.0) {
            rbm.set_visible_bias_from_means(&means, data.len());
        }
        let mut visible_offset = AlignedVec::zeroed(stride(rbm.visible));
        let mut hidden_offset = AlignedVec::zeroed(rbm.hidden);
        if recipe.centering == Centering::Centered {
            for (offset, mean) in visible_offset.iter_mut().zip(&means) {
                *offset = *mean as f32;
            }
            hidden_offset.fill(0.5);
        }
        let chain_count = match (recipe.method, recipe.chain_start) {
            (Method::Exact | Method::Pt { .. }, _) => 0,
            (Method::Cd { .. }, _) | (_, ChainStart::Data) => training.batch,
            (Method::Pcd { .. }, _) => recipe.chains.unwrap_or(training.batch),
        };
        let grey = is_grey(data).then(|| Grey::new(&rbm, training.batch));
        if grey.is_some() && starts_at_data(&recipe) {
            return Err(RbmError::Setting {
                name: "the start of the chains",
                given: "the data, which is grey".into(),
                wanted: "persistent or random, or the data binarised",
            });
        }
        let mut chain_streams = streams(seed, "training chains", chain_count);
        let mut hidden = BitMatrix::zeros(chain_count, rbm.hidden);
        for (block, stream) in chain_streams.iter_mut().enumerate() {
            chains::toss(&mut hidden, block, rbm.hidden, stream);
        }
        let ladders = recipe.chains.unwrap_or(training.batch);
        let (tempered, model_rows) = match recipe.method {
            Method::Pt { replicas, .. } => {
                let base: Vec<f32> =
                    likelihood::logits_of_means(&means, data.len()).map(|logit| logit as f32).collect();
                let seed = seed.derive("training ladders", 0);
                (Some(TemperedChains::new(&rbm, ladders, replicas, &base, seed)), ladders)
            }
            _ => (None, chain_count),
        };
        let data_rows = if grey.is_some() { 0 } else { training.batch };
        let statistics = if grey.is_some() || recipe.method == Method::Exact {
            Statistics::new(rbm.visible, rbm.hidden)
        } else {
            Statistics::means(rbm.visible, rbm.hidden)
        };
        Ok(RbmTrainer {
            average: Average::new(&rbm),
            momentum: Momentum::new(&rbm),
            rounded: (recipe.precision == Precision::I16).then(Tabulated::new),
            visible_offset,
            hidden_offset,
            chains: hidden,
            chain_streams,
            data_streams: streams(seed, "training data", training.batch),
            bits: BitMatrix::zeros(data_rows, rbm.visible),
            grey,
            tempered,
            stack: Stack::new(&rbm, data_rows, model_rows),
            statistics,
            seed,
            recipe,
            rbm,
        })
    }

    /// The machine as it is now.
    pub fn rbm(&self) -> &Rbm {
        &self.rbm
    }

    /// The running average of the machine's parameters; the machine itself where the recipe keeps none.
    pub fn average(&self) -> Rbm {
        if self.recipe.average_decay == 0.0 {
            return self.rbm.clone();
        }
        self.average.machine()
    }

    /// The recipe.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// The trained machine.
    pub fn into_rbm(self) -> Rbm {
        self.rbm
    }

    /// The centered or plain gradient of one batch's mean log-likelihood into the statistics.
    fn contrast(&mut self, batch: &Batch<'_>) -> Result<(), RbmError> {
        if batch.data.width() != self.rbm.visible {
            return Err(RbmError::Width { data: batch.data.width(), model: self.rbm.visible });
        }
        let stride = stride(self.rbm.visible);
        if let Some(grey) = &mut self.grey {
            for (&row, levels) in batch.rows.iter().zip(grey.levels.chunks_exact_mut(stride)) {
                batch.data.row_into(row, &mut levels[..self.rbm.visible]);
            }
        } else {
            batch.data.bits_into(batch.rows, &mut self.data_streams, &mut self.bits);
            self.stack.set_data(&self.bits);
        }
        if let Some(rounded) = &mut self.rounded {
            let rounding = self.rbm.grid()?;
            rounded.build(&self.rbm, Some(rounding.step));
        }
        let (rbm, streams) = (&self.rbm, &mut self.chain_streams);
        let [towards_hidden, towards_visible] = match &self.rounded {
            Some(rounded) => rounded.weights(rbm),
            None => [rbm.towards_hidden(), rbm.towards_visible()],
        };
        match self.recipe.method {
            Method::Exact => self.stack.finish_data(rbm),
            Method::Pt { k, .. } => {
                if let Some(tempered) = &mut self.tempered {
                    tempered.gibbs(rbm, k);
                    self.stack.finish_with_model(rbm, &tempered.cold());
                }
            }
            Method::Pcd { k } | Method::Cd { k } => {
                if starts_at_data(&self.recipe) {
                    self.stack.draw_hidden_from_data(rbm, towards_hidden, &mut self.chains, streams);
                } else if self.recipe.chain_start == ChainStart::Random {
                    for (block, stream) in streams.iter_mut().enumerate() {
                        chains::toss(&mut self.chains, block, rbm.hidden, stream);
                    }
                }
                for sweep in 0..k {
                    if sweep > 0 {
                        self.stack.draw_hidden(rbm, towards_hidden, &mut self.chains, streams);
                    }
                    self.stack.draw_visible(rbm, towards_visible, &self.chains, streams);
                }
                if self.rounded.is_some() {
                    self.stack.draw_hidden(rbm, towards_hidden, &mut self.chains, streams);
                    self.stack.finish_means(rbm);
                } else {
                    self.stack.finish_hidden(rbm, &mut self.chains, streams);
                }
            }
        }
        if !self.sums_products() {
            self.stack.sum_means(&mut self.statistics);
            return Ok(());
        }
        self.stack.statistics(&mut self.statistics);
        if let Some(grey) = &mut self.grey {
            grey.add(rbm, &mut self.statistics);
        }
        if self.recipe.method == Method::Exact {
            let enumeration = Enumeration::of(rbm, EXACT_GRADIENT_UNITS)?;
            subtract_exact_model(rbm, &enumeration, &mut self.statistics);
        }
        Ok(())
    }

    /// Whether the gradient has parts beside the rows of bits, so that its products are summed before they are used.
    fn sums_products(&self) -> bool {
        self.grey.is_some() || self.recipe.method == Method::Exact
    }

    fn update(&mut self, progress: &Progress) {
        if self.recipe.centering == Centering::Centered {
            for (offset, mean) in self.hidden_offset.iter_mut().zip(self.statistics.data_hidden.iter()) {
                *offset += OFFSET_SHARE * (mean - *offset);
            }
        }
        let decay = self.recipe.average_decay;
        // Early on the average is over all steps so far, so the start is soon forgotten.
        let early = (1 + progress.step) as f32 / (10 + progress.step) as f32;
        let step = Step {
            rate: self.recipe.learning_rate * (1.0 - progress.fraction()) as f32,
            momentum: self.recipe.momentum,
            weight_decay: self.recipe.weight_decay,
            average_share: if decay > 0.0 { 1.0 - decay.min(early) } else { 0.0 },
            visible_offset: &self.visible_offset,
            hidden_offset: &self.hidden_offset,
        };
        let products = if self.sums_products() {
            Products::Summed(&self.statistics.products)
        } else {
            Products::Of(&self.stack)
        };
        ascend(&mut self.rbm, &mut self.average, &mut self.momentum, &self.statistics, products, step);
    }
}

/// Whether rows are read as probabilities.
fn is_grey(data: &Dataset<'_>) -> bool {
    !data.is_binary() && data.binarization() == Binarization::None
}

fn starts_at_data(recipe: &Recipe) -> bool {
    matches!(recipe.method, Method::Cd { .. })
        || matches!(recipe.method, Method::Pcd { .. }) && recipe.chain_start == ChainStart::Data
}

fn streams(seed: Seed, name: &str, rows: usize) -> Vec<Lanes> {
    (0..rows.div_ceil(crate::tensor::LANES) as u64).map(|block| seed.lanes(name, block)).collect()
}

impl Learner for RbmTrainer {
    fn step(&mut self, batch: &Batch<'_>, progress: &Progress) -> Result<(), TrainError> {
        self.contrast(batch).map_err(|error| TrainError::Learner(Box::new(error)))?;
        // A NaN or an infinity anywhere in the parameters or the data reaches one of these means.
        let finite = |values: &[f32]| values.iter().all(|value| value.is_finite());
        if !finite(&self.statistics.hidden) || !finite(&self.statistics.visible) {
            return Err(TrainError::NonFinite {
                step: progress.step,
                tensor: "the mean of the hidden units".into(),
                hint: "a lower --learning-rate usually helps",
            });
        }
        self.update(progress);
        Ok(())
    }

    fn evaluate(
        &mut self,
        train: &Dataset<'_>,
        held_out: Option<&Dataset<'_>>,
        progress: &Progress,
        metrics: &mut Metrics,
    ) -> Result<(), TrainError> {
        if !self.rbm.weights.iter().all(|weight| weight.is_finite()) {
            return Err(TrainError::NonFinite {
                step: progress.step,
                tensor: "weights".into(),
                hint: "a lower --learning-rate usually helps",
            });
        }
        let update: f64 = self.momentum.weights.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
        metrics.set("update_norm", update.sqrt());
        if let Some(tempered) = &self.tempered {
            metrics.set("lowest_swap_rate", tempered.lowest_acceptance());
            metrics.set("round_trips", tempered.round_trips() as f64);
        }
        monitor::report(&self.rbm, train, held_out, self.seed, metrics);
        if self.recipe.average_decay > 0.0 {
            monitor::report_average(&self.average(), train, held_out, self.seed, metrics);
        }
        Ok(())
    }

    fn save(&self, snapshot: &mut Snapshot) {
        self.rbm.write_to(snapshot, "");
        if self.recipe.average_decay > 0.0 {
            self.average().write_to(snapshot, AVERAGE);
        }
        let rbm = &self.rbm;
        snapshot.put_f32("momentum.weights", &[rbm.hidden, stride(rbm.visible)], &self.momentum.weights);
        snapshot.put_f32("momentum.visible_bias", &[rbm.visible], &self.momentum.visible_bias);
        snapshot.put_f32("momentum.hidden_bias", &[rbm.hidden], &self.momentum.hidden_bias);
        snapshot.put_f32("offset.visible", &[self.visible_offset.len()], &self.visible_offset);
        snapshot.put_f32("offset.hidden", &[rbm.hidden], &self.hidden_offset);
        snapshot.put_u32("chains.hidden", &[self.chains.words().len()], self.chains.words());
        for (name, streams) in [("chains.streams", &self.chain_streams), ("data.streams", &self.data_streams)] {
            let words: Vec<u32> = streams.iter().flat_map(Lanes::state).collect();
            snapshot.put_u32(name, &[streams.len(), 64], &words);
        }
        if let Some(tempered) = &self.tempered {
            tempered.save(snapshot);
        }
    }

    fn load(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let (visible, hidden, stride) = (self.rbm.visible, self.rbm.hidden, stride(self.rbm.visible));
        if self.recipe.average_decay > 0.0 {
            read_parameters(&mut self.rbm, snapshot, AVERAGE)?;
            self.average = Average::new(&self.rbm);
        }
        read_parameters(&mut self.rbm, snapshot, "")?;
        self.momentum.weights.copy_from_slice(snapshot.f32("momentum.weights", &[hidden, stride])?);
        self.momentum.visible_bias.copy_from_slice(snapshot.f32("momentum.visible_bias", &[visible])?);
        self.momentum.hidden_bias.copy_from_slice(snapshot.f32("momentum.hidden_bias", &[hidden])?);
        self.visible_offset.copy_from_slice(snapshot.f32("offset.visible", &[stride])?);
        self.hidden_offset.copy_from_slice(snapshot.f32("offset.hidden", &[hidden])?);
        let words = self.chains.words_mut();
        words.copy_from_slice(snapshot.u32("chains.hidden", &[words.len()])?);
        for (name, streams) in
            [("chains.streams", &mut self.chain_streams), ("data.streams", &mut self.data_streams)]
        {
            let states = snapshot.u32(name, &[streams.len(), 64])?;
            for (stream, state) in streams.iter_mut().zip(states.chunks_exact(64)) {
                let mut words = [0; 64];
                words.copy_from_slice(state);
                *stream = Lanes::from_state(&words);
            }
        }
        if let Some(tempered) = &mut self.tempered {
            tempered.load(snapshot)?;
        }
        Ok(())
    }
}

fn read_parameters(rbm: &mut Rbm, snapshot: &Snapshot, prefix: &str) -> Result<(), SnapshotError> {
    let (visible, hidden) = (rbm.visible, rbm.hidden);
    rbm.weights.copy_from_slice(snapshot.f32(&format!("{prefix}weights"), &[visible, hidden])?);
    rbm.visible_bias.copy_from_slice(snapshot.f32(&format!("{prefix}visible_bias"), &[visible])?);
    rbm.hidden_bias.copy_from_slice(snapshot.f32(&format!("{prefix}hidden_bias"), &[hidden])?);
    rbm.transpose_weights();
    Ok(())
}

impl Rbm {
    /// Trains the machine on `data` by `recipe`. See [`RbmTrainer`] for checkpoints and averages.
    ///
    /// # Errors
    /// Where a setting is out of its range, the data does not fit, or a parameter becomes NaN or infinite.
    ///
    /// ```
    /// use helmholtz::{Seed, data::Dataset, rbm::{Rbm, Recipe}, train::Training};
    /// let digits = Dataset::digits();
    /// let mut rbm = Rbm::new(64, 16, Seed(1));
    /// rbm.fit(&digits.train(), &Recipe::default(), &Training { epochs: 1, ..Training::default() })?;
    /// # Ok::<(), helmholtz::train::TrainError>(())
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
        let mut trainer = RbmTrainer::new(self.clone(), *recipe, data, training)
            .map_err(|error| TrainError::Learner(Box::new(error)))?;
        let summary = train(&mut trainer, data, None, training, None, observer)?;
        *self = trainer.into_rbm();
        Ok(summary)
    }

    /// Makes the weights equal their transposed copy.
    pub(super) fn restore_weights(&mut self) {
        let stride = stride(self.visible);
        for (visible, row) in self.weights.chunks_exact_mut(self.hidden).enumerate() {
            for (hidden, weight) in row.iter_mut().enumerate() {
                *weight = self.transposed[hidden * stride + visible];
            }
        }
    }
}
