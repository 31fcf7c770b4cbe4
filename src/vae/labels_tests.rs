//! Models that know classes: estimators against enumeration, bounds and likelihoods against models of one class each.

use super::classes::{Classes, Unlabelled};
use super::objective::{Sight, objective};
use super::{
    Bound, ClassesBy, Classification, ImportanceSampling, LabelPosterior, LabelPrior, LabelRecipe, Labels,
    Posterior, Prior, Vae, VaeConfig, VaeRecipe, VaeTrainer,
};
use crate::autodiff::{Activation, Program, check_parameter_gradients};
use crate::data::Dataset;
use crate::random::Seed;
use crate::sampling::Work;
use crate::train::{Trainer, Training};

const VISIBLE: usize = 5;
const LATENT: usize = 2;
pub(super) const CLASSES: usize = 6;
const K: usize = 3;

/// Weights at random that are large enough for classes to differ.
fn random(config: VaeConfig, seed: Seed) -> Vae {
    let mut vae = Vae::new(config, seed).unwrap();
    for parameter in vae.store.parameters().collect::<Vec<_>>() {
        let name = vae.store.name(parameter).to_owned();
        let values = vae.store.get_mut(parameter);
        seed.lanes(&name, 1).fill_normal(values);
        values.iter_mut().for_each(|value| *value *= 0.6);
        if name == super::network::LABEL_LOG_PRIOR {
            let all: f32 = values.iter().map(|value| value.exp()).sum();
            values.iter_mut().for_each(|value| *value -= all.ln());
        }
    }
    super::latent_tests::masked(&vae)
}

pub(super) fn config(posterior: LabelPosterior) -> VaeConfig {
    VaeConfig {
        encoder: vec![4],
        decoder: vec![3],
        activation: Activation::Tanh,
        labels: Some(Labels { posterior, classifier: vec![4], ..Labels::new(CLASSES) }),
        ..VaeConfig::new(VISIBLE, LATENT)
    }
}

/// Every kind of model: both posteriors, flows for the latent variable, no hidden layers.
pub(super) fn models() -> Vec<Vae> {
    let given = config(LabelPosterior::Conditional);
    let alone = config(LabelPosterior::Independent);
    let linear = VaeConfig { encoder: vec![], decoder: vec![], ..alone.clone() };
    let flows = VaeConfig {
        posterior: Posterior::Iaf { steps: 2, units: 3 },
        prior: Prior::Flow { steps: 2, units: 3 },
        ..given.clone()
    };
    [given, alone, linear, flows].into_iter().map(|config| random(config, Seed(3))).collect()
}

pub(super) fn rows(count: usize) -> Vec<f32> {
    let mut x = vec![0.0; count * VISIBLE];
    Seed(5).lanes("x", 0).fill_uniform(&mut x);
    x.into_iter().map(|x| f32::from(x < 0.5)).collect()
}

pub(super) fn data(x: &[f32]) -> Dataset<'_> {
    Dataset::from_f32(x, &[x.len() / VISIBLE, VISIBLE]).unwrap()
}

/// The value and Σ gᵢ cos i over the gradient of each parameter of a bound of one row without a label.
fn of_estimator(vae: &Vae, by: ClassesBy, bound: Bound, beta: f32, uniform: &[f32], temperature: f32) -> Vec<f64> {
    let uniforms = Unlabelled::uniforms(by, CLASSES);
    let mut program = Program::record(&vae.store, |tape| {
        let mut noise = vec![0.0; K * LATENT];
        Seed(6).lanes("noise", 0).fill_normal(&mut noise);
        let row = Unlabelled {
            x: tape.input_with("x", [1, VISIBLE], &rows(1)),
            noise: tape.input_with("noise", [K, 1, LATENT], &noise),
            beta: tape.scalar(beta),
            followed: None,
            temperature: Some(tape.scalar(temperature)),
            uniform: (uniforms > 0).then(|| tape.input_with("u", [1, uniforms], &uniform[..uniforms])),
        };
        let found = row.bound_by(&vae.network, bound, by);
        tape.output("value", found);
        tape.gradients(found);
    });
    let mut gradients = vae.store.gradients();
    program.run(&vae.store, &mut gradients);
    let weighted = |parameter| {
        let terms = gradients.get(parameter).iter().enumerate().map(|(i, &g)| f64::from(g) * (i as f64).cos());
        terms.sum::<f64>()
    };
    let of_parameters = vae.store.parameters().map(weighted);
    std::iter::once(f64::from(program.scalar("value"))).chain(of_parameters).collect()
}

