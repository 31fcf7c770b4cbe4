//! Stopping once a figure no longer improves.

use super::{Metrics, TrainError};
use crate::store::Snapshot;

/// Which way a figure improves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// A loss or an error.
    Lower,
    /// A likelihood or an accuracy.
    Higher,
}

/// Stop after `patience` evaluations in a row that brought no better value of `metric`.
#[derive(Clone, Debug, PartialEq)]
pub struct EarlyStopping {
    /// The figure watched, by the name the learner gives it. It should be one of a validation split.
    pub metric: String,
    /// Evaluations without improvement before the run ends.
    pub patience: u64,
    /// Which way it improves.
    pub direction: Direction,
}

/// The best value so far: part of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub(super) struct Watch {
    best: Option<f64>,
    best_epoch: u64,
    since: u64,
}

const BEST: &str = "train.best";
const BEST_AT: &str = "train.best_at";

impl Watch {
    /// Takes one evaluation into account.
    pub(super) fn look(&mut self, rule: &EarlyStopping, metrics: &Metrics, epoch: u64) -> Result<(), TrainError> {
        let value = metrics.get(&rule.metric).ok_or_else(|| TrainError::NoSuchMetric {
            name: rule.metric.clone(),
            reported: metrics.iter().map(|(name, _)| name).collect::<Vec<_>>().join(", "),
        })?;
        let better = self.best.is_none_or(|best| match rule.direction {
            Direction::Lower => value < best,
            Direction::Higher => value > best,
        });
        if better {
            *self = Watch { best: Some(value), best_epoch: epoch, since: 0 };
        } else {
            self.since += 1;
        }
        Ok(())
    }

    /// Whether the run should end.
    pub(super) fn exhausted(&self, rule: &EarlyStopping) -> bool {
        self.since > 0 && self.since >= rule.patience
    }

    /// The best value and the epoch it was seen at.
    pub(super) fn best(&self) -> Option<(f64, u64)> {
        self.best.map(|value| (value, self.best_epoch))
    }

    pub(super) fn save(&self, snapshot: &mut Snapshot) {
        if let Some(best) = self.best {
            snapshot.put_f64(BEST, &[], &[best]);
            snapshot.put_u64(BEST_AT, &[2], &[self.best_epoch, self.since]);
        }
    }

    /// What was saved; nothing where a run was saved before its first evaluation or without early stopping.
    pub(super) fn load(snapshot: &Snapshot) -> Self {
        match (snapshot.f64(BEST, &[]), snapshot.u64(BEST_AT, &[2])) {
            (Ok(&[best]), Ok(&[best_epoch, since])) => Watch { best: Some(best), best_epoch, since },
            _ => Watch::default(),
        }
    }
}
