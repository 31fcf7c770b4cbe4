//! Dual averaging of a step size (Nesterov 2009; Hoffman & Gelman 2014, §3.2).

/// How strongly log ε is pulled to μ.
const GAMMA: f64 = 0.05;
/// How much the first steps are damped.
const T0: f64 = 10.0;
/// How fast the average forgets: weights m^−κ.
const KAPPA: f64 = 0.75;

/// The step size that reaches a wanted acceptance: noisy while it learns, its average when it is done.
#[derive(Clone, Copy, Debug)]
pub(super) struct DualAveraging {
    pub wanted: f64,
    /// The centre that log ε is pulled to: a step ten times that it began with, as too small costs more than too large.
    mu: f64,
    /// H̄: the mean lack of acceptance.
    lack: f64,
    log_average: f64,
    count: f64,
}

impl DualAveraging {
    pub fn new(wanted: f64, step: f64) -> Self {
        DualAveraging { wanted, mu: (10.0 * step).ln(), lack: 0.0, log_average: 0.0, count: 0.0 }
    }

    /// The step size to try next, after one with `acceptance`.
    pub fn learn(&mut self, acceptance: f64) -> f64 {
        self.count += 1.0;
        let weight = 1.0 / (self.count + T0);
        self.lack += weight * (self.wanted - acceptance - self.lack);
        let log_step = self.mu - self.count.sqrt() / GAMMA * self.lack;
        let weight = self.count.powf(-KAPPA);
        self.log_average += weight * (log_step - self.log_average);
        log_step.exp()
    }

    /// The step size learned.
    pub fn average(&self) -> f64 {
        self.log_average.exp()
    }
}
