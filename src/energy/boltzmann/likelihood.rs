//! Log-likelihoods that say what they are: exact up to 20 units, else by annealing, which is looked at from elsewhere as that
//! of a restricted machine is (see its [`score`](crate::energy::rbm::Rbm::score)): up with each unit held in turn, down from
//! the rows, and down from where random chains end.

use super::annealing::{Annealer, draws, independent_draws, log_z_of_base};
use super::exact::EXACT_UNITS;
use super::{BoltzmannChains, BoltzmannError, BoltzmannMachine};
use crate::data::{Dataset, Values, Wanted};
use crate::energy::held::{
    Found, GAIN_ALLOWED, GAP_ALLOWED, SCOUT_GAP_ALLOWED, SCOUT_SWEEPS, SCOUTS, find_missed,
};
use crate::energy::independent::{biases_of, softplus};
use crate::kernels::reduce;
use crate::sampling::{
    Ais, Estimate, Kind, LogMeanExp, Warning, Work, independent_bits, mean_and_error, three_errors,
};
use crate::tensor::BitMatrix;
use rand::RngExt;

/// Annealed chains for each row whose hidden units cannot be summed out in closed form, in a round.
const CHAINS_PER_ROW: usize = 16;
/// Rounds at most: another follows while the bias of the rows' logarithms is more than half the error.
const ROUNDS: u64 = 4;
/// Fewer effective chains a row than this, on average, or a smaller share: they are likely too low.
const FEW_CHAINS: f64 = 2.0;
const FEW_SHARE: f64 = 0.1;

/// Rows that are annealed down, and sweeps that draw their hidden units.
const DOWN: usize = 64;
const HIDDEN_SWEEPS: usize = 50;

/// ln Σ_h e^(−E(v, h)) of rows, by annealing.
pub(super) struct RowWeights {
    /// Of each row, nats.
    pub values: Vec<f64>,
    /// Monte Carlo error of their mean, and what is left of a bias that is too large to be taken off, nats.
    pub error: f64,
    /// Effective chains a row, and how many there were.
    pub effective: f64,
    pub chains: usize,
}

