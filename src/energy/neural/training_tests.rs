//! Training: it learns, it is refused, it fails in words, and its bits depend on nothing but the seed.

use super::{
    Method, NeuralConfig, NeuralEnergy, NeuralRecipe, NeuralScoring, NeuralTrainer, StepSize, TwoPhase, metrics,
};
use crate::data::{Dataset, Holdout, ToyDensity};
use crate::optim::{Decay, Descent, Schedule};
use crate::random::Seed;
use crate::store::Snapshot;
use crate::train::{
    Batch, EarlyStopping, Fit, Fitting, Learner, Observer, Progress, TrainError, Trainer, Training, train,
};

fn small(data: &Dataset<'_>) -> NeuralEnergy {
    let config = NeuralConfig { hidden: vec![16], ..NeuralConfig::fitted(data).unwrap() };
    NeuralEnergy::new(config, Seed(2)).unwrap()
}

fn training(steps: u64) -> Training {
    Training { steps: Some(steps), batch: 32, seed: Seed(4), evaluate_every: 0, ..Training::default() }
}

fn recipes() -> Vec<NeuralRecipe> {
    let phases = TwoPhase { steps: 3, ..TwoPhase::default() };
    let constant = Schedule { decay: Decay::Constant, warm_up: 0 };
    let descent = Descent { schedule: constant, ..NeuralRecipe::default().descent };
    let with = |method| NeuralRecipe { method, descent };
    vec![
        with(Method::TwoPhase(phases)),
        with(Method::TwoPhase(TwoPhase { chains: Some(70), buffer: Some(210), restart: 0.3, ..phases })),
        NeuralRecipe {
            descent: Descent { clip: None, average_decay: 0.0, ..descent },
            ..with(Method::TwoPhase(TwoPhase { step: StepSize::Fixed(0.3), regulariser: 0.0, ..phases }))
        },
        with(Method::DenoisingScoreMatching { noise: 0.3 }),
    ]
}

#[test]
fn both_methods_learn_more_than_a_normal_distribution() {
    let data = Dataset::toy(ToyDensity::Moons);
    let (seen, test) = (data.train(), data.test().subset(0..2000));
    for (recipe, steps) in [(recipes()[0], 300), (recipes()[3], 400)] {
        let descent = Descent { learning_rate: 1e-2, average_decay: 0.9, ..recipe.descent };
        let recipe = NeuralRecipe { descent, ..recipe };
        let training = Training { batch: 128, ..training(steps) };
        let mut trainer = NeuralTrainer::new(small(&seen), &recipe, &seen, &training).unwrap();
        let summary = train(&mut trainer, &seen, Some(&test), &training, None, &mut ()).unwrap();
        let estimate = trainer.model().log_likelihood(&test, &NeuralScoring::default()).unwrap();
        let baseline = estimate.baseline.unwrap();
        assert!(estimate.value > baseline + 0.1, "{recipe:?}: {estimate}, a normal distribution {baseline}");
        for figure in ["log_likelihood", "average_log_likelihood"] {
            assert!(summary.metrics.get(figure) > Some(baseline), "{recipe:?}: {:?}", summary.metrics);
        }
        assert!(summary.metrics.get("noise_explained") > Some(0.02), "{:?}", summary.metrics);
        assert_ne!(trainer.last(), &trainer.model());
    }
}

