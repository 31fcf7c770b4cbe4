//! An RBM in training: parameters, chains, offsets, velocities; one step after the other.

use super::chains::toss;
use super::exact::Enumeration;
use super::gradient::{Grey, Statistics, subtract_exact_model};
use super::machine::{AVERAGE, stride};
use super::recipe::EXACT_GRADIENT_UNITS;
use super::rounding::Precision;
use super::stack::{Side, Stack};
use super::tabulated::Tabulated;
use super::{Centering, ChainStart, Method, Rbm, RbmError, Recipe, TemperedChains, metrics, monitor};
use crate::Setting;
use crate::data::{Dataset, Values, Wanted, check_width};
use crate::energy::independent::logits_of_means;
use crate::kernels::ascent;
use crate::random::{Seed, Streams};
use crate::store::{Snapshot, SnapshotError};
use crate::tensor::{AlignedVec, BitMatrix};
use crate::train::{Batch, Fit, Judge, Learner, Metrics, Progress, TrainError, Trainer, Training};
use std::fmt;

/// How far the hidden offsets move to the batch's means each step (Melchior, Fischer & Wiskott 2016).
const OFFSET_SHARE: f32 = 0.01;

/// An RBM in training.
#[derive(Clone)]
pub struct RbmTrainer {
    rbm: Rbm,
    /// The running average of its transposed weights and biases; its weights are made from them when asked for.
    average: Rbm,
    recipe: Recipe,
    weight_decay: f32,
    velocity: Velocity,
    /// μ `[stride]` and λ `[hidden]`.
    visible_offset: AlignedVec<f32>,
    hidden_offset: AlignedVec<f32>,
    /// The chains: the state that persists is the hidden one.
    chains: BitMatrix,
    chain_streams: Streams,
    /// The chains of parallel tempering, which have states, streams and temperatures of their own.
    tempered: Option<TemperedChains>,
    /// The tables of the rounded machine that the chains are of, where they compute in 16 bits.
    rounded: Option<Tabulated>,
    data_streams: Streams,
    /// The batch as bits; none for grey levels.
    bits: BitMatrix,
    grey: Option<Grey>,
    stack: Stack,
    statistics: Statistics,
    seed: Seed,
}

/// The step before.
#[derive(Clone)]
struct Velocity {
    /// `[hidden, stride]`.
    weights: AlignedVec<f32>,
    visible_bias: AlignedVec<f32>,
    hidden_bias: AlignedVec<f32>,
    /// ∇W λ by tasks, `[task, stride]`.
    correction: AlignedVec<f32>,
}

impl fmt::Debug for RbmTrainer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RbmTrainer").field("last", &self.rbm).field("recipe", &self.recipe).finish_non_exhaustive()
    }
}

