//! Warnings: reasons not to take an estimate at its word.

use std::fmt;

/// Why an estimate should not be taken at its word.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// A handful of the annealed chains carry all the weight: the error is not known, or likely larger than reported.
    FewEffectiveChains {
        /// (Σw)² / Σw².
        effective: f64,
        /// Chains there were.
        chains: usize,
    },
    /// The budget ended before the Monte Carlo error asked for was reached.
    TargetMissed {
        /// The error reached, nats; infinite where it is not known.
        error: f64,
        /// The error asked for, nats.
        target: f64,
    },
    /// The optimistic and the conservative estimate are further apart than slow annealing leaves them.
    Disagreement {
        /// The optimistic estimate less the conservative one, nats an example.
        gap: f64,
        /// The most that is let pass, nats.
        allowed: f64,
    },
    /// Chains of the model from random starts live where annealing hardly ever goes, so log Z may lack their share.
    ModeMissed {
        /// How many nats more likely the annealed log Z says they are than annealing makes them.
        gap: f64,
        /// The most that is let pass, nats.
        allowed: f64,
    },
    /// A density of real numbers on rows of a few levels, on which it can grow without bound.
    DiscreteLevels {
        /// Different numbers among those of the rows.
        levels: usize,
    },
    /// A column of real numbers that is constant, or nearly so: a density can grow without bound along it.
    ConstantColumns {
        /// The first such column, from 0.
        first: usize,
        /// How many there are.
        columns: usize,
    },
    /// A sum over a grid had not come to rest when the grid was as fine as it may be.
    CoarseGrid {
        /// By how much the last refinement moved its logarithm, nats; infinite where the rows show peaks that it has missed.
        error: f64,
    },
    /// A handful of the draws carry the importance weight of an example: the bound is likely far from tight.
    FewEffectiveSamples {
        /// (Σw)² / Σw², the mean over examples.
        effective: f64,
        /// Draws there were for each.
        samples: usize,
    },
    /// A probability above 1.
    AboveZero {
        /// The log-likelihood, nats an example.
        value: f64,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Warning::FewEffectiveChains { effective, chains } => write!(
                f,
                "the weight of {chains} annealed chains rests on {effective:.1} of them, too few to know the Monte Carlo error: \
                 log Z is likely higher and the truth lower; more temperatures help"
            ),
            Warning::TargetMissed { error, target } if !error.is_finite() => write!(
                f,
                "the budget of annealing ended before the Monte Carlo error was known, {target:.2} nats were asked for"
            ),
            Warning::TargetMissed { error, target } => write!(
                f,
                "the budget of annealing ended at a Monte Carlo error of {error:.2} nats, {target:.2} was asked for"
            ),
            Warning::Disagreement { gap, allowed } if gap < 0.0 => write!(
                f,
                "the conservative figure is {:.1} nats above the optimistic one, more than {allowed:.1}: annealing does not \
                 reach this machine's distribution, and neither figure can be trusted",
                -gap
            ),
            Warning::Disagreement { gap, allowed } => write!(
                f,
                "the optimistic and the conservative figure are {gap:.1} nats apart, more than {allowed:.1}: the truth \
                 may be anywhere between; annealing may miss where the data live"
            ),
            Warning::ModeMissed { gap, allowed } => write!(
                f,
                "chains of the model from random starts end where annealing hardly goes ({gap:.1} nats too rarely, more \
                 than {allowed:.1}): log Z may lack their share, and the truth be lower by as much"
            ),
            Warning::DiscreteLevels { levels } => write!(
                f,
                "the rows are of {levels} different numbers alone, on which a density of real numbers can grow without bound: \
                 the figure says little before noise as wide as their distance has been added to them"
            ),
            Warning::ConstantColumns { first, columns } => {
                let others = columns.saturating_sub(1);
                let which = if others == 0 { String::new() } else { format!(", and so are {others} others") };
                write!(
                    f,
                    "column {first} (from 0) is constant or nearly so{which}: a density of real numbers can grow without bound \
                     there, and no normal distribution of these rows is a baseline; without such columns the figure means more"
                )
            }
            Warning::CoarseGrid { error } if !error.is_finite() => f.write_str(
                "the rows lie on peaks that the finest grid has not resolved: log Z may lack them, and the truth be far lower",
            ),
            Warning::CoarseGrid { error } => write!(
                f,
                "the finest grid still moved log Z by {error:.2} nats: the density has peaks as narrow as its cells, and the \
                 figure may be off by as much"
            ),
            Warning::FewEffectiveSamples { effective, samples } => write!(
                f,
                "the weight of an example's {samples} samples rests on {effective:.1} of them: the truth is likely \
                 higher, by an unknown amount; more samples help"
            ),
            Warning::AboveZero { value } => {
                write!(
                    f,
                    "a mean log-likelihood of {value:.1} nats would be a probability above 1: log Z is far too low"
                )
            }
        }
    }
}
