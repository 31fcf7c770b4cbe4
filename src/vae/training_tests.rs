//! Training: it learns, it is refused, it fails in words, and its bits depend on nothing but the seed.

use super::{Bound, Likelihood, Scheme, Vae, VaeConfig, VaeRecipe, VaeTrainer, metrics};
use crate::data::{Binarization, Dataset, Holdout, Scale};
use crate::optim::{Adam, Decay, Descent, Schedule};
use crate::random::Seed;
use crate::sampling::independent_bernoulli;
use crate::store::Snapshot;
use crate::train::{
    Batch, EarlyStopping, Fit, Fitting, Judge, Learner, Progress, TrainError, Trainer, Training, train,
};

fn small() -> Vae {
    Vae::new(VaeConfig { encoder: vec![16], decoder: vec![16], ..VaeConfig::new(64, 3) }, Seed(2)).unwrap()
}

fn training(steps: u64) -> Training {
    Training { steps: Some(steps), batch: 32, seed: Seed(4), evaluate_every: 0, ..Training::default() }
}

fn recipes() -> Vec<VaeRecipe> {
    let schedule = Schedule { decay: Decay::Constant, warm_up: 0 };
    let descent = Descent { learning_rate: 3e-3, schedule, average_decay: 0.99, ..Descent::default() };
    let usual = VaeRecipe { descent, ..VaeRecipe::default() };
    vec![
        usual,
        VaeRecipe { scheme: Scheme::Alternating, descent: Descent { clip: Some(5.0), ..descent }, ..usual },
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
        let mut trainer = VaeTrainer::new(small(), &recipe, &digits.train(), &training(600)).unwrap();
        let (seen, test) = (digits.train(), digits.test());
        let summary = train(&mut trainer, &seen, Some(&test), &training(600), None, &mut ()).unwrap();
        for figure in [metrics::ELBO, metrics::TRAIN_ELBO, metrics::AVERAGE_ELBO] {
            let value = summary.metrics.get(figure).unwrap();
            assert!(value > baseline + 2.0, "{recipe:?}: {figure} {value}, independent pixels {baseline}");
        }
        assert!(summary.metrics.get(metrics::ACTIVE_UNITS) >= Some(1.0));
        assert_ne!(trainer.last(), &trainer.model());
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
        let start = || VaeTrainer::new(small(), &recipe, &data, &training(20)).unwrap();
        let mut unbroken = start();
        let half = steps(&mut unbroken, 0);
        let whole = steps(&mut unbroken, 10);
        let mut resumed = start();
        resumed.load(&half).unwrap();
        assert!(steps(&mut resumed, 10) == whole, "{recipe:?}");
        assert_eq!(Vae::from_checkpoint(&whole).unwrap(), resumed.model());
        assert_ne!(half, whole);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let digits = Dataset::digits().train();
    let raw = digits.binarized(Binarization::None).scaled(Scale::Raw);
    let refused = |vae: Vae, recipe, data: &Dataset<'_>, batch| {
        let training = Training { batch, ..Training::default() };
        VaeTrainer::new(vae, &recipe, data, &training).map(|_| ()).unwrap_err()
    };
    let usual = VaeRecipe::default();
    let error = refused(small(), usual, &raw, 8);
    assert_eq!(error.to_string(), "the model needs numbers from 0 to 1, the data go up to 16");
    assert!(error.hint().is_some());
    for (data, batch, said) in [
        (&Dataset::bars(3).unwrap(), 8, "the data has 9 values a row, the model 64"),
        (&digits.subset(0..0), 8, "the data has no rows"),
        (&digits, 0, "the batch size is 0, but must be at least 1"),
    ] {
        assert_eq!(refused(small(), usual, data, batch).to_string(), said);
    }
    let beta = VaeRecipe { beta: -1.0, ..usual };
    let adam = Adam { beta1: 1.0, ..usual.descent.adam };
    let adam = VaeRecipe { descent: Descent { adam, ..usual.descent }, ..usual };
    for recipe in [beta, adam] {
        assert!(matches!(refused(small(), recipe, &digits, 8), TrainError::Setting(_)));
    }
    let gaussian =
        Vae::new(VaeConfig { likelihood: Likelihood::Gaussian, ..VaeConfig::new(64, 2) }, Seed(1)).unwrap();
    assert!(VaeTrainer::new(gaussian, &usual, &raw, &Training::default()).is_ok());
}

