//! Progress: the position in a run that schedules are functions of.

/// The position in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Progress {
    /// Updates finished.
    pub step: u64,
    /// Updates of the whole run.
    pub steps: u64,
    /// Epochs finished: epoch `e` ends with the first step that brings `examples` to `e` times the data's length.
    pub epoch: u64,
    /// Epochs finished when the run ends.
    pub epochs: u64,
    /// Examples seen, counted as often as they were seen.
    pub examples: u64,
}

impl Progress {
    /// The part of the run that is finished, from 0 to 1: the argument of a schedule.
    pub fn fraction(&self) -> f64 {
        if self.steps == 0 { 1.0 } else { self.step as f64 / self.steps as f64 }
    }

    /// The state after `step` of `steps` updates on batches of `batch` from `length` rows.
    pub(super) fn at(step: u64, steps: u64, batch: usize, length: usize) -> Self {
        let (batch, length) = (batch as u64, length as u64);
        let examples = step.saturating_mul(batch);
        Progress { step, steps, epoch: examples / length, epochs: steps.saturating_mul(batch) / length, examples }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_ends_with_the_step_that_completes_it() {
        let epochs: Vec<u64> = (0..8).map(|step| Progress::at(step, 8, 4, 10).epoch).collect();
        assert_eq!(epochs, [0, 0, 0, 1, 1, 2, 2, 2]);
        assert_eq!(Progress::at(2, 8, 4, 10).fraction(), 0.25);
        assert_eq!(Progress::at(1, 1, 25, 10).epoch, 2, "a batch may hold several epochs");
    }
}
