//! Training: it learns, it is refused, it fails in words, and its bits depend on nothing but the seed.

use super::{Bound, Likelihood, Scheme, Vae, VaeConfig, VaeError, VaeRecipe, VaeTrainer};
use crate::data::{Binarization, Dataset, Scale};
use crate::random::Seed;
use crate::sampling::independent_bernoulli;
use crate::store::Snapshot;
use crate::train::{Batch, Learner, Progress, TrainError, Training, train};

fn small() -> Vae {
    Vae::new(VaeConfig { encoder: vec![16], decoder: vec![16], ..VaeConfig::new(64, 3) }, Seed(2)).unwrap()
}

fn training(steps: u64) -> Training {
    Training { steps: Some(steps), batch: 32, seed: Seed(4), evaluate_every: 0, ..Training::default() }
}

fn recipes() -> Vec<VaeRecipe> {
    let usual = VaeRecipe { learning_rate: 3e-3, average_decay: 0.99, ..VaeRecipe::default() };
    vec![
        usual,
        VaeRecipe { scheme: Scheme::Alternating, clip: Some(5.0), ..usual },
        VaeRecipe { bound: Bound::ImportanceWeighted, importance_samples: 4, ..usual },
        VaeRecipe { bound: Bound::DoublyReparameterised, importance_samples: 4, warm_up: 50, ..usual },
        VaeRecipe { importance_samples: 2, beta: 0.5, ..usual },
    ]
}

#[test]
fn every_recipe_learns_more_than_independent_pixels() {
    let digits = Dataset::digits();
    let baseline = independent_bernoulli(&digits.test().means());
    for recipe in recipes() {
        let mut trainer = VaeTrainer::new(small(), recipe, &digits.train(), &training(600)).unwrap();
        let (seen, test) = (digits.train(), digits.test());
        let summary = train(&mut trainer, &seen, Some(&test), &training(600), None, &mut ()).unwrap();
        for figure in ["elbo", "train_elbo", "average_elbo"] {
            let value = summary.metrics.get(figure).unwrap();
            assert!(value > baseline + 2.0, "{recipe:?}: {figure} {value}, independent pixels {baseline}");
        }
        assert!(summary.metrics.get("active_units") >= Some(1.0));
        assert_ne!(trainer.vae(), &trainer.average());
    }
}

#[test]
fn the_bits_do_not_depend_on_threads_or_on_being_looked_at() {
    let data = Dataset::digits().train().binarized(Binarization::Sample);
    for recipe in recipes() {
        let run = |threads: usize, evaluate_every| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let training = Training { evaluate_every, ..training(60) };
            let mut vae = small();
            pool.install(|| vae.fit(&data, &recipe, &training)).unwrap();
            vae
        };
        let expected = run(1, 0);
        assert_eq!(run(3, 1), expected);
        assert_ne!(expected, small());
    }
}

#[test]
fn a_checkpoint_goes_on_with_the_same_bits() {
    let data = Dataset::digits().train().binarized(Binarization::Sample);
    let rows: Vec<usize> = (0..32).map(|row| 7 * row).collect();
    let batch = Batch { data: &data, rows: &rows };
    let steps = |trainer: &mut VaeTrainer, from: u64| {
        for step in from..from + 10 {
            trainer.step(&batch, &Progress { step, steps: 20, ..Progress::default() }).unwrap();
        }
        let mut snapshot = Snapshot::default();
        trainer.save(&mut snapshot);
        snapshot
    };
    for recipe in recipes() {
        let start = || VaeTrainer::new(small(), recipe, &data, &training(20)).unwrap();
        let mut unbroken = start();
        let half = steps(&mut unbroken, 0);
        let whole = steps(&mut unbroken, 10);
        let mut resumed = start();
        resumed.load(&half).unwrap();
        assert!(steps(&mut resumed, 10) == whole, "{recipe:?}");
        assert_eq!(Vae::from_checkpoint(&whole).unwrap(), resumed.average());
        assert_ne!(half, whole);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let digits = Dataset::digits().train();
    let raw = digits.binarized(Binarization::None).scaled(Scale::Raw);
    let refused = |vae: Vae, recipe, data: &Dataset<'_>, batch| {
        VaeTrainer::new(vae, recipe, data, &Training { batch, ..Training::default() }).map(|_| ()).unwrap_err()
    };
    let usual = VaeRecipe::default();
    let error = refused(small(), usual, &raw, 8);
    assert_eq!(error.to_string(), "a Bernoulli likelihood needs numbers from 0 to 1, the data go up to 16");
    assert!(error.hint().is_some());
    assert_eq!(refused(small(), usual, &Dataset::bars(3).unwrap(), 8), VaeError::Width { data: 9, model: 64 });
    assert_eq!(refused(small(), usual, &digits.subset(0..0), 8), VaeError::NoRows);
    assert_eq!(refused(small(), usual, &digits, 0).to_string(), "the batch size is 0, but must be at least 1");
    assert!(matches!(refused(small(), VaeRecipe { beta: -1.0, ..usual }, &digits, 8), VaeError::Setting { .. }));
    let adam = crate::optim::Adam { beta1: 1.0, ..usual.adam };
    assert!(matches!(refused(small(), VaeRecipe { adam, ..usual }, &digits, 8), VaeError::Optimiser(_)));
    let gaussian =
        Vae::new(VaeConfig { likelihood: Likelihood::Gaussian, ..VaeConfig::new(64, 2) }, Seed(1)).unwrap();
    assert!(VaeTrainer::new(gaussian, usual, &raw, &Training::default()).is_ok());
}

#[test]
fn a_nan_names_its_step_and_its_origin() {
    let data = Dataset::digits().train();
    let mut vae = small();
    let weight = vae.store.find("encoder.0.weight").unwrap();
    vae.store.get_mut(weight)[3] = f32::NAN;
    let mut trainer = VaeTrainer::new(vae, VaeRecipe::default(), &data, &training(10)).unwrap();
    let batch = Batch { data: &data, rows: &[0; 32] };
    let error = trainer.step(&batch, &Progress { step: 7, steps: 10, ..Progress::default() }).unwrap_err();
    let TrainError::NonFinite { step: 7, tensor, .. } = &error else { panic!("{error}") };
    assert!(tensor.contains("encoder.0.weight"), "{tensor}");
    let rate = VaeRecipe { learning_rate: 1e30, ..VaeRecipe::default() };
    let error = small().fit(&data, &rate, &training(50)).unwrap_err();
    assert!(error.hint().is_some(), "{error}");
}

#[test]
fn the_output_bias_starts_at_the_datas_means_unless_it_was_set() {
    let data = Dataset::digits().train();
    let bias = |vae: Vae| {
        let trainer = VaeTrainer::new(vae, VaeRecipe::default(), &data, &Training::default()).unwrap();
        trainer.vae().store().get(trainer.vae().network.output_bias()).to_vec()
    };
    let (started, means) = (bias(small()), data.means());
    assert!((1.0 / (1.0 + (-f64::from(started[20])).exp()) - means[20]).abs() < 1e-6);
    let mut set = small();
    let parameter = set.network.output_bias();
    set.store.get_mut(parameter)[0] = 0.5;
    assert_eq!(bias(set.clone()), set.store.get(parameter));
}
