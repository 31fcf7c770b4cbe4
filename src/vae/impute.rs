//! Values of rows that are hidden or missing, drawn given the others.
//!
//! Draws z₁ … z_M of q(z | x_s), of what is shown of a row, are drawn again with their importance weights p(x_s, z) / q(z | x_s) (without any
//! by a model that [completes](super::VaeConfig::completes) rows, whose q(z | x_s) stands for p(z | x_s)): K latents, each of which has on average over the draws the imputer's own distribution q̂(z | x_s), close to p(z | x_s) where M is large and the
//! weights are good. Imputations are draws from p(x_h | z) of these.
//!
//! With x_h known after all, S_K = ln (1/K) Σ p(x_h | z_k) is on average below ln ∫ q̂(z | x_s) p(x_h | z) dz, the log-density of the imputer's
//! own predictive distribution, by Jensen's inequality. It may lie above the model's ln p(x_h | x_s).

use super::network::Shown;
use super::objective::{NOISE, Pass, Sight, X};
use super::rows::Rows;
use super::{Likelihood, Observation, Vae, VaeError};
use crate::Setting;
use crate::autodiff::Program;
use crate::data::Dataset;
use crate::random::Seed;
use crate::sampling::diagnostics::pareto_shape;
use crate::sampling::{LogMeanExp, Work};

/// Rows at a time, and draws of each.
const BATCH: usize = 32;
const DRAWS: usize = 32;
/// The quantiles of an imputed value: the ends of its central intervals of 50 and 90 %.
const QUANTILES: [f64; 4] = [0.05, 0.25, 0.75, 0.95];

/// The settings by which values are imputed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imputing {
    /// Draws M of q(z | x_s) of each row.
    pub draws: usize,
    /// Latents K that are drawn from these by their weights.
    pub latents: usize,
    /// Imputations of each row, at most as many as latents.
    pub count: usize,
    /// The seed of the rows' streams.
    pub seed: Seed,
}

impl Default for Imputing {
    /// 2,000 draws, 500 latents, one imputation.
    fn default() -> Self {
        Imputing { draws: 2000, latents: 500, count: 1, seed: Seed(0) }
    }
}

/// Rows that are imputed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Imputed {
    /// `[rows, count, visible]`; what is shown is as it was.
    pub values: Vec<f32>,
    /// The means of what is imputed over the latents, `[rows, visible]`; what is shown is as it was.
    pub means: Vec<f32>,
    /// Of real numbers, the 5, 25, 75 and 95 % quantiles of each value, `[rows, visible, 4]`, by a draw of each latent.
    pub quantiles: Option<Vec<f32>>,
    /// S_K of each row, nats; 0 where nothing that is hidden is known.
    pub scores: Vec<f64>,
    /// Monte Carlo errors of these, of the draws and of the latents drawn from them; infinite where either are too few to tell.
    pub errors: Vec<f64>,
    /// The shapes k̂ of the tails of the rows' weights, where they can be told.
    pub shapes: Vec<Option<f64>>,
}

const HIDDEN: &str = "hidden";
const SHOWN: &str = "shown";
const SCORED: &str = "scored";
const TRUTH: &str = "truth";
const Z: &str = "z";
const LOG_WEIGHT: &str = "log_weight";
const LOG_SCORE: &str = "log_score";

impl Vae {
    /// Imputes the values that `hidden` `[rows, visible]` names, and those that are missing. Only those that are not missing are scored.
    ///
    /// ```
    /// use helmholtz::data::{Binarization, Dataset};
    /// use helmholtz::vae::{Imputing, MaskInput, Vae, VaeConfig};
    /// let digits = Dataset::digits().test().subset(0..2).binarized(Binarization::Threshold);
    /// let vae = Vae::new(VaeConfig { masks: Some(MaskInput::Means), ..VaeConfig::new(64, 4) }, helmholtz::Seed(1))?; // to be trained
    /// let lower: Vec<bool> = (0..2 * 64).map(|place| place % 64 >= 32).collect();
    /// let imputed = vae.impute(&digits, &lower, &Imputing { draws: 64, latents: 16, ..Imputing::default() })?;
    /// assert_eq!((imputed.values.len(), imputed.scores.len()), (2 * 64, 2));
    /// # Ok::<(), helmholtz::vae::VaeError>(())
    /// ```
    ///
    /// # Errors
    /// Where the rows do not suit the model, the model knows classes or is one of features, or a setting is out of its range.
    pub fn impute(&self, data: &Dataset<'_>, hidden: &[bool], imputing: &Imputing) -> Result<Imputed, VaeError> {
        self.impute_counted(data, hidden, imputing, &Work::new())
    }

