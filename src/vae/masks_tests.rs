//! Rows of which not all is shown: bounds against formulas, bits that do not depend on what is hidden, imputations against integrals.

use super::network::Shown;
use super::objective::{Pass, Sight, objective};
use super::{
    Bound, ImportanceSampling, Imputing, Likelihood, MaskInput, MaskLoss, MaskRecipe, Observation, Vae, VaeConfig,
    VaeRecipe, VaeTrainer,
};
use crate::autodiff::{Program, check_parameter_gradients};
use crate::data::{Binarization, Dataset, Masking, Unsuitable};
use crate::random::Seed;
use crate::store::Snapshot;
use crate::train::{Batch, Fit, Learner, Progress, Trainer, Training};

const LIKELIHOODS: [Likelihood; 4] = Likelihood::ALL;

const INPUTS: [MaskInput; 2] = [MaskInput::Means, MaskInput::Weights];

/// A model whose encoder has weights for masks, with parameters of a wave.
fn model(visible: usize, latent: usize, likelihood: Likelihood) -> Vae {
    told_by(MaskInput::Weights, visible, latent, likelihood)
}

fn told_by(input: MaskInput, visible: usize, latent: usize, likelihood: Likelihood) -> Vae {
    let config = VaeConfig {
        encoder: vec![4],
        decoder: vec![3],
        likelihood,
        masks: Some(input),
        activation: crate::autodiff::Activation::Tanh,
        ..VaeConfig::new(visible, latent)
    };
    let mut vae = Vae::new(config, Seed(1)).unwrap();
    for (index, parameter) in vae.store.parameters().enumerate() {
        for (place, value) in vae.store.get_mut(parameter).iter_mut().enumerate() {
            *value = 0.6 * (0.7 * place as f32 + index as f32 + 0.3).sin();
        }
    }
    if let Some([_, deviation]) = vae.network.columns() {
        vae.store.get_mut(deviation).iter_mut().enumerate().for_each(|(column, d)| *d = 0.5 + column as f32);
    }
    vae
}

fn rows(visible: usize, count: usize, bits: bool) -> Vec<f32> {
    let wave = (0..visible * count).map(|place| (1.3 * place as f32 + 0.4).sin());
    wave.map(|x| if bits { f32::from(x >= 0.0) } else { x }).collect()
}

/// ln p of one value by its definition, in f64: y is the decoder's own number.
fn log_density(vae: &Vae, column: usize, x: f64, mean: f64) -> f64 {
    match vae.noise_deviations() {
        None => {
            if x == 1.0 {
                mean.ln()
            } else {
                (1.0 - mean).ln()
            }
        }
        Some(deviations) => {
            let deviation = f64::from(deviations[column]);
            -0.5 * ((x - mean) / deviation).powi(2) - deviation.ln() - 0.5 * (2.0 * std::f64::consts::PI).ln()
        }
    }
}

#[test]
fn only_what_counts_is_in_the_likelihood() {
    let (visible, batch, draws) = (5, 3, 2);
    let counts: Vec<f32> = (0..visible * batch).map(|place| f32::from(u8::from(place % 4 != 1))).collect();
    for likelihood in LIKELIHOODS {
        let vae = model(visible, 2, likelihood);
        let x = rows(visible, batch, likelihood == Likelihood::Bernoulli);
        let noise: Vec<f32> = (0..draws * batch * 2).map(|place| (0.9 * place as f32).cos()).collect();
        let mut program = Program::record(&vae.store, |tape| {
            let x = tape.input_with("x", [batch, visible], &x);
            let noise = tape.input_with("noise", [draws, batch, 2], &noise);
            let counts = tape.input_with("counts", [batch, visible], &counts);
            let pass = Pass::with_sight(
                &vae.network,
                [x, noise],
                None,
                Sight { counts: Some(counts), ..Sight::default() },
            );
            tape.output("z", pass.z());
            tape.output("l", pass.log_likelihood);
        });
        program.evaluate(&vae.store);
        let means = vae.decode(program.output("z"));
        for draw in 0..draws * batch {
            let row = draw % batch;
            let wanted: f64 = (0..visible)
                .filter(|column| counts[row * visible + column] == 1.0)
                .map(|column| {
                    let (x, mean) = (x[row * visible + column], means[draw * visible + column]);
                    log_density(&vae, column, f64::from(x), f64::from(mean))
                })
                .sum();
            let found = f64::from(program.output("l")[draw]);
            assert!((found - wanted).abs() < 2e-5 * (1.0 + wanted.abs()), "{likelihood}: {found} {wanted}");
        }
    }
}

