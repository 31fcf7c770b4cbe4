//! Stopping once a figure no longer improves.

use super::{Metrics, TrainError};
use crate::store::Snapshot;
use std::borrow::Cow;

/// Which way a figure improves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// A loss or an error.
    Lower,
    /// A likelihood or an accuracy.
    Higher,
}

/// A figure that judges a learner, by the name it reports it under, and the way it improves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judge {
    /// The figure's name.
    pub metric: Cow<'static, str>,
    /// Which way it improves.
    pub direction: Direction,
}

impl Judge {
    /// A likelihood, an accuracy: the higher the better.
    pub const fn higher(metric: &'static str) -> Self {
        Judge { metric: Cow::Borrowed(metric), direction: Direction::Higher }
    }

    /// A loss, an error: the lower the better.
    pub const fn lower(metric: &'static str) -> Self {
        Judge { metric: Cow::Borrowed(metric), direction: Direction::Lower }
    }
}

/// Stop after `patience` evaluations in a row that brought no better value of a figure of rows held out. When the run ends, so
/// or after its last step, the learner is taken back to its best evaluation (Prechelt, *Early stopping, but when?*, 1998).
///
/// ```
/// use helmholtz::train::{EarlyStopping, Judge};
/// use helmholtz::vae::metrics;
/// let rule = EarlyStopping::patience(10);
/// assert_eq!(rule.judge, None); // whatever the learner is judged by
/// let other = EarlyStopping { judge: Some(Judge::higher(metrics::RECONSTRUCTION)), ..rule };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlyStopping {
    /// Evaluations without improvement before the run ends.
    pub patience: u64,
    /// The figure watched; `None` is the learner's own, [`Learner::judge`](super::Learner::judge).
    pub judge: Option<Judge>,
}

impl EarlyStopping {
    /// Watches the figure that judges the learner.
    pub const fn patience(patience: u64) -> Self {
        EarlyStopping { patience, judge: None }
    }
}

/// The best evaluation so far: part of a checkpoint.
#[derive(Clone, Debug, PartialEq, Default)]
pub(super) struct Watch {
    best: Option<Best>,
    since: u64,
}

/// An evaluation and the learner as it was.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Best {
    pub(super) value: f64,
    pub(super) epoch: u64,
    pub(super) step: u64,
    pub(super) learner: Snapshot,
}

const BEST: &str = "train.best";
const BEST_AT: &str = "train.best_at";
/// The beginning of the names of the best learner's arrays and metadata.
const LEARNER: &str = "train.best.";

impl Watch {
    /// Takes one evaluation into account; says whether it is the best so far.
    pub(super) fn is_best(&mut self, judge: &Judge, metrics: &Metrics) -> Result<Option<f64>, TrainError> {
        let value = metrics.get(&judge.metric).ok_or_else(|| TrainError::NoSuchMetric {
            name: judge.metric.to_string(),
            reported: metrics.iter().map(|(name, _)| name).collect::<Vec<_>>().join(", "),
        })?;
        let better = self.best.as_ref().is_none_or(|best| match judge.direction {
            Direction::Lower => value < best.value,
            Direction::Higher => value > best.value,
        });
        self.since = if better { 0 } else { self.since + 1 };
        Ok(better.then_some(value))
    }

    /// Keeps the learner of the best evaluation so far.
    pub(super) fn keep(&mut self, best: Best) {
        self.best = Some(best);
    }

    /// Whether the run should end.
    pub(super) fn exhausted(&self, rule: &EarlyStopping) -> bool {
        self.since > 0 && self.since >= rule.patience
    }

    /// The best evaluation so far.
    pub(super) fn best(&self) -> Option<&Best> {
        self.best.as_ref()
    }

    pub(super) fn save(&self, snapshot: &mut Snapshot) {
        let Some(best) = &self.best else { return };
        snapshot.put_f64(BEST, &[], &[best.value]);
        snapshot.put_u64(BEST_AT, &[3], &[best.epoch, best.step, self.since]);
        for (name, array) in &best.learner.arrays {
            snapshot.arrays.insert(format!("{LEARNER}{name}"), array.clone());
        }
        for (key, value) in &best.learner.metadata {
            snapshot.set(&format!("{LEARNER}{key}"), value);
        }
    }

    /// Takes back a saved watch; an empty one where a run was saved before its first evaluation or without early stopping.
    pub(super) fn load(snapshot: &Snapshot) -> Self {
        let (Ok(&[value]), Ok(&[epoch, step, since])) = (snapshot.f64(BEST, &[]), snapshot.u64(BEST_AT, &[3]))
        else {
            return Watch::default();
        };
        let of_learner = |name: &String| name.strip_prefix(LEARNER).map(str::to_owned);
        let arrays = snapshot.arrays.iter().filter_map(|(name, array)| Some((of_learner(name)?, array.clone())));
        let metadata = snapshot.metadata.iter().filter_map(|(key, value)| Some((of_learner(key)?, value.clone())));
        let learner = Snapshot { arrays: arrays.collect(), metadata: metadata.collect() };
        Watch { best: Some(Best { value, epoch, step, learner }), since }
    }
}

/// The learner that a checkpoint is worth: as it was at its best evaluation where the run stops early, else as the checkpoint
/// has it.
pub fn best_learner(checkpoint: &Snapshot) -> Cow<'_, Snapshot> {
    match Watch::load(checkpoint).best {
        Some(best) => Cow::Owned(best.learner),
        None => Cow::Borrowed(checkpoint),
    }
}
