//! Energies, scores and likelihoods against what is known of them, and models read back from files.

use super::{NeuralConfig, NeuralEnergy, NeuralError, NeuralScoring};
use crate::autodiff::Activation;
use crate::data::{Binarization, Dataset, ToyDensity, Unsuitable};
use crate::random::Seed;
use crate::sampling::{GradientLogDensity, Kind, LogDensity, Warning};
use crate::store::SnapshotError;

/// A model whose every parameter is a normal draw of this deviation.
pub(super) fn random(config: NeuralConfig, deviation: f32, seed: Seed) -> NeuralEnergy {
    let mut energy = NeuralEnergy::new(config, Seed(0)).unwrap();
    for parameter in energy.store.parameters() {
        let mut lanes = seed.lanes(energy.store.name(parameter), 0);
        let values = energy.store.get_mut(parameter);
        lanes.fill_normal(values);
        values.iter_mut().for_each(|value| *value *= deviation);
    }
    energy
}

/// With units and a centre that are not 1 and 0.
pub(super) fn shaped(width: usize, hidden: &[usize], activation: Activation) -> NeuralConfig {
    NeuralConfig {
        hidden: hidden.to_vec(),
        activation,
        confinement: 0.7,
        centre: (0..width).map(|j| 0.5 - j as f32).collect(),
        scale: (0..width).map(|j| 0.5 + 0.75 * j as f32).collect(),
    }
}

/// E(x) in double precision, by the formula.
pub(super) fn reference(energy: &NeuralEnergy, x: &[f64]) -> f64 {
    let config = energy.config();
    let u = x.iter().enumerate().map(|(j, x)| (x - f64::from(config.centre[j])) / f64::from(config.scale[j]));
    let u: Vec<f64> = u.collect();
    let mut h = u.clone();
    for layer in 0..=config.hidden.len() {
        let parameter = |kind| energy.store.find(&format!("network.{}.{kind}", 2 * layer)).unwrap();
        let (weight, bias) = (energy.store.get(parameter("weight")), energy.store.get(parameter("bias")));
        let next = weight.chunks_exact(h.len()).zip(bias).map(|(weights, &bias)| {
            let z = f64::from(bias) + weights.iter().zip(&h).map(|(&w, h)| f64::from(w) * h).sum::<f64>();
            match config.activation {
                _ if layer == config.hidden.len() => z,
                Activation::Softplus => z.max(0.0) + (-z.abs()).exp().ln_1p(),
                _ => z.tanh(),
            }
        });
        h = next.collect();
    }
    h[0] + 0.5 * f64::from(config.confinement) * u.iter().map(|u| u * u).sum::<f64>()
}

/// Products of at most 32 numbers about 1 through three layers, in single precision.
const ROUNDING: f64 = 1e-5;

#[test]
fn energies_and_scores_are_those_of_the_formula() {
    for (width, hidden, activation) in [
        (1, &[5][..], Activation::Tanh),
        (2, &[16, 7], Activation::Softplus),
        (5, &[], Activation::Tanh),
        (3, &[32, 32], Activation::Tanh),
    ] {
        let energy = random(shaped(width, hidden, activation), 0.5, Seed(3));
        // More than one piece, and a last one that is not full.
        let mut x = vec![0.0f32; 301 * width];
        Seed(4).lanes("x", 0).fill_normal(&mut x);
        let (energies, scores, density) = (energy.energies(&x), energy.scores(&x), energy.density());
        for (row, point) in x.chunks_exact(width).enumerate().step_by(7) {
            let point: Vec<f64> = point.iter().map(|&x| f64::from(x)).collect();
            let wanted = reference(&energy, &point);
            let bound = ROUNDING * (1.0 + wanted.abs());
            assert!((energies[row] - wanted).abs() < bound, "row {row}: {} {wanted}", energies[row]);
            let mut gradient = vec![0.0; width];
            let log_density = density.log_density_and_gradient(&point, &mut gradient).unwrap();
            assert!((log_density + wanted).abs() < bound && density.log_density(&point) == Ok(log_density));
            for j in 0..width {
                let at = |shift: f64| {
                    let mut moved = point.clone();
                    moved[j] += shift;
                    reference(&energy, &moved)
                };
                // Central differences of a smooth function: off by step² times its third derivative, below 10⁻⁶ here.
                let slope = (at(1e-4) - at(-1e-4)) / 2e-4;
                let bound = 10.0 * ROUNDING * (1.0 + slope.abs());
                for score in [f64::from(scores[row * width + j]), gradient[j]] {
                    assert!((score + slope).abs() < bound, "row {row}, {j}: {score} {slope}");
                }
            }
        }
        assert_eq!(density.dimension(), width);
    }
}

