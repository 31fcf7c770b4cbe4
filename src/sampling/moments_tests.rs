//! Metropolis–Hastings, Langevin and Hamiltonian chains against means, standard deviations and quantiles known without
//! Monte Carlo, to 4 of their own standard errors.

use super::diagnostics::Summary;
use super::targets::{Autoregression, EightSchools, Funnel, Known};
use super::*;
use crate::random::{Seed, Stream};
use rand::RngExt;

fn agrees(what: &str, chains: &[Vec<f64>], known: Known) {
    let found = Summary::of(chains);
    println!("{what}: {found}");
    assert!(
        found.r_hat < 1.02 && found.ess_bulk > 200.0 && found.ess_tail > 100.0,
        "{what} has not mixed: {found}"
    );
    let pairs = [
        (found.mean, known.mean, found.mean_error),
        (found.sd, known.sd, found.sd_error),
        (found.quantiles[0], known.quantiles[0], found.quantile_errors[0]),
        (found.quantiles[1], known.quantiles[1], found.quantile_errors[1]),
    ];
    for (found, known, error) in pairs {
        assert!((found - known).abs() < 4.0 * error, "{what}: {found} ± {error}, known {known}");
    }
}

fn judge<K>(name: &str, kernel: &K, run: Run)
where
    K: MarkovKernel<Autoregression> + MarkovKernel<Funnel> + MarkovKernel<EightSchools>,
{
    let start = [0.1; 10];
    let draws = run.sample(kernel, &Autoregression { dimension: 10, correlation: 0.9 }, &start).unwrap();
    for component in [0, 5, 9] {
        agrees(&format!("{name}, normal {component}"), &draws.component(component), Known::normal(0.0, 1.0));
    }
    let sum = draws.map(|x| x.iter().sum());
    // Var Σ xᵢ = Σᵢⱼ 0.9^|i − j|.
    let variance: f64 = (0..100).map(|ij| 0.9f64.powi((ij / 10 - ij % 10i32).abs())).sum();
    agrees(&format!("{name}, normal sum"), &sum, Known::normal(0.0, variance.sqrt()));

    let draws = run.sample(kernel, &Funnel, &start).unwrap();
    agrees(&format!("{name}, funnel v"), &draws.component(0), Known::normal(0.0, 3.0));
    agrees(&format!("{name}, funnel z"), &draws.component(9), Known::normal(0.0, 1.0));
    // ln |x₁| = v / 2 + ln |z|, and ln |z| has mean −(γ + ln 2) / 2 and variance π² / 8.
    let log_x = Summary::of(&draws.map(|x| 0.5 * x[0] + x[1].abs().ln()));
    let (mean, sd) = (-0.635_181_422_730_739, (2.25 + std::f64::consts::PI.powi(2) / 8.0).sqrt());
    assert!((log_x.mean - mean).abs() < 4.0 * log_x.mean_error, "{name}, funnel ln |x|: {log_x}");
    assert!((log_x.sd - sd).abs() < 4.0 * log_x.sd_error, "{name}, funnel ln |x|: {log_x}");

    let draws = run.sample(kernel, &EightSchools, &start).unwrap();
    let [mu, log_tau, theta] = EightSchools::known();
    agrees(&format!("{name}, eight schools μ"), &draws.component(0), mu);
    agrees(&format!("{name}, eight schools ln τ"), &draws.component(1), log_tau);
    agrees(&format!("{name}, eight schools θ₁"), &draws.map(|x| x[0] + x[1].exp() * x[2]), theta);
    println!("{name}: {:?}", draws.reports()[0]);
}

#[test]
fn metropolis_has_the_known_moments() {
    let run = Run { warm_up: 20_000, draws: 10_000, thin: 40, seed: Seed(1), ..Run::default() };
    judge("Metropolis", &Metropolis::new(RandomWalk::new(0.5)), run);
}

#[test]
fn langevin_has_the_known_moments() {
    let run = Run { warm_up: 5_000, draws: 10_000, thin: 5, seed: Seed(1), ..Run::default() };
    judge("Langevin", &Langevin::default(), run);
}

#[test]
fn hamiltonian_has_the_known_moments() {
    let run = Run { warm_up: 1_000, draws: 5_000, seed: Seed(1), ..Run::default() };
    judge("Hamiltonian", &Hamiltonian::default(), run);
}

/// x² e^(−x) on x > 0.
struct Gamma3;

impl LogDensity for Gamma3 {
    fn dimension(&self) -> usize {
        1
    }
    fn log_density(&self, x: &[f64]) -> Result<f64, DensityError> {
        Ok(if x[0] > 0.0 { 2.0 * x[0].ln() - x[0] } else { f64::NEG_INFINITY })
    }
}

