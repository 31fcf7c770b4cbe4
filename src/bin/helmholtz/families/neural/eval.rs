//! The log-likelihood of a neural energy: by a grid in up to two dimensions, else annealed.

use super::report::judge;
use crate::cli::{Failure, Report};
use crate::contract::{ScoreAsk, Scorer};
use crate::input::data;
use helmholtz::energy::neural::NeuralEnergy;

impl Scorer for NeuralEnergy {
    fn options(&self) -> &'static [&'static str] {
        &["rescore"]
    }

    fn score(&self, ask: &ScoreAsk<'_>, report: &mut Report) -> Result<Option<Vec<f64>>, Failure> {
        let (rows, rescore) = (ask.rows, ask.options.rescore);
        if let Some(annealing) = rescore {
            if self.width() <= 2 {
                let why = "--rescore sets annealing, but log Z of up to two dimensions is a sum over a grid";
                return Err(Failure::new(why));
            }
            annealing.check("rescore", self.width())?;
        }
        let estimate = judge(self, &rows.rows, rows.split, rescore, ask.seed, report);
        let estimate = estimate.map_err(|failure| rows.unfit(failure))?;
        ask.each_row(|| {
            let log_z = estimate.log_z.unwrap_or(f64::NAN);
            let energies = self.energies(&data::values_for(&rows.rows, self.width(), &rows.name)?);
            Ok(energies.into_iter().map(|energy| -energy - log_z).collect())
        })
    }
}
