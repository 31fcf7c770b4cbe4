//! The log-likelihood of a Boltzmann machine: enumerated, else annealed.

use crate::cli::{Failure, Report};
use crate::contract::{ScoreAsk, Scorer, likelihood};
use crate::input::Annealing;
use helmholtz::Seed;
use helmholtz::energy::boltzmann::{self, Ais, BoltzmannMachine};

/// Annealing as asked, else with the library's defaults; the random numbers are those of the run `seed` names.
pub fn annealing(given: Option<Annealing>, seed: Seed) -> Ais {
    let usual = Ais { seed: seed.derive("likelihood", 0), ..boltzmann::AIS };
    given.map_or(usual, |Annealing { chains, temperatures }| Ais { chains, temperatures, ..usual })
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
        let scored = self.log_likelihoods(&rows.rows, &annealing(rescore, ask.seed));
        let (values, estimate) = scored.map_err(|error| rows.unfit(error))?;
        likelihood::report(report, &estimate, None, rows.split);
        likelihood::warn_of_unused(report, &estimate, rescore.map(|_| "rescore"));
        ask.each_row(|| Ok(values))
    }
}