/// Of every bound with every part of a row shown, away from β = 1: against central differences.
#[test]
fn gradients_are_those_of_the_bounds() {
    let (visible, batch) = (4, 2);
    let hidden = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0];
    let counts = [0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0];
    let none = [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0];
    for likelihood in LIKELIHOODS {
        let x = rows(visible, batch, likelihood == Likelihood::Bernoulli);
        for (bound, completes, input) in [
            (Bound::Elbo, false, MaskInput::Weights),
            (Bound::Elbo, false, MaskInput::Means),
            (Bound::ImportanceWeighted, false, MaskInput::Weights),
            (Bound::Elbo, true, MaskInput::Weights),
            (Bound::ImportanceWeighted, true, MaskInput::Means),
        ] {
            let vae = told_by(input, visible, 2, likelihood);
            check_parameter_gradients(&vae.store, |tape| {
                let rows = |name, values: &[f32]| tape.input_with(name, [batch, visible], values);
                let inputs = [
                    rows("x", &x),
                    tape.input_with("noise", [2, batch, 2], &[0.3, -1.0, 0.8, 0.1, -0.4, 1.2, 0.6, -0.9]),
                    tape.input_with("beta", [], &[0.7]),
                ];
                let shown = if completes { rows("hidden", &none) } else { rows("hidden", &hidden) };
                let sight = Sight {
                    shown: Shown { hidden: Some(shown), kept: None },
                    counts: Some(rows("counts", &counts)),
                    given: completes.then(|| rows("given", &hidden)),
                };
                objective(&vae.network, bound, inputs, None, sight)
            })
            .unwrap_or_else(|error| panic!("{likelihood} {bound:?} {completes} {input}: {error}"));
        }
    }
}

fn training(steps: u64) -> Training {
    Training { steps: Some(steps), batch: 16, seed: Seed(4), evaluate_every: 5, ..Training::default() }
}

fn digits_model(masks: Option<MaskInput>) -> Vae {
    let config = VaeConfig { encoder: vec![12], decoder: vec![10], masks, ..VaeConfig::new(64, 3) };
    Vae::new(config, Seed(2)).unwrap()
}

/// The model that such a bound trains.
fn of_loss(loss: MaskLoss) -> Vae {
    let config = digits_model(Some(MaskInput::Means)).config().clone();
    Vae::new(VaeConfig { completes: loss == MaskLoss::Hidden, ..config }, Seed(2)).unwrap()
}

fn recipe(masking: Masking, loss: MaskLoss) -> VaeRecipe {
    VaeRecipe { masks: Some(MaskRecipe { masking, loss }), ..VaeRecipe::default() }
}

#[test]
fn a_mask_of_nothing_is_no_mask() {
    let data = Dataset::digits().train().binarized(Binarization::Sample);
    let fitted = |masks: Option<MaskInput>, recipe: &VaeRecipe| {
        let mut vae = digits_model(masks);
        vae.fit(&data, recipe, &training(30)).unwrap();
        vae
    };
    let plain = fitted(None, &VaeRecipe::default());
    for input in INPUTS {
        for recipe in [
            VaeRecipe::default(),
            recipe(Masking::Part(0.0), MaskLoss::Shown),
            recipe(Masking::Part(0.0), MaskLoss::All),
        ] {
            let masked = fitted(Some(input), &recipe);
            for parameter in plain.store.parameters() {
                let name = plain.store.name(parameter);
                let same = masked.store.find(name).expect("a parameter of both");
                assert_eq!(plain.store.get(parameter), masked.store.get(same), "{input} {name}");
            }
            if let Some(mask) = masked.store.find("encoder_mask.weight") {
                assert!(masked.store.get(mask).iter().all(|&weight| weight == 0.0));
            }
        }
    }
    assert_ne!(
        fitted(Some(MaskInput::Means), &recipe(Masking::Part(0.3), MaskLoss::Shown))
            .store
            .get(plain.store.parameters().next().unwrap()),
        plain.store.get(plain.store.parameters().next().unwrap())
    );
}

