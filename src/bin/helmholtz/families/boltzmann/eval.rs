//! The log-likelihood of a Boltzmann machine: enumerated, else annealed.

use crate::cli::{Failure, Report};
use crate::contract::{Detail, ScoreAsk, Scorer, likelihood};
use crate::input::Annealing;
use helmholtz::Seed;
use helmholtz::energy::boltzmann::{self, BoltzmannMachine};

/// Units up to which all states are summed.
const EXACT_UP_TO: usize = 20;

/// Annealing as asked, else with the library's defaults; the random numbers are those of the run `seed` names.
pub fn annealing(given: Option<Annealing>, seed: Seed) -> boltzmann::Annealing {
    let usual = boltzmann::Annealing { seed: seed.derive("likelihood", 0), ..boltzmann::Annealing::default() };
    given.map_or(usual, |Annealing { chains, temperatures }| boltzmann::Annealing {
        chains,
        temperatures,
        ..usual
    })
}

impl Scorer for BoltzmannMachine {
    fn options(&self) -> &'static [&'static str] {
        &["rescore"]
    }

    fn score(&self, ask: &ScoreAsk<'_>, report: &mut Report) -> Result<Option<Vec<f64>>, Failure> {
        let (rows, rescore) = (ask.rows, ask.options.rescore);
        if let Some(annealing) = rescore {
            annealing.check("rescore", self.len())?;
        }
        if ask.detail == Detail::EachRow && self.len() > EXACT_UP_TO && self.hidden() > 0 {
            return Err(Failure::new(format!(
                "--out: {} units with hidden ones among them have no figure of each row",
                self.len()
            ))
            .hint("up to 20 units, or without hidden ones, they have"));
        }
        let estimate = self.log_likelihood(&rows.rows, &annealing(rescore, ask.seed));
        let estimate = estimate.map_err(|error| rows.unfit(error))?;
        likelihood::report(report, &estimate, None, rows.split);
        likelihood::warn_of_unused(report, &estimate, rescore.map(|_| "rescore"));
        ask.each_row(|| {
            let bits = rows.bits(self.visible())?;
            if self.len() <= EXACT_UP_TO {
                return Ok(self.exact_log_likelihoods(&bits)?);
            }
            let log_z = estimate.log_z.unwrap_or(f64::NAN);
            Ok(self.energy(&bits).into_iter().map(|energy| -energy - log_z).collect())
        })
    }
}
