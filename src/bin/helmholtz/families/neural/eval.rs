//! The log-likelihood of a neural energy: by a grid in up to two dimensions, else annealed.

use super::report;
use crate::cli::{Failure, Report};
use crate::contract::{ScoreAsk, Scored, Scorer};
use crate::input::data;
use helmholtz::energy::neural::NeuralEnergy;

impl Scorer for NeuralEnergy {
    fn options(&self) -> &'static [&'static str] {
        &["ais"]
    }

    fn score(&self, ask: &ScoreAsk<'_>) -> Result<Scored, Failure> {
        let (rows, ais) = (ask.rows, ask.options.ais);
        if let Some(annealing) = ais {
            if self.width() <= 2 {
                let why = "--ais sets annealing, but log Z of up to two dimensions is a sum over a grid";
                return Err(Failure::new(why));
            }
            annealing.check("ais", self.width())?;
        }
        let estimate = self.log_likelihood_counted(&rows.rows, &report::scoring(ais, ask.seed), ask.work);
        let estimate = estimate.map_err(|error| rows.unfit(error))?;
        let log_z = estimate.log_z.unwrap_or(f64::NAN);
        let energies = self.energies(&data::values_for(&rows.rows, self.width(), &rows.name)?);
        let values = energies.into_iter().map(|energy| -energy - log_z).collect();
        Ok(Scored::alone(values, estimate))
    }

    fn report(&self, ask: &ScoreAsk<'_>, report: &mut Report) -> Result<Option<Scored>, Failure> {
        let scored = Scorer::score(self, ask)?;
        report::tell(self, &scored.estimate, &ask.rows.rows, ask.rows.split, ask.seed, report)?;
        Ok(Some(scored))
    }
}