/// Training, its figures, evaluation and imputation of rows whose missing values are stored, and of such rows with NaN in their place.
#[test]
fn what_is_missing_is_never_read() {
    let (count, width) = (200, 6);
    let values: Vec<f32> =
        (0..count * width).map(|place| (place as f32 * 0.37).sin() * (1.0 + place as f32 / 300.0)).collect();
    let missing: Vec<bool> = (0..count * width).map(|place| place * 7 % 5 == 0).collect();
    let stored = Dataset::from_real(values.clone(), &[count, width]).unwrap().with_missing(&missing).unwrap();
    let nan = values.iter().zip(&missing).map(|(&x, &missing)| if missing { f32::NAN } else { x }).collect();
    let nan = Dataset::from_incomplete(nan, &[count, width]).unwrap();
    let other =
        values.iter().zip(&missing).map(|(&x, &missing)| if missing { 99.0 } else { x }).collect::<Vec<_>>();
    let other = Dataset::from_real(other, &[count, width]).unwrap().with_missing(&missing).unwrap();
    let hidden: Vec<bool> = (0..count * width).map(|place| place % 3 == 0).collect();
    let losses = [MaskLoss::Shown, MaskLoss::All, MaskLoss::Hidden];
    for (loss, input) in losses.into_iter().flat_map(|loss| INPUTS.map(|input| (loss, input))) {
        let run = |data: &Dataset<'_>| {
            let config = VaeConfig {
                completes: loss == MaskLoss::Hidden,
                encoder: vec![8],
                decoder: vec![8],
                likelihood: Likelihood::GaussianColumns,
                masks: Some(input),
                ..VaeConfig::new(width, 2)
            };
            let mut vae = Vae::new(config, Seed(3)).unwrap();
            let recipe = VaeRecipe { dropout: 0.2, ..recipe(Masking::Part(0.3), loss) };
            let fitting = vae.fit(data, &recipe, &training(40)).unwrap();
            let sampling = ImportanceSampling { samples: 8, ..ImportanceSampling::default() };
            let scores = vae.log_likelihoods(data, &sampling);
            assert_eq!(scores.is_err(), loss == MaskLoss::Hidden);
            let imputing = Imputing { draws: 32, latents: 16, count: 2, ..Imputing::default() };
            let imputed = vae.impute(data, &hidden, &imputing).unwrap();
            let bounds = vae.completion_bounds(data, &hidden, Seed(5)).unwrap();
            (vae, format!("{fitting:?}"), scores, imputed, bounds)
        };
        let expected = run(&stored);
        for data in [&nan, &other] {
            let found = run(data);
            assert!(found.0 == expected.0 && found.2 == expected.2 && found.4 == expected.4, "{loss}");
            // What is shown is given back as it is, and nothing of what is missing is.
            assert_eq!(found.3.scores, expected.3.scores);
            assert_eq!(found.3.values, expected.3.values);
            assert_eq!(found.3.means, expected.3.means);
        }
        let shown = |place: usize| !hidden[place] && !missing[place];
        for row in 0..count {
            for index in 0..2 {
                let imputed = &expected.3.values[(row * 2 + index) * width..][..width];
                for column in (0..width).filter(|column| shown(row * width + column)) {
                    assert_eq!(imputed[column], values[row * width + column]);
                }
            }
        }
    }
}

