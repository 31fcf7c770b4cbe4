//! Runs: what they refuse, what they count, what they learn, and that threads do not matter.

use super::targets::{Autoregression, CentredFunnel, EightSchools};
use super::*;
use crate::random::{Seed, Stream};

/// A density made of a closure.
struct Given<F>(usize, F);

impl<F: Fn(&[f64]) -> Result<f64, DensityError> + Sync> LogDensity for Given<F> {
    fn dimension(&self) -> usize {
        self.0
    }
    fn log_density(&self, x: &[f64]) -> Result<f64, DensityError> {
        (self.1)(x)
    }
}

/// The density itself, and a gradient of NaN beyond 1.
impl<F: Fn(&[f64]) -> Result<f64, DensityError> + Sync> GradientLogDensity for Given<F> {
    fn log_density_and_gradient(&self, x: &[f64], gradient: &mut [f64]) -> Result<f64, DensityError> {
        gradient.iter_mut().zip(x).for_each(|(slope, x)| *slope = if *x > 1.0 { f64::NAN } else { -x });
        (self.1)(x)
    }
}

fn normal(x: &[f64]) -> Result<f64, DensityError> {
    Ok(-0.5 * x.iter().map(|x| x * x).sum::<f64>())
}

fn walk() -> Metropolis<RandomWalk> {
    Metropolis::new(RandomWalk::new(1.0))
}

const SHORT: Run = Run { chains: 2, warm_up: 10, draws: 20, thin: 1, seed: Seed(1) };

/// The one line of a run that is refused.
fn line<K: MarkovKernel<Given<F>>, F: Sync>(run: Run, kernel: &K, target: &Given<F>, start: &[f64]) -> String {
    run.sample(kernel, target, start).unwrap_err().to_string()
}

#[test]
fn bad_settings_get_one_line_each() {
    let target = Given(2, normal);
    let with = |run: Run| line(run, &walk(), &target, &[0.0; 2]);
    assert_eq!(with(Run { chains: 0, ..SHORT }), "the number of chains is 0, but must be at least 1");
    assert_eq!(with(Run { draws: 0, ..SHORT }), "the number of draws is 0, but must be at least 1");
    assert_eq!(with(Run { thin: 0, ..SHORT }), "the steps a draw is 0, but must be at least 1");
    assert!(with(Run { draws: usize::MAX, ..SHORT }).contains("few enough for their values to be stored"));
    assert!(with(Run { warm_up: usize::MAX, ..SHORT }).contains("few enough"));
    let empty = Given(0, normal);
    assert_eq!(line(SHORT, &walk(), &empty, &[]), "the target's dimension is 0, but must be at least 1");
    assert_eq!(line(SHORT, &walk(), &target, &[0.0; 3]), "a point of 3 components for a density of 2");
    assert_eq!(line(SHORT, &walk(), &target, &[0.0, f64::NAN]), "the start gave NaN after 0 steps");

    let kernel = Metropolis::new(RandomWalk::new(-1.0));
    let wanted = "the scale of the proposal is -1, but must be a positive number";
    assert_eq!(line(SHORT, &kernel, &target, &[0.0; 2]), wanted);
    let kernel = Metropolis::new(RandomWalk::with_scales(&[1.0; 3]));
    assert_eq!(line(SHORT, &kernel, &target, &[0.0; 2]), "a point of 3 components for a density of 2");
    let kernel = Metropolis { tuning: Tuning::Acceptance(1.5), ..walk() };
    let wanted = "the acceptance to tune for is 1.5, but must be between 0 and 1";
    assert_eq!(line(SHORT, &kernel, &target, &[0.0; 2]), wanted);
    let kernel = Langevin { step: f64::NAN, ..Langevin::default() };
    assert_eq!(line(SHORT, &kernel, &target, &[0.0; 2]), "the step size is NaN, but must be a positive number");
    let kernel = Hamiltonian { trajectory: Trajectory::Steps(0), ..Hamiltonian::default() };
    assert_eq!(line(SHORT, &kernel, &target, &[0.0; 2]), "the leapfrog steps is 0, but must be at least 1");
    for betas in [&[][..], &[0.5], &[1.0, 1.0], &[1.0, -0.1], &[1.0, f64::NAN]] {
        let kernel = Tempering { kernel: walk(), inverse_temperatures: betas.to_vec() };
        let refused = SHORT.sample(&kernel, &Tempered::whole(&target), &[0.0; 2]);
        assert!(matches!(refused, Err(SamplingError::Setting(_))), "{betas:?}");
    }
}

/// A proposal whose ratio, or whose point, is not a number from its seventh draw on.
#[derive(Clone)]
struct Broken {
    point: f64,
    log_ratio: f64,
}

impl Proposal for Broken {
    fn propose(&self, from: &[f64], to: &mut [f64], _: &mut Stream) -> Result<f64, DensityError> {
        let broken = from[0] >= 6.0;
        to[0] = if broken { self.point } else { from[0] + 1.0 };
        Ok(if broken { self.log_ratio } else { 0.0 })
    }
}

