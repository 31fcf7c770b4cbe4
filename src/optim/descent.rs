//! The settings of a descent, each with its range.

use super::average::AVERAGE_DECAY;
use super::{Adam, Decay, Schedule};
use crate::Setting;

/// The settings by which the parameters of a store descend: learning rate, schedule, Adam, clipping, average. A plain value: set
/// what matters and take the rest from [`Default`].
///
/// ```
/// use helmholtz::optim::Descent;
/// let descent = Descent { learning_rate: 3e-4, clip: Some(1.0), ..Descent::default() };
/// assert_eq!(descent.check(), Ok(()));
/// assert_eq!(descent.rate(50, 100), 1.5e-4); // it falls in a straight line
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Descent {
    /// Adam's learning rate, positive, before the schedule.
    pub learning_rate: f32,
    /// The schedule of the rate over the run.
    pub schedule: Schedule,
    /// Adam's other settings.
    pub adam: Adam,
    /// The largest Euclidean norm of a gradient: a longer one is scaled down to it. `None`: as it is.
    pub clip: Option<f64>,
    /// The share of itself that an average of the parameters keeps in a step, in [0, 1). The average is kept beside the parameters,
    /// evaluated beside them, and is the trained model. 0 keeps none.
    pub average_decay: f64,
}

impl Default for Descent {
    /// A rate of 10⁻³ that falls in a straight line to 0, no clipping, no average.
    fn default() -> Self {
        Descent {
            learning_rate: 1e-3,
            schedule: Schedule { decay: Decay::Linear, warm_up: 0 },
            adam: Adam::default(),
            clip: None,
            average_decay: 0.0,
        }
    }
}

impl Descent {
    /// Checks every setting against its range.
    ///
    /// # Errors
    /// Names the first setting out of its range.
    pub fn check(&self) -> Result<(), Setting> {
        Setting::positive("the learning rate", self.learning_rate)?;
        self.adam.check()?;
        self.clip.map_or(Ok(()), |clip| Setting::positive("the largest norm of the gradient", clip))?;
        Setting::fraction(AVERAGE_DECAY, self.average_decay)
    }

    /// The learning rate at `step` (the first is 0) of `steps`.
    pub fn rate(&self, step: u64, steps: u64) -> f32 {
        self.learning_rate * self.schedule.factor(step, steps)
    }

    /// Whether an average is kept.
    pub fn averages(&self) -> bool {
        self.average_decay > 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_outside_their_range_are_named() {
        let good = Descent::default();
        assert_eq!(good.check(), Ok(()));
        for (descent, said) in [
            (Descent { learning_rate: 0.0, ..good }, "the learning rate is 0, but"),
            (Descent { learning_rate: f32::NAN, ..good }, "the learning rate is NaN, but"),
            (Descent { clip: Some(-1.0), ..good }, "the largest norm of the gradient is -1, but"),
            (Descent { clip: Some(f64::NAN), ..good }, "the largest norm of the gradient is NaN, but"),
            (Descent { average_decay: 1.0, ..good }, "the decay of the average is 1, but"),
            (Descent { adam: Adam { beta1: 1.0, ..good.adam }, ..good }, "Adam's beta1 is 1, but"),
        ] {
            let error = descent.check().unwrap_err().to_string();
            assert!(error.starts_with(said), "{error}");
        }
    }
}