#[test]
fn a_checkpoint_goes_on_with_the_same_masks() {
    let data = Dataset::digits().train().binarized(Binarization::Sample);
    let rows: Vec<usize> = (0..16).map(|row| 7 * row).collect();
    let batch = Batch { data: &data, rows: &rows };
    let steps = |trainer: &mut VaeTrainer, from: u64| {
        for step in from..from + 10 {
            trainer.step(&batch, &Progress { step, steps: 20, ..Progress::default() }).unwrap();
        }
        let mut snapshot = Snapshot::default();
        trainer.save(&mut snapshot);
        snapshot
    };
    for (masking, loss) in [(Masking::Part(0.5), MaskLoss::Shown), (Masking::Box, MaskLoss::Hidden)] {
        let recipe = VaeRecipe { dropout: 0.3, ..recipe(masking, loss) };
        let start = || VaeTrainer::new(of_loss(loss), &recipe, &data, &training(20)).unwrap();
        let mut unbroken = start();
        let half = steps(&mut unbroken, 0);
        let whole = steps(&mut unbroken, 10);
        let mut resumed = start();
        resumed.load(&half).unwrap();
        assert!(steps(&mut resumed, 10) == whole);
        assert_eq!(Vae::from_checkpoint(&whole).unwrap(), resumed.model());
    }
}

/// A model of one latent dimension whose integrals a grid does in f64, and whose encoder is far from them.
struct OnALine {
    vae: Vae,
}

impl OnALine {
    fn new(likelihood: Likelihood) -> Self {
        let mut vae = model(4, 1, likelihood);
        // A clear dependence of the columns on one another.
        for parameter in vae.store.parameters().collect::<Vec<_>>() {
            if vae.store.name(parameter).starts_with("decoder") {
                vae.store.get_mut(parameter).iter_mut().for_each(|weight| *weight *= 3.0);
            }
        }
        OnALine { vae }
    }

    /// z on a grid, each with its share of `weight`, `[points]`, and the decoder's means `[points, 4]`.
    fn grid(&self) -> (Vec<f64>, Vec<f32>) {
        let z: Vec<f64> = (0..2401).map(|point| -6.0 + 0.005 * f64::from(point)).collect();
        let means = self.vae.decode(&z.iter().map(|&z| z as f32).collect::<Vec<_>>());
        (z, means)
    }

    /// ln of the mean of the values under a weight of the points.
    fn log_mean(weights: &[f64], values: &[f64]) -> f64 {
        let total: f64 = weights.iter().sum();
        (weights.iter().zip(values).map(|(w, v)| w * v.exp()).sum::<f64>() / total).ln()
    }

    /// ln p of some values of a row at each point of the grid.
    fn at(&self, row: &[f32], means: &[f32], wanted: impl Fn(usize) -> bool) -> Vec<f64> {
        means
            .chunks_exact(4)
            .map(|means| {
                let columns = (0..4).filter(|&column| wanted(column));
                columns.map(|c| log_density(&self.vae, c, f64::from(row[c]), f64::from(means[c]))).sum()
            })
            .collect()
    }

    /// The exact ln p(hidden | shown).
    fn conditional(&self, row: &[f32], hidden: &[bool]) -> f64 {
        let (z, means) = self.grid();
        let shown = self.at(row, &means, |column| !hidden[column]);
        let posterior: Vec<f64> = z.iter().zip(&shown).map(|(z, l)| (l - 0.5 * z * z).exp()).collect();
        Self::log_mean(&posterior, &self.at(row, &means, |column| hidden[column]))
    }
}