impl RbmTrainer {
    /// Prepares `rbm` for `recipe` on `data`: visible biases from the data's means where they are all zero, offsets,
    /// chains at the hidden units' fair coins.
    ///
    /// # Errors
    /// Where a setting is out of its range, or the data has no rows, is not as wide as the machine, or holds other numbers
    /// than those from 0 to 1.
    pub fn new(rbm: Rbm, recipe: Recipe, data: &Dataset<'_>, training: &Training) -> Result<Self, RbmError> {
        recipe.check()?;
        Setting::at_least_one("the batch size", training.batch)?;
        Wanted { width: rbm.visible, values: Values::Probabilities }.check(data)?;
        if recipe.method == Method::Exact {
            Enumeration::of(&rbm, EXACT_GRADIENT_UNITS)?;
        }
        if data.is_grey() && recipe.starts_at_data() {
            let (name, wanted) = ("the start of the chains", "persistent or random, or the data binarised");
            return Err(Setting::new(name, "the data, which is grey", wanted).into());
        }
        let (seed, batch, means) = (training.seed, training.batch, data.means());
        // Its weights leave whatever grid they were on.
        let mut rbm = Rbm { step: None, ..rbm };
        if rbm.visible_bias.iter().all(|&bias| bias == 0.0) {
            rbm.set_visible_bias_from_means(&means, data.len());
        }
        let mut visible_offset = AlignedVec::zeroed(stride(rbm.visible));
        let mut hidden_offset = AlignedVec::zeroed(rbm.hidden);
        if recipe.centering == Centering::Centered {
            visible_offset.iter_mut().zip(&means).for_each(|(offset, mean)| *offset = *mean as f32);
            hidden_offset.fill(0.5);
        }
        let wanted = if recipe.starts_at_data() { batch } else { recipe.chains.unwrap_or(batch) };
        let (chain_count, tempered) = match recipe.method {
            Method::Exact => (0, None),
            Method::Pcd { .. } | Method::Cd { .. } => (wanted, None),
            Method::Pt { replicas, .. } => {
                let base: Vec<f32> = logits_of_means(&means, data.len()).collect();
                let seed = seed.derive("training ladders", 0);
                (0, Some(TemperedChains::new(&rbm, wanted, replicas, &base, seed)))
            }
        };
        let mut chain_streams = Streams::new(seed, "training chains", chain_count);
        let mut chains = BitMatrix::zeros(chain_count, rbm.hidden);
        toss(&mut chains, &mut chain_streams);
        let grey = data.is_grey().then(|| Grey::new(&rbm, batch));
        let data_rows = if grey.is_some() { 0 } else { batch };
        let model_rows = tempered.as_ref().map_or(chain_count, TemperedChains::ladders);
        let products = grey.is_some() || recipe.method == Method::Exact;
        Ok(RbmTrainer {
            average: rbm.clone(),
            weight_decay: recipe.weight_decay_for(data.len()),
            velocity: Velocity {
                weights: AlignedVec::zeroed(rbm.transposed.len()),
                visible_bias: AlignedVec::zeroed(rbm.visible),
                hidden_bias: AlignedVec::zeroed(rbm.hidden),
                correction: AlignedVec::zeroed(rbm.hidden.div_ceil(ascent::ROWS) * stride(rbm.visible)),
            },
            rounded: (recipe.precision == Precision::I16).then(Tabulated::new),
            visible_offset,
            hidden_offset,
            chains,
            chain_streams,
            data_streams: Streams::new(seed, "training data", batch),
            bits: BitMatrix::zeros(data_rows, rbm.visible),
            grey,
            tempered,
            stack: Stack::new(&rbm, data_rows, model_rows),
            statistics: Statistics::new(rbm.visible, rbm.hidden, products),
            seed,
            recipe,
            rbm,
        })
    }

    /// The recipe.
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// The running average of the parameters; the last ones where the recipe keeps none.
    pub fn average(&self) -> Rbm {
        if !self.averages() {
            return self.rbm.clone();
        }
        let mut average = self.average.clone();
        average.restore_weights();
        average
    }

    fn averages(&self) -> bool {
        self.recipe.average_decay > 0.0
    }

