//! Log-likelihoods that say what they are: exact up to 20 units, else by annealing.

use super::exact::EXACT_UNITS;
use super::{Annealing, BoltzmannError, BoltzmannMachine, Units};
use crate::data::{Binarization, Dataset};
use crate::kernels::reduce;
use crate::random::Seed;
use crate::sampling::{Estimate, Kind, LogMeanExp, mean_and_error};
use crate::tensor::BitMatrix;
use rand::RngExt;

/// Annealed chains for each row whose hidden units cannot be summed out in closed form.
const CHAINS_PER_ROW: usize = 16;

impl BoltzmannMachine {
    /// The mean log-likelihood of the rows of `data`, nats an example.
    ///
    /// Up to 20 units exact. Else log Z is annealed, so that the figure is optimistic; ln Σ_h e^(−E(v, h)) is exact where no
    /// hidden unit acts on another. Elsewhere it is annealed too, row by row, which errs the other way: an estimate.
    ///
    /// # Errors
    /// Where the data is grey, empty or of another width, or there are no annealing chains or temperatures.
    pub fn log_likelihood(&self, data: &Dataset<'_>, annealing: &Annealing) -> Result<Estimate, BoltzmannError> {
        annealing.check()?;
        if data.width() != self.visible {
            return Err(BoltzmannError::Width { data: data.width(), model: self.visible });
        }
        if data.is_empty() {
            return Err(BoltzmannError::NoRows);
        }
        if !data.is_binary() && data.binarization() == Binarization::None {
            return Err(BoltzmannError::Grey);
        }
        let rows = data.to_bits();
        let base = base_of(&rows);
        let baseline = Some(independent_units(&rows, &base));
        if self.len() <= EXACT_UNITS {
            let (value, data_error) = mean_and_error(&self.exact_log_likelihoods(&rows)?);
            return Ok(Estimate {
                value,
                kind: Kind::Exact,
                monte_carlo_error: 0.0,
                data_error,
                method: format!("all {} states", 1u64 << self.len()),
                log_z: Some(self.exact_log_z()?),
                log_z_error: Some(0.0),
                effective_sample_size: None,
                baseline,
                examples: rows.rows(),
                warnings: Vec::new(),
            });
        }
        let log_z = self.annealed_log_z(annealing, &base);
        let (log_weights, row_error, kind) = if self.hidden_are_independent() {
            (self.closed_log_weights(&rows), 0.0, if log_z.error > 0.0 { Kind::Upper } else { Kind::Exact })
        } else {
            let (values, error) = self.annealed_log_weights(&rows, annealing);
            (values, error, Kind::Estimate)
        };
        let (mean, data_error) = mean_and_error(&log_weights);
        let (chains, temperatures) = (annealing.chains, annealing.temperatures);
        Ok(Estimate {
            value: mean - log_z.value,
            kind,
            monte_carlo_error: log_z.error.hypot(row_error),
            data_error,
            method: format!("annealing, {chains} chains, {temperatures} temperatures"),
            log_z: Some(log_z.value - self.energy_offset()),
            log_z_error: Some(log_z.error),
            effective_sample_size: Some(log_z.effective_sample_size),
            baseline,
            examples: rows.rows(),
            warnings: Vec::new(),
        })
    }

    /// log Z of the form with units 0 and 1, from independent visible units with biases `base` `[visible]`.
    fn annealed_log_z(&self, annealing: &Annealing, base: &[f32]) -> LogMeanExp {
        let mut all = base.to_vec();
        all.resize(self.len(), 0.0);
        let start = independent_draws(annealing.chains, &all, annealing.seed);
        let log_weights = annealing.log_weights(self, start, None, &all);
        let log_z0: f64 = all.iter().map(|&b| softplus(f64::from(b))).sum();
        let mean = LogMeanExp::of(&log_weights);
        LogMeanExp { value: mean.value + log_z0, ..mean }
    }

    /// ln Σ_h e^(−E(v, h)) of each row by the form with units 0 and 1, no hidden unit acting on another.
    pub(super) fn closed_log_weights(&self, rows: &BitMatrix) -> Vec<f64> {
        let n = self.len();
        let value = |row: usize| {
            let mut v = vec![0.0f32; n];
            rows.row_into(row, &mut v[..self.visible]);
            let field = |unit: usize| reduce::dot(&self.binary_weights[unit * n..][..n], &v);
            let bias = |unit: usize| f64::from(self.binary_bias[unit]);
            let own: f64 =
                (0..self.visible).filter(|&unit| v[unit] > 0.0).map(|unit| 0.5 * field(unit) + bias(unit)).sum();
            own + (self.visible..n).map(|unit| softplus(field(unit) + bias(unit))).sum::<f64>()
        };
        (0..rows.rows()).map(value).collect()
    }