/// With many draws the score is the exact conditional; with few latents it lies below that, the more so the fewer.
#[test]
fn the_score_comes_up_to_the_exact_conditional() {
    for likelihood in [Likelihood::Bernoulli, Likelihood::GaussianColumns] {
        let line = OnALine::new(likelihood);
        let bits = likelihood == Likelihood::Bernoulli;
        let x = line.vae.sample(40, Observation::Drawn, Seed(8));
        let data =
            if bits { Dataset::from_f32(x.clone(), &[40, 4]) } else { Dataset::from_real(x.clone(), &[40, 4]) };
        let data = data.unwrap();
        let hidden = [false, true, false, true].repeat(40);
        let exact: Vec<f64> = x.chunks_exact(4).map(|row| line.conditional(row, &hidden[..4])).collect();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / 40.0;
        let scored = |latents| {
            let imputing = Imputing { draws: 8000, latents, count: 1, seed: Seed(latents as u64) };
            line.vae.impute(&data, &hidden, &imputing).unwrap()
        };
        let many = scored(8000);
        let squares: f64 = many.errors.iter().map(|error| error * error).sum();
        // Drawn again from 8,000 draws with unequal weights, 8,000 latents are worth at least a third of as many.
        let error = (3.0 * squares).sqrt() / 40.0;
        let off = mean(&many.scores) - mean(&exact);
        assert!(off.abs() < 4.9 * error, "{likelihood}: off by {off}, error {error}");
        let few: Vec<f64> = [1, 10, 8000].map(|latents| mean(&scored(latents).scores)).to_vec();
        assert!(few[0] < few[1] && few[1] < few[2], "{few:?}");
    }
}

/// The error told is what seeds differ by, on average over the rows whose error is known, with an encoder that is far off; where weights rest on few draws it
/// is not known.
#[test]
fn the_error_of_a_score_is_what_seeds_differ_by() {
    let line = OnALine::new(Likelihood::GaussianColumns);
    let (rows, seeds) = (30, 60);
    let x = line.vae.sample(rows, Observation::Drawn, Seed(11));
    let data = Dataset::from_real(x, &[rows, 4]).unwrap();
    let hidden = [false, true, false, true].repeat(rows);
    for (draws, latents) in [(400, 100), (100, 400)] {
        let runs: Vec<_> = (0..seeds)
            .map(|seed| {
                let imputing = Imputing { draws, latents, count: 1, seed: Seed(seed) };
                line.vae.impute(&data, &hidden, &imputing).unwrap()
            })
            .collect();
        let (mut told, mut seen, mut known) = (0.0, 0.0, 0);
        for row in 0..rows {
            if runs.iter().any(|run| run.errors[row].is_infinite()) {
                continue;
            }
            let scores: Vec<f64> = runs.iter().map(|run| run.scores[row]).collect();
            let mean = scores.iter().sum::<f64>() / seeds as f64;
            seen += scores.iter().map(|score| (score - mean).powi(2)).sum::<f64>() / (seeds - 1) as f64;
            told += runs.iter().map(|run| run.errors[row].powi(2)).sum::<f64>() / seeds as f64;
            known += 1;
        }
        // A variance of 60 numbers has a relative error of √(2 / 59); of the rows together, were they alike, one of that by √rows. Some rows weigh
        // more: five such errors of a third of them, and a fifth for the delta method.
        let allowed = 5.0 * (2.0 / 59.0 / (f64::from(known) / 3.0)).sqrt() + 0.2;
        assert!(known >= 8, "{known} rows of {rows} are known with {draws} draws");
        assert!((told / seen - 1.0).abs() < allowed, "{draws} draws, {known} rows: told {told}, seen {seen}");
    }
    let few = Imputing { draws: 8, latents: 500, count: 1, seed: Seed(1) };
    let few = line.vae.impute(&data, &hidden, &few).unwrap();
    assert!(few.errors.iter().all(|error| error.is_infinite()), "eight draws tell no error, however many latents");
}

