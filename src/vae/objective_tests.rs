//! Bounds and their gradients against PyTorch, central differences, one another, and expectations.

use super::latent_tests::masked;
use super::objective::{Sight, objective};
use super::trainer::loss;
use super::{Bound, Likelihood, Posterior, Prior, Vae, VaeConfig, VaeRecipe};
use crate::autodiff::{Activation, Program, Var, check_parameter_gradients};
use crate::random::Seed;
use crate::store::{Gradients, Parameter, Store};
use crate::train::tape::{BatchProgram, Group, Pieces};

const BATCH: usize = 3;
const DRAWS: usize = 3;

/// `scale` sin(`step` i + `phase`).
fn waves(count: usize, scale: f64, step: f64, phase: f64) -> Vec<f32> {
    (0..count).map(|i| (scale * (step * i as f64 + phase).sin()) as f32).collect()
}

/// Five values, two latent dimensions, a hidden layer on either side; every parameter a wave.
fn model(likelihood: Likelihood, activation: Activation) -> Vae {
    with_flows(likelihood, activation, Posterior::Gaussian, Prior::Normal)
}

const IAF: Posterior = Posterior::Iaf { steps: 2, units: 3 };
const FLOW: Prior = Prior::Flow { steps: 2, units: 3 };

fn with_flows(likelihood: Likelihood, activation: Activation, posterior: Posterior, prior: Prior) -> Vae {
    let (encoder, decoder) = (vec![4], vec![3]);
    let config = VaeConfig { encoder, decoder, activation, likelihood, posterior, prior, ..VaeConfig::new(5, 2) };
    let mut vae = Vae::new(config, Seed(1)).unwrap();
    for (index, parameter) in vae.store.parameters().enumerate() {
        let values = vae.store.get_mut(parameter);
        values.copy_from_slice(&waves(values.len(), 0.6, 0.7, index as f64));
    }
    if let Some([_, deviation]) = vae.network.columns() {
        vae.store.get_mut(deviation).iter_mut().for_each(|deviation| *deviation = deviation.abs() + 0.5);
    }
    masked(&vae)
}

fn examples(likelihood: Likelihood) -> Vec<f32> {
    let grey = waves(BATCH * 5, 0.5, 1.3, 0.0).into_iter().map(|x| x + 0.5);
    grey.map(|x| if likelihood == Likelihood::Bernoulli { f32::from(x >= 0.5) } else { x }).collect()
}

fn noise() -> Vec<f32> {
    waves(DRAWS * BATCH * 2, 1.5, 0.9, 0.5)
}

fn inputs<'t>(tape: &'t crate::autodiff::Tape<'t>, likelihood: Likelihood, beta: f32) -> [Var<'t>; 3] {
    [
        tape.input_with("x", [BATCH, 5], &examples(likelihood)),
        tape.input_with("noise", [DRAWS, BATCH, 2], &noise()),
        tape.input_with("beta", [], &[beta]),
    ]
}

/// The recipe's program for [`BATCH`] examples, β being 1.
fn gradient_program(vae: &Vae, recipe: &VaeRecipe, parameters: &[Parameter]) -> BatchProgram {
    let mut program = BatchProgram::record(
        &vae.store,
        parameters,
        &[Group { examples: BATCH, pieces: Pieces::One }],
        &|piece| loss(vae, recipe, piece, Sight::default()),
    );
    program.input_mut("beta")[0] = 1.0;
    program
}

/// The bound, and Σᵢ gᵢ cos i over the gradient g of each parameter.
fn bound_and_gradients(vae: &Vae, bound: Bound, beta: f32) -> (f32, Vec<f64>) {
    let mut program = Program::record(&vae.store, |tape| {
        let x = tape.input_with("x", [BATCH, 5], &examples(vae.config.likelihood));
        let noise = tape.input_with("noise", [DRAWS, BATCH, 2], &noise());
        let beta = tape.input_with("beta", [], &[beta]);
        let loss = objective(&vae.network, bound, [x, noise, beta], None, Sight::default());
        tape.output("bound", -loss);
        tape.gradients(loss);
    });
    let mut gradients = vae.store.gradients();
    program.run(&vae.store, &mut gradients);
    let weighted = |parameter: Parameter| {
        gradients.get(parameter).iter().enumerate().map(|(i, &g)| f64::from(g) * (i as f64).cos()).sum::<f64>()
    };
    (program.scalar("bound"), vae.store.parameters().map(weighted).collect())
}