/// Without its network the model is N(m, s² / κ).
#[test]
fn an_untrained_model_has_the_likelihood_of_its_confinement() {
    for width in [1, 2, 3] {
        let config = shaped(width, &[4], Activation::Tanh);
        let energy = NeuralEnergy::new(config.clone(), Seed(1)).unwrap();
        let variance = |j: usize| f64::from(config.scale[j]).powi(2) / f64::from(config.confinement);
        let log_z: f64 = (0..width).map(|j| 0.5 * (2.0 * std::f64::consts::PI * variance(j)).ln()).sum();
        let rows: Vec<f32> = (0..10 * width).map(|i| ((i * i) as f32 * 0.37).sin()).collect();
        let data = Dataset::from_real(rows.clone(), &[10, width]).unwrap();
        let scoring = NeuralScoring { chains: 4, temperatures: 5, seed: Seed(1) };
        let estimate = energy.log_likelihood(&data, &scoring).unwrap();
        let wanted = -energy.energies(&rows).iter().sum::<f64>() / 10.0 - log_z;
        // Annealing where nothing changes has weights that are all 1.
        assert!((estimate.value - wanted).abs() < 1e-6, "{width}: {estimate:?}, wanted {wanted}");
        assert_eq!(estimate.kind, if width < 3 { Kind::Estimate } else { Kind::Upper });
        assert!(estimate.monte_carlo_error == 0.0 && estimate.data_error > 0.0 && estimate.baseline.is_some());
    }
}

/// Annealing of 20 seeds against the grid: Σ z² within the 10⁻⁵ quantiles of χ² of 20 degrees, 3.8 and 60, so that errors
/// reported too large fail too. Transitions at many temperatures make up for whatever the base was; with two, the draws
/// from it are what counts.
#[test]
fn annealing_meets_the_grid() {
    let energy = random(shaped(2, &[6], Activation::Tanh), 1.2, Seed(8));
    let grid = energy.quadrature(&[], None);
    assert!(grid.error < 1e-4, "{grid:?}");
    for (chains, temperatures) in [(64, 30), (2048, 2)] {
        let z = |seed| {
            let annealed =
                energy.annealed_log_z(&NeuralScoring { chains, temperatures, seed: Seed(seed) }).unwrap();
            (annealed.value - grid.log_z) / annealed.error
        };
        let squares: f64 = (0..20).map(|seed| z(seed).powi(2)).sum();
        assert!((3.8..60.0).contains(&squares), "{temperatures} temperatures: {squares}");
    }
}

/// A fine grid without any adaptation says the same.
#[test]
fn the_grid_is_refined_until_it_stands_still() {
    let energy = random(shaped(1, &[12], Activation::Softplus), 1.5, Seed(9));
    let cell = 1e-3;
    let sum: f64 =
        (-20_000..20_000).map(|i| (-reference(&energy, &[(f64::from(i) + 0.5) * cell])).exp() * cell).sum();
    let grid = energy.quadrature(&[], None);
    assert!((grid.log_z - sum.ln()).abs() < 1e-4 && grid.error < 1e-4, "{grid:?} {}", sum.ln());
}