/// −ln ∫ q(z | shown) p(hidden | z) is never above the bound, on average over its noise.
#[test]
fn completion_is_bounded_from_above() {
    let line = OnALine::new(Likelihood::Bernoulli);
    let x = line.vae.sample(200, Observation::Drawn, Seed(9));
    let data = Dataset::from_f32(x.clone(), &[200, 4]).unwrap();
    let hidden = [true, true, false, false].repeat(200);
    let bounds = line.vae.completion_bounds(&data, &hidden, Seed(2)).unwrap();
    let (z, means) = line.grid();
    let mut apart = Vec::new();
    for (row, bound) in x.chunks_exact(4).zip(&bounds) {
        let mut program = Program::record(&line.vae.store, |tape| {
            let x = tape.input_with("x", [1, 4], row);
            let shown =
                Shown { hidden: Some(tape.input_with("hidden", [1, 4], &[1.0, 1.0, 0.0, 0.0])), kept: None };
            let q = line.vae.network.encode_what_is_shown(x, None, shown);
            tape.output("mean", q.mean);
            tape.output("log_variance", q.log_variance);
        });
        program.evaluate(&line.vae.store);
        let (mean, s) = (f64::from(program.output("mean")[0]), f64::from(program.output("log_variance")[0]));
        let q: Vec<f64> = z.iter().map(|z| (-0.5 * (z - mean).powi(2) * (-s).exp()).exp()).collect();
        apart.push(bound + OnALine::log_mean(&q, &line.at(row, &means, |column| hidden[column])));
    }
    let mean = apart.iter().sum::<f64>() / 200.0;
    let spread = (apart.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / 199.0 / 200.0).sqrt();
    assert!(mean > -4.9 * spread, "{mean} {spread}");
    assert!(mean > 0.01, "the encoder is a bad one: {mean}");
}

/// Intervals of a model's own rows hold what they say, within 4.9 standard errors.
#[test]
fn intervals_of_own_rows_hold_what_they_say() {
    let line = OnALine::new(Likelihood::GaussianColumns);
    let count = 1500;
    let x = line.vae.sample(count, Observation::Drawn, Seed(10));
    let data = Dataset::from_real(x.clone(), &[count, 4]).unwrap();
    let hidden = [false, false, true, false].repeat(count);
    let imputing = Imputing { draws: 2000, latents: 500, ..Imputing::default() };
    let imputed = line.vae.impute(&data, &hidden, &imputing).unwrap();
    let quantiles = imputed.quantiles.unwrap();
    for (low, high, part) in [(1, 2, 0.5), (0, 3, 0.9)] {
        let held = (0..count).filter(|row| {
            let place = row * 4 + 2;
            (quantiles[4 * place + low]..=quantiles[4 * place + high]).contains(&x[place])
        });
        let found = held.count() as f64 / count as f64;
        assert!((found - part).abs() < 4.9 * (part * (1.0 - part) / count as f64).sqrt(), "{part}: {found}");
    }
}

#[test]
fn what_does_not_go_together_is_refused() {
    let holed = Dataset::digits().train().subset(0..20);
    let mut missing = vec![false; 20 * 64];
    missing[64 + 3] = true;
    let holed = holed.with_missing(&missing).unwrap();
    let error = digits_model(None).fit(&holed, &VaeRecipe::default(), &training(1)).unwrap_err();
    assert_eq!(error.to_string(), Unsuitable::Missing { row: 1, column: 3 }.to_string());
    let said = |config: VaeConfig| config.check().unwrap_err().to_string();
    let masks = VaeConfig { masks: Some(MaskInput::Weights), ..VaeConfig::new(4, 2) };
    assert_eq!(
        said(VaeConfig { encoder: Vec::new(), ..masks.clone() }),
        "the number of hidden layers of an encoder with weights for masks is 0, but must be at least 1"
    );
    assert!(said(VaeConfig { labels: Some(super::Labels::new(2)), ..masks }).contains("classes"));
    let error = digits_model(None)
        .fit(&Dataset::digits(), &recipe(Masking::Top, MaskLoss::Shown), &training(1))
        .unwrap_err();
    assert_eq!(error.to_string(), "the mask of an encoder that sees none is top, but must be none");
    let dreg = VaeRecipe { bound: Bound::DoublyReparameterised, ..recipe(Masking::Top, MaskLoss::Hidden) };
    assert!(of_loss(MaskLoss::Hidden).fit(&Dataset::digits(), &dreg, &training(1)).is_err());
    assert!(of_loss(MaskLoss::Hidden).fit(&Dataset::digits(), &VaeRecipe::default(), &training(1)).is_err());
    for dropout in [1.0, -0.1, f32::NAN] {
        assert!(VaeRecipe { dropout, ..VaeRecipe::default() }.check().is_err());
    }
    let digits = Dataset::digits().subset(0..2).binarized(Binarization::Threshold);
    let vae = digits_model(Some(MaskInput::Means));
    for imputing in [
        Imputing { draws: 0, ..Imputing::default() },
        Imputing { latents: 0, ..Imputing::default() },
        Imputing { count: 501, ..Imputing::default() },
    ] {
        assert!(vae.impute(&digits, &[true; 128], &imputing).is_err(), "{imputing:?}");
    }
    assert!(vae.impute(&digits, &[true; 127], &Imputing::default()).is_err());
}