    /// [`impute`](Self::impute) whose draws are counted: another thread may tell how far they are.
    ///
    /// # Errors
    /// As [`impute`](Self::impute).
    pub fn impute_counted(
        &self,
        data: &Dataset<'_>,
        hidden: &[bool],
        imputing: &Imputing,
        work: &Work,
    ) -> Result<Imputed, VaeError> {
        self.check_imputed(data, hidden)?;
        let &Imputing { draws, latents, count, seed } = imputing;
        Setting::at_least_one("the number of draws of a row", draws)?;
        Setting::at_least_one("the number of latents of a row", latents)?;
        Setting::check(
            (1..=latents).contains(&count),
            "the number of imputations",
            count,
            "from 1 to that of latents",
        )?;
        let (visible, latent) = (self.config.visible, self.config.latent);
        let usual = self.usual_values(seed);
        let mut program = self.record_imputing();
        let mut imputed = Imputed {
            values: Vec::with_capacity(data.len() * count * visible),
            means: Vec::with_capacity(data.len() * visible),
            quantiles: (self.config.likelihood != Likelihood::Bernoulli).then(Vec::new),
            scores: Vec::new(),
            errors: Vec::new(),
            shapes: Vec::new(),
        };
        work.plan((data.len() as u64).saturating_mul(draws as u64));
        let mut noise = vec![0.0; DRAWS * latent];
        for first in (0..data.len()).step_by(BATCH) {
            let rows = first..data.len().min(first + BATCH);
            let masks = Masks::of(data, &hidden[rows.start * visible..rows.end * visible], rows.clone());
            let truth = masks.load(&mut program, data, usual.as_deref(), rows.clone());
            let mut streams: Vec<_> = rows.clone().map(|row| seed.lanes("imputing", row as u64)).collect();
            let mut found = vec![Drawn::with_room(draws, latent); rows.len()];
            for drawn in (0..draws).step_by(DRAWS) {
                let wanted = DRAWS.min(draws - drawn);
                let input = program.input_mut(NOISE);
                for (row, stream) in streams.iter_mut().enumerate() {
                    stream.fill_normal(&mut noise);
                    for (draw, noise) in noise.chunks_exact(latent).enumerate() {
                        input[(draw * BATCH + row) * latent..][..latent].copy_from_slice(noise);
                    }
                }
                program.evaluate(&self.store);
                found.iter_mut().enumerate().for_each(|(row, found)| found.take(&program, row, wanted));
                work.add((rows.len() * wanted) as u64);
            }
            self.fill_in(&found, (&masks, &truth), imputing, first, &mut imputed);
        }
        Ok(imputed)
    }