#[test]
fn a_model_is_read_back_and_a_damaged_one_is_not() {
    let energy = random(shaped(3, &[6, 4], Activation::Softplus), 0.3, Seed(2));
    let mut snapshot = energy.to_snapshot();
    assert_eq!(NeuralEnergy::from_snapshot(&snapshot).unwrap(), energy);
    for name in ["network.0.weight", "network.2.bias", "network.4.weight", "centre", "scale"] {
        assert!(snapshot.contains(name), "{name}");
    }
    assert_eq!(snapshot.shape("network.2.weight").unwrap(), [4, 6]);
    // A state dict has no metadata.
    snapshot.metadata.clear();
    let plain = NeuralEnergy::from_snapshot(&snapshot).unwrap();
    assert_eq!((plain.config().activation, plain.config().confinement), (Activation::Tanh, 1.0));

    snapshot.put_f32("scale", &[3], &[1.0, 0.0, 1.0]);
    let said = NeuralEnergy::from_snapshot(&snapshot).unwrap_err().to_string();
    assert_eq!(said, "a scale is 0, but must be a positive number");
    snapshot.put_f32("scale", &[2], &[1.0, 1.0]);
    assert!(matches!(NeuralEnergy::from_snapshot(&snapshot), Err(NeuralError::Snapshot(_))));
    let mut broken = energy.to_snapshot();
    broken.put_f32("network.4.bias", &[1], &[f32::NAN]);
    assert!(matches!(
        NeuralEnergy::from_snapshot(&broken),
        Err(NeuralError::Snapshot(SnapshotError::NonFinite { .. }))
    ));
    broken.put_f32("network.0.weight", &[0, 3], &[]);
    assert!(NeuralEnergy::from_snapshot(&broken).is_err());
    // A million squared weights would be between these two.
    let mut thin = energy.to_snapshot();
    thin.put_f32("network.2.weight", &[1 << 20, 1], &vec![0.0; 1 << 20]);
    let said = NeuralEnergy::from_snapshot(&thin).unwrap_err().to_string();
    assert!(
        said.starts_with(
            "the number of inputs of a layer is 1 in network.2.weight, where the layer before gives 6"
        ),
        "{said}"
    );
    let mut wide = energy.to_snapshot();
    wide.put_f32("network.4.weight", &[2, 4], &[0.0; 8]);
    let said = NeuralEnergy::from_snapshot(&wide).unwrap_err().to_string();
    assert_eq!(said, "the number of outputs of the last layer is 2, but must be 1");
    broken.metadata.insert("neural.activation".to_owned(), "swish".to_owned());
    assert!(NeuralEnergy::from_snapshot(&broken).is_err());
}

#[test]
fn shapes_and_data_that_make_no_sense_are_named() {
    let said = |config: NeuralConfig| NeuralEnergy::new(config, Seed(1)).unwrap_err().to_string();
    let good = NeuralConfig::new(2);
    assert!(said(NeuralConfig { hidden: vec![3, 0], ..good.clone() }).contains("hidden layer is 0"));
    assert!(said(NeuralConfig { confinement: -1.0, ..good.clone() }).contains("confinement is -1"));
    assert!(said(NeuralConfig { confinement: f32::NAN, ..good.clone() }).contains("confinement is NaN"));
    assert!(said(NeuralConfig { scale: vec![1.0], ..good.clone() }).contains("number of scales is 1"));
    assert!(said(NeuralConfig { centre: vec![f32::NAN, 0.0], ..good.clone() }).contains("a centre is NaN"));
    assert!(said(NeuralConfig::new(0)).contains("values a row is 0"));

    let energy = NeuralEnergy::new(good.clone(), Seed(1)).unwrap();
    let scoring = NeuralScoring::default();
    let refused = |data: &Dataset<'_>| energy.log_likelihood(data, &scoring).unwrap_err();
    let moons = Dataset::toy(ToyDensity::Moons);
    assert_eq!(refused(&moons.subset(0..0)), Unsuitable::NoRows.into());
    assert_eq!(refused(&Dataset::bars(2).unwrap()), Unsuitable::Width { data: 4, model: 2 }.into());
    let said = |data: &Dataset<'_>| NeuralConfig::fitted(data).unwrap_err();
    assert_eq!(said(&Dataset::bars(2).unwrap()), Unsuitable::Bits.into());
    assert_eq!(said(&Dataset::digits()), Unsuitable::Binarized.into());
    let grey = Dataset::digits().binarized(Binarization::None);
    assert_eq!(refused(&grey), Unsuitable::Width { data: 64, model: 2 }.into());
    assert!(NeuralConfig::fitted(&grey).unwrap().check().is_ok(), "columns that are always 0 have the unit 1");
    let open = NeuralEnergy::new(NeuralConfig { confinement: 0.0, ..good }, Seed(1)).unwrap();
    assert_eq!(open.log_likelihood(&moons, &scoring).unwrap_err(), NeuralError::Unconfined);
    assert_eq!(open.annealed_log_z(&scoring).unwrap_err(), NeuralError::Unconfined);
    let none = NeuralScoring { chains: 0, ..scoring };
    assert!(energy.log_likelihood(&moons, &none).unwrap_err().to_string().contains("annealed chains is 0"));
}

/// A density of real numbers on a few levels is reported, with a word of warning.
#[test]
fn few_levels_are_warned_of() {
    let levels: Vec<u8> = (0..300u32).map(|i| (i * i % 7) as u8).collect();
    let grey = Dataset::from_u8(levels.clone(), &[150, 2], 7).unwrap().binarized(Binarization::None);
    let real = Dataset::from_real(levels.iter().map(|&x| f32::from(x)).collect::<Vec<_>>(), &[150, 2]).unwrap();
    for data in [grey, real] {
        let energy = NeuralEnergy::new(NeuralConfig::fitted(&data).unwrap(), Seed(1)).unwrap();
        let estimate = energy.log_likelihood(&data, &NeuralScoring::default()).unwrap();
        // The squares modulo 7 are 0, 1, 2 and 4.
        assert_eq!(estimate.warnings, [Warning::DiscreteLevels { levels: 4 }]);
    }
}

