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
        &["ais"]
    }

    fn score(&self, ask: &ScoreAsk<'_>, report: &mut Report) -> Result<Option<Vec<f64>>, Failure> {
        let (rows, ais) = (ask.rows, ask.options.ais);
        if let Some(annealing) = ais {
            annealing.check("ais", self.len())?;
        }
        let scored = self.log_likelihoods_counted(&rows.rows, &annealing(ais, ask.seed), ask.work);
        let (values, estimate) = scored.map_err(|error| rows.unfit(error))?;
        likelihood::report(report, &estimate, None, rows.split);
        likelihood::warn_of_unused(report, &estimate, ais.map(|_| "ais"));
        ask.each_row(|| Ok(values))
    }
}