    /// −E_q(z | x) ln p(x_h | z) + KL(q(z | x) ‖ q(z | x_s)) of each row, `[rows]`, nats, by 32 draws: a bound from above on −ln p(x_h | x_s) of
    /// a model whose p(z) given a part is q(z | x_s), which [`MaskLoss::Hidden`](super::MaskLoss) trains (Sohn, Lee & Yan 2015).
    ///
    /// # Errors
    /// As [`impute`](Self::impute), and where the encoder sees no masks or a distribution of z is a flow.
    pub fn completion_bounds(
        &self,
        data: &Dataset<'_>,
        hidden: &[bool],
        seed: Seed,
    ) -> Result<Vec<f64>, VaeError> {
        self.check_imputed(data, hidden)?;
        if self.config.masks.is_none() || !self.network.is_closed() {
            return Err(VaeError::setting(
                "the encoder",
                "another",
                "one that sees masks, of normal distributions",
            ));
        }
        let (visible, latent) = (self.config.visible, self.config.latent);
        let mut program = Program::record(&self.store, |tape| {
            let rows = |name| tape.input(name, [BATCH, visible]);
            let noise = tape.input(NOISE, [DRAWS, BATCH, latent]);
            let shown = Shown { hidden: Some(rows(HIDDEN)), kept: None };
            let sight = Sight { shown, counts: Some(rows(SCORED)), given: Some(rows(SHOWN)) };
            let pass = Pass::with_sight(&self.network, [rows(X), noise], None, sight);
            tape.output(LOG_SCORE, pass.log_likelihood.mean_axis(0) - pass.closed_divergence());
        });
        let mut bounds = Vec::with_capacity(data.len());
        for first in (0..data.len()).step_by(BATCH) {
            let rows = first..data.len().min(first + BATCH);
            let masks = Masks::of(data, &hidden[rows.start * visible..rows.end * visible], rows.clone());
            Rows::Data(data).read(rows.clone(), program.input_mut(X));
            put(&masks.missing, program.input_mut(HIDDEN));
            put(&masks.hidden, program.input_mut(SHOWN));
            put(&masks.scored(), program.input_mut(SCORED));
            seed.lanes("completion", first as u64).fill_normal(program.input_mut(NOISE));
            program.evaluate(&self.store);
            bounds.extend(program.output(LOG_SCORE)[..rows.len()].iter().map(|&bound| -f64::from(bound)));
        }
        Ok(bounds)
    }

    fn check_imputed(&self, data: &Dataset<'_>, hidden: &[bool]) -> Result<(), VaeError> {
        if self.classes() > 0 || self.features.is_some() {
            return Err(VaeError::setting("the model", "one of classes or of features", "one of rows alone"));
        }
        self.check_data(data)?;
        let (given, wanted) = (hidden.len(), data.len() * self.config.visible);
        if given == wanted {
            Ok(())
        } else {
            Err(VaeError::setting("the number of values of a mask", given, "that of the rows"))
        }
    }

    /// What stands for a hidden value where the encoder sees no mask: the mean of the model's own rows, `[visible]`.
    fn usual_values(&self, seed: Seed) -> Option<Vec<f32>> {
        if self.config.masks.is_some() {
            return None;
        }
        const OWN: usize = 1024;
        let own = self.sample(OWN, Observation::Mean, seed.derive("usual values", 0));
        let mut means = vec![0.0; self.config.visible];
        for row in own.chunks_exact(self.config.visible) {
            means.iter_mut().zip(row).for_each(|(mean, x)| *mean += x / OWN as f32);
        }
        Some(means)
    }

    fn record_imputing(&self) -> Program {
        let (visible, latent) = (self.config.visible, self.config.latent);
        Program::record(&self.store, |tape| {
            let rows = |name| tape.input(name, [BATCH, visible]);
            let noise = tape.input(NOISE, [DRAWS, BATCH, latent]);
            let (hidden, x) = (rows(HIDDEN), rows(X));
            let shown = Shown { hidden: self.config.masks.map(|_| hidden), kept: None };
            let sight = Sight { shown, counts: Some(rows(SHOWN)), given: None };
            let pass = Pass::with_sight(&self.network, [x, noise], None, sight);
            let y = self.network.decode(pass.z(), None);
            tape.output(Z, pass.z());
            // Where q(z | x_s) stands for p(z), its draws are what is wanted.
            let weight = pass.log_likelihood + pass.log_prior_ratio(&self.network);
            tape.output(LOG_WEIGHT, if self.config.completes { weight * 0.0 } else { weight });
            tape.output(LOG_SCORE, self.network.log_likelihood(rows(TRUTH), y, Some(rows(SCORED))));
        })
    }