    /// One update, in the order in which it happens. V are all visible rows, the batch's above the chains'; P their hidden
    /// probabilities times 1/N for the batch's and −1/M for the chains'.
    fn update(&mut self, batch: &Batch<'_>, progress: &Progress) -> Result<(), TrainError> {
        check_width(batch.data.width(), self.rbm.visible).map_err(RbmError::Data)?;
        let RbmTrainer { rbm, recipe, stack, chains, chain_streams: streams, statistics, .. } = self;

        // The batch, bits at the head of V; grey levels, which are probabilities, wait beside it.
        match &mut self.grey {
            Some(grey) => grey.read(batch.data, batch.rows),
            None => {
                batch.data.bits_into(batch.rows, self.data_streams.blocks_mut(), &mut self.bits);
                stack.lay(Side::Data, &self.bits);
            }
        }

        // The chains: k times v ~ σ(W h + a) into V and, but for the last time, h ~ σ(Wᵀ v + b). Then P = σ(V W + b) of all rows
        // in one product, which draws the last h on the way, except where the chains compute in 16 bits.
        if let Some(rounded) = &mut self.rounded {
            rounded.build(rbm, Some(rbm.grid()?.step));
        }
        let [towards_hidden, towards_visible] = match &self.rounded {
            Some(rounded) => rounded.weights(rbm),
            None => [rbm.towards_hidden(), rbm.towards_visible()],
        };
        match recipe.method {
            Method::Exact => stack.mean_hidden(rbm),
            Method::Pt { k, .. } => {
                if let Some(tempered) = &mut self.tempered {
                    tempered.gibbs(rbm, k);
                    stack.lay(Side::Model, &tempered.cold());
                }
                stack.mean_hidden(rbm);
            }
            Method::Pcd { k } | Method::Cd { k } => {
                if recipe.starts_at_data() {
                    stack.draw_hidden(Side::Data, rbm, towards_hidden, chains, streams);
                } else if recipe.chain_start == ChainStart::Random {
                    toss(chains, streams);
                }
                for sweep in 0..k {
                    if sweep > 0 {
                        stack.draw_hidden(Side::Model, rbm, towards_hidden, chains, streams);
                    }
                    stack.draw_visible(rbm, towards_visible, chains, streams);
                }
                if self.rounded.is_some() {
                    stack.draw_hidden(Side::Model, rbm, towards_hidden, chains, streams);
                    stack.mean_hidden(rbm);
                } else {
                    stack.mean_and_draw_hidden(rbm, chains, streams);
                }
            }
        }

        // Δv = Vᵀ(1/N, −1/M) and Δh = Pᵀ1. g = Vᵀ P follows sixteen hidden units at a time, as they are used; but where
        // grey levels or the exact model add to it, here.
        stack.sum_means(statistics);
        let summed = !statistics.products.is_empty();
        if summed {
            stack.sum_products(rbm.hidden, &mut statistics.products);
            if let Some(grey) = &mut self.grey {
                grey.add(rbm, statistics);
            }
            if recipe.method == Method::Exact {
                subtract_exact_model(rbm, &Enumeration::of(rbm, EXACT_GRADIENT_UNITS)?, statistics);
            }
        }
        // A NaN or an infinity anywhere in the parameters or the data reaches one of these means.
        if [&statistics.hidden, &statistics.visible].iter().any(|means| means.iter().any(|mean| !mean.is_finite()))
        {
            return Err(non_finite("the mean of the hidden units", progress));
        }

        // λ moves towards the batch's ⟨h⟩.
        if recipe.centering == Centering::Centered {
            for (offset, mean) in self.hidden_offset.iter_mut().zip(statistics.data_hidden.iter()) {
                *offset += OFFSET_SHARE * (mean - *offset);
            }
        }

        // One pass over W and b: centering, momentum, decay, the step, the average, and both copies of W.
        // Early on the average is over all steps so far, so the start is soon forgotten.
        let early = (1 + progress.step) as f32 / (10 + progress.step) as f32;
        let decay = recipe.average_decay;
        let step = ascent::Step {
            rate: recipe.learning_rate * (1.0 - progress.fraction()) as f32,
            momentum: recipe.momentum,
            weight_decay: self.weight_decay,
            average_share: if decay > 0.0 { 1.0 - decay.min(early) } else { 0.0 },
        };
        let (average, velocity, length) = (&mut self.average, &mut self.velocity, stride(rbm.visible));
        let layer = ascent::Layer {
            weights: &mut rbm.weights,
            transposed: &mut rbm.transposed,
            average: &mut average.transposed,
            velocity: &mut velocity.weights,
            bias: &mut rbm.hidden_bias,
            bias_velocity: &mut velocity.hidden_bias,
        };
        let means = ascent::Means {
            visible: &statistics.visible,
            hidden: &statistics.hidden,
            visible_offset: &self.visible_offset,
            hidden_offset: &self.hidden_offset,
        };
        ascent::ascend(layer, rbm.visible, means, step, &mut velocity.correction, |hidden, out| match summed {
            true => out.copy_from_slice(&statistics.products[hidden.start * length..hidden.end * length]),
            false => stack.products(hidden, out),
        });

        // Then a, whose gradient needs all of ∇W, and the averages of the biases.
        let biases = rbm.visible_bias.iter_mut().zip(velocity.visible_bias.iter_mut());
        for ((bias, velocity), (mean, correction)) in
            biases.zip(statistics.visible.iter().zip(velocity.correction.iter()))
        {
            *velocity = step.momentum * *velocity + step.rate * (mean - *correction);
            *bias += *velocity;
        }
        if step.average_share > 0.0 {
            let biases = average.visible_bias.iter_mut().zip(rbm.visible_bias.iter());
            for (average, value) in biases.chain(average.hidden_bias.iter_mut().zip(rbm.hidden_bias.iter())) {
                *average += step.average_share * (value - *average);
            }
        }
        Ok(())
    }
}

fn non_finite(tensor: &str, progress: &Progress) -> TrainError {
    let hint = "a lower learning rate usually helps";
    TrainError::NonFinite { step: progress.step, tensor: tensor.to_owned(), hint }
}

impl Learner for RbmTrainer {
    fn step(&mut self, batch: &Batch<'_>, progress: &Progress) -> Result<(), TrainError> {
        self.update(batch, progress)
    }

