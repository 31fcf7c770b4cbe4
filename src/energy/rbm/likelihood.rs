//! Log-likelihoods that say what they are: exact where the smaller layer can be enumerated, else by annealing.
//!
//! Annealing is no certificate: it knows nothing of modes it has not seen. So a [score](Rbm::score) looks four ways.
//! Up the bridge for log Ẑ, which is too low on average. Up the bridge with one hidden unit held on or off, each in turn:
//! what those chains find beyond log Ẑ is counted in, and said. Down the bridge from the data: where annealing misses the mode
//! the data live in, the conservative figure falls far below the optimistic one. And down the bridge from where chains of
//! the machine end that started at random: for a state x of a mode B, log p*(x) − log p_ann(x) = log Z + log p(B) −
//! log p_ann(B), so a mean far above log Ẑ says that annealing visits B too rarely for its weight. That compares
//! probabilities of modes, where a comparison of free energies would compare states of unlike number, and it holds its
//! peace about chains that mix slowly within what annealing reaches. What no chain and no row has ever seen goes unseen.

use super::ais::Annealed;
use super::bridge::Bridge;
use super::exact::{EXACT_UNITS, Enumeration};
use super::{AdaptiveAis, Ais, Annealing, Raise, Rbm, RbmError};
use crate::data::{Dataset, Values, Wanted};
use crate::energy::held::{GAIN_ALLOWED, GAP_ALLOWED, Often, SCOUT_GAP_ALLOWED, SCOUT_SWEEPS, SCOUTS};
use crate::energy::independent::biases_of;
use crate::random::Seed;
use crate::sampling::{Estimate, Kind, LogMeanExp, Warning, Work, independent_bits, mean_and_error, three_errors};
use crate::tensor::BitMatrix;

/// How a machine is scored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scoring {
    /// Units of the smaller layer up to which all its states are summed instead; at most 30.
    pub exact_up_to: usize,
    /// The optimistic estimate.
    pub annealing: Annealing,
    /// The conservative one.
    pub raise: Raise,
}

impl Default for Scoring {
    /// Exact up to 20 units, else annealing until an error of 0.1 nats, with a reverse annealing of 128 examples.
    fn default() -> Self {
        Scoring { exact_up_to: EXACT_UNITS, annealing: Annealing::default(), raise: Raise::default() }
    }
}

impl Scoring {
    /// Annealing with just these chains and temperatures; reverse annealing with as many temperatures.
    pub fn with_ais(ais: Ais) -> Self {
        let raise = Raise { temperatures: ais.temperatures, seed: ais.seed, ..Raise::default() };
        Scoring { annealing: ais.into(), raise, ..Scoring::default() }
    }

    /// The default with streams of `seed`.
    pub fn with_seed(seed: Seed) -> Self {
        let annealing = Annealing::Until(AdaptiveAis { seed, ..Default::default() });
        Scoring { annealing, raise: Raise { seed, ..Raise::default() }, ..Scoring::default() }
    }
}

/// The log-likelihood of a machine from both sides.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Score {
    /// Exact, or the optimistic estimate, with the warnings of both.
    pub estimate: Estimate,
    /// The conservative estimate, where the other one is not exact and annealing is not known to miss a mode or to come
    /// there too rarely ([`Warning::IsolatedMode`], [`Warning::RareMode`]): a bound of another model says nothing of this one.
    pub conservative: Option<Estimate>,
}

impl Rbm {
    /// The mean log-likelihood of `data`: exact where the smaller layer has at most 20 units, else by forward annealed
    /// importance sampling, which is optimistic.
    ///
    /// # Errors
    /// Where the data has no rows, is not as wide as the machine, or is grey and not binarised.
    pub fn log_likelihood(&self, data: &Dataset<'_>, ais: &Ais) -> Result<Estimate, RbmError> {
        if self.visible.min(self.hidden) <= EXACT_UNITS {
            return self.exact_log_likelihood(data, EXACT_UNITS);
        }
        self.annealed_log_likelihood(data, ais)
    }

    /// The mean log-likelihood of `data` from both sides: exact where the smaller layer is small, else the optimistic
    /// figure of annealed importance sampling with the conservative one of RAISE beside it, and warnings where they
    /// contradict one another or annealing misses a mode (see [`Warning`]). The conservative one bounds the annealed model:
    /// where a mode is known to be missed, it is left out.
    ///
    /// # Errors
    /// As [`log_likelihood`](Self::log_likelihood), and where a setting is out of its range.
    ///
    /// ```
    /// use helmholtz::{Seed, data::Dataset, rbm::{Ais, Rbm, Scoring}, sampling::Kind};
    /// let rbm = Rbm::new(64, 30, Seed(1));
    /// let ais = Ais { chains: 32, temperatures: 100, ..Ais::default() };
    /// let score = rbm.score(&Dataset::digits().test(), &Scoring::with_ais(ais))?;
    /// assert_eq!(score.estimate.kind, Kind::Upper);
    /// assert_eq!(score.conservative.map(|estimate| estimate.kind), Some(Kind::Annealed));
    /// # Ok::<(), helmholtz::rbm::RbmError>(())
    /// ```
    pub fn score(&self, data: &Dataset<'_>, scoring: &Scoring) -> Result<Score, RbmError> {
        self.score_counted(data, scoring, &Work::new())
    }