/// At other than the usual β and k, for both bounds.
fn settings() -> [(Bound, f32); 3] {
    [(Bound::Elbo, 0.7), (Bound::ImportanceWeighted, 1.0), (Bound::ImportanceWeighted, 1.6)]
}

#[test]
fn all_classes_summed_is_enumeration() {
    for vae in models() {
        for (bound, beta) in settings() {
            let wanted = of_estimator(&vae, ClassesBy::Enumerate, bound, beta, &[], 1.0);
            for top in [CLASSES, CLASSES + 3] {
                let got = of_estimator(&vae, ClassesBy::TopK(top), bound, beta, &[], 1.0);
                for (got, wanted) in got.iter().zip(&wanted) {
                    assert!((got - wanted).abs() <= 1e-5 * wanted.abs().max(1.0), "{got}, wanted {wanted}");
                }
            }
        }
    }
}

/// The mean over the drawn class, summed exactly: each class of the rest with its probability.
#[test]
fn the_most_probable_and_one_of_the_rest_are_without_bias() {
    for vae in models() {
        let q: Vec<f64> = vae.class_probabilities(&rows(1)).into_iter().map(f64::from).collect();
        for (bound, beta) in settings() {
            let wanted = of_estimator(&vae, ClassesBy::Enumerate, bound, beta, &[], 1.0);
            for top in 1..CLASSES {
                let mut order: Vec<usize> = (0..CLASSES).collect();
                order.sort_by(|&a, &b| q[b].total_cmp(&q[a]));
                let mut rest = order[top..].to_vec();
                rest.sort_unstable();
                let mass: f64 = rest.iter().map(|&class| q[class]).sum();
                let (mut mean, mut below) = (vec![0.0; wanted.len()], 0.0);
                for &class in &rest {
                    let middle = ((below + 0.5 * q[class]) / mass) as f32;
                    below += q[class];
                    let one = of_estimator(&vae, ClassesBy::TopK(top), bound, beta, &[middle], 1.0);
                    mean.iter_mut().zip(one).for_each(|(mean, one)| *mean += q[class] / mass * one);
                }
                for (place, (got, wanted)) in mean.iter().zip(&wanted).enumerate() {
                    let close = (got - wanted).abs() <= 2e-4 * wanted.abs().max(1.0);
                    assert!(close, "top {top} of {bound:?}, β {beta}, figure {place}: {got}, wanted {wanted}");
                }
            }
        }
    }
}

/// The same by drawing: means over 4,000 draws within four standard errors, which chance exceeds 6 times in 10⁵; of 20 figures once in a
/// thousand.
#[test]
fn drawn_classes_are_without_bias_and_the_mixture_has_one() {
    let vae = &models()[0];
    let (bound, beta, draws) = (Bound::Elbo, 0.7, 4000);
    let wanted = of_estimator(vae, ClassesBy::Enumerate, bound, beta, &[], 1.0);
    let mut uniform = vec![0.0; CLASSES * draws];
    Seed(8).lanes("uniform", 0).fill_uniform(&mut uniform);
    let excess = |by: ClassesBy, temperature: f32| -> f64 {
        let (mut sums, mut squares) = (vec![0.0; wanted.len()], vec![0.0; wanted.len()]);
        for uniform in uniform.chunks_exact(CLASSES) {
            for (place, value) in of_estimator(vae, by, bound, beta, uniform, temperature).into_iter().enumerate()
            {
                let off = value - wanted[place];
                (sums[place], squares[place]) = (sums[place] + off, squares[place] + off * off);
            }
        }
        let n = draws as f64;
        let errors = sums.iter().zip(&squares).map(|(sum, square)| {
            let variance = (square / n - (sum / n).powi(2)).max(0.0);
            // Figures that no class changes differ by rounding alone.
            (sum / n).abs() / ((variance / n).sqrt() + 1e-5)
        });
        errors.fold(0.0, f64::max)
    };
    let top = excess(ClassesBy::TopK(2), 1.0);
    assert!(top < 4.0, "the most probable and one: {top} standard errors");
    let mixture = excess(ClassesBy::Gumbel, 1.0);
    assert!(mixture > 10.0, "the mixture of classes has no bias to speak of: {mixture} standard errors");
}

