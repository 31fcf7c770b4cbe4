//! Models that know classes in training: what they learn, what is refused, and what their bits depend on.

use super::labels_tests::{CLASSES, config, data, rows};
use super::{
    Bound, ClassesBy, Classification, ImportanceSampling, LabelPosterior, LabelRecipe, Labels, Vae, VaeConfig,
    VaeRecipe, VaeTrainer, metrics,
};
use crate::autodiff::Activation;
use crate::data::{Binarization, Dataset};
use crate::optim::Descent;
use crate::random::Seed;
use crate::sampling::Work;
use crate::store::Snapshot;
use crate::train::{Batch, Fit, Learner, Progress, TrainError, Trainer, Training};

fn small(by_labels: Labels) -> Vae {
    let config = VaeConfig {
        encoder: vec![24],
        decoder: vec![24],
        activation: Activation::Softplus,
        labels: Some(by_labels),
        ..VaeConfig::new(64, 3)
    };
    Vae::new(config, Seed(2)).unwrap()
}

fn training(steps: u64) -> Training {
    Training { steps: Some(steps), batch: 48, seed: Seed(4), evaluate_every: 0, ..Training::default() }
}

fn recipes() -> Vec<VaeRecipe> {
    let usual =
        VaeRecipe { descent: Descent { learning_rate: 3e-3, ..Descent::default() }, ..VaeRecipe::default() };
    let labels = LabelRecipe::default();
    let by = |classes_by| VaeRecipe { labels: LabelRecipe { classes_by, ..labels }, ..usual };
    vec![
        usual,
        by(ClassesBy::TopK(2)),
        by(ClassesBy::Gumbel),
        VaeRecipe {
            bound: Bound::ImportanceWeighted,
            importance_samples: 2,
            scheme: super::Scheme::Alternating,
            ..usual
        },
        VaeRecipe { labels: LabelRecipe { classifier_alone: 5, labelled_batch: Some(7), ..labels }, ..usual },
    ]
}

#[test]
fn a_checkpoint_goes_on_with_the_same_bits() {
    let data = Dataset::digits().train().binarized(Binarization::Sample).keep_labels(100, Seed(1)).unwrap();
    let steps = |trainer: &mut VaeTrainer, from: u64| {
        for step in from..from + 8 {
            let progress = Progress { step, steps: 16, ..Progress::default() };
            trainer.step(&Batch { data: &data, rows: &[0; 48] }, &progress).unwrap();
        }
        let mut snapshot = Snapshot::default();
        trainer.save(&mut snapshot);
        snapshot
    };
    for recipe in recipes() {
        let start = || VaeTrainer::new(small(Labels::new(10)), &recipe, &data, &training(16)).unwrap();
        let mut unbroken = start();
        let half = steps(&mut unbroken, 0);
        let whole = steps(&mut unbroken, 8);
        let mut resumed = start();
        resumed.load(&half).unwrap();
        assert!(steps(&mut resumed, 8) == whole, "{recipe:?}");
        assert_eq!(Vae::from_checkpoint(&whole).unwrap(), resumed.model());
        assert_ne!(half, whole);
    }
}

#[test]
fn the_bits_do_not_depend_on_threads_or_hidden_labels() {
    let all = Dataset::digits().train();
    let few = all.keep_labels(60, Seed(1)).unwrap();
    // The same rows, the others with labels that are wrong before they are hidden.
    let wrong: Vec<u16> = (0..all.len()).map(|row| few.label(row).unwrap_or(9)).collect();
    let wrong = all.with_labels(&wrong).unwrap();
    let given: Vec<Option<u16>> = (0..all.len()).map(|row| few.label(row).and(wrong.label(row))).collect();
    let hidden = wrong.with_some_labels(&given).unwrap();
    for recipe in recipes() {
        let run = |threads: usize, data: &Dataset<'_>| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut vae = small(Labels::new(10));
            pool.install(|| vae.fit(data, &recipe, &training(30))).unwrap();
            vae
        };
        let expected = run(1, &few);
        assert_eq!(run(3, &few), expected);
        assert_eq!(run(1, &hidden), expected);
    }
}

fn accuracy(vae: &Vae, data: &Dataset<'_>) -> f64 {
    vae.figures(data).unwrap().accuracy.unwrap()
}