    /// A [score](Self::score) whose steps of annealing are counted: another thread may tell how far it is.
    ///
    /// # Errors
    /// As [`score`](Self::score).
    pub fn score_counted(&self, data: &Dataset<'_>, scoring: &Scoring, work: &Work) -> Result<Score, RbmError> {
        if self.visible.min(self.hidden) <= scoring.exact_up_to {
            let estimate = self.exact_log_likelihood(data, scoring.exact_up_to)?;
            return Ok(Score { estimate, conservative: None });
        }
        scoring.raise.check()?;
        let rows = self.likelihood_rows(data)?;
        let base = biases_of(&rows);
        let bridge = Bridge::new(self, &base).counted(work);
        bridge.plan(scoring.raise.chains_of(rows.rows()), scoring.raise.temperatures);
        bridge.plan(SCOUTS * scoring.raise.chains, scoring.raise.temperatures);
        let (mut estimate, annealed) = self.annealed_estimate(&bridge, &rows, &scoring.annealing)?;
        let errors = |other: f64| three_errors(&[estimate.monte_carlo_error, other]);
        // Where the walk comes to a part of the states too rarely, rows elsewhere are likelier under it, though its weights
        // make up for that on the way up.
        let excess = self.walk_excess(&annealed.often, &rows);
        let rare =
            (annealed.gain <= GAIN_ALLOWED && excess > GAIN_ALLOWED).then_some(Warning::RareMode { excess });
        let conservative = (annealed.gain.max(excess) <= GAIN_ALLOWED).then(|| {
            let mut conservative = scoring.raise.estimate(&bridge, &rows, &self.free_energy(&rows));
            let errors = [annealed.gain, excess].into_iter().fold(conservative.monte_carlo_error, f64::hypot);
            conservative.monte_carlo_error = errors;
            conservative
        });
        let disagreement = conservative.as_ref().and_then(|conservative| {
            let gap = estimate.value - conservative.value;
            // Temperatures take from the conservative figure, and add nothing.
            let slack = if gap < 0.0 { 0.0 } else { GAP_ALLOWED };
            let allowed = slack + errors(conservative.monte_carlo_error);
            // The annealed model's lower bound far above an upper one: annealing does not reach the machine's distribution.
            (gap.abs() > allowed).then_some(Warning::Disagreement { gap, allowed })
        });

        let log_z = estimate.log_z.unwrap_or(f64::NAN);
        let missed = self.missed_by(&bridge, &scoring.raise, log_z, estimate.monte_carlo_error);
        estimate.warnings.extend(rare.into_iter().chain(disagreement).chain(missed));
        Ok(Score { estimate, conservative })
    }

    /// By how much the walk's density exceeds the machine's on average over `rows`, as the unit that tells most of it knows.
    fn walk_excess(&self, often: &[Often], rows: &BitMatrix) -> f64 {
        let means = self.mean_hidden(rows);
        let on = |unit: usize| {
            let all = means.iter().skip(unit).step_by(self.hidden);
            all.map(|&mean| f64::from(mean)).sum::<f64>() / rows.rows() as f64
        };
        often.iter().enumerate().map(|(unit, often)| often.excess(on(unit))).fold(0.0, f64::max)
    }

    /// Anneals down from where random chains end, and warns where this `log_z`, with this error, lacks their share.
    pub(super) fn missed_by(&self, bridge: &Bridge<'_>, raise: &Raise, log_z: f64, error: f64) -> Option<Warning> {
        let mut scouts = self.chains(SCOUTS, raise.seed.derive("scouts", 0));
        scouts.gibbs(self, SCOUT_SWEEPS);
        let raise = Raise { seed: raise.seed.derive("scouts", 1), ..*raise };
        let (down, down_error) = mean_and_error(&raise.log_z_of_rows(bridge, scouts.visible()));
        let gap = down - log_z;
        let allowed = SCOUT_GAP_ALLOWED + three_errors(&[error, down_error]);
        (gap > allowed).then_some(Warning::ModeMissed { gap, allowed })
    }

    /// ln p(v) of each row of `data`, `[rows]`, nats, with the [score](Self::score) whose log Z they take: their mean is its
    /// estimate.
    ///
    /// # Errors
    /// As [`score`](Self::score).
    pub fn log_likelihoods(&self, data: &Dataset<'_>, scoring: &Scoring) -> Result<(Vec<f64>, Score), RbmError> {
        self.log_likelihoods_counted(data, scoring, &Work::new())
    }