#[test]
fn gradients_are_those_of_central_differences() {
    for vae in models() {
        for (bound, beta) in settings() {
            let mut noise = vec![0.0; K * 2 * LATENT];
            Seed(6).lanes("noise", 0).fill_normal(&mut noise);
            check_parameter_gradients(&vae.store, |tape| {
                let x = tape.input_with("x", [2, VISIBLE], &rows(2));
                let noise = tape.input_with("noise", [K, 2, LATENT], &noise);
                let beta = tape.scalar(beta);
                let without = Unlabelled { x, noise, beta, followed: None, temperature: None, uniform: None };
                let label = tape.constant([2, 1], &[1.0, 4.0]);
                let classes = Classes::Of(label.reshape([1, 2]));
                let with = objective(&vae.network, bound, [x, noise, beta], Some(classes), Sight::default());
                let cross_entropy = super::classes::cross_entropy(&vae.network, x, label);
                without.bound_by(&vae.network, bound, ClassesBy::Enumerate) - with + cross_entropy * 3.0
            })
            .unwrap();
        }
    }
}

/// What the report says of estimators: those that draw one of the rest have no bias, at other than the usual β and k either, and less
/// variance the more classes are summed.
#[test]
fn the_probe_tells_which_estimators_have_a_bias() {
    let vae = &models()[0];
    let recipe = VaeRecipe { beta: 0.6, importance_samples: 2, ..VaeRecipe::default() };
    let x = rows(32);
    let found = vae.compare_estimators(&data(&x), &recipe).unwrap();
    let by: Vec<ClassesBy> = found.iter().map(|found| found.by).collect();
    assert_eq!(by, [ClassesBy::Enumerate, ClassesBy::TopK(1), ClassesBy::TopK(3), ClassesBy::Gumbel]);
    let [exact, one, three, mixture] = &found[..] else { panic!("four estimators") };
    assert_eq!((exact.bias, exact.relative_variance, exact.evaluated), (0.0, 0.0, CLASSES));
    // Chance exceeds 4 standard errors 6 times in 10⁵.
    assert!(one.bias.abs() < 4.0 && three.bias.abs() < 4.0, "{found:?}");
    assert!(0.0 < three.relative_variance && three.relative_variance < one.relative_variance, "{found:?}");
    assert!(mixture.evaluated == 1 && mixture.relative_variance > 0.0, "{found:?}");
    let plain = Vae::new(VaeConfig::new(VISIBLE, 2), Seed(1)).unwrap();
    assert_eq!(
        plain.compare_estimators(&data(&x), &recipe).unwrap_err().to_string(),
        "the model knows no classes"
    );
}

/// The model of one class: its rows of weights added to the biases of first layers.
fn of_class(vae: &Vae, class: usize) -> Vae {
    let mut alone = Vae::new(VaeConfig { labels: None, ..vae.config.clone() }, Seed(1)).unwrap();
    for parameter in alone.store.parameters().collect::<Vec<_>>() {
        let name = alone.store.name(parameter).to_owned();
        let ours = vae.store.find(&name).unwrap();
        alone.store.get_mut(parameter).copy_from_slice(vae.store.get(ours));
    }
    for side in ["encoder", "decoder"] {
        let Some(weights) = vae.store.find(&format!("{side}_label.weight")) else { continue };
        let bias = alone.store.find(&format!("{side}.0.bias")).unwrap();
        let width = alone.store.get(bias).len();
        let row = &vae.store.get(weights)[class * width..][..width];
        alone.store.get_mut(bias).iter_mut().zip(row).for_each(|(bias, row)| *bias += row);
    }
    alone
}