#[test]
fn a_nan_names_its_step_and_its_origin() {
    let data = Dataset::digits().train();
    let mut vae = small();
    let weight = vae.store.find("encoder.0.weight").unwrap();
    vae.store.get_mut(weight)[3] = f32::NAN;
    let mut trainer = VaeTrainer::new(vae, &VaeRecipe::default(), &data, &training(10)).unwrap();
    let batch = Batch { data: &data, rows: &[0; 32] };
    let error = trainer.step(&batch, &Progress { step: 7, steps: 10, ..Progress::default() }).unwrap_err();
    let TrainError::NonFinite { step: 7, tensor, .. } = &error else { panic!("{error}") };
    assert!(tensor.contains("encoder.0.weight"), "{tensor}");
    let descent = Descent { learning_rate: 1e30, ..Descent::default() };
    let rate = VaeRecipe { descent, ..VaeRecipe::default() };
    let error = small().fit(&data, &rate, &training(50)).unwrap_err();
    assert!(error.hint().is_some(), "{error}");
}

#[test]
fn the_output_bias_starts_at_the_datas_means_unless_it_was_set() {
    let data = Dataset::digits().train();
    let bias = |vae: Vae| {
        let trainer = VaeTrainer::new(vae, &VaeRecipe::default(), &data, &Training::default()).unwrap();
        trainer.last().store().get(trainer.last().network.output_bias()).to_vec()
    };
    let (started, means) = (bias(small()), data.means());
    assert!((1.0 / (1.0 + (-f64::from(started[20])).exp()) - means[20]).abs() < 1e-6);
    let mut set = small();
    let parameter = set.network.output_bias();
    set.store.get_mut(parameter)[0] = 0.5;
    assert_eq!(bias(set.clone()), set.store.get(parameter));
}

/// Keeps the last checkpoint.
#[derive(Default)]
struct Keeper(Snapshot);

impl crate::train::Observer for Keeper {
    fn checkpoint(&mut self, _: &Progress, snapshot: &Snapshot) -> Result<(), TrainError> {
        self.0 = snapshot.clone();
        Ok(())
    }
}

#[test]
fn fit_trainer_and_checkpoint_are_one_model_whatever_ends_the_run() {
    let digits = Dataset::digits();
    let holdout = Some(Holdout::Count(200));
    let training = Training { steps: None, epochs: 12, evaluate_every: 1, holdout, ..training(0) };
    for (recipe, early_stopping) in [
        (recipes()[0], Some(EarlyStopping { patience: 2, judge: Some(Judge::lower(metrics::AVERAGE_ELBO)) })),
        (recipes()[0], Some(EarlyStopping::patience(3))),
        (recipes()[0], None),
        (VaeRecipe { descent: Descent::default(), ..recipes()[0] }, Some(EarlyStopping::patience(3))),
    ] {
        let training = Training { early_stopping, ..training.clone() };
        let (mut fitted, mut keeper) = (small(), Keeper::default());
        let fitting = Fitting { observer: Some(&mut keeper), ..Fitting::default() };
        let summary = fitted.fit_with(&digits.train(), &recipe, &training, fitting).unwrap();
        assert!(summary.metrics.get(metrics::TRAIN_ELBO).is_some(), "rows were held out");

        let (rows, held_out) = digits.train().split_validation(Holdout::Count(200), training.seed).unwrap();
        let mut trainer = small().trainer(&recipe, &rows, &training).unwrap();
        train(&mut trainer, &rows, Some(&held_out), &training, None, &mut ()).unwrap();
        assert_eq!(trainer.model(), fitted);
        assert_eq!(Vae::from_checkpoint(&keeper.0).unwrap(), fitted);
        let judge = trainer.judge().unwrap();
        assert_eq!(judge.metric == metrics::AVERAGE_ELBO, trainer.average().is_some());
        if let Some(EarlyStopping { judge: Some(_), .. }) = &training.early_stopping {
            // The bound only gets better, so that the first evaluation is kept: far from the last steps.
            let last = Vae::from_snapshot(&keeper.0).unwrap();
            assert_eq!(summary.best.map(|(_, epoch)| epoch), Some(1));
            assert_ne!(last, *trainer.last());
        }
    }
}