impl BoltzmannMachine {
    /// The mean log-likelihood of the rows of `data`, nats an example.
    ///
    /// Up to 20 units exact. Else log Z is annealed, so that the figure is optimistic; ln Σ_h e^(−E(v, h)) is exact where no
    /// hidden unit acts on another. Elsewhere it is annealed too, row by row, which errs the other way: an estimate, less the
    /// bias of the logarithm of few weights by the jackknife. Warnings say where annealing misses a mode, where its two
    /// directions disagree, and where few of its chains count.
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
        self.log_likelihoods_counted(data, ais, &Work::new())
    }

    /// [`log_likelihoods`](Self::log_likelihoods) whose sweeps of annealing are counted: another thread may tell how far they
    /// are.
    ///
    /// # Errors
    /// As [`log_likelihood`](Self::log_likelihood).
    pub fn log_likelihoods_counted(
        &self,
        data: &Dataset<'_>,
        ais: &Ais,
        work: &Work,
    ) -> Result<(Vec<f64>, Estimate), BoltzmannError> {
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
        let mut base = biases_of(&rows);
        base.resize(self.len(), 0.0);
        let (annealer, closed) = (Annealer::new(self, work), self.hidden_are_independent());
        annealer.plan(ais.chains, ais.temperatures);
        if !closed {
            annealer.plan(CHAINS_PER_ROW * rows.rows(), temperatures_of_rows(ais));
        }
        annealer.plan(SCOUTS + rows.rows().min(DOWN), ais.temperatures);
        let Found { log_z, gain, .. } = annealer.log_z(ais, &base);
        estimate.warnings.extend(Warning::of_few_chains(&log_z, ais.chains));
        if gain > GAIN_ALLOWED {
            estimate.warnings.push(Warning::IsolatedMode { gain });
        }
        let (mut values, row_error) = if closed {
            estimate.kind = if log_z.error > 0.0 { Kind::Upper } else { Kind::Exact };
            (self.closed_log_weights(&rows), 0.0)
        } else {
            estimate.kind = Kind::Estimate;
            let RowWeights { values, error, effective, chains } = annealer.log_weights_of_rows(&rows, ais);
            if effective < FEW_CHAINS || effective < FEW_SHARE * chains as f64 {
                estimate.warnings.push(Warning::FewEffectiveSamples { effective, samples: chains });
            }
            (values, error)
        };
        if log_z.error > 0.0 {
            annealer.look_back(&rows, &log_z, ais, &base, &mut estimate.warnings)?;
        }
        let (mean, data_error) = mean_and_error(&values);
        values.iter_mut().for_each(|value| *value -= log_z.value);
        (estimate.value, estimate.data_error) = (mean - log_z.value, data_error);
        estimate.monte_carlo_error = log_z.error.hypot(row_error);
        estimate.log_z = Some(log_z.value - self.energy_offset());
        estimate.log_z_error = Some(log_z.error);
        estimate.effective_sample_size = Some(log_z.effective_sample_size);
        if estimate.value > 0.0 {
            estimate.warnings.push(Warning::AboveZero { value: estimate.value });
        }
        Ok((values, estimate))
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

impl Annealer<'_> {
    /// log Z of the form with units 0 and 1, from independent units with biases `base` `[units]`, with what chains that hold
    /// a unit have found.
    fn log_z(&self, ais: &Ais, base: &[f32]) -> Found {
        let start = independent_draws(ais.chains, base, ais.seed);
        let (log_weights, states) = self.annealing_weights(ais, start, None, base);
        let (log_z0, mean) = (log_z_of_base(base), LogMeanExp::of(&log_weights));
        let log_z = LogMeanExp { value: mean.value + log_z0, ..mean };
        let work = (ais.chains as u64).saturating_mul(ais.temperatures as u64);
        let free = draws(&log_weights, log_z0, &states);
        find_missed(self, free, log_z, work, ais.seed.derive("held units", 0))
    }

    /// Anneals down from the rows and from where random chains end, and warns where `log_z` lacks either's share.
    fn look_back(
        &self,
        rows: &BitMatrix,
        log_z: &LogMeanExp,
        ais: &Ais,
        base: &[f32],
        warnings: &mut Vec<Warning>,
    ) -> Result<(), BoltzmannError> {
        let count = rows.rows().min(DOWN);
        let place = |row: usize| row * rows.rows() / count;
        let mut coins = ais.seed.stream("boltzmann rows down", 0);
        let start = BitMatrix::from_fn(count, self.machine.len(), |row, unit| {
            if unit < self.machine.visible { rows.get(place(row), unit) } else { coins.random::<bool>() }
        });
        let mut completed = BoltzmannChains::from_states(start, ais.seed.derive("rows down", 0));
        completed.clamp(&(0..self.machine.len()).map(|unit| unit < self.machine.visible).collect::<Vec<bool>>());
        completed.gibbs(self.machine, if self.machine.hidden == 0 { 0 } else { HIDDEN_SWEEPS });
        let mut scouts = self.machine.chains(SCOUTS, ais.seed.derive("scouts", 0));
        scouts.gibbs(self.machine, SCOUT_SWEEPS);

        let gap = |states: &BitMatrix, index: u64, allowed: f64| -> Result<(f64, f64), BoltzmannError> {
            let seed = ais.seed.derive("annealing down", index);
            let (down, error) = mean_and_error(&self.log_z_of_states(states, ais.temperatures, seed, base)?);
            // A single row has no error of its own.
            let error = if error.is_finite() { error } else { 0.0 };
            let apart = down - log_z.value;
            // Temperatures take from the walk down, and add nothing.
            let allowed = if apart < 0.0 { 0.0 } else { allowed };
            Ok((apart, allowed + three_errors(&[log_z.error, error])))
        };
        let (apart, allowed) = gap(completed.states(), 0, GAP_ALLOWED)?;
        if apart.abs() > allowed {
            warnings.push(Warning::Disagreement { gap: apart, allowed });
        }
        let (missed, allowed) = gap(scouts.states(), 1, SCOUT_GAP_ALLOWED)?;
        if missed > allowed {
            warnings.push(Warning::ModeMissed { gap: missed, allowed });
        }
        Ok(())
    }

    /// ln Σ_h e^(−E(v, h)) of each row, by annealing the hidden units with the row clamped. ln of the mean of a few weights is too low by half its
    /// variance in every row, while the error of their mean falls with the number of rows: so the bias is taken off by the
    /// jackknife, and more chains follow while it is large.
    pub(super) fn log_weights_of_rows(&self, rows: &BitMatrix, ais: &Ais) -> RowWeights {
        let count = rows.rows();
        let mut weights: Vec<Vec<f64>> = vec![Vec::new(); count];
        let start = self.machine.hidden as f64 * std::f64::consts::LN_2;
        let mut round = 0;
        loop {
            let seed = if round == 0 { ais.seed } else { ais.seed.derive("boltzmann rows", round) };
            let more = self.clamped_log_weights(rows, &Ais { seed, ..*ais });
            weights.iter_mut().zip(more.chunks_exact(CHAINS_PER_ROW)).for_each(|(row, more)| row.extend(more));
            round += 1;
            let means: Vec<LogMeanExp> = weights.iter().map(|row| LogMeanExp::of(row)).collect();
            let (biases, errors): (Vec<f64>, Vec<f64>) = weights.iter().map(|row| jackknife(row)).unzip();
            let error = errors.iter().map(|error| error.powi(2)).sum::<f64>().sqrt() / count as f64;
            let bias = biases.iter().sum::<f64>() / count as f64;
            let small = bias.abs() <= 0.5 * error;
            if !small && round < ROUNDS {
                self.plan(CHAINS_PER_ROW * count, temperatures_of_rows(ais));
                continue;
            }
            return RowWeights {
                values: means.iter().zip(biases).map(|(mean, bias)| mean.value - bias + start).collect(),
                error: if small { error } else { error.hypot(bias) },
                effective: means.iter().map(|mean| mean.effective_sample_size).sum::<f64>() / count as f64,
                chains: CHAINS_PER_ROW * round as usize,
            };
        }
    }

    /// The log-weights of a round, `[rows, chains]`, without the hidden units' start.
    fn clamped_log_weights(&self, rows: &BitMatrix, ais: &Ais) -> Vec<f64> {
        let (n, count) = (self.machine.len(), rows.rows());
        let mut coins = ais.seed.stream("boltzmann hidden starts", 0);
        let start = BitMatrix::from_fn(count * CHAINS_PER_ROW, n, |chain, unit| {
            if unit < self.machine.visible {
                rows.get(chain / CHAINS_PER_ROW, unit)
            } else {
                coins.random::<bool>()
            }
        });
        let clamped: Vec<bool> = (0..n).map(|unit| unit < self.machine.visible).collect();
        let short = Ais { temperatures: temperatures_of_rows(ais), ..*ais };
        self.annealing_weights(&short, start, Some(&clamped), &vec![0.0; n]).0
    }
}

/// All temperatures for all rows would cost more than log Z; the hidden units alone need fewer.
fn temperatures_of_rows(ais: &Ais) -> usize {
    ais.temperatures.div_ceil(4)
}

/// The jackknife's estimates of the bias and of the standard error of ln of the mean of e^w, nats: (n − 1) (mean of those
/// without one weight − that of all), and √((n − 1) / n Σ (one of them − their mean)²), which knows of no bound where one
/// weight is more than all others.
fn jackknife(log_weights: &[f64]) -> (f64, f64) {
    let n = log_weights.len() as f64;
    let largest = log_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = log_weights.iter().map(|w| (w - largest).exp()).collect();
    let sum: f64 = weights.iter().sum();
    // Without its largest weight a sum of one weight alone would be nothing.
    let without: Vec<f64> =
        weights.iter().map(|weight| ((sum - weight).max(1e-12 * sum) / (n - 1.0)).ln()).collect();
    let mean = without.iter().sum::<f64>() / n;
    let squares: f64 = without.iter().map(|value| (value - mean).powi(2)).sum();
    ((n - 1.0) * (mean - (sum / n).ln()), ((n - 1.0) / n * squares).sqrt())
}