    /// Puts rows from `first` on into what is imputed.
    fn fill_in(
        &self,
        drawn: &[Drawn],
        (masks, truth): (&Masks, &[f32]),
        imputing: &Imputing,
        first: usize,
        imputed: &mut Imputed,
    ) {
        let (visible, latent) = (self.config.visible, self.config.latent);
        let &Imputing { latents, count, seed, .. } = imputing;
        let resampled = drawn.iter().enumerate();
        let chosen: Vec<Vec<usize>> = resampled
            .map(|(row, drawn)| drawn.resample(latents, seed.derive("resampled", (first + row) as u64)))
            .collect();
        let latents_of = |wanted: usize| -> Vec<f32> {
            let rows = drawn.iter().zip(&chosen);
            rows.flat_map(|(drawn, chosen)| {
                chosen[..wanted].iter().flat_map(|&draw| &drawn.z[draw * latent..][..latent])
            })
            .copied()
            .collect()
        };
        let means = self.decode(&latents_of(latents));
        let wanted = if imputed.quantiles.is_some() { latents } else { count };
        let seed = seed.derive("imputed", first as u64);
        let draws = self.observe(&latents_of(wanted), &[], Observation::Drawn, seed);
        let of_rows = means.chunks_exact(latents * visible).zip(draws.chunks_exact(wanted * visible));
        for (row, (means, draws)) in of_rows.enumerate() {
            let place = |column: usize| row * visible + column;
            let or_shown = |column: usize, value: f32| {
                if masks.hidden[place(column)] { value } else { truth[place(column)] }
            };
            let mean = |column: usize| {
                let sum: f64 = means[column..].iter().step_by(visible).map(|&value| f64::from(value)).sum();
                (sum / latents as f64) as f32
            };
            imputed.means.extend((0..visible).map(|column| or_shown(column, mean(column))));
            for row in draws.chunks_exact(visible).take(count) {
                imputed.values.extend(row.iter().enumerate().map(|(column, &value)| or_shown(column, value)));
            }
            if let Some(quantiles) = &mut imputed.quantiles {
                for column in 0..visible {
                    let mut values: Vec<f32> = draws[column..].iter().step_by(visible).copied().collect();
                    values.sort_by(f32::total_cmp);
                    quantiles.extend(QUANTILES.map(|part| or_shown(column, quantile(&values, part))));
                }
            }
            let scores: Vec<f64> = chosen[row].iter().map(|&draw| drawn[row].log_scores[draw]).collect();
            let known = masks.scores(row);
            let score = LogMeanExp::of(&scores);
            imputed.scores.push(if known { score.value } else { 0.0 });
            imputed.errors.push(if known { score.error.hypot(drawn[row].error()) } else { 0.0 });
            imputed.shapes.push(pareto_shape(&drawn[row].log_weights).filter(|_| !self.config.completes));
        }
    }
}

/// The value below which this part of sorted values lies, between two of them (Hyndman & Fan 1996, type 6).
fn quantile(sorted: &[f32], part: f64) -> f32 {
    let place = (part * (sorted.len() + 1) as f64 - 1.0).clamp(0.0, (sorted.len() - 1) as f64);
    let (low, rest) = (place.floor() as usize, place.fract() as f32);
    let high = (low + 1).min(sorted.len() - 1);
    sorted[low] + (sorted[high] - sorted[low]) * rest
}

/// Copies 1 for what is true, 0 for what is not.
fn put(flags: &[bool], out: &mut [f32]) {
    out.iter_mut().zip(flags).for_each(|(out, flag)| *out = f32::from(u8::from(*flag)));
}

/// What of some rows is hidden, `[rows, visible]`.
struct Masks {
    /// On purpose or because it is missing.
    hidden: Vec<bool>,
    missing: Vec<bool>,
    width: usize,
}

impl Masks {
    fn of(data: &Dataset<'_>, on_purpose: &[bool], rows: std::ops::Range<usize>) -> Self {
        let width = data.width();
        let missing: Vec<bool> =
            rows.flat_map(|row| (0..width).map(move |column| data.is_missing(row, column))).collect();
        let hidden = on_purpose.iter().zip(&missing).map(|(hidden, missing)| *hidden || *missing).collect();
        Masks { hidden, missing, width }
    }

    /// What is hidden on purpose and known.
    fn scored(&self) -> Vec<bool> {
        self.hidden.iter().zip(&self.missing).map(|(hidden, missing)| *hidden && !missing).collect()
    }

    /// Whether something of a row is.
    fn scores(&self, row: usize) -> bool {
        let range = row * self.width..(row + 1) * self.width;
        self.hidden[range.clone()].iter().zip(&self.missing[range]).any(|(hidden, missing)| *hidden && !missing)
    }

