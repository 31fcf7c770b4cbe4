//! Flows as distributions of the latent variable: against sums over a grid, one another, and their own ways back.

use super::evaluator::Evaluator;
use super::objective::X;
use super::rows::Rows;
use super::{Bound, ImportanceSampling, Observation, Posterior, Prior, Vae, VaeConfig, VaeRecipe};
use crate::autodiff::Program;
use crate::data::{Binarization, Dataset};
use crate::random::Seed;
use crate::sampling::mean_and_error;
use crate::train::{Fit, Training};

const VISIBLE: usize = 5;
const IAF: Posterior = Posterior::Iaf { steps: 2, units: 6 };
const FLOW: Prior = Prior::Flow { steps: 2, units: 6 };

/// Bits of two latent dimensions, every parameter a normal number; the posterior is broad, so that weights have a variance.
fn model(posterior: Posterior, prior: Prior) -> Vae {
    let (encoder, decoder) = (vec![4], vec![3]);
    let config = VaeConfig { encoder, decoder, posterior, prior, ..VaeConfig::new(VISIBLE, 2) };
    let mut vae = Vae::new(config, Seed(1)).unwrap();
    for parameter in vae.store.parameters() {
        let name = vae.store.name(parameter);
        let scale = if name.starts_with("posterior") || name.starts_with("prior") { 0.3 } else { 0.5 };
        let mut lanes = Seed(2).lanes(name, 0);
        let values = vae.store.get_mut(parameter);
        lanes.fill_normal(values);
        values.iter_mut().for_each(|value| *value *= scale);
    }
    let broad = vae.store.find("log_variance.bias").unwrap();
    vae.store.get_mut(broad).fill(1.5);
    masked(&vae)
}

/// The model without the numbers that were written where a masked network has no weight: a file has none.
pub(super) fn masked(vae: &Vae) -> Vae {
    Vae::from_snapshot(&vae.to_snapshot()).unwrap()
}

/// ln p(z) of each z, by a program of its own.
fn log_prior(vae: &Vae, z: &[f32]) -> Vec<f64> {
    let mut program = Program::record(&vae.store, |tape| {
        let zero = tape.scalar(0.0);
        let u = vae.network.to_base(tape.input(X, [z.len() / 2, 2]));
        tape.output("log_prior", u.value.gaussian_log_density(zero, zero) + u.log_determinant);
    });
    program.input_mut(X).copy_from_slice(z);
    program.evaluate(&vae.store);
    program.output("log_prior").iter().map(|&value| f64::from(value)).collect()
}

/// ln p(x) of each row of bits by a sum over a square of z.
fn by_a_grid(vae: &Vae, x: &[f32]) -> Vec<f64> {
    const SIDE: usize = 400;
    const REACH: f64 = 12.0;
    let at = |place: usize| (REACH * ((2 * place + 1) as f64 / SIDE as f64 - 1.0)) as f32;
    let z: Vec<f32> = (0..SIDE * SIDE).flat_map(|place| [at(place / SIDE), at(place % SIDE)]).collect();
    let cell = (2.0 * REACH / SIDE as f64).powi(2);
    let prior: Vec<f64> = log_prior(vae, &z).into_iter().map(|value| value.exp() * cell).collect();
    let mass: f64 = prior.iter().sum();
    assert!((mass - 1.0).abs() < 1e-3, "the prior has the mass {mass}");
    let probabilities = vae.decode(&z);
    let of_row = |x: &[f32]| {
        let given = |p: &[f32]| {
            p.iter().zip(x).map(|(&p, &x)| f64::from(if x == 1.0 { p } else { 1.0 - p })).product::<f64>()
        };
        prior.iter().zip(probabilities.chunks_exact(VISIBLE)).map(|(prior, p)| prior * given(p)).sum::<f64>().ln()
    };
    x.chunks_exact(VISIBLE).map(of_row).collect()
}

fn patterns() -> Vec<f32> {
    [[0, 1, 0, 1, 1], [1, 1, 1, 0, 0], [0, 0, 0, 0, 1]].as_flattened().iter().map(|&bit| bit as f32).collect()
}

/// Means lie within five standard errors, which chance exceeds 6 times in 10⁷.
#[test]
fn weights_average_to_the_likelihood_on_a_grid() {
    const DRAWS: usize = 32;
    for (posterior, prior) in [(IAF, Prior::Normal), (Posterior::Gaussian, FLOW), (IAF, FLOW)] {
        let vae = model(posterior, prior);
        let x = patterns();
        let exact = by_a_grid(&vae, &x);
        let count = exact.len();
        let mut evaluator = Evaluator::new(&vae, count, DRAWS);
        evaluator.load(Rows::Given { values: &x, width: VISIBLE }, 0..count);
        evaluator.start_streams(0..count, Seed(5));
        let mut shares = vec![Vec::new(); count];
        for _ in 0..400 {
            evaluator.draw(&vae.store);
            for (row, shares) in shares.iter_mut().enumerate() {
                shares.extend(evaluator.log_weights(row).map(|w| (w - exact[row]).exp()));
            }
        }
        for shares in shares {
            let (mean, error) = mean_and_error(&shares);
            assert!((mean - 1.0).abs() <= 5.0 * error && error < 0.05, "{posterior} {prior}: {mean} ± {error}");
        }
    }
}

