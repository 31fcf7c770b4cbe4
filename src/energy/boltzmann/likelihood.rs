//! Log-likelihoods that say what they are: exact up to 20 units, else by annealing.

use super::exact::EXACT_UNITS;
use super::{BoltzmannError, BoltzmannMachine};
use crate::data::{Dataset, Values, Wanted};
use crate::energy::independent::{biases_of, softplus};
use crate::kernels::reduce;
use crate::random::Seed;
use crate::sampling::{Ais, Estimate, Kind, LogMeanExp, error_of_mean, independent_bits, mean_and_error};
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
    /// Where the data has no rows, is not as wide as the visible units, or is not one of bits; or there are no annealing
    /// chains or temperatures.
    pub fn log_likelihood(&self, data: &Dataset<'_>, ais: &Ais) -> Result<Estimate, BoltzmannError> {
        Ok(self.log_likelihoods(data, ais)?.1)
    }

    /// ln p(v) of each row of `data`, `[rows]`, nats, with their mean, [`log_likelihood`](Self::log_likelihood).
    ///
    /// # Errors
    /// As [`log_likelihood`](Self::log_likelihood).
    pub fn log_likelihoods(&self, data: &Dataset<'_>, ais: &Ais) -> Result<(Vec<f64>, Estimate), BoltzmannError> {
        ais.check()?;
        Wanted { width: self.visible, values: Values::Bits }.check(data)?;
        let rows = data.to_bits();
        let mut estimate = Estimate {
            value: f64::NAN,
            kind: Kind::Exact,
            monte_carlo_error: 0.0,
            data_error: f64::NAN,
            method: format!("annealed importance sampling, {ais}"),
            log_z: None,
            log_z_error: Some(0.0),
            effective_sample_size: None,
            baseline: Some(independent_bits(&rows)),
            examples: rows.rows(),
            warnings: Vec::new(),
        };
        if self.len() <= EXACT_UNITS {
            let values = self.exact_log_likelihoods(&rows)?;
            (estimate.value, estimate.data_error) = mean_and_error(&values);
            estimate.method = format!("all {} states", 1u64 << self.len());
            estimate.log_z = Some(self.exact_log_z()?);
            return Ok((values, estimate));
        }
        let log_z = self.annealed_log_z(ais, &biases_of(&rows));
        let (mut values, row_error) = if self.hidden_are_independent() {
            estimate.kind = if log_z.error > 0.0 { Kind::Upper } else { Kind::Exact };
            (self.closed_log_weights(&rows), 0.0)
        } else {
            estimate.kind = Kind::Estimate;
            self.annealed_log_weights(&rows, ais)
        };
        let (mean, data_error) = mean_and_error(&values);
        values.iter_mut().for_each(|value| *value -= log_z.value);
        (estimate.value, estimate.data_error) = (mean - log_z.value, data_error);
        estimate.monte_carlo_error = log_z.error.hypot(row_error);
        estimate.log_z = Some(log_z.value - self.energy_offset());
        estimate.log_z_error = Some(log_z.error);
        estimate.effective_sample_size = Some(log_z.effective_sample_size);
        Ok((values, estimate))
    }

    /// log Z of the form with units 0 and 1, from independent visible units with biases `base` `[visible]`.
    fn annealed_log_z(&self, ais: &Ais, base: &[f32]) -> LogMeanExp {
        let mut all = base.to_vec();
        all.resize(self.len(), 0.0);
        let start = independent_draws(ais.chains, &all, ais.seed);
        let log_weights = self.annealing_weights(ais, start, None, &all);
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
    pub(super) fn annealed_log_weights(&self, rows: &BitMatrix, ais: &Ais) -> (Vec<f64>, f64) {
        let (n, count) = (self.len(), rows.rows());
        let mut coins = ais.seed.stream("boltzmann hidden starts", 0);
        let start = BitMatrix::from_fn(count * CHAINS_PER_ROW, n, |chain, unit| {
            if unit < self.visible { rows.get(chain / CHAINS_PER_ROW, unit) } else { coins.random::<bool>() }
        });
        let clamped: Vec<bool> = (0..n).map(|unit| unit < self.visible).collect();
        // All temperatures for all rows would cost more than log Z; the hidden units alone need fewer.
        let short = Ais { temperatures: ais.temperatures.div_ceil(4), ..*ais };
        let log_weights = self.annealing_weights(&short, start, Some(&clamped), &vec![0.0; n]);
        let start = self.hidden as f64 * std::f64::consts::LN_2;
        let means: Vec<LogMeanExp> = log_weights.chunks_exact(CHAINS_PER_ROW).map(LogMeanExp::of).collect();
        let values: Vec<f64> = means.iter().map(|mean| mean.value + start).collect();
        let errors: Vec<f64> = means.iter().map(|mean| mean.error).collect();
        let error = error_of_mean(&values, &errors);
        (values, error)
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
}

/// `count` draws of independent units with these biases.
fn independent_draws(count: usize, base: &[f32], seed: Seed) -> BitMatrix {
    let mut uniforms = seed.stream("boltzmann annealing starts", 0);
    BitMatrix::from_fn(count, base.len(), |_, unit| {
        uniforms.random::<f64>() * (1.0 + (-f64::from(base[unit])).exp()) < 1.0
    })
}
