//! The log-likelihood of the rows under each model, from the sides on which it is known.
//!
//! A model may be said to be better than another only if what it reaches for certain is more than what the other one can
//! possibly reach. So each has up to two sides, with a figure of each row: one that is likely too low, and one that is likely too
//! high.

use super::contestant::Contestant;
use super::seating::Seat;
use crate::cli::Failure;
use crate::contract::{ScoreAsk, ScoreOptions, Scored, Slack};
use helmholtz::Seed;
use helmholtz::sampling::{Estimate, Kind, RowLikelihoods, Warning, Work};

/// A figure of each row, and the error that all of them share.
#[derive(Clone, Debug)]
pub struct Side {
    /// ln p(x) of each row, nats.
    pub rows: Vec<f64>,
    /// The standard error that the rows have in common, nats.
    pub shared_error: f64,
}

impl Side {
    /// The same as the library takes it.
    pub fn likelihoods(&self) -> RowLikelihoods<'_> {
        RowLikelihoods { rows: &self.rows, shared_error: self.shared_error }
    }

    /// The mean over rows.
    pub fn mean(&self) -> f64 {
        self.rows.iter().sum::<f64>() / self.rows.len() as f64
    }

    /// All rows moved by `by`, which has this error, in place of the error they shared.
    fn moved(&self, by: f64, shared_error: f64) -> Self {
        Side { rows: self.rows.iter().map(|row| row + by).collect(), shared_error }
    }

    /// The mean of several, row by row; their errors are independent.
    fn mean_of(sides: &[Side]) -> Self {
        let count = sides.len() as f64;
        let rows = (0..sides[0].rows.len())
            .map(|row| sides.iter().map(|side| side.rows[row]).sum::<f64>() / count)
            .collect();
        let square: f64 = sides.iter().map(|side| side.shared_error.powi(2)).sum();
        Side { rows, shared_error: square.sqrt() / count }
    }
}

/// The log-likelihood of a contestant.
#[derive(Clone, Debug)]
pub struct Likelihood {
    /// The estimate of each seed, as `eval` has it.
    pub estimates: Vec<Estimate>,
    /// The figure itself.
    pub figure: Side,
    /// What is likely too low, or why there is none.
    pub conservative: Result<Side, String>,
    /// What is likely too high, or why there is none.
    pub optimistic: Result<Side, String>,
}

impl Likelihood {
    /// That of a contestant at its seat; the random numbers are those of `eval`, with `seed` where one was given; `work` is told how far it is.
    pub fn of(
        contestant: &Contestant,
        seat: &Seat,
        options: &ScoreOptions,
        seed: Option<Seed>,
        work: &Work,
    ) -> Result<Self, Failure> {
        let mut all = Vec::new();
        for member in &contestant.members {
            let own = seed.or_else(|| member.origin.settings.saved("seed").map(Seed)).unwrap_or(Seed(1));
            let ask = ScoreAsk { options, rows: &seat.rows, seed: own, work };
            let scorer = member.model.scorer()?;
            let scored = scorer.score(&ask)?;
            let slack = if scored.estimate.kind == Kind::Lower { scorer.slack(&ask)? } else { None };
            all.push(Self::of_one(scored, slack));
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Self::mean_of(all) })
    }

    /// That of rows whose figures are exact, of no model that was trained.
    pub fn exact(rows: Vec<f64>, method: &str) -> Self {
        let estimate = Estimate::of(&rows, Kind::Exact, method);
        Self::of_one(Scored::alone(rows, estimate), None)
    }

    fn of_one(scored: Scored, slack: Option<Slack>) -> Self {
        let Scored { estimate, conservative, rows } = scored;
        // Noise of single rows scatters them already.
        let shared_error = if estimate.kind == Kind::Lower { 0.0 } else { estimate.log_z_error.unwrap_or(0.0) };
        let figure = Side { rows, shared_error };
        let (low, high) = match estimate.kind {
            Kind::Exact => (Ok(figure.clone()), Ok(figure.clone())),
            Kind::Estimate if estimate.is_without_sampling() => (Ok(figure.clone()), Ok(figure.clone())),
            Kind::Estimate => {
                let why = "its figure is an estimate that may err either way";
                (Err(why.to_owned()), Err(why.to_owned()))
            }
            Kind::Upper => (conservative_of(&figure, &estimate, conservative.as_ref()), Ok(figure.clone())),
            Kind::Lower => (Ok(figure.clone()), optimistic_of(&figure, slack)),
            // A bound of another model, whichever way it errs.
            _ => {
                let why = "its figure bounds another model";
                (Err(why.to_owned()), Err(why.to_owned()))
            }
        };
        Likelihood { estimates: vec![estimate], figure, conservative: low, optimistic: high }
    }

    fn mean_of(all: Vec<Likelihood>) -> Self {
        let mean = |sides: Vec<Result<Side, String>>| -> Result<Side, String> {
            Ok(Side::mean_of(&sides.into_iter().collect::<Result<Vec<Side>, String>>()?))
        };
        let figures: Vec<Side> = all.iter().map(|one| one.figure.clone()).collect();
        Likelihood {
            figure: Side::mean_of(&figures),
            conservative: mean(all.iter().map(|one| one.conservative.clone()).collect()),
            optimistic: mean(all.iter().map(|one| one.optimistic.clone()).collect()),
            estimates: all.into_iter().flat_map(|one| one.estimates).collect(),
        }
    }

    /// The mean log-likelihood: of one model just what `eval` says.
    pub fn value(&self) -> f64 {
        self.estimates.iter().map(|estimate| estimate.value).sum::<f64>() / self.estimates.len() as f64
    }

    /// Its standard error from the samplers, those of all seeds being independent.
    pub fn monte_carlo_error(&self) -> f64 {
        let square: f64 = self.estimates.iter().map(|estimate| estimate.monte_carlo_error.powi(2)).sum();
        square.sqrt() / self.estimates.len() as f64
    }

    /// Its standard error from the rows.
    pub fn data_error(&self) -> f64 {
        match &self.estimates[..] {
            [one] => one.data_error,
            _ => Estimate::of(&self.figure.rows, Kind::Exact, "").data_error,
        }
    }

    /// The direction in which the figure may err: of several seeds, that of all of them.
    pub fn kind(&self) -> Kind {
        let kind = self.estimates[0].kind;
        if self.estimates.iter().all(|estimate| estimate.kind == kind) { kind } else { Kind::Estimate }
    }

    /// The standard deviation between seeds; nothing where there is only one.
    pub fn spread(&self) -> Option<f64> {
        let count = self.estimates.len() as f64;
        let mean = self.value();
        let square: f64 = self.estimates.iter().map(|estimate| (estimate.value - mean).powi(2)).sum();
        (count > 1.0).then(|| (square / (count - 1.0)).sqrt())
    }
}