/// Of data N(0, s²) with noise σ the score is −x / (s² + σ²). The model is no parabola but can bend like one; what it misses
/// within two deviations is the error of a regression: N = 1,500 · 256 noisy rows and p = 49 parameters leave E(s − s*)²
/// about σ_r² p / N with residual variance σ_r² = s² / (σ² (s² + σ²)) of the target, here 0.0012; data of 8,000 rows misplace
/// the variance by 2/8000. An average over the last steps of a falling rate may be ten times worse than the best.
#[test]
fn score_matching_finds_the_score_of_noisy_data() {
    let (s, noise) = (0.8f64, 0.6f32);
    let mut rows = vec![0.0f32; 8000];
    Seed(1).lanes("rows", 0).fill_normal(&mut rows);
    rows.iter_mut().for_each(|x| *x *= s as f32);
    let data = Dataset::from_real(rows, &[8000, 1]).unwrap();
    let config = NeuralConfig { hidden: vec![16], confinement: 0.3, ..NeuralConfig::new(1) };
    let mut energy = NeuralEnergy::new(config, Seed(2)).unwrap();
    let recipe = NeuralRecipe {
        method: Method::DenoisingScoreMatching { noise },
        descent: Descent { learning_rate: 1e-2, ..NeuralRecipe::default().descent },
    };
    energy.fit(&data, &recipe, &Training { batch: 256, ..training(1500) }).unwrap();
    let variance = s * s + f64::from(noise).powi(2);
    let x: Vec<f32> = (-20..=20).map(|i| (0.1 * f64::from(i) * variance.sqrt()) as f32).collect();
    let scores = energy.scores(&x);
    let missed = scores.iter().zip(&x).map(|(&score, &x)| (f64::from(score) + f64::from(x) / variance).powi(2));
    let missed = missed.sum::<f64>() / x.len() as f64;
    assert!(missed < 0.012, "{missed}: {scores:?}");
}

#[test]
fn the_bits_do_not_depend_on_threads_or_on_being_looked_at() {
    let data = Dataset::toy(ToyDensity::Grid).train().subset(0..200);
    for recipe in recipes() {
        let run = |threads: usize, evaluate_every| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let training = Training { evaluate_every, ..training(20) };
            let mut energy = small(&data);
            pool.install(|| energy.fit(&data, &recipe, &training)).unwrap();
            energy
        };
        let expected = run(1, 0);
        assert_eq!(run(3, 1), expected);
        assert_ne!(expected, small(&data));
    }
}

#[test]
fn a_checkpoint_goes_on_with_the_same_bits() {
    let data = Dataset::toy(ToyDensity::Ring).train();
    let rows: Vec<usize> = (0..32).map(|row| 7 * row).collect();
    let batch = Batch { data: &data, rows: &rows };
    let steps = |trainer: &mut NeuralTrainer, from: u64| {
        for step in from..from + 5 {
            trainer.step(&batch, &Progress { step, steps: 10, ..Progress::default() }).unwrap();
        }
        let mut snapshot = Snapshot::default();
        trainer.save(&mut snapshot);
        snapshot
    };
    for recipe in recipes() {
        let start = || NeuralTrainer::new(small(&data), &recipe, &data, &training(10)).unwrap();
        let mut unbroken = start();
        let half = steps(&mut unbroken, 0);
        let whole = steps(&mut unbroken, 5);
        let mut resumed = start();
        resumed.load(&half).unwrap();
        assert!(steps(&mut resumed, 5) == whole, "{recipe:?}");
        assert_eq!(NeuralEnergy::from_checkpoint(&whole).unwrap(), resumed.model());
        assert_ne!(half, whole);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let data = Dataset::toy(ToyDensity::Moons).train();
    let refused = |recipe, data: &Dataset<'_>, batch| {
        let energy = NeuralEnergy::new(NeuralConfig::new(2), Seed(1)).unwrap();
        let training = Training { batch, ..Training::default() };
        NeuralTrainer::new(energy, &recipe, data, &training).map(|_| ()).unwrap_err()
    };
    let usual = NeuralRecipe::default();
    let wide = Dataset::from_real(vec![1.0; 6], &[2, 3]).unwrap();
    let bits = Dataset::from_u8(vec![0, 1, 1, 0], &[2, 2], 1).unwrap();
    for (data, batch, said) in [
        (&bits, 8, "the data is bits, and the model is a density of real numbers"),
        (&data.subset(0..0), 8, "the data has no rows"),
        (&wide, 8, "the data has 3 values a row, the model 2"),
        (&data, 0, "the batch size is 0, but must be at least 1"),
    ] {
        assert_eq!(refused(usual, data, batch).to_string(), said);
    }
    let phases = |phases| NeuralRecipe { method: Method::TwoPhase(phases), ..usual };
    let good = TwoPhase::default();
    let tuned = |start, acceptance| StepSize::Tuned { start, acceptance };
    let noise = |noise| NeuralRecipe { method: Method::DenoisingScoreMatching { noise }, ..usual };
    for (recipe, said) in [
        (phases(TwoPhase { chains: Some(0), ..good }), "the number of chains is 0"),
        (phases(TwoPhase { steps: 0, ..good }), "the number of Langevin steps is 0"),
        (phases(TwoPhase { buffer: Some(12), ..good }), "the size of the replay buffer is 12"),
        (phases(TwoPhase { buffer: Some(0), ..good }), "the size of the replay buffer is 0"),
        (phases(TwoPhase { restart: 1.5, ..good }), "the share of restarts is 1.5"),
        (phases(TwoPhase { restart: f64::NAN, ..good }), "the share of restarts is NaN"),
        (phases(TwoPhase { regulariser: -1.0, ..good }), "the regulariser is -1"),
        (phases(TwoPhase { step: StepSize::Fixed(0.0), ..good }), "the step size is 0"),
        (phases(TwoPhase { step: tuned(-1.0, 0.5), ..good }), "the step size is -1"),
        (phases(TwoPhase { step: tuned(0.1, 1.0), ..good }), "the acceptance to tune for is 1"),
        (noise(0.0), "the noise of score matching is 0"),
        (noise(f32::NAN), "the noise of score matching is NaN"),
        (
            NeuralRecipe { descent: Descent { learning_rate: 0.0, ..usual.descent }, ..usual },
            "the learning rate is 0",
        ),
    ] {
        let error = refused(recipe, &data, 8).to_string();
        assert!(error.starts_with(said), "{error}");
    }
}

