//! RAISE, the reverse annealed importance sampling estimator (Burda, Grosse & Salakhutdinov 2015, "Accurate and
//! conservative estimates of MRF log-likelihood using reverse annealing").
//!
//! Take the walk of annealed importance sampling itself as the generative model: v₀ ~ p₀, v_k ~ T_k(· | v_k−1) for
//! k = 1 … K, and x = v_K. Its density
//!
//! p_ann(x) = Σ_{v₀ … v_K−1} p₀(v₀) Πₖ T_k(v_k | v_k−1)
//!
//! is normalised by construction: no Z appears. It tends to the machine's p(x) as the temperatures become dense. The
//! sum is estimated by importance sampling with the walk backwards from x as the proposal,
//! q(v_K−1 … v₀ | x) = Πₖ T̃_k(v_k−1 | v_k), where T̃_k(v | v′) = T_k(v′ | v) p_k(v) / p_k(v′) undoes T_k. For the
//! [bridge](super::bridge)'s sweeps T̃_k = T_k. All T cancel:
//!
//! w = p₀(v₀) Πₖ T_k(v_k | v_k−1) / T̃_k(v_k−1 | v_k) = p₀(v₀) Πₖ p*_k(v_k) / p*_k(v_k−1)
//!   = p*_K(x) / Z₀ · Πₖ p*_k−1(v_k−1) / p*_k(v_k−1),
//!
//! with the partition functions of the intermediate models cancelling within each factor and Z₀ known. E\[w\] = p_ann(x),
//! so by Jensen's inequality E[log mean w] ≤ log p_ann(x): a lower bound for the annealed model, of the kind
//! [`Annealed`](Kind::Annealed). It is none for the machine where annealing misses a mode: there p_ann(x) = p(x) / p(A) in
//! the modes A that it reaches, and the figure may be above the truth by −log p(A).
//!
//! Summed over a data set: log p(x) varies by tens of nats from image to image, log p̂(x) − log p*(x), which would be
//! −log Z of a perfect walk, hardly at all. So the mean over the few annealed examples is taken of that difference, and
//! the mean of log p*(x) over all of them.

use super::bridge::Bridge;
use super::{Rbm, RbmError};
use crate::Setting;
use crate::data::Dataset;
use crate::energy::independent::biases_of;
use crate::random::Seed;
use crate::sampling::{Ais, Estimate, Kind, LogMeanExp, independent_bits, mean_and_error};
use crate::tensor::BitMatrix;

/// How the conservative log-likelihood is estimated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Raise {
    /// Examples that are annealed, evenly spaced over the data; all of them where there are fewer.
    pub examples: usize,
    /// Chains of each example. More temperatures tighten the bound more than more chains do.
    pub chains: usize,
    /// Steps from the machine to the independent model, evenly spaced.
    pub temperatures: usize,
    /// The seed of its streams.
    pub seed: Seed,
}

impl Default for Raise {
    /// 128 examples, a chain each, of 10,000 temperatures.
    fn default() -> Self {
        Raise { examples: 128, chains: 1, temperatures: 10_000, seed: Seed(0) }
    }
}

impl Raise {
    pub(super) fn check(&self) -> Result<(), Setting> {
        Setting::at_least_one("the number of annealed examples", self.examples)?;
        Setting::at_least_one("the number of chains an example", self.chains)?;
        Setting::at_least_one("the number of temperatures", self.temperatures)
    }

    /// log p*(x) − log p̂(x) for each row x: an estimate of log Z that is too high on average.
    pub(super) fn log_z_of_rows(&self, bridge: &Bridge<'_>, rows: &BitMatrix) -> Vec<f64> {
        let repeated = BitMatrix::from_fn(rows.rows() * self.chains, rows.units(), |chain, unit| {
            rows.get(chain / self.chains, unit)
        });
        let log_ratios = bridge.descend(repeated, self.temperatures, self.seed);
        let log_z0 = bridge.log_z0();
        log_ratios.chunks_exact(self.chains).map(|ratios| log_z0 - LogMeanExp::of(ratios).value).collect()
    }

    /// Chains that anneal some of `rows` rows.
    pub(super) fn chains_of(&self, rows: usize) -> usize {
        self.examples.min(rows) * self.chains
    }

    /// The rows that are annealed: evenly spaced.
    fn subset(&self, rows: &BitMatrix) -> BitMatrix {
        let count = self.examples.min(rows.rows());
        BitMatrix::from_fn(count, rows.units(), |row, unit| rows.get(row * rows.rows() / count, unit))
    }

    /// The conservative estimate on `rows`, whose free energies are `energies`; neither is empty.
    pub(super) fn estimate(&self, bridge: &Bridge<'_>, rows: &BitMatrix, energies: &[f64]) -> Estimate {
        let subset = self.subset(rows);
        let (log_z, monte_carlo_error) = mean_and_error(&self.log_z_of_rows(bridge, &subset));
        let (mean, data_error) = mean_and_error(energies);
        let effort = Ais { chains: self.chains, temperatures: self.temperatures, seed: self.seed };
        Estimate {
            value: -mean - log_z,
            kind: Kind::Annealed,
            monte_carlo_error,
            data_error,
            method: format!("reverse annealing (RAISE) of {} examples, {effort}", subset.rows()),
            log_z: None,
            log_z_error: None,
            effective_sample_size: None,
            baseline: Some(independent_bits(rows)),
            examples: rows.rows(),
            warnings: Vec::new(),
        }
    }
}

impl Rbm {
    /// The mean log-likelihood of `data` by reverse annealing (Burda, Grosse & Salakhutdinov 2015): on average below that of
    /// the annealed model, which is the machine's in the limit of many temperatures, and higher while annealing misses a
    /// mode. The Monte Carlo error counts the choice
    /// of the annealed examples too; it is infinite for a single one.
    ///
    /// # Errors
    /// As [`log_likelihood`](Self::log_likelihood), and where `raise` has no examples, chains or temperatures.
    pub fn conservative_log_likelihood(&self, data: &Dataset<'_>, raise: &Raise) -> Result<Estimate, RbmError> {
        raise.check()?;
        let rows = self.likelihood_rows(data)?;
        let base = biases_of(&rows);
        Ok(raise.estimate(&Bridge::new(self, &base), &rows, &self.free_energy(&rows)))
    }
}