    /// The same by annealing the hidden units with each row clamped; and the mean's Monte Carlo error.
    pub(super) fn annealed_log_weights(&self, rows: &BitMatrix, annealing: &Annealing) -> (Vec<f64>, f64) {
        let (n, count) = (self.len(), rows.rows());
        let mut coins = annealing.seed.stream("boltzmann hidden starts", 0);
        let start = BitMatrix::from_fn(count * CHAINS_PER_ROW, n, |chain, unit| {
            if unit < self.visible { rows.get(chain / CHAINS_PER_ROW, unit) } else { coins.random::<bool>() }
        });
        let clamped: Vec<bool> = (0..n).map(|unit| unit < self.visible).collect();
        // All temperatures for all rows would cost more than log Z; the hidden units alone need fewer.
        let short = Annealing { temperatures: annealing.temperatures.div_ceil(4), ..*annealing };
        let log_weights = short.log_weights(self, start, Some(&clamped), &vec![0.0; n]);
        let start = self.hidden as f64 * std::f64::consts::LN_2;
        let means: Vec<LogMeanExp> = log_weights.chunks_exact(CHAINS_PER_ROW).map(LogMeanExp::of).collect();
        let error = means.iter().map(|mean| mean.error.powi(2)).sum::<f64>().sqrt() / count as f64;
        (means.into_iter().map(|mean| mean.value + start).collect(), error)
    }

    /// Mean over `rows` `[rows, units]` of Σᵢ ln p(xᵢ | all others) over the visible units, nats: for a machine without
    /// hidden units the pseudo-log-likelihood (Besag 1975).
    pub(super) fn conditional_log_likelihood(&self, rows: &BitMatrix) -> f64 {
        let n = self.len();
        let value = |row: usize| -> f64 {
            let mut x = vec![0.0f32; n];
            rows.row_into(row, &mut x);
            (0..self.visible)
                .map(|unit| {
                    let field = reduce::dot(&self.binary_weights[unit * n..][..n], &x);
                    let logit = field + f64::from(self.binary_bias[unit]);
                    -softplus(if x[unit] > 0.0 { -logit } else { logit })
                })
                .sum()
        };
        (0..rows.rows()).map(value).sum::<f64>() / rows.rows() as f64
    }

    /// Sets the visible biases to those of independent units with these `means` `[visible]`, kept 1 / (2 `examples`) away
    /// from 0 and 1.
    pub(super) fn set_visible_bias_from_means(&mut self, means: &[f64], examples: usize) {
        let scale = if self.units == Units::Spin { 0.5 } else { 1.0 };
        for (bias, &mean) in self.bias.iter_mut().zip(means) {
            *bias = (scale * logit(mean, examples)) as f32;
        }
        self.refresh();
    }
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

fn logit(mean: f64, examples: usize) -> f64 {
    let margin = 0.5 / examples.max(1) as f64;
    let mean = mean.clamp(margin, 1.0 - margin);
    (mean / (1.0 - mean)).ln()
}

/// Biases of independent units 0 and 1 with the rows' means.
fn base_of(rows: &BitMatrix) -> Vec<f32> {
    let counts = rows.column_counts();
    counts.into_iter().map(|on| logit(f64::from(on) / rows.rows() as f64, rows.rows()) as f32).collect()
}

/// Mean log-likelihood of the rows under independent units with these biases.
fn independent_units(rows: &BitMatrix, base: &[f32]) -> f64 {
    let counts = rows.column_counts();
    let terms = counts
        .into_iter()
        .zip(base)
        .map(|(on, &bias)| f64::from(bias) * f64::from(on) / rows.rows() as f64 - softplus(f64::from(bias)));
    terms.sum()
}

/// `count` draws of independent units with these biases.
fn independent_draws(count: usize, base: &[f32], seed: Seed) -> BitMatrix {
    let mut uniforms = seed.stream("boltzmann annealing starts", 0);
    BitMatrix::from_fn(count, base.len(), |_, unit| {
        uniforms.random::<f64>() * (1.0 + (-f64::from(base[unit])).exp()) < 1.0
    })
}