/// The bound of rows with labels, their likelihood, and that of rows without: all of them sums over models of one class.
#[test]
fn a_model_given_classes_is_a_model_for_each_class() {
    let sampling = ImportanceSampling { samples: 40, seed: Seed(2) };
    let x = rows(70);
    let labels: Vec<u16> = (0..70).map(|row| (row * 7 % CLASSES) as u16).collect();
    let data = data(&x);
    let labelled = data.with_labels(&labels).unwrap();
    for vae in models() {
        let (values, score) = vae.score_by_class(&labelled, &sampling, &Work::new()).unwrap();
        let alone: Vec<Vec<f64>> =
            (0..CLASSES).map(|class| of_class(&vae, class).log_likelihoods(&data, &sampling).unwrap().0).collect();
        let log_prior = vae.log_label_prior().unwrap();
        let mut given = 0.0;
        for (row, value) in values.iter().enumerate() {
            given += alone[usize::from(labels[row])][row] / 70.0;
            let terms: Vec<f64> = (0..CLASSES).map(|class| log_prior[class] + alone[class][row]).collect();
            let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let wanted = largest + terms.iter().map(|term| (term - largest).exp()).sum::<f64>().ln();
            assert!((value - wanted).abs() < 1e-5 * wanted.abs(), "row {row}: {value}, wanted {wanted}");
            for class in 0..CLASSES {
                let posterior = score.posterior[row * CLASSES + class];
                let wanted = (terms[class] - wanted).exp();
                assert!(
                    (posterior - wanted).abs() < 1e-4,
                    "row {row}, class {class}: {posterior}, wanted {wanted}"
                );
            }
        }
        let label = score.given_label.unwrap();
        assert!((label.value - given).abs() < 1e-5 * given.abs(), "{} and {given}", label.value);
        // Rows without labels have the same likelihood: labels are not read.
        assert_eq!(vae.log_likelihoods(&data, &sampling).unwrap().0, values);
        // The bound of rows without labels lies below ln p(x), also on average here.
        assert!(score.score.elbo.value < score.score.log_likelihood.value);
        let parts = score.score.reconstruction - score.score.divergence - score.label_divergence;
        assert!((parts - score.score.elbo.value).abs() < 1e-9 * parts.abs());
        assert_eq!(score.q.len(), 70 * CLASSES);
    }
}

/// The bound of a row without a label, by its formula, from models of one class: Σ_y q(y | x) ELBO_β(x, y) − β KL(q(y | x) ‖ p(y)).
#[test]
fn the_bound_without_a_label_is_its_formula() {
    for vae in models() {
        let x = rows(1).repeat(K);
        let mut noise = vec![0.0; K * LATENT];
        Seed(6).lanes("noise", 0).fill_normal(&mut noise);
        let q: Vec<f64> = vae.class_probabilities(&rows(1)).into_iter().map(f64::from).collect();
        assert!((q.iter().sum::<f64>() - 1.0).abs() < 1e-5, "{q:?}");
        let log_prior = vae.log_label_prior().unwrap();
        for beta in [1.0, 0.7, 2.5] {
            let of_class = |class: usize| {
                let parts = of_class(&vae, class).elbo_with_noise(&data(&x), &noise).unwrap();
                parts.reconstruction - beta * parts.divergence - beta * (q[class].ln() - log_prior[class])
            };
            let wanted: f64 = (0..CLASSES).map(|class| q[class] * of_class(class)).sum();
            let got = of_estimator(&vae, ClassesBy::Enumerate, Bound::Elbo, beta as f32, &[], 1.0)[0];
            assert!((got - wanted).abs() < 1e-4 * wanted.abs(), "β {beta}: {got}, wanted {wanted}");
        }
    }
}

