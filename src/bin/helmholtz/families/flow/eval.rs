//! The log-likelihood of a flow: exact for real numbers, of dequantised levels a lower bound.

use super::report;
use crate::cli::{Failure, Report};
use crate::contract::{ScoreAsk, Scored, Scorer};
use helmholtz::Seed;
use helmholtz::flow::{Flow, FlowScoring};

/// How levels are dequantised: with the random numbers of the run `seed` names.
pub fn scoring(seed: Seed) -> FlowScoring {
    FlowScoring { seed: seed.derive("likelihood", 0), ..FlowScoring::default() }
}

impl Scorer for Flow {
    fn score(&self, ask: &ScoreAsk<'_>) -> Result<Scored, Failure> {
        let scored = self.log_likelihoods(&ask.rows.rows, &scoring(ask.seed));
        let (values, estimate) = scored.map_err(|error| ask.rows.unfit(error))?;
        Ok(Scored::alone(values, estimate))
    }

    fn report(&self, ask: &ScoreAsk<'_>, report: &mut Report) -> Result<Option<Scored>, Failure> {
        let rows = ask.rows;
        let judged = report::judge(self, &rows.rows, rows.split, &scoring(ask.seed), report);
        let score = judged.map_err(|failure| rows.unfit(failure))?;
        Ok(Some(Scored::alone(score.log_likelihoods, score.estimate)))
    }
}