#[test]
fn what_is_not_a_number_is_named_with_its_step() {
    let flat = Given(1, |_: &[f64]| Ok(0.0));
    let kernel = |point, log_ratio| Metropolis::new(Broken { point, log_ratio });
    let wanted = "the proposal's log-ratio gave NaN after 6 steps";
    assert_eq!(line(SHORT, &kernel(0.0, f64::NAN), &flat, &[0.0]), wanted);
    let wanted = "the proposal's log-ratio gave inf after 6 steps";
    assert_eq!(line(SHORT, &kernel(0.0, f64::INFINITY), &flat, &[0.0]), wanted);
    assert_eq!(line(SHORT, &kernel(f64::NAN, 0.0), &flat, &[0.0]), "the proposal gave NaN after 6 steps");
    let far = Given(1, |x: &[f64]| Ok(if x[0] > 3.0 { f64::NAN } else { 0.0 }));
    assert_eq!(line(SHORT, &kernel(0.0, 0.0), &far, &[0.0]), "the log-density gave NaN after 3 steps");
    let infinite = Given(1, |_: &[f64]| Ok(f64::INFINITY));
    assert_eq!(line(SHORT, &walk(), &infinite, &[0.0]), "the log-density gave inf after 0 steps");
    for error in [
        SHORT.sample(&Langevin::default(), &Given(1, normal), &[2.0]).unwrap_err(),
        SHORT.sample(&Hamiltonian::default(), &Given(1, normal), &[2.0]).unwrap_err(),
    ] {
        assert_eq!(error.to_string(), "the gradient gave NaN after 0 steps");
    }
}

#[test]
fn a_chain_that_starts_at_density_zero_is_named() {
    let positive = Given(1, |x: &[f64]| Ok(if x[0] > 0.0 { -x[0] } else { f64::NEG_INFINITY }));
    let wanted = "the log-density is -inf where chain 1 starts: it can go nowhere from there";
    assert_eq!(line(SHORT, &walk(), &positive, &[1.0, -1.0]), wanted);
    let fatal = Given(1, |_: &[f64]| Err(DensityError::Fatal("the file is gone".to_owned())));
    assert_eq!(line(SHORT, &walk(), &fatal, &[0.0]), "the file is gone");
}

#[test]
fn recoverable_errors_are_density_zero_and_counted() {
    // A normal on x > 0, which cannot be computed elsewhere: mean √(2/π).
    let half = Given(1, |x: &[f64]| match x[0] > 0.0 {
        true => normal(x),
        false => Err(DensityError::Recoverable("negative".to_owned())),
    });
    let run = Run { draws: 20_000, ..Run::default() };
    let draws = run.sample(&Metropolis { tuning: Tuning::Fixed, ..walk() }, &half, &[1.0]).unwrap();
    let found = draws.summary(0);
    assert!((found.mean - (2.0 / std::f64::consts::PI).sqrt()).abs() < 4.5 * found.mean_error, "{found}");
    assert!(draws.values().iter().all(|x| *x > 0.0));
    for report in draws.reports() {
        // About a quarter of all proposals lead below zero.
        assert!(report.recoverable_errors > 3000 && report.recoverable_errors < 9000, "{report:?}");
    }
}

#[test]
fn chains_are_the_same_on_any_number_of_threads_and_in_any_company() {
    let target = EightSchools;
    let kernel = Hamiltonian::default();
    let sample = |threads: usize, chains: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let run = Run { chains, warm_up: 120, draws: 40, seed: Seed(5), thin: 1 };
        pool.install(|| run.sample(&kernel, &target, &[0.1; 10]).unwrap())
    };
    let (one, three) = (sample(1, 5), sample(3, 5));
    assert_eq!(one.values(), three.values());
    assert_eq!(sample(2, 2).values(), &one.values()[..2 * 40 * 10]);
    assert_ne!(one.point(0, 39), one.point(1, 39));
}

