//! The log-likelihood: −E(x) − log Z.

use super::annealing::Path;
use super::{NeuralEnergy, NeuralError, rows_of};
use crate::Setting;
use crate::data::Dataset;
use crate::random::Seed;
use crate::sampling::{
    AnnealedImportance, Estimate, Kind, LogMeanExp, Warning, Work, all_but_constant, correlated_gaussian,
    covariance, few_levels, mean_and_error,
};

/// The settings by which the likelihood of a model of more than two dimensions is estimated. Of one or two, log Z is a sum over a grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NeuralScoring {
    /// Chains of annealed importance sampling (Neal 2001).
    pub chains: usize,
    /// Temperatures from the confinement's normal distribution to the model, with a Langevin step at each.
    pub temperatures: usize,
    /// The seed of its streams.
    pub seed: Seed,
}

impl Default for NeuralScoring {
    /// 128 chains through 1,000 temperatures.
    fn default() -> Self {
        NeuralScoring { chains: 128, temperatures: 1000, seed: Seed(0) }
    }
}

/// A sum over a grid that still moves by more than this, nats, carries a warning.
const COARSE: f64 = 0.01;

impl NeuralScoring {
    /// Checks both numbers.
    ///
    /// # Errors
    /// Where one of them is 0.
    pub fn check(&self) -> Result<(), Setting> {
        Setting::at_least_one("the number of annealed chains", self.chains)?;
        Setting::at_least_one("the number of temperatures", self.temperatures)
    }
}

impl NeuralEnergy {
    /// The mean log-density of `data`, nats a row. Up to two dimensions log Z is a sum over a grid: an estimate, without Monte Carlo
    /// in it, whose `log_z_error` is how far the sum moved last. Of more dimensions annealed importance sampling underestimates it on
    /// average, so that the figure is optimistic. The baseline is the normal distribution with the rows' own mean and covariance;
    /// there is none where a column is constant or nearly so.
    ///
    /// # Errors
    /// Where nothing confines the model, the data has no rows, is bits or of another width, or a setting is 0.
    pub fn log_likelihood(&self, data: &Dataset<'_>, scoring: &NeuralScoring) -> Result<Estimate, NeuralError> {
        self.log_likelihood_counted(data, scoring, &Work::new())
    }

    /// [`log_likelihood`](Self::log_likelihood) whose steps of annealing are counted: another thread may tell how far it is.
    ///
    /// # Errors
    /// As [`log_likelihood`](Self::log_likelihood).
    pub fn log_likelihood_counted(
        &self,
        data: &Dataset<'_>,
        scoring: &NeuralScoring,
        work: &Work,
    ) -> Result<Estimate, NeuralError> {
        self.check_data(data)?;
        scoring.check()?;
        if self.config.confinement == 0.0 {
            return Err(NeuralError::Unconfined);
        }
        let rows = rows_of(data, data.len());
        let (energy, data_error) = mean_and_error(&self.energies(&rows));
        let constant = all_but_constant(&rows, self.width());
        let baseline = match constant {
            None => correlated_gaussian(self.width(), &covariance(&rows, self.width())),
            Some(_) => None,
        };
        let levels = few_levels(&rows);
        let estimate = Estimate {
            value: 0.0,
            kind: Kind::Estimate,
            monte_carlo_error: 0.0,
            data_error,
            method: String::new(),
            log_z: None,
            log_z_error: None,
            effective_sample_size: None,
            baseline,
            examples: data.len(),
            warnings: levels.into_iter().chain(constant).collect(),
        };
        if self.has_grid() {
            let grid = self.quadrature(&rows, None);
            let coarse = (grid.error > COARSE).then_some(Warning::CoarseGrid { error: grid.error });
            let axes = if self.width() == 1 { String::new() } else { format!(" × {}", grid.points) };
            return Ok(Estimate {
                value: -energy - grid.log_z,
                method: format!("log Z by a sum over {}{axes} points", grid.points),
                log_z: Some(grid.log_z),
                log_z_error: Some(grid.error),
                warnings: estimate.warnings.into_iter().chain(coarse).collect(),
                ..estimate
            });
        }
        let log_z = self.counted_log_z(scoring, work)?;
        let few = !log_z.error_is_known();
        let (effective, chains) = (log_z.effective_sample_size, scoring.chains);
        Ok(Estimate {
            value: -energy - log_z.value,
            kind: Kind::Upper,
            monte_carlo_error: log_z.error,
            method: format!("AIS, {} chains × {} temperatures", scoring.chains, scoring.temperatures),
            log_z: Some(log_z.value),
            log_z_error: Some(log_z.error),
            effective_sample_size: Some(effective),
            warnings: estimate
                .warnings
                .into_iter()
                .chain(few.then_some(Warning::FewEffectiveChains { effective, chains }))
                .collect(),
            ..estimate
        })
    }

    /// log Z = ln ∫ e^(−E(x)) dx by annealed importance sampling, whatever the width: below the truth on average.
    ///
    /// # Errors
    /// Where nothing confines the model, or a setting is 0.
    pub fn annealed_log_z(&self, scoring: &NeuralScoring) -> Result<LogMeanExp, NeuralError> {
        self.counted_log_z(scoring, &Work::new())
    }

    fn counted_log_z(&self, scoring: &NeuralScoring, work: &Work) -> Result<LogMeanExp, NeuralError> {
        scoring.check()?;
        if self.config.confinement == 0.0 {
            return Err(NeuralError::Unconfined);
        }
        // The last temperature is weighed, and no step follows.
        work.plan((scoring.chains as u64).saturating_mul(scoring.temperatures as u64 - 1));
        let schedule = AnnealedImportance::even(scoring.temperatures);
        let annealing = AnnealedImportance { chains: scoring.chains, schedule, seed: scoring.seed };
        let log_z = annealing.log_z(&Path::new(self.density(), 1, work))?;
        let units: f64 = self.config.scale.iter().map(|&s| f64::from(s).ln()).sum();
        Ok(LogMeanExp { value: log_z.value + units, ..log_z })
    }
}
