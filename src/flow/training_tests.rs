//! Training: it learns, what starts with the data does so once, and its bits depend on nothing but the seed.

use super::reference::{normal, random};
use super::{
    Conditioning, Flow, FlowConfig, FlowRecipe, FlowScoring, FlowTrainer, Mixing, Structure, TransformKind,
    metrics,
};
use crate::data::{Binarization, Dataset, Holdout, ToyDensity};
use crate::optim::Descent;
use crate::random::Seed;
use crate::store::Snapshot;
use crate::train::{Batch, Fit, Fitting, Learner, Metrics, Observer, Progress, TrainError, Trainer, Training};

fn small(data: &Dataset<'_>, transform: TransformKind) -> Flow {
    let config = FlowConfig { transform, layers: 3, hidden: vec![16], ..FlowConfig::fitted(data).unwrap() };
    Flow::new(config, Seed(2)).unwrap()
}

fn training(steps: u64) -> Training {
    Training { steps: Some(steps), batch: 64, seed: Seed(4), evaluate_every: 0, ..Training::default() }
}

fn parameter(flow: &Flow, name: &str) -> Vec<f32> {
    flow.store().get(flow.store().find(name).unwrap()).to_vec()
}

#[test]
fn it_learns_more_than_a_normal_distribution_and_keeps_a_mass_of_one() {
    let data = Dataset::toy(ToyDensity::Moons);
    let test = data.test().subset(0..2000);
    for transform in [TransformKind::Affine, TransformKind::default()] {
        let mut flow = small(&data.train(), transform);
        let recipe = FlowRecipe {
            descent: Descent { average_decay: 0.9, ..FlowRecipe::default().descent },
            ..FlowRecipe::default()
        };
        let fitting = Fitting { held_out: Some(&test), ..Fitting::default() };
        let summary = flow.fit_with(&data.train(), &recipe, &training(400), fitting).unwrap();
        let estimate = flow.log_likelihood(&test, &FlowScoring::default()).unwrap();
        let baseline = estimate.baseline.unwrap();
        assert!(estimate.value > baseline + 0.1, "{transform}: {estimate}, a normal distribution {baseline}");
        for figure in [metrics::LOG_LIKELIHOOD, metrics::TRAIN_LOG_LIKELIHOOD, metrics::AVERAGE_LOG_LIKELIHOOD] {
            assert!(summary.metrics.get(figure) > Some(baseline), "{transform}: {:?}", summary.metrics);
        }
        assert!(flow.round_trip_error(&test).unwrap() < 1e-4);
        let (side, reach) = (1000, 6.0);
        let cell = 2.0 * reach / side as f32;
        let at = |i: usize| -reach + cell * (i as f32 + 0.5);
        let points: Vec<f32> = (0..side * side).flat_map(|i| [at(i / side), at(i % side)]).collect();
        let densities = flow.log_densities(&points, &[]).unwrap();
        let mass = densities.iter().map(|density| density.exp()).sum::<f64>() * f64::from(cell).powi(2);
        assert!((mass - 1.0).abs() < 1e-3, "{transform}: {mass}");
    }
}

/// Twenty layers in single precision, trained: a row comes back to four digits at the least.
#[test]
fn twenty_layers_are_inverted() {
    let moons = Dataset::toy(ToyDensity::Moons);
    let wide = Dataset::from_real(normal(6 * 3000, 2.0, Seed(7)), &[3000, 6]).unwrap();
    for (name, data) in [("moons", moons.train()), ("six values", wide)] {
        for structure in [Structure::Coupling, Structure::Autoregressive] {
            for transform in [TransformKind::Affine, TransformKind::default()] {
                let fitted = FlowConfig::fitted(&data).unwrap();
                let config = FlowConfig { structure, transform, layers: 20, hidden: vec![16], ..fitted };
                let mut flow = Flow::new(config, Seed(2)).unwrap();
                flow.fit(&data, &FlowRecipe::default(), &training(150)).unwrap();
                let error = flow.round_trip_error(&data.subset(0..2000)).unwrap();
                assert!(error < 1e-4, "{name}, {structure} {transform}: {error:e}");
            }
        }
    }
}

