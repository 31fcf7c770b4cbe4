//! Log-likelihoods that say what they are: exact where the smaller layer can be enumerated, else by annealing.

use super::exact::Enumeration;
use super::{Ais, Rbm, RbmError};
use crate::data::{Binarization, Dataset};
use crate::sampling::{Estimate, Kind, LogMeanExp, mean_and_error};
use crate::tensor::BitMatrix;

/// Units of the smaller layer up to which log Z is enumerated without being asked.
pub(super) const EXACT_UNITS: usize = 20;

/// ln(m / (1 − m)) of each mean, kept 1 / (2 `examples`) away from 0 and 1.
pub(super) fn logits_of_means(means: &[f64], examples: usize) -> impl Iterator<Item = f64> + '_ {
    let margin = 0.5 / examples.max(1) as f64;
    means.iter().map(move |&mean| {
        let mean = mean.clamp(margin, 1.0 - margin);
        (mean / (1.0 - mean)).ln()
    })
}

/// The mean log-likelihood of `rows` under independent pixels with the rows' own means: the best of its kind, nats.
pub(super) fn independent_pixels(rows: &BitMatrix) -> f64 {
    let count = rows.rows() as f64;
    let entropy = |p: f64| if p > 0.0 && p < 1.0 { -p * p.ln() - (1.0 - p) * (1.0 - p).ln() } else { 0.0 };
    -rows.column_counts().into_iter().map(|on| entropy(f64::from(on) / count)).sum::<f64>()
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
        let rows = self.likelihood_rows(data)?;
        let counts = rows.column_counts();
        let means: Vec<f64> = counts.into_iter().map(|on| f64::from(on) / rows.rows() as f64).collect();
        let base: Vec<f32> = logits_of_means(&means, rows.rows()).map(|logit| logit as f32).collect();
        let log_z = ais.log_z(self, &base)?;
        let method =
            format!("annealed importance sampling, {} chains × {} temperatures", ais.chains, ais.temperatures);
        Ok(self.estimate(&rows, log_z, Kind::Upper, method))
    }

    fn likelihood_rows(&self, data: &Dataset<'_>) -> Result<BitMatrix, RbmError> {
        if data.width() != self.visible {
            return Err(RbmError::Width { data: data.width(), model: self.visible });
        }
        if data.is_empty() {
            return Err(RbmError::NoRows);
        }
        if !data.is_binary() && data.binarization() == Binarization::None {
            return Err(RbmError::Grey);
        }
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
            baseline: Some(independent_pixels(rows)),
            examples: rows.rows(),
        }
    }
}