/// Simulated rows bound the likelihood given the class from both sides, and a wrong class is seen.
#[test]
fn own_data_are_bounded_given_their_class() {
    let vae = &models()[0];
    let bounds = vae.simulated_bounds(300, &ImportanceSampling { samples: 200, seed: Seed(4) }).unwrap();
    let error = (bounds.lower.monte_carlo_error.powi(2) + bounds.upper.monte_carlo_error.powi(2)).sqrt();
    assert!(bounds.gap > -4.0 * error && bounds.gap < 0.2, "{bounds:?}");
}

/// Classes renamed, and their weights with them, are the same model.
#[test]
fn renamed_classes_rename_the_figures() {
    let vae = &models()[0];
    let order = [3usize, 0, 5, 1, 4, 2];
    let mut renamed = vae.clone();
    for name in [
        "encoder_label.weight",
        "decoder_label.weight",
        "classifier.2.weight",
        "classifier.2.bias",
        "label_log_prior",
    ] {
        let parameter = vae.store.find(name).unwrap();
        let width = vae.store.get(parameter).len() / CLASSES;
        for (from, &to) in order.iter().enumerate() {
            let row = &vae.store.get(parameter)[from * width..][..width];
            renamed.store.get_mut(parameter)[to * width..][..width].copy_from_slice(row);
        }
    }
    let x = rows(40);
    let labels: Vec<u16> = (0..40).map(|row| (row % CLASSES) as u16).collect();
    let others: Vec<u16> = labels.iter().map(|&label| order[usize::from(label)] as u16).collect();
    let sampling = ImportanceSampling { samples: 33, seed: Seed(2) };
    let of = |vae: &Vae, labels: &[u16]| {
        let labelled = data(&x).with_labels(labels).unwrap();
        vae.score_by_class(&labelled, &sampling, &Work::new()).unwrap()
    };
    let ((values, before), (same, after)) = (of(vae, &labels), of(&renamed, &others));
    for (a, b) in values.iter().zip(&same) {
        assert!((a - b).abs() < 1e-9 * a.abs());
    }
    for row in 0..40 {
        for (from, &to) in order.iter().enumerate() {
            let [p, q] = [&before.posterior, &before.q].map(|of| of[row * CLASSES + from]);
            let [p2, q2] = [&after.posterior, &after.q].map(|of| of[row * CLASSES + to]);
            assert!((p - p2).abs() < 1e-9 && (q - q2).abs() < 1e-6);
        }
    }
    let accuracy = |score: &super::ClassScore, labels: &[u16]| {
        let labels: Vec<_> = labels.iter().map(|&label| Some(label)).collect();
        Classification::of(&score.q, CLASSES, &labels).unwrap().accuracy
    };
    assert_eq!(accuracy(&before, &labels), accuracy(&after, &others));
}

#[test]
fn the_prior_is_that_of_the_labels_where_it_should_be() {
    let x = rows(9);
    let data = data(&x).with_labels(&[0u8, 1, 1, 1, 2, 2, 2, 2, 2]).unwrap();
    let with = |prior| {
        let vae = random(config(LabelPosterior::Conditional), Seed(1));
        let recipe = VaeRecipe { labels: LabelRecipe { prior, ..LabelRecipe::default() }, ..VaeRecipe::default() };
        let training = Training { batch: 3, ..Training::default() };
        VaeTrainer::new(vae, &recipe, &data, &training).unwrap().model().log_label_prior().unwrap()
    };
    let close = |got: Vec<f64>, wanted: [f64; CLASSES]| {
        got.iter().zip(wanted).all(|(log_p, p)| (log_p.exp() - p).abs() < 1e-6)
    };
    assert!(close(with(LabelPrior::Uniform), [1.0 / 6.0; 6]));
    assert!(close(with(LabelPrior::Frequencies), [2.0, 4.0, 6.0, 1.0, 1.0, 1.0].map(|count| count / 15.0)));
}

