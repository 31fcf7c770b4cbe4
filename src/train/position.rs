//! Where a run stands: the loop's own part of a checkpoint.

use super::TrainError;
use crate::random::Seed;
use crate::store::Snapshot;

const POSITION: &str = "train.position";

/// Where a run stands, and what names it: the loop's own part of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Updates finished.
    pub step: u64,
    /// Updates of the whole run.
    pub steps: u64,
    /// The seed of the run.
    pub seed: Seed,
    /// Examples of an update.
    pub batch: u64,
    /// Rows of the training split.
    pub rows: u64,
}

impl Position {
    /// The position in a checkpoint; `None` where it is none.
    pub fn of(snapshot: &Snapshot) -> Option<Self> {
        let words = snapshot.u64(POSITION, &[5]).ok()?;
        let [step, steps, seed, batch, rows] = words.try_into().ok()?;
        Some(Position { step, steps, seed: Seed(seed), batch, rows })
    }

    pub(super) fn save(&self, snapshot: &mut Snapshot) {
        snapshot.put_u64(POSITION, &[5], &[self.step, self.steps, self.seed.0, self.batch, self.rows]);
    }

    /// The step from which a run with the settings of `self` continues the one saved.
    pub(super) fn resume(&self, saved: &Position) -> Result<u64, TrainError> {
        let same = |setting, saved: u64, given: u64| {
            if saved == given {
                return Ok(());
            }
            Err(TrainError::Resume { setting, saved: saved.to_string(), given: given.to_string() })
        };
        same("seed", saved.seed.0, self.seed.0)?;
        same("batch", saved.batch, self.batch)?;
        same("a number of training examples of", saved.rows, self.rows)?;
        if saved.step > self.steps {
            return Err(TrainError::Past { done: saved.step, steps: self.steps });
        }
        Ok(saved.step)
    }
}