    fn evaluate(
        &mut self,
        train: &Dataset<'_>,
        held_out: Option<&Dataset<'_>>,
        progress: &Progress,
        metrics: &mut Metrics,
    ) -> Result<(), TrainError> {
        if !self.rbm.weights.iter().all(|weight| weight.is_finite()) {
            return Err(non_finite("weights", progress));
        }
        let update: f64 = self.velocity.weights.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
        metrics.set(metrics::UPDATE_NORM, update.sqrt());
        if let Some(tempered) = &self.tempered {
            metrics.set(metrics::LOWEST_SWAP_RATE, tempered.lowest_acceptance());
            metrics.set(metrics::ROUND_TRIPS, tempered.round_trips() as f64);
        }
        monitor::report(&self.rbm, train, held_out, self.seed, metrics);
        if self.averages() {
            monitor::report_average(&self.average(), train, held_out, self.seed, metrics);
        }
        Ok(())
    }

    fn judge(&self) -> Option<Judge> {
        let averages = self.averages();
        Some(Judge::higher(if averages { metrics::AVERAGE_PSEUDO_LIKELIHOOD } else { metrics::PSEUDO_LIKELIHOOD }))
    }

    fn save(&self, snapshot: &mut Snapshot) {
        let RbmTrainer { rbm, velocity, .. } = self;
        rbm.write_to(snapshot, "");
        if self.averages() {
            self.average().write_to(snapshot, AVERAGE);
        }
        snapshot.put_f32("momentum.weights", &[rbm.hidden, stride(rbm.visible)], &velocity.weights);
        snapshot.put_f32("momentum.visible_bias", &[rbm.visible], &velocity.visible_bias);
        snapshot.put_f32("momentum.hidden_bias", &[rbm.hidden], &velocity.hidden_bias);
        snapshot.put_f32("offset.visible", &[self.visible_offset.len()], &self.visible_offset);
        snapshot.put_f32("offset.hidden", &[rbm.hidden], &self.hidden_offset);
        snapshot.put_u32("chains.hidden", &[self.chains.words().len()], self.chains.words());
        snapshot.put_streams("chains.streams", &self.chain_streams);
        snapshot.put_streams("data.streams", &self.data_streams);
        if let Some(tempered) = &self.tempered {
            tempered.save(snapshot);
        }
    }

    fn load(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let (visible, hidden, stride) = (self.rbm.visible, self.rbm.hidden, stride(self.rbm.visible));
        self.rbm.copy_from(snapshot, "")?;
        if self.averages() {
            self.average.copy_from(snapshot, AVERAGE)?;
        }
        self.velocity.weights.copy_from_slice(snapshot.f32("momentum.weights", &[hidden, stride])?);
        self.velocity.visible_bias.copy_from_slice(snapshot.f32("momentum.visible_bias", &[visible])?);
        self.velocity.hidden_bias.copy_from_slice(snapshot.f32("momentum.hidden_bias", &[hidden])?);
        self.visible_offset.copy_from_slice(snapshot.f32("offset.visible", &[stride])?);
        self.hidden_offset.copy_from_slice(snapshot.f32("offset.hidden", &[hidden])?);
        let words = self.chains.words_mut();
        words.copy_from_slice(snapshot.u32("chains.hidden", &[words.len()])?);
        snapshot.load_streams("chains.streams", &mut self.chain_streams)?;
        snapshot.load_streams("data.streams", &mut self.data_streams)?;
        self.tempered.as_mut().map_or(Ok(()), |tempered| tempered.load(snapshot))
    }
}

impl Trainer for RbmTrainer {
    type Model = Rbm;

    fn last(&self) -> &Rbm {
        &self.rbm
    }

    fn model(&self) -> Rbm {
        self.average()
    }
}

/// Training by the gradient of the log-likelihood.
///
/// ```
/// use helmholtz::{Seed, data::Dataset, rbm::{Rbm, Recipe}, train::{Fit, Training}};
/// let digits = Dataset::digits();
/// let mut rbm = Rbm::new(64, 16, Seed(1));
/// rbm.fit(&digits.train(), &Recipe::default(), &Training { epochs: 1, ..Training::default() })?;
/// # Ok::<(), helmholtz::train::TrainError>(())
/// ```
impl Fit for Rbm {
    type Recipe = Recipe;
    type Trainer = RbmTrainer;

    fn trainer(self, recipe: &Recipe, data: &Dataset<'_>, training: &Training) -> Result<RbmTrainer, TrainError> {
        Ok(RbmTrainer::new(self, *recipe, data, training)?)
    }
}
