//! Schedules: the factor of the learning rate as training goes on, a function of the step alone, so that a resumed run goes
//! on as it would have.

/// The fall of the learning rate.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Decay {
    /// It does not.
    #[default]
    Constant,
    /// By a factor each so many steps.
    Step {
        /// Steps from one fall to the next.
        every: u64,
        /// The part that is left at each.
        factor: f32,
    },
    /// In a straight line from the end of the warm-up to 0 at the end.
    Linear,
    /// As half a wave of the cosine, from the end of the warm-up to 0 at the end (Loshchilov & Hutter 2017).
    Cosine,
}

/// A fall of the learning rate, after a rise in a straight line (Goyal et al. 2017).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Schedule {
    /// The fall.
    pub decay: Decay,
    /// Steps of the rise: the first is taken at 1 / (warm-up + 1) of the rate.
    pub warm_up: u64,
}

impl Schedule {
    /// The factor of the learning rate at `step` (the first is 0) of `steps`.
    ///
    /// ```
    /// use helmholtz::optim::{Decay, Schedule};
    /// let schedule = Schedule { decay: Decay::Linear, warm_up: 3 };
    /// let factors: Vec<f32> = (0..7).map(|step| schedule.factor(step, 7)).collect();
    /// assert_eq!(factors, [0.25, 0.5, 0.75, 1.0, 0.75, 0.5, 0.25]);
    /// ```
    pub fn factor(&self, step: u64, steps: u64) -> f32 {
        let rise = ((step as f64 + 1.0) / (self.warm_up as f64 + 1.0)).min(1.0);
        let (past, all) = (step.saturating_sub(self.warm_up), steps.saturating_sub(self.warm_up));
        let fraction = (past as f64 / all.max(1) as f64).min(1.0);
        let fall = match self.decay {
            Decay::Constant => 1.0,
            Decay::Step { every, factor } => f64::from(factor).powf((step / every.max(1)) as f64),
            Decay::Linear => 1.0 - fraction,
            Decay::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * fraction).cos()),
        };
        (rise * fall) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factors(decay: Decay, warm_up: u64, at: &[u64]) -> Vec<f32> {
        at.iter().map(|step| Schedule { decay, warm_up }.factor(*step, 100)).collect()
    }

    #[test]
    fn the_rate_rises_and_falls() {
        assert_eq!(factors(Decay::Constant, 0, &[0, 50, 99, 1000]), [1.0; 4]);
        assert_eq!(factors(Decay::Constant, 4, &[0, 1, 4, 99]), [0.2, 0.4, 1.0, 1.0]);
        let halves = Decay::Step { every: 30, factor: 0.5 };
        assert_eq!(factors(halves, 0, &[0, 29, 30, 59, 60, 99]), [1.0, 1.0, 0.5, 0.5, 0.25, 0.125]);
        assert_eq!(factors(Decay::Linear, 0, &[0, 25, 50, 100, 200]), [1.0, 0.75, 0.5, 0.0, 0.0]);
        assert_eq!(factors(Decay::Linear, 20, &[20, 60, 100]), [1.0, 0.5, 0.0]);
        let cosine = factors(Decay::Cosine, 0, &[0, 25, 50, 75, 100]);
        let wanted = [1.0, 0.5 + 0.5f64.sqrt() / 2.0, 0.5, 0.5 - 0.5f64.sqrt() / 2.0, 0.0];
        for (factor, wanted) in cosine.into_iter().zip(wanted) {
            assert!((f64::from(factor) - wanted).abs() < 1e-7);
        }
    }

    #[test]
    fn runs_of_no_length_are_no_trouble() {
        for decay in [Decay::Constant, Decay::Step { every: 0, factor: 0.5 }, Decay::Linear, Decay::Cosine] {
            for (warm_up, step, steps) in [(0, 0, 0), (10, 0, 5), (u64::MAX, 3, 5), (0, u64::MAX, 1)] {
                let factor = Schedule { decay, warm_up }.factor(step, steps);
                assert!((0.0..=1.0).contains(&factor), "{decay:?}, {warm_up}, {step} of {steps}");
            }
        }
    }
}
