//! The log-likelihood of a neural energy: by a grid in up to two dimensions, else annealed.

use super::report::judge;
use crate::cli::{Failure, Report};
use crate::contract::{ScoreAsk, Scorer};
use crate::input::data;
use helmholtz::energy::neural::NeuralEnergy;

impl Scorer for NeuralEnergy {
    fn options(&self) -> &'static [&'static str] {
        &["ais"]
    }

    fn score(&self, ask: &ScoreAsk<'_>, report: &mut Report) -> Result<Option<Vec<f64>>, Failure> {
        let (rows, ais) = (ask.rows, ask.options.ais);
        if let Some(annealing) = ais {
            if self.width() <= 2 {
                let why = "--ais sets annealing, but log Z of up to two dimensions is a sum over a grid";
                return Err(Failure::new(why));
            }
            annealing.check("ais", self.width())?;
        }
        let estimate = judge(self, &rows.rows, rows.split, ais, ask.seed, ask.work, report);
        let estimate = estimate.map_err(|failure| rows.unfit(failure))?;
        ask.each_row(|| {
            let log_z = estimate.log_z.unwrap_or(f64::NAN);
            let energies = self.energies(&data::values_for(&rows.rows, self.width(), &rows.name)?);
            Ok(energies.into_iter().map(|energy| -energy - log_z).collect())
        })
    }
}