/// Rows of mean m and deviation s leave each normalisation at (m, ln s) of what reaches it.
#[test]
fn normalisations_begin_with_the_data() {
    let rows: Vec<f32> =
        normal(4000, 1.0, Seed(1)).chunks(2).flat_map(|x| [5.0 + 3.0 * x[0], 0.2 * x[1] - 1.0]).collect();
    let data = Dataset::from_real(rows, &[2000, 2]).unwrap();
    let config = FlowConfig { layers: 2, mixing: Mixing::Reverse, ..FlowConfig::new(2) };
    let trainer =
        Flow::new(config, Seed(1)).unwrap().trainer(&FlowRecipe::default(), &data, &training(1)).unwrap();
    let flow = trainer.last();
    let (centre, log_scale) =
        (parameter(flow, "layers.0.norm.centre"), parameter(flow, "layers.0.norm.log_scale"));
    // 1,024 of the rows: 4.9 standard errors of a mean and of a deviation.
    for (j, [m, s]) in [[5.0, 3.0], [-1.0, 0.2]].into_iter().enumerate() {
        assert!((centre[j] - m).abs() < 4.9 * s / 32.0, "{centre:?}");
        assert!((log_scale[j] - s.ln()).abs() < 4.9 / (2.0f32 * 1024.0).sqrt(), "{log_scale:?}");
    }
    // Behind the first layer, which is the identity but for its normalisation, rows have mean 0 and deviation 1 exactly.
    for name in ["layers.1.norm.centre", "layers.1.norm.log_scale"] {
        assert!(parameter(flow, name).iter().all(|x| x.abs() < 1e-5), "{name}: {:?}", parameter(flow, name));
    }
}