/// With all labels the classifier learns; where these are shuffled it is at chance, 10 % ± 1.6 % of 359 rows.
#[test]
fn labels_are_what_the_classifier_learns() {
    let digits = Dataset::digits();
    let (train, test) = (digits.train(), digits.test());
    let fitted = |data: &Dataset<'_>| {
        let mut vae = small(Labels::new(10));
        vae.fit(data, &recipes()[0], &training(1200)).unwrap();
        vae
    };
    let all = fitted(&train);
    assert!(accuracy(&all, &test) > 0.85, "{}", accuracy(&all, &test));
    let mut order = vec![0; train.len()];
    crate::data::Batches::new(train.len(), train.len(), Seed(9)).fill(0, &mut order);
    let shuffled: Vec<u16> = order.iter().map(|&row| train.label(row).unwrap()).collect();
    let chance = accuracy(&fitted(&train.with_labels(&shuffled).unwrap()), &test);
    assert!((chance - 0.1).abs() < 4.0 * (0.1 * 0.9 / 359.0f64).sqrt(), "{chance}");
    // A class of draws is the class that the classifier sees in them.
    let draws = all.sample_given(&[7; 200], super::Observation::Mean, Seed(3)).unwrap();
    let seen = all.class_probabilities(&draws);
    let sevens = seen.chunks_exact(10).filter(|q| q[7] > 0.5).count();
    // By chance it would be 20, and hardly ever more than 40.
    assert!(sevens > 60, "{sevens} of 200 draws of sevens");
}

/// Without any label it is a model of clusters, whose classes tell rows apart as labels would, better than chance.
#[test]
fn without_labels_classes_are_clusters() {
    let digits = Dataset::digits();
    let train = digits.train();
    let none = train.with_some_labels(&vec![None; train.len()]).unwrap();
    let mut vae = small(Labels { classifier: vec![24], ..Labels::clusters(10) });
    vae.fit(&none, &recipes()[0], &training(1500)).unwrap();
    let test = digits.test();
    let (_, score) =
        vae.score_by_class(&test, &ImportanceSampling { samples: 16, seed: Seed(1) }, &Work::new()).unwrap();
    let labels: Vec<Option<u16>> = (0..test.len()).map(|row| test.label(row)).collect();
    let found = Classification::of(&score.q, 10, &labels).unwrap();
    // Ten classes at random have a purity of 15 % here.
    assert!(found.purity > 0.25, "{}", found.purity);
}

#[test]
fn what_does_not_fit_is_refused() {
    let digits = Dataset::digits().train();
    let few = digits.keep_labels(20, Seed(1)).unwrap();
    let refused = |classes: usize, recipe: VaeRecipe, data: &Dataset<'_>, batch| {
        let training = Training { batch, ..Training::default() };
        VaeTrainer::new(small(Labels::new(classes)), &recipe, data, &training).map(|_| ()).unwrap_err().to_string()
    };
    let usual = VaeRecipe::default();
    let said = refused(9, usual, &digits, 8);
    assert_eq!(said, "a row has the label 9, and the model knows classes from 0 to 8");
    let dreg = VaeRecipe { bound: Bound::DoublyReparameterised, importance_samples: 2, ..usual };
    assert!(refused(10, dreg, &few, 8).starts_with("the bound of rows without labels is the doubly"));
    assert!(VaeTrainer::new(small(Labels::new(10)), &dreg, &digits, &Training::default()).is_ok());
    assert!(refused(10, usual, &few, 1).contains("batch size of rows with and without labels"));
    let crowded = VaeRecipe { labels: LabelRecipe { labelled_batch: Some(8), ..usual.labels }, ..usual };
    assert!(refused(10, crowded, &few, 8).contains("the number of labelled rows in a batch is 8"));
    let linear = VaeConfig { encoder: vec![], ..config(LabelPosterior::Conditional) };
    let said = Vae::new(linear, Seed(1)).unwrap_err().to_string();
    assert!(said.starts_with("the posterior of labels is conditional"), "{said}");
    let plain = Vae::new(VaeConfig::new(64, 2), Seed(1)).unwrap();
    assert_eq!(
        plain.sample_given(&[1], super::Observation::Mean, Seed(1)).unwrap_err().to_string(),
        "the model knows no classes"
    );
    let error: TrainError =
        VaeTrainer::new(small(Labels::new(3)), &usual, &digits, &Training::default()).map(|_| ()).unwrap_err();
    assert!(!error.to_string().contains('\n'));
}

