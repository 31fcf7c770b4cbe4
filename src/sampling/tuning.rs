//! How a step size learns from what is accepted.

use super::SamplingError;
use crate::Setting;

/// Whether a kernel's step size follows its acceptance in the warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub enum Tuning {
    /// It stays as given.
    Fixed,
    /// It grows and shrinks until as many proposals are accepted as explore fastest, and stays when the warm-up ends.
    #[default]
    WarmUp,
    /// The same, towards an acceptance of one's own.
    Acceptance(f64),
}

impl Tuning {
    /// The acceptance to aim at, where there is one.
    pub(super) fn target(self, best: Option<f64>) -> Result<Option<f64>, SamplingError> {
        match self {
            Tuning::Fixed => Ok(None),
            Tuning::WarmUp => Ok(best),
            Tuning::Acceptance(target) if target > 0.0 && target < 1.0 => Ok(Some(target)),
            Tuning::Acceptance(target) => {
                let (name, wanted) = ("the acceptance to tune for", "between 0 and 1");
                Err(Setting::new(name, target, wanted).into())
            }
        }
    }
}

/// The logarithm of a Robbins–Monro (1951) step: how much a log-scale moves after `done` steps, one of which had
/// `acceptance` where `target` is wanted.
pub(super) fn robbins_monro(acceptance: f64, target: f64, done: usize) -> f64 {
    (acceptance - target) / target.min(1.0 - target) * (done as f64).powf(-0.6)
}