#[test]
fn what_began_with_the_data_is_never_begun_again() {
    let data = Dataset::from_real(normal(1000, 2.0, Seed(1)), &[500, 2]).unwrap();
    let other = Dataset::from_real(normal(1000, 30.0, Seed(2)), &[500, 2]).unwrap();
    let mut flow = small(&data, TransformKind::Affine);
    flow.fit(&data, &FlowRecipe::default(), &training(20)).unwrap();
    let loaded = Flow::from_snapshot(&flow.to_snapshot()).unwrap();
    assert_eq!(loaded, flow);
    for model in [flow.clone(), loaded] {
        let trainer = model.trainer(&FlowRecipe::default(), &other, &training(20)).unwrap();
        assert_eq!(trainer.last().store(), flow.store());
    }
    // One that was saved before it was trained begins with the data it is trained on.
    let fresh = Flow::from_snapshot(&small(&data, TransformKind::Affine).to_snapshot()).unwrap();
    let trainer = fresh.trainer(&FlowRecipe::default(), &data, &training(20)).unwrap();
    assert!(parameter(trainer.last(), "layers.0.norm.log_scale").iter().any(|&s| s != 0.0));
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
fn the_trained_model_is_that_of_the_checkpoint() {
    let data = Dataset::digits().train().binarized(Binarization::None);
    for average_decay in [0.0, 0.9] {
        let mut flow = small(&data, TransformKind::Affine);
        let descent = Descent { average_decay, ..FlowRecipe::default().descent };
        let mut keeper = Keeper::default();
        let fitting = Fitting { observer: Some(&mut keeper), ..Fitting::default() };
        flow.fit_with(&data, &FlowRecipe { descent, ..FlowRecipe::default() }, &training(30), fitting).unwrap();
        assert_eq!(Flow::from_checkpoint(&keeper.0).unwrap(), flow);
        let trainer =
            FlowTrainer::new(flow.clone(), &FlowRecipe { descent, ..FlowRecipe::default() }, &data, &training(30))
                .unwrap();
        assert_eq!(trainer.last(), &flow);
    }
}

/// Grey levels: the bits a value fall, and stay above what a model of the toy data can do at best.
#[test]
fn levels_are_learned_in_bits() {
    // Two values that are equal, of three levels with probabilities ½, ¼, ¼: an entropy of 1.5 bits in all.
    let values: Vec<u8> = (0..2000).map(|row| [0, 1, 0, 2][row % 4]).flat_map(|level| [level, level]).collect();
    let data = Dataset::from_u8(values, &[2000, 2], 2).unwrap().binarized(Binarization::None);
    let mut flow = small(&data, TransformKind::default());
    let scoring = FlowScoring { draws: 8, ..FlowScoring::default() };
    let bits = |flow: &Flow| flow.score(&data, &scoring).unwrap().bits_per_dimension().unwrap();
    let before = bits(&flow);
    flow.fit(&data, &FlowRecipe::default(), &training(600)).unwrap();
    let after = bits(&flow);
    assert!(after < before - 0.2 && after > 0.75, "{before} {after}");
    let draws = flow.sample(500, Seed(1)).unwrap();
    assert!(draws.iter().all(|x| [0.0, 0.5, 1.0].contains(x)));
}

/// Two classes apart from one another: a conditional flow knows where each is.
#[test]
fn classes_are_told_apart() {
    let labels: Vec<u8> = (0..1000).map(|row| (row % 2) as u8).collect();
    let rows: Vec<f32> = normal(2000, 0.5, Seed(3))
        .chunks(2)
        .zip(&labels)
        .flat_map(|(x, &label)| [x[0] + 4.0 * f32::from(label), x[1]])
        .collect();
    let data = Dataset::from_real(rows, &[1000, 2]).unwrap().with_labels(&labels).unwrap();
    let config = FlowConfig {
        conditioning: Conditioning::Labels { classes: 2 },
        layers: 3,
        hidden: vec![16],
        ..FlowConfig::fitted(&data).unwrap()
    };
    let mut flow = Flow::new(config, Seed(2)).unwrap();
    flow.fit(&data, &FlowRecipe::default(), &training(600)).unwrap();
    let context = flow.context_of(&[0, 1].repeat(200)).unwrap();
    let draws = flow.sample_given(400, &context, Seed(1)).unwrap();
    let right = draws.chunks(2).enumerate().filter(|(row, x)| (x[0] > 2.0) == (row % 2 == 1)).count();
    // Four deviations from the middle: all of them, but for what is not learned yet.
    assert!(right > 380, "{right} of 400");
}

#[test]
fn data_that_does_not_suit_ends_before_the_first_step() {
    let moons = Dataset::toy(ToyDensity::Moons).train();
    let bits = Dataset::from_u8(vec![0, 1, 1, 0], &[2, 2], 1).unwrap();
    let mut flow = small(&moons, TransformKind::Affine);
    let said = flow.fit(&bits, &FlowRecipe::default(), &training(1)).unwrap_err();
    assert_eq!(said.to_string(), "the data is bits, and the model is a density of real numbers");
    assert!(said.hint().unwrap().starts_with("a flow learns real numbers or grey levels"));
    let descent = Descent { learning_rate: 0.0, ..FlowRecipe::default().descent };
    let said = flow.fit(&moons, &FlowRecipe { descent, ..FlowRecipe::default() }, &training(1)).unwrap_err();
    assert!(said.to_string().starts_with("the learning rate is 0"));
    let wild = Descent { learning_rate: 1e6, clip: None, ..FlowRecipe::default().descent };
    let wild =
        flow.fit(&moons, &FlowRecipe { descent: wild, ..FlowRecipe::default() }, &training(50)).unwrap_err();
    assert!(matches!(wild, TrainError::NonFinite { .. }), "{wild}");
    let held_out = Training { holdout: Some(Holdout::Count(100)), ..training(5) };
    let summary = flow.fit(&moons, &FlowRecipe::default(), &held_out).unwrap();
    assert!(summary.metrics.get(metrics::TRAIN_LOG_LIKELIHOOD).is_some());
}

/// The likelihoods of this project's densities on the plane, and the truth of the same rows.
#[test]
#[ignore = "minutes of training"]
fn densities_on_the_plane_are_learned() {
    let setting =
        |name: &str, usual: f64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual);
    let transform = std::env::var("TRANSFORM").unwrap_or("spline".to_owned()).parse().unwrap();
    for density in [ToyDensity::Moons, ToyDensity::Gaussians8, ToyDensity::Checkerboard] {
        let data = Dataset::toy(density);
        let (seen, test) = (data.train(), data.test());
        let hidden = setting("HIDDEN", 64.0) as usize;
        let config = FlowConfig {
            transform,
            layers: setting("LAYERS", 5.0) as usize,
            hidden: vec![hidden; 2],
            ..FlowConfig::fitted(&seen).unwrap()
        };
        let mut flow = Flow::new(config, Seed(1)).unwrap();
        let learning_rate = setting("RATE", 2e-3) as f32;
        let recipe = FlowRecipe {
            descent: Descent { learning_rate, ..FlowRecipe::default().descent },
            ..FlowRecipe::default()
        };
        let (batch, steps) = (setting("BATCH", 256.0) as usize, setting("STEPS", 10_000.0) as u64);
        let training = Training { batch, steps: Some(steps), evaluate_every: 0, ..Training::default() };
        let start = std::time::Instant::now();
        flow.fit(&seen, &recipe, &training).unwrap();
        let seconds = start.elapsed().as_secs_f64();
        let estimate = flow.log_likelihood(&test, &FlowScoring::default()).unwrap();
        let mut point = [0.0; 2];
        let truth = (0..test.len()).map(|row| {
            test.row_into(row, &mut point);
            density.log_density(point.map(f64::from))
        });
        let truth = truth.sum::<f64>() / test.len() as f64;
        let error = flow.round_trip_error(&test).unwrap();
        println!(
            "{density}: {estimate}, truth {truth:.4}, less {:.4}; round trip {error:.1e}; {seconds:.0} s",
            truth - estimate.value
        );
    }
}

