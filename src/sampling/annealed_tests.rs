//! Annealed importance sampling against normalisers known in closed form.

use super::targets::Autoregression;
use super::*;
use crate::random::{Seed, Stream};

/// N(0, σ² I) of so many components.
#[derive(Clone)]
struct Broad {
    dimension: usize,
    sd: f64,
}

impl Sampler for Broad {
    type Point = Vec<f64>;
    fn draw(&self, stream: &mut Stream) -> Vec<f64> {
        let mut x = vec![0.0; self.dimension];
        stream.fill_normal(&mut x);
        x.iter_mut().for_each(|x| *x *= self.sd);
        x
    }
    fn log_density(&self, x: &Vec<f64>) -> f64 {
        let normaliser = (self.sd * (2.0 * std::f64::consts::PI).sqrt()).ln();
        x.iter().map(|x| -0.5 * (x / self.sd).powi(2) - normaliser).sum()
    }
}

#[test]
fn log_z_of_a_correlated_normal_is_the_closed_form_to_its_error() {
    // 5 components: Z = (2π)^(5/2) (1 − ρ²)^(4/2).
    let target = Autoregression { dimension: 5, correlation: 0.7 };
    let known = 2.5 * (2.0 * std::f64::consts::PI).ln() + 2.0 * (1.0 - 0.49f64).ln();
    let base = Broad { dimension: 5, sd: 2.0 };
    let path = GeometricPath::new(
        base.clone(),
        |x: &Vec<f64>| target.log_density(x),
        random_walk_transition(&base, &target, 4, 0.6),
    );
    let mut squares = 0.0;
    for seed in 0..40 {
        let annealing =
            AnnealedImportance { chains: 200, schedule: AnnealedImportance::even(100), seed: Seed(seed) };
        let log_z = annealing.log_z(&path).unwrap();
        assert!(log_z.error < 0.12 && log_z.effective_sample_size > 60.0, "{log_z}");
        squares += ((log_z.value - known) / log_z.error).powi(2);
    }
    // χ² with 40 degrees of freedom, two-sided α = 10⁻⁵.
    assert!((11.9..92.4).contains(&squares), "{squares}");
}

/// Four states under a lazy Metropolis walk around a ring: slow transitions, which may cost variance but not bias.
fn ring(target: &'static [f64; 4]) -> impl AnnealingPath<Point = usize> {
    GeometricPath::new(
        Categorical::new(&[1.0; 4]).unwrap(),
        |&x: &usize| Ok(target[x]),
        |x: &mut usize, beta: f64, stream: &mut Stream| {
            use rand::RngExt;
            let to = (*x + if stream.random::<bool>() { 1 } else { 3 }) % 4;
            if stream.random::<f64>() < (beta * (target[to] - target[*x])).exp() {
                *x = to;
            }
            Ok(())
        },
    )
}

#[test]
fn weights_are_unbiased_however_short_the_walk() {
    const TARGET: [f64; 4] = [0.0, 4.0, 1.0, 2.0];
    let known = TARGET.iter().map(|log_p| log_p.exp()).sum::<f64>();
    for steps in [1, 2, 5] {
        let annealing =
            AnnealedImportance { chains: 100_000, schedule: AnnealedImportance::even(steps), seed: Seed(1) };
        let weights: Vec<f64> =
            annealing.log_weights(&ring(&TARGET)).unwrap().iter().map(|log_w| log_w.exp()).collect();
        // The base is normalised: E[w] = Z. 4.6 standard errors: two-sided α = 10⁻⁵ over three.
        let (mean, error) = mean_and_error(&weights);
        assert!((mean - known).abs() < 4.6 * error, "{steps} steps: {mean} ± {error}, known {known}");
    }
}

#[test]
fn what_cannot_be_annealed_is_said() {
    const TARGET: [f64; 4] = [0.0; 4];
    let path = ring(&TARGET);
    let with = |schedule: &[f64]| AnnealedImportance { schedule: schedule.to_vec(), ..Default::default() };
    for schedule in [&[][..], &[0.0, 1.0], &[0.5], &[0.5, 0.2, 1.0], &[f64::NAN, 1.0]] {
        assert!(matches!(with(schedule).log_z(&path), Err(SamplingError::Setting(_))));
    }
    let none = AnnealedImportance { chains: 0, ..Default::default() }.log_z(&path);
    assert_eq!(none.unwrap_err().to_string(), "the number of chains is 0, but must be at least 1");
    let uniform = || Categorical::new(&[1.0; 2]).unwrap();
    let stay = |_: &mut usize, _: f64, _: &mut Stream| Ok(());
    let nowhere = GeometricPath::new(uniform(), |_: &usize| Ok(f64::NEG_INFINITY), stay);
    assert_eq!(with(&[0.5, 1.0]).log_z(&nowhere), Err(SamplingError::NoOverlap { draws: 128 }));
    let nan = GeometricPath::new(uniform(), |_: &usize| Ok(f64::NAN), stay);
    assert!(matches!(with(&[0.5, 1.0]).log_z(&nan), Err(SamplingError::NonFinite { step: 0, .. })));
    // Half of the points are zero in the target: a weight of 1 the other half of the time.
    let half = GeometricPath::new(
        uniform(),
        |x: &usize| if *x == 0 { Err(DensityError::Recoverable("zero".to_owned())) } else { Ok(0.0) },
        stay,
    );
    let log_z = AnnealedImportance { chains: 4000, schedule: vec![0.5, 1.0], seed: Seed(2) }.log_z(&half).unwrap();
    // E[w] over two points of base ½: w = 2^½ · 2^½ at the one that is left.
    assert!(log_z.value.abs() < 4.9 * log_z.error, "{log_z}");
}

#[test]
fn weights_do_not_depend_on_the_number_of_threads() {
    const TARGET: [f64; 4] = [0.0, 4.0, 1.0, 2.0];
    let run = || AnnealedImportance::default().log_weights(&ring(&TARGET)).unwrap();
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    assert_eq!(pool(1).install(run), pool(3).install(run));
}