/// A model with two hidden units and these parameters.
fn two_units(width: usize, parameters: [&[f32]; 4]) -> NeuralEnergy {
    let mut energy = NeuralEnergy::new(shaped(width, &[2], Activation::Tanh), Seed(1)).unwrap();
    for (name, values) in ["0.weight", "0.bias", "2.weight", "2.bias"].into_iter().zip(parameters) {
        let parameter = energy.store().find(&format!("network.{name}")).unwrap();
        energy.store_mut().get_mut(parameter).copy_from_slice(values);
    }
    energy
}

/// f = 400 − 200 (tanh(100 u₁ + 1) − tanh(100 u₁ − 1)), a slot of a thousandth, is narrower than the finest cells: the sum
/// cannot come to rest, and does not call itself exact.
#[test]
fn a_grid_too_coarse_says_so() {
    let sharp = two_units(2, [&[100.0, 0.0, 100.0, 0.0], &[1.0, -1.0], &[-200.0, 200.0], &[400.0]]);
    let rows = Dataset::from_real(vec![0.5f32, -0.25], &[1, 2]).unwrap();
    let estimate = sharp.log_likelihood(&rows, &NeuralScoring::default()).unwrap();
    assert_eq!(estimate.kind, Kind::Estimate, "{estimate:?}");
    assert!(matches!(estimate.warnings[..], [Warning::CoarseGrid { error }] if error > 0.01), "{estimate:?}");
}

/// f = −6.565 (tanh(au + 1) − tanh(au − 1)), a well 10 nats deep and a few parts of 1/a wide at u = 0, between the points of every even
/// grid. What stands still without having seen it is off by two nats; rows that lie there call for a finer grid.
#[test]
fn a_peak_between_the_points_is_seen_by_the_rows() {
    let well = |a: f32, depth: f32| two_units(1, [&[a, a], &[1.0, -1.0], &[-depth, depth], &[0.0]]);
    let energy = well(1000.0, 6.565);
    let NeuralConfig { centre, scale, confinement, .. } = energy.config();
    let e = |u: f64| {
        let f = -6.565 * ((1000.0 * u + 1.0).tanh() - (1000.0 * u - 1.0).tanh());
        (-f - 0.5 * f64::from(*confinement) * u * u).exp()
    };
    let sum = |cells: i32, cell: f64, outside: f64| -> f64 {
        let at = (-cells..cells).map(|i| (f64::from(i) + 0.5) * cell);
        at.filter(|u| u.abs() > outside).map(|u| e(u) * cell).sum()
    };
    let truth = (sum(20_000, 1e-5, 0.0) + sum(20_000, 1e-3, 0.2)).ln() + f64::from(scale[0]).ln();
    let [blind, seeing] =
        [vec![], vec![centre[0] + scale[0], centre[0]]].map(|rows| energy.quadrature(&rows, None));
    assert!(blind.error < 1e-4 && truth - blind.log_z > 1.5, "{blind:?}, truth {truth}");
    // Energies of ten nats are rounded to f32: some parts of 10⁻⁶. The finest step is right; the one before was off by the error.
    assert!((seeing.log_z - truth).abs() < 1e-4 && seeing.error < 0.2, "{seeing:?}, truth {truth}");

    // Narrower than any cell that is cut finer: the error is not known, and no figure claims to be good.
    let needle = well(1e9, 13.0);
    let rows = Dataset::from_real(vec![centre[0], centre[0] + scale[0]], &[2, 1]).unwrap();
    let estimate = needle.log_likelihood(&rows, &NeuralScoring::default()).unwrap();
    assert_eq!((estimate.kind, estimate.log_z_error), (Kind::Estimate, Some(f64::INFINITY)));
    assert!(matches!(estimate.warnings[..], [Warning::CoarseGrid { error }] if error.is_infinite()), "{estimate}");
    assert!(estimate.to_string().contains("no sampling; error of log Z unknown"), "{estimate}");
}

