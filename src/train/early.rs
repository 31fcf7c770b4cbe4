//! Stopping once a figure no longer improves.

use super::{Metrics, TrainError};
use crate::store::{Array, Snapshot, Values};

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
            let array = |shape: usize, values| Array { shape: vec![shape], values };
            snapshot.arrays.insert(BEST.to_owned(), array(1, Values::F64(vec![best])));
            snapshot.arrays.insert(BEST_AT.to_owned(), array(2, Values::U64(vec![self.best_epoch, self.since])));
        }
    }

    /// What was saved; nothing where a run was saved before its first evaluation or without early stopping.
    pub(super) fn load(snapshot: &Snapshot) -> Self {
        let values = |name: &str| snapshot.arrays.get(name).map(|array| &array.values);
        match (values(BEST), values(BEST_AT)) {
            (Some(Values::F64(best)), Some(Values::U64(at))) if best.len() == 1 && at.len() == 2 => {
                Watch { best: Some(best[0]), best_epoch: at[0], since: at[1] }
            }
            _ => Watch::default(),
        }
    }
}
