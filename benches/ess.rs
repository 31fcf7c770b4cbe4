//! Effective draws a second of the model-free samplers, one line of JSON a target and kernel.
//!
//! `cargo bench --bench ess`; `benches/peers/chains.py` runs it beside blackjax and emcee. The effective draws are bulk,
//! of the worst component; the seconds are those of the whole run, warm-up included, the least of three.

use helmholtz::Seed;
use helmholtz::sampling::{
    DensityError, GradientLogDensity, Hamiltonian, Langevin, LogDensity, MarkovKernel, Mass, Metropolis,
    RandomWalk, Run, Trajectory, Tuning,
};
use std::time::Instant;

/// x₀ ~ N(0, 1), xᵢ ~ N(0.9 xᵢ₋₁, 0.19), ten of them.
struct Normal;

/// v / 3 and z of Neal's funnel, not centred.
struct Funnel;

/// Rubin's eight schools in μ, ln τ and (θ − μ) / τ.
struct EightSchools;

const EFFECTS: [f64; 8] = [28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0];
const ERRORS: [f64; 8] = [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0];

trait Gradient: Sync {
    fn value(&self, x: &[f64], gradient: &mut [f64]) -> f64;
}

impl Gradient for Normal {
    fn value(&self, x: &[f64], gradient: &mut [f64]) -> f64 {
        gradient[0] = -x[0];
        let mut value = x[0] * x[0];
        for i in 1..10 {
            let step = x[i] - 0.9 * x[i - 1];
            value += step * step / 0.19;
            gradient[i] = -step / 0.19;
            gradient[i - 1] += 0.9 * step / 0.19;
        }
        -0.5 * value
    }
}

impl Gradient for Funnel {
    fn value(&self, x: &[f64], gradient: &mut [f64]) -> f64 {
        gradient.iter_mut().zip(x).for_each(|(slope, x)| *slope = -x);
        gradient[0] /= 9.0;
        -0.5 * (x[0] * x[0] / 9.0 + x[1..].iter().map(|z| z * z).sum::<f64>())
    }
}

impl Gradient for EightSchools {
    fn value(&self, x: &[f64], gradient: &mut [f64]) -> f64 {
        let (mu, tau) = (x[0], x[1].exp());
        let mut value = -mu * mu / 50.0 - (tau * tau / 25.0).ln_1p() + x[1];
        gradient[0] = -mu / 25.0;
        gradient[1] = 1.0 - 2.0 * tau * tau / (25.0 + tau * tau);
        for (i, eta) in x[2..].iter().enumerate() {
            let residual = (EFFECTS[i] - mu - tau * eta) / ERRORS[i];
            value -= 0.5 * (eta * eta + residual * residual);
            let slope = residual / ERRORS[i];
            gradient[0] += slope;
            gradient[1] += slope * tau * eta;
            gradient[2 + i] = slope * tau - eta;
        }
        value
    }
}

/// Ten components of any of them.
struct Target<'a>(&'a dyn Gradient);

impl LogDensity for Target<'_> {
    fn dimension(&self) -> usize {
        10
    }
    fn log_density(&self, x: &[f64]) -> Result<f64, DensityError> {
        Ok(self.0.value(x, &mut [0.0; 10]))
    }
}

impl GradientLogDensity for Target<'_> {
    fn log_density_and_gradient(&self, x: &[f64], gradient: &mut [f64]) -> Result<f64, DensityError> {
        Ok(self.0.value(x, gradient))
    }
}

fn measure<'t, K: MarkovKernel<Target<'t>>>(
    target: (&str, &'t dyn Gradient),
    name: &str,
    kernel: K,
    scale: f64,
    run: Run,
) {
    let mut seconds = f64::INFINITY;
    let mut draws = None;
    for _ in 0..3 {
        let begun = Instant::now();
        let made = run.sample(&kernel, &Target(target.1), &[0.1; 10]).expect("a density that is finite");
        seconds = seconds.min(begun.elapsed().as_secs_f64());
        draws = Some(made);
    }
    let draws = draws.expect("three runs");
    let effective = (0..10).map(|i| draws.summary(i).ess_bulk).fold(f64::INFINITY, f64::min);
    let r_hat = (0..10).map(|i| draws.summary(i).r_hat).fold(1.0, f64::max);
    println!(
        "{{\"target\": \"{}\", \"kernel\": \"{name}\", \"draws\": {}, \"warm_up\": {}, \"step\": {:.5}, \
         \"r_hat\": {r_hat:.4}, \"ess\": {effective:.1}, \"seconds\": {seconds:.5}, \"ess_per_second\": {:.1}}}",
        target.0,
        run.draws * run.thin,
        run.warm_up,
        scale * draws.reports()[0].scale,
        effective / seconds
    );
}

fn main() {
    let run = Run { chains: 4, warm_up: 1000, draws: 20_000, thin: 1, seed: Seed(1) };
    let targets: [(&str, &dyn Gradient); 3] =
        [("normal", &Normal), ("funnel", &Funnel), ("eight schools", &EightSchools)];
    for target in targets {
        let walk = Metropolis::new(RandomWalk::new(0.5));
        measure(target, "random walk", walk, 0.5, Run { draws: 10_000, thin: 20, ..run });
        measure(target, "Langevin", Langevin::default(), 1.0, Run { thin: 2, ..run });
        let mut hamiltonian = Hamiltonian {
            step: 0.1,
            trajectory: Trajectory::Steps(5),
            mass: Mass::Adapted,
            tuning: Tuning::WarmUp,
        };
        measure(target, "Hamiltonian, 5 steps", hamiltonian.clone(), 1.0, run);
        hamiltonian.trajectory = Trajectory::Jittered(2.0);
        measure(target, "Hamiltonian, jittered", hamiltonian, 1.0, run);
    }
}
