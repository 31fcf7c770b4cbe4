//! Warnings: reasons not to take an estimate at its word.

use super::LogMeanExp;
use std::fmt;

/// Fewer effective chains than this, or a smaller share of all chains: the reported error means little, the variance
/// of the weights resting on a handful of them.
const FEW_CHAINS: f64 = 10.0;
const FEW_SHARE: f64 = 0.05;

/// Why an estimate should not be taken at its word.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// A handful of the annealed chains carry all the weight: the reported error may be far too small.
    FewEffectiveChains {
        /// (Σw)² / Σw².
        effective: f64,
        /// Chains there were.
        chains: usize,
    },
    /// The budget ended before the Monte Carlo error asked for was reached.
    TargetMissed {
        /// The error reached, nats.
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
    /// Chains that hold one unit live in states that annealing without holding any has missed: log Z counts them, but there
    /// may be others.
    IsolatedMode {
        /// By how much they raise log Z, nats.
        gain: f64,
    },
    /// Annealing ends in states that one unit opens, or in those that it closes, far too rarely: log Z counts them by their
    /// weights, but a model that annealing reaches has other rows.
    RareMode {
        /// By how much rows are likelier under that model on average, nats, at least.
        excess: f64,
    },
    /// A density of real numbers on rows of a few levels, on which it can grow without bound.
    DiscreteLevels {
        /// Different numbers among those of the rows.
        levels: usize,
    },
    /// A sum over a grid had not come to rest when the grid was as fine as it may be.
    CoarseGrid {
        /// By how much the last refinement moved its logarithm, nats.
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

impl Warning {
    /// That of annealed `chains` whose weights have this mean, if any.
    pub(crate) fn of_few_chains(mean: &LogMeanExp, chains: usize) -> Option<Self> {
        let effective = mean.effective_sample_size;
        let few = effective < FEW_CHAINS.min(0.5 * chains as f64) || effective < FEW_SHARE * chains as f64;
        few.then_some(Warning::FewEffectiveChains { effective, chains })
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Warning::FewEffectiveChains { effective, chains } => write!(
                f,
                "the weight of {chains} annealed chains rests on {effective:.1} of them: the Monte Carlo error is \
                 likely larger than reported; more temperatures help"
            ),
            Warning::TargetMissed { error, target } => write!(
                f,
                "the budget of annealing ended at a Monte Carlo error of {error:.2} nats, {target:.2} was asked for"
            ),
            Warning::Disagreement { gap, allowed } if gap < 0.0 => write!(
                f,
                "annealing down gives a figure {:.1} nats above the optimistic one, more than {allowed:.1}: annealing does not \
                 reach this machine's distribution, and neither figure can be trusted",
                -gap
            ),
            Warning::Disagreement { gap, allowed } => write!(
                f,
                "annealing up and down are {gap:.1} nats apart, more than {allowed:.1}: the truth may be lower than the \
                 optimistic figure by as much or more; annealing may miss where the data live"
            ),
            Warning::ModeMissed { gap, allowed } => write!(
                f,
                "chains of the model from random starts end where annealing hardly goes ({gap:.1} nats too rarely, more \
                 than {allowed:.1}): log Z may lack their share, and the truth be lower by as much"
            ),
            Warning::IsolatedMode { gain } => write!(
                f,
                "annealing misses a mode that one unit opens: chains that hold it have raised log Z by {gain:.2} nats, and \
                 modes that no single unit opens may be missing still; the model of reverse annealing lacks this one"
            ),
            Warning::RareMode { excess } => write!(
                f,
                "annealing comes to a mode of one unit too rarely, so that the rows are {excess:.2} nats likelier under the \
                 model it reaches: reverse annealing bounds that one, and its figure is left out"
            ),
            Warning::DiscreteLevels { levels } => write!(
                f,
                "the rows are of {levels} different numbers alone, on which a density of real numbers can grow without bound: \
                 the figure says little before noise as wide as their distance has been added to them"
            ),
            Warning::CoarseGrid { error } => write!(
                f,
                "the finest grid still moved log Z by {error:.2} nats: the density has peaks as narrow as its cells, and the \
                 figure may be off by as much"
            ),
            Warning::FewEffectiveSamples { effective, samples } => write!(
                f,
                "the weight of an example's {samples} samples rests on {effective:.1} of them: the truth is likely \
                 higher; more samples help"
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