    /// The same, its steps of annealing counted.
    ///
    /// # Errors
    /// As [`score`](Self::score).
    pub fn log_likelihoods_counted(
        &self,
        data: &Dataset<'_>,
        scoring: &Scoring,
        work: &Work,
    ) -> Result<(Vec<f64>, Score), RbmError> {
        let score = self.score_counted(data, scoring, work)?;
        let log_z = score.estimate.log_z.unwrap_or(f64::NAN);
        let energies = self.free_energy(&self.likelihood_rows(data)?);
        Ok((energies.into_iter().map(|energy| -energy - log_z).collect(), score))
    }

    /// The first figure of a [score](Self::score) alone, with the same random numbers: exact, or optimistic, with
    /// nothing beside it that would contradict it.
    ///
    /// # Errors
    /// As [`score`](Self::score).
    pub fn optimistic_log_likelihood(&self, data: &Dataset<'_>, scoring: &Scoring) -> Result<Estimate, RbmError> {
        self.optimistic_log_likelihood_counted(data, scoring, &Work::new())
    }

    /// The same, its steps of annealing counted.
    ///
    /// # Errors
    /// As [`score`](Self::score).
    pub fn optimistic_log_likelihood_counted(
        &self,
        data: &Dataset<'_>,
        scoring: &Scoring,
        work: &Work,
    ) -> Result<Estimate, RbmError> {
        if self.visible.min(self.hidden) <= scoring.exact_up_to {
            return self.exact_log_likelihood(data, scoring.exact_up_to);
        }
        let rows = self.likelihood_rows(data)?;
        let base = biases_of(&rows);
        Ok(self.annealed_estimate(&Bridge::new(self, &base).counted(work), &rows, &scoring.annealing)?.0)
    }

    /// The mean log-likelihood of `data` by enumeration of the smaller layer, of at most `limit` units.
    ///
    /// # Errors
    /// As [`log_likelihood`](Self::log_likelihood), and where the smaller layer has more units.
    pub fn exact_log_likelihood(&self, data: &Dataset<'_>, limit: usize) -> Result<Estimate, RbmError> {
        let enumeration = Enumeration::of(self, limit)?;
        let rows = self.likelihood_rows(data)?;
        let log_z = enumeration.log_z();
        let log_z = LogMeanExp { value: log_z, error: 0.0, effective_sample_size: f64::INFINITY };
        let method = format!("log Z by enumeration of {} units", enumeration.units);
        Ok(self.estimate(&rows, log_z, Kind::Exact, method))
    }

    /// The mean log-likelihood of `data` by forward annealed importance sampling (Salakhutdinov & Murray 2008), from the
    /// independent model with the data's means. E[log Ẑ] ≤ log Z, so the figure is optimistic.
    ///
    /// # Errors
    /// As [`log_likelihood`](Self::log_likelihood), and where `ais` has no chains or temperatures.
    pub fn annealed_log_likelihood(&self, data: &Dataset<'_>, ais: &Ais) -> Result<Estimate, RbmError> {
        ais.check()?;
        let rows = self.likelihood_rows(data)?;
        let base = biases_of(&rows);
        Ok(self.annealed_estimate(&Bridge::new(self, &base), &rows, &Annealing::Fixed(*ais))?.0)
    }

    /// The optimistic estimate, and the annealing it comes from.
    fn annealed_estimate(
        &self,
        bridge: &Bridge<'_>,
        rows: &BitMatrix,
        annealing: &Annealing,
    ) -> Result<(Estimate, Annealed), RbmError> {
        let mut annealed = annealing.run(bridge)?;
        let held = if annealed.gain > 0.0 { ", and with units held" } else { "" };
        let method = format!("annealed importance sampling, {}{held}", annealed.ais);
        let mut estimate = self.estimate(rows, annealed.log_z, Kind::Upper, method);
        estimate.warnings = std::mem::take(&mut annealed.warnings);
        if estimate.value > 0.0 {
            estimate.warnings.push(Warning::AboveZero { value: estimate.value });
        }
        Ok((estimate, annealed))
    }

    pub(super) fn likelihood_rows(&self, data: &Dataset<'_>) -> Result<BitMatrix, RbmError> {
        Wanted { width: self.visible, values: Values::Bits }.check(data)?;
        Ok(data.to_bits())
    }

    fn estimate(&self, rows: &BitMatrix, log_z: LogMeanExp, kind: Kind, method: String) -> Estimate {
        let energies = self.free_energy(rows);
        let (mean, data_error) = mean_and_error(&energies);
        Estimate {
            value: -mean - log_z.value,
            kind,
            monte_carlo_error: log_z.error,
            data_error,
            method,
            log_z: Some(log_z.value),
            log_z_error: Some(log_z.error),
            effective_sample_size: (kind != Kind::Exact).then_some(log_z.effective_sample_size),
            baseline: Some(independent_bits(rows)),
            examples: rows.rows(),
            warnings: Vec::new(),
        }
    }
}