/// Dropout with a fixed mask is a product of the hidden layer.
#[test]
fn dropped_units_are_left_out() {
    let vae = model(4, 2, Likelihood::Bernoulli);
    let x = rows(4, 2, true);
    let kept = [0.0, 2.0, 2.0, 0.0, 2.0, 0.0, 2.0, 2.0];
    let mut program = Program::record(&vae.store, |tape| {
        let x = tape.input_with("x", [2, 4], &x);
        let kept = tape.input_with("kept", [2, 4], &kept);
        tape.output("plain", vae.network.encode(x, None).features);
        let shown = Shown { hidden: None, kept: Some(kept) };
        tape.output("dropped", vae.network.encode_what_is_shown(x, None, shown).features);
    });
    program.evaluate(&vae.store);
    let plain = program.output("plain").iter().zip(kept).map(|(h, kept)| h * kept).collect::<Vec<_>>();
    assert_eq!(program.output("dropped"), plain);
}

/// What the encoder makes of hidden values is what it makes of their columns' means, whatever they are; they are set by training.
#[test]
fn hidden_values_read_as_the_means_of_their_columns() {
    let data = Dataset::digits().train().binarized(Binarization::Threshold);
    let mut vae = digits_model(Some(MaskInput::Means));
    vae.fit(&data, &recipe(Masking::Part(0.5), MaskLoss::Shown), &training(2)).unwrap();
    let means = vae.store.get(vae.store.find("data_mean").unwrap());
    assert!(means.iter().zip(data.means()).all(|(&own, mean)| own == mean as f32));
    let hidden: Vec<f32> = (0..64).map(|place| f32::from(u8::from(place % 3 == 0))).collect();
    let bits = |of: usize| -> Vec<f32> { (0..64).map(|place| f32::from(u8::from(place % of == 0))).collect() };
    let filled: Vec<f32> =
        bits(2).iter().zip(&hidden).zip(means).map(|((&x, &h), &mean)| if h == 1.0 { mean } else { x }).collect();
    // Under the mask they differ.
    let other: Vec<f32> = bits(2).iter().zip(&hidden).map(|(&x, &h)| if h == 1.0 { 1.0 - x } else { x }).collect();
    let mut program = Program::record(&vae.store, |tape| {
        let row = |name, values: &[f32]| tape.input_with(name, [1, 64], values);
        let shown = Shown { hidden: Some(row("hidden", &hidden)), kept: None };
        for (name, values) in [("x", bits(2)), ("other", other)] {
            let encoded = vae.network.encode_what_is_shown(row(name, &values), None, shown);
            tape.output(&format!("of {name}"), encoded.mean);
        }
        tape.output("of filled", vae.network.encode(row("filled", &filled), None).mean);
    });
    program.evaluate(&vae.store);
    let wanted = program.output("of filled").to_vec();
    assert_eq!(program.output("of x"), wanted);
    assert_eq!(program.output("of other"), wanted);
}