#[test]
fn warm_up_reaches_the_acceptance_it_is_told_and_then_learns_no_more() {
    let target = Autoregression { dimension: 10, correlation: 0.5 };
    let run = Run { warm_up: 4000, draws: 4000, seed: Seed(6), ..Run::default() };
    let acceptance = |draws: &Draws| {
        draws.reports().iter().map(|report| report.acceptance).sum::<f64>() / draws.chains() as f64
    };
    // Robbins–Monro ends with steps of 4000^−0.6 = 0.7% of a log-scale for each miss, so within ±0.05 of an acceptance
    // whose slope in the log-scale is below ½.
    let near = |draws: Draws, wanted: f64| {
        let found = acceptance(&draws);
        assert!((found - wanted).abs() < 0.05, "{found}, wanted {wanted}");
    };
    near(run.sample(&Metropolis::new(RandomWalk::new(30.0)), &target, &[0.0; 10]).unwrap(), 0.234);
    let one = Autoregression { dimension: 1, correlation: 0.5 };
    near(run.sample(&Metropolis::new(RandomWalk::new(0.01)), &one, &[0.0]).unwrap(), 0.44);
    near(run.sample(&Langevin { step: 7.0, ..Langevin::default() }, &target, &[0.0; 10]).unwrap(), 0.574);
    let own = Langevin { tuning: Tuning::Acceptance(0.8), ..Langevin::default() };
    near(run.sample(&own, &target, &[0.0; 10]).unwrap(), 0.8);
    // The average of dual averaging errs to small steps (Hoffman & Gelman 2014, figure 5).
    let hamiltonian =
        run.sample(&Hamiltonian { step: 50.0, ..Hamiltonian::default() }, &target, &[0.0; 10]).unwrap();
    assert!((0.75..0.95).contains(&acceptance(&hamiltonian)), "{}", acceptance(&hamiltonian));

    let scales = |draws: usize| {
        let run = Run { warm_up: 300, draws, ..run };
        let draws = run.sample(&walk(), &target, &[0.0; 10]).unwrap();
        draws.reports().iter().map(|report| report.scale).collect::<Vec<_>>()
    };
    assert_eq!(scales(10), scales(500));
    let fixed = Metropolis { tuning: Tuning::Fixed, ..walk() };
    assert!(run.sample(&fixed, &target, &[0.0; 10]).unwrap().reports().iter().all(|report| report.scale == 1.0));
}

#[test]
fn trajectories_that_leave_the_path_of_equal_energy_are_counted() {
    let run = Run { warm_up: 0, draws: 500, seed: Seed(7), ..Run::default() };
    let kernel =
        |step| Hamiltonian { step, trajectory: Trajectory::Steps(20), mass: Mass::Unit, tuning: Tuning::Fixed };
    let count = |draws: Draws| draws.reports().iter().map(|report| report.divergences).sum::<u64>();
    assert!(count(run.sample(&kernel(0.5), &CentredFunnel, &[0.1; 10]).unwrap()) > 20);
    let easy = Autoregression { dimension: 10, correlation: 0.5 };
    assert_eq!(count(run.sample(&kernel(0.2), &easy, &[0.1; 10]).unwrap()), 0);
}

/// Independent normals of standard deviations 0.01 and 100.
struct Apart;

impl LogDensity for Apart {
    fn dimension(&self) -> usize {
        2
    }
    fn log_density(&self, x: &[f64]) -> Result<f64, DensityError> {
        Ok(-0.5 * (1e4 * x[0] * x[0] + 1e-4 * x[1] * x[1]))
    }
}

impl GradientLogDensity for Apart {
    fn log_density_and_gradient(&self, x: &[f64], gradient: &mut [f64]) -> Result<f64, DensityError> {
        gradient.copy_from_slice(&[-1e4 * x[0], -1e-4 * x[1]]);
        self.log_density(x)
    }
}

#[test]
fn adapted_masses_make_scales_not_matter() {
    // With unit masses, a path through the large one by steps of the small one would take 10⁴ of them.
    let run = Run { seed: Seed(8), ..Run::default() };
    let draws = run.sample(&Hamiltonian::default(), &Apart, &[0.01, 0.01]).unwrap();
    for (component, sd) in [0.01, 100.0].into_iter().enumerate() {
        let found = draws.summary(component);
        assert!(found.r_hat < 1.02 && found.ess_bulk > 500.0, "{found}");
        assert!(
            (found.sd - sd).abs() < 4.5 * found.sd_error && found.mean.abs() < 4.5 * found.mean_error,
            "{found}"
        );
    }
}

#[test]
fn draws_are_kept_in_order_thinned_and_written_as_numpy_reads_them() {
    let flat = Given(1, |_: &[f64]| Ok(0.0));
    // Always one further: the point counts the steps.
    let kernel = Metropolis::new(Broken { point: 0.0, log_ratio: 0.0 });
    let run = Run { chains: 2, warm_up: 1, draws: 2, thin: 2, seed: Seed(9) };
    let draws = run.sample(&kernel, &flat, &[0.0, -10.0]).unwrap();
    assert_eq!(draws.values(), [3.0, 5.0, -7.0, -5.0]);
    assert_eq!((draws.point(1, 0), draws.component(0)), (&[-7.0][..], vec![vec![3.0, 5.0], vec![-7.0, -5.0]]));
    let bytes = draws.to_npy();
    assert_eq!(&bytes[..10], b"\x93NUMPY\x01\x00\x76\x00");
    let header = std::str::from_utf8(&bytes[10..128]).unwrap();
    assert!(header.starts_with("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2, 1), }"), "{header}");
    assert!(header.ends_with('\n') && bytes.len() == 128 + 4 * 8);
    assert_eq!(bytes[128..136], 3.0f64.to_le_bytes());
    assert!(draws.to_string().ends_with("0 divergences, 0 recoverable errors of the density"));
}