/// Computed by PyTorch 2.15 in f64, from `torch.distributions` and `torch.autograd`, for the same waves rounded to f32: the
/// ELBO with β = 0.7 and the importance-weighted bound, both with three draws, each with its gradients' weighted sums in the
/// order of the parameters.
#[test]
fn bounds_and_gradients_are_pytorchs() {
    type Case = (Likelihood, Activation, [(f64, &'static [f64]); 2]);
    let cases: [Case; 3] = [
        (
            Likelihood::Bernoulli,
            Activation::Tanh,
            [
                (
                    -3.876685410,
                    &[
                        0.89518101,
                        0.36575954,
                        0.79147789,
                        0.14264108,
                        -0.21337391,
                        -0.21323550,
                        0.21006629,
                        0.28545349,
                        -0.05772485,
                        -1.11748834,
                    ],
                ),
                (
                    -4.002961201,
                    &[
                        1.12094519,
                        0.47027272,
                        1.16390853,
                        0.48648433,
                        -0.22745768,
                        -0.25380131,
                        0.23922770,
                        0.29665888,
                        -0.08510232,
                        -1.11757913,
                    ],
                ),
            ],
        ),
        (
            Likelihood::Gaussian,
            Activation::Relu,
            [
                (
                    -9.705528099,
                    &[
                        1.00045951,
                        0.97384360,
                        1.28288230,
                        1.73850772,
                        0.81326015,
                        0.66498576,
                        -0.77977458,
                        1.20519332,
                        -0.65138666,
                        0.44322708,
                    ],
                ),
                (
                    -9.292631468,
                    &[
                        1.00869610,
                        1.37193242,
                        1.07381729,
                        1.66962311,
                        -0.03804966,
                        -0.10514913,
                        -0.26429347,
                        0.63918443,
                        -0.49430450,
                        0.42386645,
                    ],
                ),
            ],
        ),
        (
            Likelihood::GaussianLearned,
            Activation::Tanh,
            [
                (
                    -8.396842890,
                    &[
                        0.89821333,
                        0.51531232,
                        1.00086988,
                        0.93637009,
                        -0.26413231,
                        -0.08764655,
                        0.88207002,
                        1.15512304,
                        -0.50222951,
                        0.61165607,
                        -1.47770559,
                    ],
                ),
                (
                    -8.421555021,
                    &[
                        1.50940938,
                        0.85733347,
                        1.26036602,
                        0.64572760,
                        -0.39988870,
                        -0.16294337,
                        0.76829676,
                        0.81726648,
                        -0.37432146,
                        0.61507528,
                        -1.11572598,
                    ],
                ),
            ],
        ),
    ];
    for (likelihood, activation, [elbo, weighted]) in cases {
        let vae = model(likelihood, activation);
        for (bound, beta, (value, sums)) in [(Bound::Elbo, 0.7, elbo), (Bound::ImportanceWeighted, 1.0, weighted)]
        {
            let (given, gradients) = bound_and_gradients(&vae, bound, beta);
            // Some tens of roundings of numbers up to 10.
            assert!((f64::from(given) - value).abs() < 2e-5, "{likelihood} {bound:?}: {given}, wanted {value}");
            assert_eq!(gradients.len(), sums.len());
            for (given, wanted) in gradients.iter().zip(sums) {
                assert!((given - wanted).abs() < 2e-5, "{likelihood} {bound:?}: {given}, wanted {wanted}");
            }
        }
    }
}

#[test]
fn gradients_are_central_differences() {
    for likelihood in Likelihood::ALL {
        let vae = model(likelihood, Activation::Softplus);
        for bound in [Bound::Elbo, Bound::ImportanceWeighted] {
            check_parameter_gradients(&vae.store, |tape| {
                objective(&vae.network, bound, inputs(tape, likelihood, 0.7), None, Sight::default())
            })
            .unwrap_or_else(|mismatch| panic!("{likelihood} {bound:?}: {mismatch}"));
        }
    }
}

#[test]
fn gradients_through_flows_are_central_differences() {
    for (posterior, prior) in [(IAF, Prior::Normal), (Posterior::Gaussian, FLOW), (IAF, FLOW)] {
        let likelihood = Likelihood::Bernoulli;
        let vae = with_flows(likelihood, Activation::Softplus, posterior, prior);
        for bound in [Bound::Elbo, Bound::ImportanceWeighted] {
            check_parameter_gradients(&vae.store, |tape| {
                objective(&vae.network, bound, inputs(tape, likelihood, 0.7), None, Sight::default())
            })
            .unwrap_or_else(|mismatch| panic!("{posterior} {prior} {bound:?}: {mismatch}"));
        }
    }
}

#[test]
fn reparameterised_twice_the_decoders_gradient_is_the_same() {
    for (likelihood, prior) in Likelihood::ALL
        .map(|likelihood| (likelihood, Prior::Normal))
        .into_iter()
        .chain([(Likelihood::Gaussian, FLOW)])
    {
        let vae = with_flows(likelihood, Activation::Tanh, Posterior::Gaussian, prior);
        let (_, by_one) = bound_and_gradients(&vae, Bound::ImportanceWeighted, 1.0);
        let (_, by_two) = bound_and_gradients(&vae, Bound::DoublyReparameterised, 1.0);
        let decoder = vae.network.decoder_parameters();
        // Mean and deviation of columns are in both halves, and not learned.
        let set = vae.network.columns().map_or_else(Vec::new, |columns| columns.to_vec());
        for (parameter, (one, two)) in vae.store.parameters().zip(by_one.into_iter().zip(by_two)) {
            let name = vae.store.name(parameter);
            // The same sum in another order: some tens of roundings.
            let same = (one - two).abs() < 1e-5;
            let wanted = decoder.contains(&parameter);
            assert!(same == wanted || set.contains(&parameter), "{likelihood}: {name}: {one}, {two}");
        }
    }
}

/// The encoder's gradient for each of many draws of the noise, at the weights of the divergence that a warm-up passes and beyond:
/// means agree with one another, and at β = 1 with a normal prior the doubly reparameterised one has less variance.
#[test]
fn both_gradients_of_the_encoder_have_one_mean() {
    for prior in [Prior::Normal, FLOW] {
        have_one_mean(&with_flows(Likelihood::Bernoulli, Activation::Tanh, Posterior::Gaussian, prior));
    }
}

fn have_one_mean(vae: &Vae) {
    const REPEATS: usize = 2000;
    let phi = vae.network.encoder_parameters();
    let statistics = |bound, beta| {
        let recipe = VaeRecipe { bound, importance_samples: 8, ..VaeRecipe::default() };
        let mut program = gradient_program(vae, &recipe, &phi);
        program.input_mut("x").copy_from_slice(&examples(Likelihood::Bernoulli));
        program.input_mut("beta")[0] = beta;
        let (mut gradients, mut lanes) = (vae.store.gradients(), Seed(7).lanes("noise", 0));
        let (mut sums, mut squares) = (Vec::new(), Vec::new());
        for _ in 0..REPEATS {
            lanes.fill_normal(program.input_mut("noise"));
            program.run(&vae.store, &mut gradients);
            let flat = phi.iter().flat_map(|&parameter| gradients.get(parameter)).map(|&g| f64::from(g));
            for (index, g) in flat.enumerate() {
                if sums.len() == index {
                    sums.push(0.0);
                    squares.push(0.0);
                }
                sums[index] += g;
                squares[index] += g * g;
            }
        }
        let n = REPEATS as f64;
        let mean_and_variance = |(sum, square): (f64, f64)| (sum / n, (square / n - (sum / n).powi(2)) / n);
        sums.into_iter().zip(squares).map(mean_and_variance).collect::<Vec<_>>()
    };
    // From 0 to 2 by halves.
    let warming = VaeRecipe { beta: 2.0, warm_up: 4, ..VaeRecipe::default() };
    for beta in (0..=4).map(|step| warming.beta_at(step)) {
        let once = statistics(Bound::ImportanceWeighted, beta);
        let twice = statistics(Bound::DoublyReparameterised, beta);
        let (mut noisy, mut calm) = (0.0, 0.0);
        for ((one, one_variance), (two, two_variance)) in once.into_iter().zip(twice) {
            // 440 comparisons of independent means at α = 10⁻⁵ in all. The same noise makes them closer than independent.
            let allowed = 5.6 * (one_variance + two_variance).sqrt();
            assert!((one - two).abs() <= allowed, "β = {beta}: {one} and {two}");
            (noisy, calm) = (noisy + one_variance, calm + two_variance);
        }
        assert!(beta != 1.0 || vae.config.prior != Prior::Normal || calm < noisy, "{calm} and {noisy}");
    }
}

#[test]
fn the_halves_of_the_alternating_scheme_are_the_joint_gradient() {
    for bound in [Bound::Elbo, Bound::ImportanceWeighted, Bound::DoublyReparameterised] {
        for likelihood in Likelihood::ALL {
            let vae = model(likelihood, Activation::Relu);
            let recipe = VaeRecipe { bound, importance_samples: DRAWS, ..VaeRecipe::default() };
            let gradient = |parameters: &[Parameter]| {
                let mut program = gradient_program(&vae, &recipe, parameters);
                program.input_mut("x").copy_from_slice(&examples(likelihood));
                program.input_mut("noise").copy_from_slice(&noise());
                let mut gradients = vae.store.gradients();
                program.run(&vae.store, &mut gradients);
                gradients
            };
            let (theta, phi) = (vae.network.decoder_parameters(), vae.network.encoder_parameters());
            // Mean and deviation of columns are set, not learned.
            let set = vae.network.columns().map_or(0, |columns| columns.len());
            assert_eq!(theta.len() + phi.len() + set, vae.store.parameters().count());
            let joint = gradient(&[&theta[..], &phi].concat());
            let same = |half: &Gradients, own: &[Parameter], others: &[Parameter]| {
                assert!(own.iter().all(|&parameter| half.get(parameter) == joint.get(parameter)), "{bound:?}");
                assert!(others.iter().all(|&parameter| half.get(parameter).iter().all(|&g| g == 0.0)));
            };
            same(&gradient(&theta), &theta, &phi);
            same(&gradient(&phi), &phi, &theta);
        }
    }
}

#[test]
fn beta_weighs_the_divergence() {
    let vae = model(Likelihood::Gaussian, Activation::Tanh);
    let at = |beta| f64::from(bound_and_gradients(&vae, Bound::Elbo, beta).0);
    assert!((at(1.0) - at(0.5) - (at(0.5) - at(0.0))).abs() < 1e-5);
    assert!(at(0.0) > at(1.0));
}

/// An encoder gone wild: every log-variance at its bound, and nothing is infinite.
#[test]
fn no_log_variance_overflows() {
    for value in [1e30f32, -1e30] {
        let mut vae = model(Likelihood::GaussianLearned, Activation::Relu);
        let set = |store: &mut Store, name: &str| {
            let parameter = store.find(name).unwrap();
            store.get_mut(parameter).fill(value);
        };
        set(&mut vae.store, "log_variance.bias");
        set(&mut vae.store, "observation_log_variance");
        let (bound, gradients) = bound_and_gradients(&vae, Bound::Elbo, 1.0);
        assert!(bound.is_finite() && gradients.iter().all(|g| g.is_finite()), "{bound}");
    }
}
