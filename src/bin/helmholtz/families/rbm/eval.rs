//! The log-likelihood of an RBM: enumerated, else annealed.

use crate::cli::{Failure, Report};
use crate::contract::{ScoreAsk, Scorer, likelihood};
use crate::input::{Annealing, Sums, precision};
use crate::run::Choice;
use helmholtz::Seed;
use helmholtz::rbm::{Ais, Rbm, Scoring};
use std::borrow::Cow;

/// Units of the smaller layer that are enumerated unless told otherwise: 2²⁰ states take a moment.
pub const EXACT_UP_TO: usize = 20;
/// The most that are.
const AT_MOST: usize = 25;

/// How to score: with annealing as asked, else with the library's defaults; exactly where the smaller layer has at
/// most `exact_up_to` units. The random numbers are those of the run `seed` names.
pub fn scoring(given: Option<Annealing>, seed: Seed, exact_up_to: usize) -> Scoring {
    let seed = seed.derive("likelihood", 0);
    let scoring = match given {
        Some(Annealing { chains, temperatures }) => Scoring::with_ais(Ais { chains, temperatures, seed }),
        None => Scoring::with_seed(seed),
    };
    Scoring { exact_up_to, ..scoring }
}

impl Scorer for Rbm {
    fn options(&self) -> &'static [&'static str] {
        &["ais", "exact-up-to", "precision"]
    }

    fn score(&self, ask: &ScoreAsk<'_>, report: &mut Report) -> Result<Option<Vec<f64>>, Failure> {
        let (options, rows) = (ask.options, ask.rows);
        let exact_up_to = options.exact_up_to.unwrap_or(EXACT_UP_TO);
        let precision = options.precision.unwrap_or(Sums::F32);
        if exact_up_to > AT_MOST {
            return Err(Failure::new(format!(
                "--exact-up-to {exact_up_to}: at most {AT_MOST} units are enumerated"
            )));
        }
        let scoring = scoring(options.ais, ask.seed, exact_up_to);
        let (rbm, rounding) = precision.machine(Cow::Borrowed(self))?;
        if let Some(annealing) = options.ais {
            annealing.check("ais", rbm.visible() + rbm.hidden())?;
        }
        let scored = rbm.log_likelihoods_counted(&rows.rows, &scoring, ask.work);
        let (values, score) = scored.map_err(|error| rows.unfit(error))?;
        likelihood::report(report, &score.estimate, score.conservative.as_ref(), rows.split);
        let unused = options.ais.map(|_| "ais");
        likelihood::warn_of_unused(report, &score.estimate, unused);
        precision::report_rounding(rounding, "the figures are of the rounded machine: ", report);
        report.figure("precision", Choice(precision).to_string());
        ask.each_row(|| Ok(values))
    }
}