#[test]
fn watched_figures_have_the_accuracy_where_labels_are() {
    let digits = Dataset::digits();
    let mut trainer =
        VaeTrainer::new(small(Labels::new(10)), &recipes()[0], &digits.train(), &training(10)).unwrap();
    let summary =
        crate::train::train(&mut trainer, &digits.train(), Some(&digits.test()), &training(10), None, &mut ())
            .unwrap();
    assert!(summary.metrics.get(metrics::ACCURACY).is_some_and(|accuracy| (0.0..=1.0).contains(&accuracy)));
    assert_eq!(
        trainer.model().figures(&digits.train().with_some_labels(&vec![None; 1438]).unwrap()).unwrap().accuracy,
        None
    );
}

/// A model of features learns draws of the first model's latent variables, answers for rows of data, and is saved with the first.
#[test]
fn a_model_of_features_answers_for_rows_of_data() {
    let digits = Dataset::digits();
    let train = digits.train();
    let first = {
        let config = VaeConfig { encoder: vec![32], decoder: vec![32], ..VaeConfig::new(64, 8) };
        let mut first = Vae::new(config, Seed(1)).unwrap();
        first.fit(&train, &recipes()[0], &training(600)).unwrap();
        first
    };
    let config = VaeConfig {
        encoder: vec![16],
        decoder: vec![16],
        likelihood: super::Likelihood::GaussianLearned,
        labels: Some(Labels { classifier: vec![16], ..Labels::new(10) }),
        ..VaeConfig::new(8, 3)
    };
    let start = || Vae::on_features(config.clone(), first.clone(), Seed(2)).unwrap();
    let few = train.keep_labels(200, Seed(1)).unwrap();
    let mut vae = start();
    vae.fit(&few, &recipes()[0], &training(900)).unwrap();
    assert_eq!(vae.features(), Some(&first));
    assert!(accuracy(&vae, &digits.test()) > 0.5, "{}", accuracy(&vae, &digits.test()));
    let draws = vae.sample_given(&[1, 2, 3], super::Observation::Drawn, Seed(3)).unwrap();
    assert_eq!(draws.len(), 3 * 64);
    assert!(draws.iter().all(|x| *x == 0.0 || *x == 1.0));
    assert_eq!(vae.reconstruct(&draws).len(), 3 * 64);
    assert_eq!(Vae::from_snapshot(&vae.to_snapshot()).unwrap(), vae);
    // The same bits whether a run is broken or not.
    let steps = |trainer: &mut VaeTrainer, from: u64| {
        for step in from..from + 4 {
            let progress = Progress { step, steps: 8, ..Progress::default() };
            trainer.step(&Batch { data: &few, rows: &[0; 48] }, &progress).unwrap();
        }
        let mut snapshot = Snapshot::default();
        trainer.save(&mut snapshot);
        snapshot
    };
    let begun = || VaeTrainer::new(start(), &recipes()[0], &few, &training(8)).unwrap();
    let (mut unbroken, mut resumed) = (begun(), begun());
    let half = steps(&mut unbroken, 0);
    let whole = steps(&mut unbroken, 4);
    resumed.load(&half).unwrap();
    assert!(steps(&mut resumed, 4) == whole);
    assert_eq!(Vae::from_checkpoint(&whole).unwrap().features(), Some(&first));
    let said = |config: VaeConfig, first: Vae| Vae::on_features(config, first, Seed(1)).unwrap_err().to_string();
    let wide = VaeConfig { visible: 9, ..config.clone() };
    assert!(said(wide, first.clone()).starts_with("the number of values a row is 9"));
    let bits = VaeConfig { likelihood: super::Likelihood::Bernoulli, ..config.clone() };
    assert!(said(bits, first.clone()).starts_with("the likelihood of features is bernoulli"));
    assert!(Vae::on_features(VaeConfig { visible: 3, ..config.clone() }, vae, Seed(1)).is_err());
}