#[test]
fn a_snapshot_says_what_the_model_knows_of_classes() {
    for vae in models() {
        let read = Vae::from_snapshot(&vae.to_snapshot()).unwrap();
        assert_eq!(read, vae);
        // A state dict says as much, but for activation and flows.
        let mut snapshot = vae.to_snapshot();
        if vae.config.posterior == Posterior::Gaussian {
            snapshot.metadata.clear();
            assert_eq!(Vae::from_snapshot(&snapshot).unwrap().config.labels, vae.config.labels);
        }
    }
    let vae = &models()[0];
    let mut snapshot = vae.to_snapshot();
    snapshot.put_f32("decoder_label.weight", &[2, 3], &[0.0; 6]);
    let said = Vae::from_snapshot(&snapshot).unwrap_err().to_string();
    assert!(said.contains("the classifier is 5 to 6"), "{said}");
}

/// What is told of errors against the spread over seeds: of ln p(x) and of posteriors, with 300 draws a class, with 40, and with 12, on which
/// few errors are known. Both are means over 40 rows; 40 seeds tell a spread to a ninth of it.
#[test]
fn errors_are_the_spread_over_seeds() {
    let vae = &models()[0];
    let x = rows(40);
    let data = data(&x);
    let first =
        vae.score_by_class(&data, &ImportanceSampling { samples: 2000, seed: Seed(99) }, &Work::new()).unwrap().1;
    for samples in [300, 40, 12] {
        let (mut values, mut tops, mut told, mut known) =
            (vec![Vec::new(); 40], vec![Vec::new(); 40], [0.0; 2], 0.0);
        for seed in 0..40 {
            let sampling = ImportanceSampling { samples, seed: Seed(seed) };
            let (each, score) = vae.score_by_class(&data, &sampling, &Work::new()).unwrap();
            told[0] += score.score.log_likelihood.monte_carlo_error / 40.0;
            for row in 0..40 {
                values[row].push(each[row]);
                // The same class each time, where it is the largest.
                let best = |score: &super::ClassScore| {
                    super::classification::best(&score.posterior[row * CLASSES..][..CLASSES])
                };
                let class = best(&first);
                if score.posterior_errors[row].is_finite() && best(&score) == class {
                    tops[row].push(score.posterior[row * CLASSES + class]);
                    told[1] += score.posterior_errors[row].powi(2);
                    known += 1.0;
                }
            }
        }
        let variance = |values: &[f64]| {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() as f64 - 1.0)
        };
        let of_mean = (values.iter().map(|values| variance(values)).sum::<f64>()).sqrt() / 40.0;
        let ratio = told[0] / of_mean;
        assert!((0.7..1.6).contains(&ratio), "{samples} draws: told {}, spread {of_mean}", told[0]);
        let seen: Vec<f64> = tops.iter().filter(|tops| tops.len() > 10).map(|tops| variance(tops)).collect();
        if samples == 300 {
            assert!(seen.len() > 30, "errors of {} rows are known", seen.len());
        }
        if !seen.is_empty() {
            let spread = (seen.iter().sum::<f64>() / seen.len() as f64).sqrt();
            let told = (told[1] / known).sqrt();
            assert!((0.6..1.6).contains(&(told / spread)), "{samples} draws: told {told}, spread {spread}");
        }
    }
}

/// The lower the temperature, the smaller the bias of the mixture of classes.
#[test]
fn a_colder_mixture_is_nearer_to_enumeration() {
    let vae = &models()[0];
    let exact = of_estimator(vae, ClassesBy::Enumerate, Bound::Elbo, 1.0, &[], 1.0)[0];
    let mut uniform = vec![0.0; CLASSES * 3000];
    Seed(8).lanes("uniform", 0).fill_uniform(&mut uniform);
    let off = |temperature| {
        let values = uniform
            .chunks_exact(CLASSES)
            .map(|u| of_estimator(vae, ClassesBy::Gumbel, Bound::Elbo, 1.0, u, temperature)[0] - exact);
        let values: Vec<f64> = values.collect();
        crate::sampling::mean_and_error(&values)
    };
    let ((cold, cold_error), (warm, warm_error)) = (off(0.1), off(2.0));
    assert!(warm.abs() > 5.0 * warm_error, "{warm} ± {warm_error}");
    assert!(cold.abs() + 2.0 * cold_error < 0.5 * warm.abs(), "{cold} ± {cold_error} and {warm} ± {warm_error}");
}
