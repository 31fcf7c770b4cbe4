//! What the masses of Hamiltonian trajectories learn: the variance of each component, in windows of the warm-up.

use super::kernel::WarmUp;

/// Steps before the first window, while the chain travels to where the mass is.
const INITIAL: usize = 75;
/// Steps of the first window; each is twice the one before.
const FIRST: usize = 25;
/// Steps after the last window, for the step size alone.
const FINAL: usize = 50;

/// Where the windows of a warm-up end, as Stan has them (Stan Reference Manual, "HMC algorithm parameters"): none in a
/// warm-up of less than 20 steps, a single one of three quarters in a short one.
fn windows(of: usize) -> (usize, Vec<usize>) {
    if of < 20 {
        return (of, Vec::new());
    }
    if of < INITIAL + FIRST + FINAL {
        return (of * 15 / 100, vec![of - of / 10]);
    }
    let last = of - FINAL;
    let (mut end, mut length, mut ends) = (INITIAL, FIRST, Vec::new());
    while end < last {
        // One that leaves too little for the next takes what is left.
        end = if end + length + 2 * length > last { last } else { end + length };
        length *= 2;
        ends.push(end);
    }
    (INITIAL, ends)
}

/// Running variances (Welford 1962) in windows.
#[derive(Clone, Debug)]
pub(super) struct MassLearner {
    begins: usize,
    ends: Vec<usize>,
    count: f64,
    mean: Vec<f64>,
    squares: Vec<f64>,
}

impl MassLearner {
    pub fn new(dimension: usize) -> Self {
        let zeros = vec![0.0; dimension];
        MassLearner { begins: 0, ends: Vec::new(), count: 0.0, mean: zeros.clone(), squares: zeros }
    }

    /// Learns from one draw. True where a window ends: `variances` are then its own, drawn a little to 10⁻³ as if five
    /// draws had said so.
    pub fn learn(&mut self, x: &[f64], warm_up: WarmUp, variances: &mut [f64]) -> bool {
        if warm_up.done == 1 {
            (self.begins, self.ends) = windows(warm_up.of);
        }
        if warm_up.done <= self.begins || self.ends.last().is_none_or(|end| warm_up.done > *end) {
            return false;
        }
        self.count += 1.0;
        for (i, x) in x.iter().enumerate() {
            let before = x - self.mean[i];
            self.mean[i] += before / self.count;
            self.squares[i] += before * (x - self.mean[i]);
        }
        if !self.ends.contains(&warm_up.done) || self.count < 2.0 {
            return false;
        }
        let n = self.count;
        for (variance, squares) in variances.iter_mut().zip(&self.squares) {
            *variance = n / (n + 5.0) * squares / (n - 1.0) + 1e-3 * 5.0 / (n + 5.0);
        }
        self.count = 0.0;
        self.mean.fill(0.0);
        self.squares.fill(0.0);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_double_and_leave_the_last_steps_to_the_step_size() {
        assert_eq!(windows(1000), (75, vec![100, 150, 250, 450, 950]));
        assert_eq!(windows(100), (15, vec![90]));
        assert_eq!(windows(150), (75, vec![100]));
        assert_eq!(windows(19), (19, vec![]));
        for of in 150..3000 {
            let (begins, ends) = windows(of);
            assert!(begins < ends[0] && ends.is_sorted() && ends[ends.len() - 1] == of - FINAL, "{of}: {ends:?}");
        }
    }

    #[test]
    fn a_window_learns_the_variances_of_its_own_draws() {
        let (mut learner, mut variances) = (MassLearner::new(2), [1.0; 2]);
        let mut learned = 0;
        for done in 1..=150 {
            // Before the window far away; inside ±2 in turns, variance 4 · 25 / 24.
            let x = if done <= 75 { 1e6 } else { 2.0 - 4.0 * f64::from(done as u32 % 2) };
            learned += usize::from(learner.learn(&[x, 0.0], WarmUp { done, of: 150 }, &mut variances));
        }
        // 25 draws, of which 13 are −2 or 2: their variance is 4 − 0.08², times 25 / 24.
        let known = (4.0 - 0.08f64 * 0.08) * 25.0 / 24.0 * 25.0 / 30.0 + 1e-3 * 5.0 / 30.0;
        assert_eq!(learned, 1);
        assert!((variances[0] - known).abs() < 1e-12, "{variances:?} {known}");
        assert!((variances[1] - 1e-3 * 5.0 / 30.0).abs() < 1e-15);
    }
}