#[test]
fn a_given_z_has_the_weight_of_the_noise_that_leads_to_it() {
    for (posterior, prior) in [(Posterior::Gaussian, FLOW), (IAF, FLOW)] {
        let vae = model(posterior, prior);
        let x = patterns();
        let count = x.len() / VISIBLE;
        let mut noise = vec![0.0; count * 2];
        Seed(6).lanes("noise", 0).fill_normal(&mut noise);
        let mut program = Program::record(&vae.store, |tape| {
            let encoded = vae.network.encode(tape.input(X, [count, VISIBLE]), None);
            let first = encoded.mean.reparameterise(encoded.log_variance, tape.input("noise", [count, 2]));
            tape.output("z", vae.network.after_steps(first, &encoded).value);
        });
        program.input_mut(X).copy_from_slice(&x);
        program.input_mut("noise").copy_from_slice(&noise);
        program.evaluate(&vae.store);
        let rows = Rows::Given { values: &x, width: VISIBLE };
        let at_z = vae.log_weights_at(rows, program.output("z"));
        let mut evaluator = Evaluator::new(&vae, count, 1);
        evaluator.load(rows, 0..count);
        noise.chunks_exact(2).enumerate().for_each(|(row, noise)| evaluator.set_noise(row, noise));
        evaluator.run(&vae.store);
        for (row, at_z) in at_z.into_iter().enumerate() {
            let wanted = evaluator.log_weights(row).next().unwrap();
            assert!((at_z - wanted).abs() < 1e-4 * (1.0 + wanted.abs()), "{at_z}, wanted {wanted}");
        }
    }
}

/// Several draws at a time, each read with the encoder's layer of its own example, are single ones with the same noise.
#[test]
fn draws_together_are_draws_alone() {
    const DRAWS: usize = 4;
    let vae = model(IAF, FLOW);
    let x = patterns();
    let count = x.len() / VISIBLE;
    let weights = |draws: usize, noise: &[f32]| -> Vec<f64> {
        let mut program = Program::record(&vae.store, |tape| {
            let (x, noise) = (tape.input(X, [count, VISIBLE]), tape.input("noise", [draws, count, 2]));
            let pass = super::objective::Pass::new(&vae.network, x, noise, None);
            tape.output("w", pass.log_likelihood + pass.log_prior_ratio(&vae.network));
        });
        program.input_mut(X).copy_from_slice(&x);
        program.input_mut("noise").copy_from_slice(noise);
        program.evaluate(&vae.store);
        program.output("w").iter().map(|&w| f64::from(w)).collect()
    };
    let mut noise = vec![0.0; DRAWS * count * 2];
    Seed(7).lanes("noise", 0).fill_normal(&mut noise);
    let alone = noise.chunks_exact(count * 2).flat_map(|noise| weights(1, noise));
    for (together, alone) in weights(DRAWS, &noise).into_iter().zip(alone) {
        assert!((together - alone).abs() < 1e-4 * (1.0 + alone.abs()), "{together}, alone {alone}");
    }
}

/// Of draws of a model its log-likelihood lies between the bounds, and the exact draw is no other than the rest.
#[test]
fn bounds_of_own_data_close_in() {
    let vae = model(IAF, FLOW);
    let sampling = |samples| ImportanceSampling { samples, seed: Seed(3) };
    let [few, many] = [4, 256].map(|samples| vae.simulated_bounds(400, &sampling(samples)).unwrap());
    for bounds in [&few, &many] {
        assert!(bounds.gap > -4.0 * bounds.gap_error, "{bounds:?}");
    }
    assert!(many.gap < 0.25 * few.gap, "{} and {}", many.gap, few.gap);
    // The same rows by the grid: their mean is between the bounds, whose error five times over chance exceeds 6 times in 10⁷.
    let z = vae.draw_prior(400, Seed(3));
    let exact = by_a_grid(&vae, &vae.observe(&z, &[], Observation::Drawn, Seed(3)));
    let mean = exact.iter().sum::<f64>() / exact.len() as f64;
    let slack = 5.0 * (many.lower.monte_carlo_error + many.upper.monte_carlo_error);
    assert!(many.lower.value - slack < mean && mean < many.upper.value + slack, "{mean}, {many:?}");
}

#[test]
fn draws_of_the_prior_come_from_its_base() {
    let (vae, normal) = (model(IAF, FLOW), model(IAF, Prior::Normal));
    let (z, u) = (vae.draw_prior(300, Seed(4)), normal.draw_prior(300, Seed(4)));
    assert_ne!(z, u);
    let mut program = Program::record(&vae.store, |tape| {
        tape.output("u", vae.network.to_base(tape.input(X, [300, 2])).value);
    });
    program.input_mut(X).copy_from_slice(&z);
    program.evaluate(&vae.store);
    for (u, back) in u.iter().zip(program.output("u")) {
        assert!((u - back).abs() < 1e-4 * (1.0 + u.abs()), "{u} {back}");
    }
}

#[test]
fn a_file_says_what_the_distributions_are() {
    let vae = model(IAF, FLOW);
    let read = Vae::from_snapshot(&vae.to_snapshot()).unwrap();
    assert_eq!(read, vae);
    assert_eq!((read.config().posterior, read.config().prior), (IAF, FLOW));
    assert_eq!(read.sample(5, Observation::Mean, Seed(1)), vae.sample(5, Observation::Mean, Seed(1)));
}

#[test]
fn a_flow_of_the_posterior_is_not_reparameterised_twice() {
    let x = patterns();
    let data = Dataset::from_f32(&x, &[3, VISIBLE]).unwrap().binarized(Binarization::Threshold);
    let recipe = VaeRecipe { bound: Bound::DoublyReparameterised, ..VaeRecipe::default() };
    let training = Training { steps: Some(2), batch: 3, ..Training::default() };
    let error = model(IAF, FLOW).fit(&data, &recipe, &training).unwrap_err().to_string();
    assert!(
        error.contains("the posterior of the doubly reparameterised gradient is iaf:2:6, but must be gaussian"),
        "{error}"
    );
    model(Posterior::Gaussian, FLOW).fit(&data, &recipe, &training).unwrap();
}