    /// Sets the inputs for these rows; of x the program is given what is shown and `usual` values, or zeros, in place of the rest. Gives the
    /// rows back.
    fn load(
        &self,
        program: &mut Program,
        data: &Dataset<'_>,
        usual: Option<&[f32]>,
        rows: std::ops::Range<usize>,
    ) -> Vec<f32> {
        let mut truth = vec![0.0; rows.len() * self.width];
        Rows::Data(data).read(rows, &mut truth);
        let shown: Vec<bool> = self.hidden.iter().map(|hidden| !hidden).collect();
        put(&self.hidden, program.input_mut(HIDDEN));
        put(&shown, program.input_mut(SHOWN));
        put(&self.scored(), program.input_mut(SCORED));
        program.input_mut(TRUTH)[..truth.len()].copy_from_slice(&truth);
        let x = program.input_mut(X);
        for (place, (x, truth)) in x.iter_mut().zip(&truth).enumerate() {
            let usual = || usual.map_or(0.0, |usual| usual[place % self.width]);
            *x = if self.hidden[place] { usual() } else { *truth };
        }
        truth
    }
}

/// The draws of one row.
#[derive(Clone)]
struct Drawn {
    /// ln p(x_s, z) − ln q(z | x_s).
    log_weights: Vec<f64>,
    /// ln p(x_h | z).
    log_scores: Vec<f64>,
    /// `[draws, latent]`.
    z: Vec<f32>,
}

impl Drawn {
    fn with_room(draws: usize, latent: usize) -> Self {
        let room = || Vec::with_capacity(draws);
        Drawn { log_weights: room(), log_scores: room(), z: Vec::with_capacity(draws * latent) }
    }

    /// Takes up the first `wanted` draws that the program has made for row `row` of its batch.
    fn take(&mut self, program: &Program, row: usize, wanted: usize) {
        let of = |output: &'static str| {
            program.output(output)[row..].iter().step_by(BATCH).take(wanted).map(|&value| f64::from(value))
        };
        self.log_weights.extend(of(LOG_WEIGHT));
        self.log_scores.extend(of(LOG_SCORE));
        let z = program.output(Z);
        let latent = z.len() / (BATCH * DRAWS);
        (0..wanted).for_each(|draw| self.z.extend_from_slice(&z[(draw * BATCH + row) * latent..][..latent]));
    }

    /// The standard error that the choice of the draws leaves in ln Σ w̃ p(x_h | z), w̃ being the weights over their sum, by the delta method: infinite
    /// where the weights, or their products with p(x_h | z), rest on fewer than ten draws. Latents drawn from the same few draws agree with one
    /// another whatever these are.
    fn error(&self) -> f64 {
        let weighted: Vec<f64> =
            self.log_weights.iter().zip(&self.log_scores).map(|(w, score)| w + score).collect();
        let (weights, products) = (LogMeanExp::of(&self.log_weights), LogMeanExp::of(&weighted));
        if weights.effective_sample_size.min(products.effective_sample_size) < LogMeanExp::FEWEST_EFFECTIVE {
            return f64::INFINITY;
        }
        let n = self.log_weights.len() as f64;
        let terms = self.log_weights.iter().zip(&weighted);
        let squares: f64 =
            terms.map(|(w, product)| ((product - products.value).exp() - (w - weights.value).exp()).powi(2)).sum();
        squares.sqrt() / n
    }

    /// Draws that are drawn again, with their weights.
    fn resample(&self, count: usize, seed: Seed) -> Vec<usize> {
        let largest = self.log_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut sum = 0.0;
        let cumulative: Vec<f64> = self
            .log_weights
            .iter()
            .map(|log_weight| {
                sum += (log_weight - largest).exp();
                sum
            })
            .collect();
        let mut uniform = vec![0.0f32; count];
        seed.lanes("resampling", 0).fill_uniform(&mut uniform);
        let last = cumulative.len() - 1;
        uniform.iter().map(|&u| cumulative.partition_point(|&c| c <= f64::from(u) * sum).min(last)).collect()
    }
}