#[test]
fn a_nan_names_its_step_and_its_origin() {
    let data = Dataset::toy(ToyDensity::Moons).train();
    for recipe in recipes() {
        let mut energy = small(&data);
        let weight = energy.store.find("network.0.weight").unwrap();
        energy.store.get_mut(weight)[3] = f32::NAN;
        let mut trainer = NeuralTrainer::new(energy, &recipe, &data, &training(10)).unwrap();
        let batch = Batch { data: &data, rows: &[0; 32] };
        let error = trainer.step(&batch, &Progress { step: 7, steps: 10, ..Progress::default() }).unwrap_err();
        let TrainError::NonFinite { step: 7, tensor, .. } = &error else { panic!("{error}") };
        assert!(tensor.contains("network.0.weight"), "{tensor}");
        assert!(error.hint().is_some());
    }
    let descent = Descent { learning_rate: 1e30, ..recipes()[2].descent };
    let rate = NeuralRecipe { descent, ..recipes()[2] };
    assert!(small(&data).fit(&data, &rate, &training(50)).unwrap_err().hint().is_some());
}

/// Keeps the last checkpoint.
#[derive(Default)]
struct Keeper(Snapshot);

impl Observer for Keeper {
    fn checkpoint(&mut self, _: &Progress, snapshot: &Snapshot) -> Result<(), TrainError> {
        self.0 = snapshot.clone();
        Ok(())
    }
}

#[test]
fn fit_trainer_and_checkpoint_are_one_model_after_early_stopping() {
    let data = Dataset::toy(ToyDensity::Moons).train().subset(0..600);
    let holdout = Holdout::Count(100);
    for (recipe, judge) in [
        (recipes()[0], metrics::AVERAGE_LOG_LIKELIHOOD),
        (recipes()[2], metrics::LOG_LIKELIHOOD),
        (recipes()[3], metrics::AVERAGE_LOG_LIKELIHOOD),
    ] {
        let early_stopping = Some(EarlyStopping::patience(2));
        let training = Training { steps: None, epochs: 6, evaluate_every: 1, early_stopping, ..training(0) };
        let training = Training { holdout: Some(holdout), ..training };
        let (mut fitted, mut keeper) = (small(&data), Keeper::default());
        let fitting = Fitting { observer: Some(&mut keeper), ..Fitting::default() };
        fitted.fit_with(&data, &recipe, &training, fitting).unwrap();
        let (rows, held_out) = data.split_validation(holdout, training.seed).unwrap();
        let mut trainer = small(&data).trainer(&recipe, &rows, &training).unwrap();
        train(&mut trainer, &rows, Some(&held_out), &training, None, &mut ()).unwrap();
        assert_eq!(trainer.judge().unwrap().metric, judge);
        assert_eq!(trainer.model(), fitted);
        assert_eq!(NeuralEnergy::from_checkpoint(&keeper.0).unwrap(), fitted);
    }
}