/// A multiplicative walk that says it is symmetric.
#[derive(Clone)]
struct Unbalanced(MultiplicativeWalk);

impl Proposal for Unbalanced {
    fn propose(&self, from: &[f64], to: &mut [f64], stream: &mut Stream) -> Result<f64, DensityError> {
        self.0.propose(from, to, stream).map(|_| 0.0)
    }
}

#[test]
fn a_multiplicative_walk_needs_its_hastings_ratio() {
    let run = Run { draws: 50_000, seed: Seed(2), ..Run::default() };
    let walk = MultiplicativeWalk::new(1.0);
    let right = run.sample(&Metropolis::new(walk.clone()), &Gamma3, &[1.0]).unwrap().summary(0);
    let wrong = run.sample(&Metropolis::new(Unbalanced(walk)), &Gamma3, &[1.0]).unwrap().summary(0);
    println!("with the ratio: {right}\nwithout: {wrong}");
    assert!(
        (right.mean - 3.0).abs() < 4.0 * right.mean_error && (right.sd - 3f64.sqrt()).abs() < 4.0 * right.sd_error
    );
    assert!((wrong.mean - 2.0).abs() < 4.0 * wrong.mean_error);
}

/// −ln(uniform) of rate ½, drawn whole.
#[derive(Clone)]
struct Wide;

impl Sampler for Wide {
    type Point = Vec<f64>;
    fn draw(&self, stream: &mut Stream) -> Vec<f64> {
        vec![-2.0 * (1.0 - stream.random::<f64>()).ln()]
    }
    fn log_density(&self, x: &Vec<f64>) -> f64 {
        -0.5 * x[0]
    }
}

#[test]
fn an_independent_proposal_needs_its_ratio_too() {
    let run = Run { draws: 20_000, seed: Seed(3), ..Run::default() };
    let draws = run.sample(&Metropolis::new(Independence(Wide)), &Gamma3, &[1.0]).unwrap();
    let found = draws.summary(0);
    assert!((found.mean - 3.0).abs() < 4.0 * found.mean_error, "{found}");
    assert_eq!(draws.reports()[0].scale, 1.0);
}

/// Two normal modes of width 1 at ±8, of weights ¼ and ¾.
struct Modes;

impl LogDensity for Modes {
    fn dimension(&self) -> usize {
        1
    }
    fn log_density(&self, x: &[f64]) -> Result<f64, DensityError> {
        let log = |weight: f64, mode: f64| weight.ln() - 0.5 * (x[0] - mode).powi(2);
        let (a, b) = (log(0.25, -8.0), log(0.75, 8.0));
        Ok(a.max(b) + (-(a - b).abs()).exp().ln_1p())
    }
}

/// N(0, 10²).
struct Broad;

impl LogDensity for Broad {
    fn dimension(&self) -> usize {
        1
    }
    fn log_density(&self, x: &[f64]) -> Result<f64, DensityError> {
        Ok(-0.005 * x[0] * x[0])
    }
}

#[test]
fn tempering_crosses_what_a_walk_does_not() {
    let run = Run { draws: 40_000, seed: Seed(4), ..Run::default() };
    let walk = Metropolis::new(RandomWalk::new(1.0));
    let stuck = run.sample(&walk, &Modes, &[-8.0]).unwrap().summary(0);
    assert!(stuck.mean < -7.5, "{stuck}");

    let tempering = Tempering::geometric(walk.clone(), 6, 0.01);
    let draws = run.sample(&tempering, &Tempered::whole(&Modes), &[-8.0]).unwrap();
    let right = Summary::of(&draws.map(|x| f64::from(x[0] > 0.0)));
    println!("tempered: {right}; {:?}", draws.reports()[0].exchanges);
    assert!((right.mean - 0.75).abs() < 4.0 * right.mean_error && right.mean_error < 0.03, "{right}");
    let exchanges = &draws.reports()[0].exchanges;
    assert!(exchanges.accepted.len() == 5 && exchanges.accepted.iter().all(|rate| *rate > 0.2 && *rate < 1.0));
    // A replica crosses in some tens of steps; of 40,000 steps at least hundreds of journeys are left.
    assert!(exchanges.round_trips > 200, "{exchanges:?}");

    // Prior and likelihood apart, down to the prior itself: N(0, 10²) times the modes.
    let whole = Tempering { inverse_temperatures: vec![1.0, 0.3, 0.05, 0.0], kernel: walk };
    let draws = run.sample(&whole, &Tempered::new(&Broad, &Modes), &[0.0]).unwrap();
    let right = Summary::of(&draws.map(|x| f64::from(x[0] > 0.0)));
    // Both modes lose the same factor, being as far from 0.
    assert!((right.mean - 0.75).abs() < 4.0 * right.mean_error && right.mean_error < 0.03, "{right}");
}