/// The conservative side of an optimistic figure.
fn conservative_of(figure: &Side, estimate: &Estimate, other: Option<&Estimate>) -> Result<Side, String> {
    let doubt = estimate.warnings.iter().find_map(|warning| match warning {
        Warning::ModeMissed { .. } | Warning::IsolatedMode { .. } | Warning::RareMode { .. } => {
            Some("annealing misses a mode, and a bound of the model without it is none of this one")
        }
        Warning::Disagreement { gap, .. } if *gap < 0.0 => Some("its figures contradict one another"),
        Warning::AboveZero { .. } => Some("its log Z is far too low"),
        _ => None,
    });
    match (doubt, other) {
        (Some(doubt), _) => Err(doubt.to_owned()),
        (None, None) => Err("annealing bounds it from above alone".to_owned()),
        (None, Some(other)) => Ok(figure.moved(other.value - estimate.value, other.monte_carlo_error)),
    }
}

/// The optimistic side of a lower bound.
fn optimistic_of(figure: &Side, slack: Option<Slack>) -> Result<Side, String> {
    let slack = slack.ok_or("nothing bounds it from above")?;
    Ok(figure.moved(slack.gap, slack.error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(kind: Kind, conservative: Option<f64>) -> Scored {
        let rows = vec![-3.0, -5.0];
        let mut estimate = Estimate::of(&rows, kind, "a method").with_monte_carlo_error(0.1);
        if kind != Kind::Lower {
            estimate = estimate.with_log_z(7.0, 0.1);
        }
        let conservative = conservative
            .map(|value| Estimate::of(&[value, value], Kind::Annealed, "back").with_monte_carlo_error(0.3));
        Scored { estimate, conservative, rows }
    }

    #[test]
    fn each_kind_has_the_sides_that_it_bounds() {
        let annealed = Likelihood::of_one(scored(Kind::Upper, Some(-4.5)), None);
        assert_eq!(annealed.optimistic.unwrap().shared_error, 0.1);
        let low = annealed.conservative.unwrap();
        assert_eq!((low.mean(), low.shared_error), (-4.5, 0.3));
        let alone = Likelihood::of_one(scored(Kind::Upper, None), None);
        assert!(alone.conservative.unwrap_err().contains("from above alone"));
        let bound = Likelihood::of_one(scored(Kind::Lower, None), Some(Slack { gap: 0.5, error: 0.2 }));
        assert_eq!(bound.figure.shared_error, 0.0, "noise of single rows is not shared");
        assert_eq!(bound.conservative.unwrap().mean(), -4.0);
        let high = bound.optimistic.unwrap();
        assert_eq!((high.mean(), high.shared_error), (-3.5, 0.2));
        assert!(Likelihood::of_one(scored(Kind::Lower, None), None).optimistic.is_err());
        let sampled = Likelihood::of_one(scored(Kind::Estimate, None), None);
        assert!(sampled.conservative.is_err() && sampled.optimistic.is_err());
    }

    /// Whatever its own figure says: it bounds a model without the mode.
    #[test]
    fn where_a_mode_is_missed_nothing_is_conservative() {
        for warning in [
            Warning::ModeMissed { gap: 3.0, allowed: 1.0 },
            Warning::Disagreement { gap: -3.0, allowed: 1.0 },
            Warning::AboveZero { value: 1.0 },
        ] {
            let mut doubted = scored(Kind::Upper, Some(-4.5));
            doubted.estimate = doubted.estimate.with_warning(warning);
            let likelihood = Likelihood::of_one(doubted, None);
            assert!(likelihood.conservative.is_err() && likelihood.optimistic.is_ok(), "{warning}");
        }
    }

    #[test]
    fn seeds_are_one_with_a_spread() {
        let one = Likelihood::of_one(scored(Kind::Upper, Some(-4.5)), None);
        let mut other = scored(Kind::Upper, None);
        other.rows = vec![-4.0, -6.0];
        other.estimate.value = -5.0;
        let both = Likelihood::mean_of(vec![one.clone(), Likelihood::of_one(other, None)]);
        assert_eq!((both.value(), both.figure.rows.clone()), (-4.5, vec![-3.5, -5.5]));
        assert!((both.monte_carlo_error() - 0.1 / 2f64.sqrt()).abs() < 1e-15);
        assert!((both.spread().unwrap() - 0.5f64.sqrt()).abs() < 1e-15);
        assert!(both.conservative.is_err() && both.optimistic.is_ok());
        assert_eq!(one.spread(), None);
    }
}