/// The gradient of a step is w (that of rows with labels) + (1 − w) (that of rows without), and α counts once: away from the defaults. Before the
/// classifier follows them, rows without labels give it nothing.
#[test]
fn kinds_of_rows_count_by_their_weights() {
    use super::labelled::Labelled;
    use crate::train::tape::BatchProgram;
    let x = rows(9);
    let given: Vec<Option<u16>> = (0..9).map(|row| (row % 3 == 0).then_some((row % CLASSES) as u16)).collect();
    let all = data(&x).with_some_labels(&given).unwrap();
    let training = Training { batch: 5, seed: Seed(3), ..Training::default() };
    // Σ gᵢ cos i of each parameter of a step, and the names of these.
    let gradient = |weight: f32, alpha: f32, alone: u64| {
        let mut vae = super::labels_tests::models().swap_remove(0);
        let labels = LabelRecipe {
            labelled_weight: Some(weight),
            alpha: Some(alpha),
            labelled_batch: Some(2),
            classifier_alone: alone,
            ..LabelRecipe::default()
        };
        let recipe = VaeRecipe { beta: 0.8, labels, ..VaeRecipe::default() };
        let mut labelled = Labelled::new(&mut vae, &recipe, &all, &training).unwrap().unwrap();
        let parameters: Vec<_> = vae.store.parameters().collect();
        let groups = labelled.groups(&recipe);
        let mut program =
            [BatchProgram::record(&vae.store, &parameters, &groups, &|piece| labelled.loss(&vae, &recipe, piece))];
        let progress = Progress { steps: 10, ..Progress::default() };
        labelled.read(&Batch { data: &all, rows: &[0; 5] }, &progress, &mut program);
        labelled.draw(&recipe, &mut Seed(4).lanes("noise", 0), &progress, &mut program[0]);
        program[0].input_mut(super::objective::BETA)[0] = 0.8;
        let mut gradients = vae.store.gradients();
        program[0].run(&vae.store, &mut gradients);
        let of = |parameter| {
            let terms = gradients.get(parameter).iter().enumerate().map(|(i, &g)| f64::from(g) * (i as f64).cos());
            (vae.store.name(parameter).to_owned(), terms.sum::<f64>())
        };
        parameters.into_iter().map(of).collect::<Vec<_>>()
    };
    // Linear in w, and in w α: four corners say all.
    let (a, b, c) = (gradient(0.25, 2.0, 0), gradient(0.75, 2.0, 0), gradient(0.5, 2.0, 0));
    let (none, more) = (gradient(0.5, 0.0, 0), gradient(0.5, 5.0, 0));
    let alone = gradient(0.5, 2.0, 3);
    let mut by_classifier = 0;
    for place in 0..a.len() {
        let (name, middle) = &c[place];
        let close = |got: f64, wanted: f64| (got - wanted).abs() < 1e-4 * wanted.abs().max(1.0);
        assert!(close(*middle, 0.5 * (a[place].1 + b[place].1)), "{name}: {middle}");
        let of_alpha = (middle - none[place].1) / 2.0;
        assert!(close((more[place].1 - none[place].1) / 5.0, of_alpha), "{name}: {of_alpha}");
        let classifier = name.starts_with("classifier.");
        assert_eq!(of_alpha.abs() > 1e-6, classifier, "{name}: {of_alpha}");
        // At w = 1 rows without labels are gone: what is left of the classifier's gradient is w α times its cross-entropy's.
        if classifier {
            assert!(close(alone[place].1, 2.0 * of_alpha), "{name}: {} alone", alone[place].1);
            by_classifier += usize::from(!close(*middle, 2.0 * of_alpha));
        } else {
            assert!(close(alone[place].1, *middle), "{name}: {} alone, {middle}", alone[place].1);
        }
    }
    assert!(by_classifier > 0, "rows without labels reach the classifier");
}

/// Clusters are told of no labels: as many classes as one likes, whatever labels rows have.
#[test]
fn labels_mean_nothing_to_clusters() {
    let digits = Dataset::digits();
    let (train, test) = (digits.train(), digits.test());
    let none = train.with_some_labels(&vec![None; train.len()]).unwrap();
    let fitted = |data: &Dataset<'_>| {
        let mut vae = small(Labels::clusters(3));
        vae.fit(data, &recipes()[0], &training(20)).unwrap();
        vae
    };
    let vae = fitted(&train);
    assert_eq!(vae, fitted(&none));
    let figures = vae.figures(&test).unwrap();
    assert_eq!(figures.accuracy, None);
    let sampling = ImportanceSampling { samples: 8, seed: Seed(1) };
    let (_, score) = vae.score_by_class(&test, &sampling, &Work::new()).unwrap();
    assert_eq!(score.given_label, None);
    assert!(score.classes_differ() <= 1.0);
    assert_eq!(Vae::from_snapshot(&vae.to_snapshot()).unwrap(), vae);
    // Named classes are another matter.
    let said = small(Labels::new(3)).figures(&test).unwrap_err().to_string();
    assert!(said.starts_with("a row has the label") && said.ends_with("knows classes from 0 to 2"), "{said}");
}
