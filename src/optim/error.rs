//! Settings that make no sense.

use std::fmt;

/// A setting that is outside its range.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct OptimiserError {
    /// Its name.
    pub setting: &'static str,
    /// What it is.
    pub given: f64,
    /// What it should be.
    pub wanted: &'static str,
}

impl fmt::Display for OptimiserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the optimiser's {} is {}, wanted {}", self.setting, self.given, self.wanted)
    }
}

impl std::error::Error for OptimiserError {}

/// What a setting may be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Range {
    /// 0 ≤ x < 1.
    Fraction,
    /// x > 0, finite.
    Positive,
    /// x ≥ 0, finite.
    NotNegative,
}

impl Range {
    pub(super) fn check(self, setting: &'static str, given: f64) -> Result<(), OptimiserError> {
        let (good, wanted) = match self {
            Range::Fraction => ((0.0..1.0).contains(&given), "from 0 on and below 1"),
            Range::Positive => (given > 0.0 && given.is_finite(), "above 0"),
            Range::NotNegative => (given >= 0.0 && given.is_finite(), "0 or above"),
        };
        if good { Ok(()) } else { Err(OptimiserError { setting, given, wanted }) }
    }
}