/// Microseconds of the quickest step of a batch of 256.
#[test]
#[ignore = "a measurement"]
fn steps_take_so_long() {
    use crate::train::{Batch, Learner};
    let data = Dataset::toy(ToyDensity::Moons).train();
    let rows: Vec<usize> = (0..256).collect();
    for (name, transform, mixing) in [
        ("affine, lu", TransformKind::Affine, Mixing::Lu),
        ("affine, reverse", TransformKind::Affine, Mixing::Reverse),
        ("spline, lu", TransformKind::default(), Mixing::Lu),
    ] {
        let config = FlowConfig { transform, mixing, layers: 8, ..FlowConfig::fitted(&data).unwrap() };
        for threads in [1, 2] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let quickest = pool.install(|| {
                let flow = Flow::new(config.clone(), Seed(1)).unwrap();
                let mut trainer =
                    flow.trainer(&FlowRecipe::default(), &data, &Training { batch: 256, ..training(1) }).unwrap();
                let progress = Progress { steps: 1000, ..Progress::default() };
                let mut step = || {
                    let start = std::time::Instant::now();
                    trainer.step(&Batch { data: &data, rows: &rows }, &progress).unwrap();
                    start.elapsed().as_secs_f64()
                };
                (0..1500).map(|_| step()).fold(f64::INFINITY, f64::min)
            });
            println!("{name}, {threads} threads: {:.0} µs, {:.0} rows/s", quickest * 1e6, 256.0 / quickest);
        }
    }
}

/// Rows that weigh twice as much are rows that are there twice, and rows without weight are not there.
#[test]
fn weights_count_rows() {
    let points = Dataset::toy(ToyDensity::Moons).train();
    let (mut twice, mut once) = (Vec::new(), Vec::new());
    let mut weights = Vec::new();
    let mut row = [0.0; 2];
    for index in 0..40 {
        points.row_into(index, &mut row);
        let weight = [0.0, 1.0, 2.0, 1.0][index % 4];
        weights.push(0.5 * weight);
        once.extend_from_slice(&row);
        (0..weight as usize).for_each(|_| twice.extend_from_slice(&row));
    }
    let repeated = Dataset::from_real(twice, &[40, 2]).unwrap();
    let weighted = Dataset::from_real(once, &[40, 2]).unwrap().with_weights(&weights).unwrap();
    let config = FlowConfig { layers: 2, hidden: vec![6], ..FlowConfig::new(2) };
    // Of whole batches, from the same parameters: the same gradient, up to rounding.
    let step = |data: &Dataset<'_>| {
        let training = Training { batch: 40, ..Training::default() };
        let mut flow = random(config.clone(), 0.3, Seed(3));
        flow.has_begun();
        let descent = Descent { clip: None, average_decay: 0.0, ..FlowRecipe::default().descent };
        let recipe = FlowRecipe { descent, ..FlowRecipe::default() };
        let mut trainer = FlowTrainer::new(flow, &recipe, data, &training).unwrap();
        let rows: Vec<usize> = (0..40).collect();
        trainer.step(&Batch { data, rows: &rows }, &Progress { steps: 10, ..Progress::default() }).unwrap();
        let mut figures = Metrics::default();
        trainer.evaluate(data, None, &Progress::default(), &mut figures).unwrap();
        ["gradient_norm", metrics::LOG_LIKELIHOOD].map(|name| figures.get(name).unwrap())
    };
    let ([norm, figure], [wanted, known]) = (step(&weighted), step(&repeated));
    assert!((norm / wanted - 1.0).abs() < 1e-5, "{norm}, wanted {wanted}");
    assert!((figure - known).abs() < 1e-3 * known.abs(), "{figure}, wanted {known}");
    // A likelihood is a mean over rows alike.
    let flow = random(config, 0.3, Seed(3));
    let plain = flow.log_likelihood(&repeated, &FlowScoring::default()).unwrap().value;
    let doubled = repeated.with_weights(&(0..40).map(|row| (row % 3) as f32).collect::<Vec<_>>()).unwrap();
    assert_eq!(flow.log_likelihood(&doubled, &FlowScoring::default()).unwrap().value, plain);
}