/// ln ∫ e^(−f − ½κu²) du with the well f = −d (tanh(au + 1) − tanh(au − 1)): the normal distribution's, and what the well adds
/// within 40/a.
fn log_z_of_well(a: f64, d: f64, confinement: f64) -> f64 {
    let cell = 80.0 / a / 40_000.0;
    let added = |u: f64| {
        let f = -d * ((a * u + 1.0).tanh() - (a * u - 1.0).tanh());
        (-0.5 * confinement * u * u).exp() * (-f).exp_m1() * cell
    };
    let well: f64 = (-20_000..20_000).map(|i| added((f64::from(i) + 0.5) * cell)).sum();
    ((2.0 * std::f64::consts::PI / confinement).sqrt() + well).ln()
}

/// Wells that even steps do not see: on the line a hundredth as wide as the finest cells, and on the plane a ridge from end to
/// end, on which a single row lies.
#[test]
fn cells_of_rows_that_see_more_are_cut_until_they_see_no_more() {
    for (width, a, d) in [(1, 1e5f32, 9.0f32), (1, 1e6, 13.0), (2, 250.0, 6.565)] {
        let weights: Vec<f32> = (0..2 * width).map(|i| if i % width == 0 { a } else { 0.0 }).collect();
        let energy = two_units(width, [&weights, &[1.0, -1.0], &[-d, d], &[0.0]]);
        let NeuralConfig { centre, scale, confinement, .. } = energy.config();
        let confinement = f64::from(*confinement);
        let others = (width - 1) as f64 * 0.5 * (2.0 * std::f64::consts::PI / confinement).ln();
        let units: f64 = scale.iter().map(|&s| f64::from(s).ln()).sum();
        let truth = log_z_of_well(f64::from(a), f64::from(d), confinement) + others + units;
        // The first row is on the well, at a place along the ridge that is none of the grid's.
        let place = |row: usize, j: usize| centre[j] + scale[j] * [[0.0, 0.31], [1.0, -0.5]][row][j];
        let rows: Vec<f32> = (0..2).flat_map(|row| (0..width).map(move |j| place(row, j))).collect();
        let seeing = energy.quadrature(&rows, None);
        let blind = energy.quadrature(&rows[width..], None);
        assert!(truth - blind.log_z > 0.5, "{blind:?}, truth {truth}");
        assert!(seeing.error < 1e-3, "{seeing:?}, truth {truth}");
        // Energies of some ten nats are rounded to f32: some parts of 10⁻⁶.
        assert!((seeing.log_z - truth).abs() < 1e-5 + seeing.error, "{seeing:?}, truth {truth}");
    }
}

/// A nearly constant column: tens of nats for the normal distribution of these rows, and no baseline.
#[test]
fn a_column_that_hardly_varies_has_no_baseline() {
    let rows: Vec<f32> = (0..600)
        .map(|i| if i % 3 == 1 { 0.3 + f32::EPSILON * (i % 2) as f32 } else { (i as f32 * 0.37).sin() })
        .collect();
    let data = Dataset::from_real(rows, &[200, 3]).unwrap();
    let energy = NeuralEnergy::new(NeuralConfig::new(3), Seed(1)).unwrap();
    let estimate =
        energy.log_likelihood(&data, &NeuralScoring { chains: 4, temperatures: 5, seed: Seed(1) }).unwrap();
    assert_eq!(estimate.baseline, None);
    assert!(estimate.warnings.contains(&Warning::ConstantColumns { first: 1, columns: 1 }), "{estimate}");
}

/// Nearly all of this model is at u = 30, where E is −386 + ½ · 0.7 · 30² = −71, and nothing between leads there.
#[test]
fn a_grid_reaches_as_far_as_the_rows() {
    let far = two_units(1, [&[1.0, 1.0], &[-28.0, -32.0], &[-200.0, 200.0], &[0.0]]);
    let NeuralConfig { centre, scale, .. } = far.config();
    let [blind, seeing] = [0.0, 30.0].map(|u| far.quadrature(&[centre[0] + scale[0] * u], None).log_z);
    assert!(blind < 5.0 && seeing > 60.0, "{blind} {seeing}");
}

#[test]
fn the_units_are_the_datas_own() {
    let data = ToyDensity::Ring.dataset(4000, 1, Seed(1)).unwrap().train();
    let config = NeuralConfig::fitted(&data).unwrap();
    // Modes on a circle of radius 1: the variance of a coordinate is ½ + σ²; its error by 4,000 draws of at most 1.
    for j in 0..2 {
        assert!((config.scale[j].powi(2) - 0.5).abs() < 5.0 / 4000f32.sqrt(), "{config:?}");
        assert!(config.centre[j].abs() < 5.0 / 4000f32.sqrt(), "{config:?}");
    }
}
