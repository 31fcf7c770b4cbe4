//! Determinants, inverses, likelihoods and draws against what is known of them; models read back from files.

use super::preprocessing::{Preprocessing, Space};
use super::reference::{log_determinant, normal, random, slopes};
use super::{Base, Conditioning, Flow, FlowConfig, FlowError, FlowScoring, Mixing, Structure, TransformKind};
use crate::autodiff::check_parameter_gradients;
use crate::data::{Binarization, Dataset, ToyDensity, Unsuitable};
use crate::random::Seed;
use crate::sampling::{ImportanceSampling, Independence, Kind, LogDensity, Metropolis, Run, Warning};
use crate::store::SnapshotError;

const SPLINE: TransformKind = TransformKind::Spline { bins: 5, bound: 3.0 };

fn small(width: usize, transform: TransformKind, mixing: Mixing) -> FlowConfig {
    FlowConfig { layers: 3, hidden: vec![7, 6], transform, mixing, ..FlowConfig::new(width) }
}

/// Shapes of every transform, mixing and conditioning, even and odd.
fn shapes() -> Vec<FlowConfig> {
    let (affine, labels) = (TransformKind::Affine, Conditioning::Labels { classes: 3 });
    vec![
        small(2, affine, Mixing::Reverse),
        small(2, SPLINE, Mixing::Lu),
        small(3, affine, Mixing::Lu),
        small(5, SPLINE, Mixing::Permutation),
        FlowConfig { conditioning: labels, ..small(4, SPLINE, Mixing::Lu) },
        FlowConfig { conditioning: Conditioning::Targets { width: 2 }, ..small(2, affine, Mixing::Permutation) },
        FlowConfig { structure: Structure::Autoregressive, ..small(1, SPLINE, Mixing::Reverse) },
        FlowConfig { structure: Structure::Autoregressive, ..small(5, affine, Mixing::Reverse) },
        FlowConfig { structure: Structure::Autoregressive, conditioning: labels, ..small(4, SPLINE, Mixing::Lu) },
    ]
}

/// Contexts of `rows` rows for a shape.
fn contexts(config: &FlowConfig, rows: usize) -> Vec<f32> {
    match config.conditioning {
        Conditioning::Labels { classes } => (0..rows * classes)
            .map(|place| f32::from(u8::from(place / classes % classes == place % classes)))
            .collect(),
        _ => normal(rows * config.context(), 1.0, Seed(8)),
    }
}

/// Numbers of order 1 through three layers in single precision, of up to five values; an inverse divides by slopes of a few hundredths.
const ROUNDING: f64 = 2e-4;

#[test]
fn log_determinants_are_those_of_the_jacobian() {
    for config in shapes() {
        let (width, rows) = (config.width, 40);
        let flow = random(config, 0.3, Seed(3));
        let (z, context) = (normal(rows * width, 2.0, Seed(4)), contexts(&flow.config, rows));
        let slopes = slopes(&flow, &z, &context);
        for (row, jacobian) in slopes.jacobians.into_iter().enumerate() {
            let (got, wanted) = (f64::from(slopes.log_determinants[row]), log_determinant(jacobian, width));
            assert!((got - wanted).abs() < ROUNDING * (1.0 + wanted.abs()), "{:?}: {got} {wanted}", flow.config);
        }
    }
}

/// The slopes that the determinants above are made of, and the gradients that training follows: of u and of the log-density, with respect
/// to every parameter and to z.
#[test]
fn slopes_and_gradients_are_central_differences_of_the_formula() {
    for config in shapes() {
        let (width, rows) = (config.width, 3);
        let flow = random(config, 0.4, Seed(5));
        let (z, context) = (normal(rows * width, 1.0, Seed(6)), contexts(&flow.config, rows));
        let conditions = flow.config.context();
        let mut store = flow.store.clone();
        let place = store.add("z", &[rows, width]);
        store.get_mut(place).copy_from_slice(&z);
        check_parameter_gradients(&store, |tape| {
            let context = (conditions > 0).then(|| tape.input_with("context", [rows, conditions], &context));
            let densities = flow.densities(tape.parameter(place), context);
            densities.u.concat(&[(densities.log_base + densities.log_determinant).reshape([rows, 1])], 1)
        })
        .unwrap_or_else(|error| panic!("{:?}: {error}", flow.config));
    }
}

/// Knots of equal bins, the ends of the box and what is next to them; numbers far out, of flows that are tame enough not to lose their digits.
#[test]
fn inverses_undo_transforms_at_knots_and_outside_of_the_box() {
    let mut near: Vec<f32> = (0..=5).map(|knot| -3.0 + 1.2 * knot as f32).collect();
    near.extend([3.0f32.next_up(), 3.0f32.next_down(), -3.0f32.next_up(), -3.0f32.next_down(), 0.0, -0.0, 1e-30]);
    near.extend(normal(300, 1.5, Seed(8)));
    let far = [vec![30.0, -30.0, 100.0, -100.0, 3.001, -2.999], normal(300, 30.0, Seed(9))].concat();
    for config in shapes() {
        let width = config.width;
        for (deviation, z) in [(0.0, &near), (0.2, &near), (0.0, &far), (0.05, &far)] {
            let flow = random(config.clone(), deviation, Seed(7));
            let z = &z[..z.len() / width * width];
            let rows = z.len() / width;
            let context = contexts(&flow.config, rows);
            let u = flow.encode(z, &context).unwrap();
            let back = flow.decode(&u, &context).unwrap();
            let mut largest = 0.0f64;
            for (place, (z, back)) in z.iter().zip(&back).enumerate() {
                let error = f64::from((z - back).abs()) / (1.0 + f64::from(z.abs()));
                assert!(error < ROUNDING, "{:?}, {deviation}, {place}: {z} became {back}", flow.config);
                largest = largest.max(error);
            }
            let data = Dataset::from_real(z, &[rows, width]).unwrap();
            let data = match flow.config.conditioning {
                Conditioning::Labels { classes } => {
                    data.with_labels(&(0..rows).map(|row| (row % classes) as u16).collect::<Vec<_>>()).unwrap()
                }
                Conditioning::Targets { width } => data.with_targets(&context, width).unwrap(),
                Conditioning::None => data,
            };
            let error = flow.round_trip_error(&data).unwrap();
            assert!((error - largest).abs() < 1e-7, "{error} {largest}");
        }
    }
}

#[test]
fn an_untrained_flow_is_its_base() {
    for base in [Base::Normal, Base::Student { degrees: 3.0 }] {
        let centre_and_scale = Preprocessing::Standardise { centre: vec![1.0, -2.0], scale: vec![0.5, 4.0] };
        let config = FlowConfig { base, preprocessing: centre_and_scale, ..small(2, SPLINE, Mixing::Lu) };
        let flow = Flow::new(config, Seed(1)).unwrap();
        let x = [1.5f32, 2.0, 0.0, -2.0];
        for (x, got) in x.chunks_exact(2).zip(flow.log_densities(&x, &[]).unwrap()) {
            let u = [(f64::from(x[0]) - 1.0) / 0.5, (f64::from(x[1]) + 2.0) / 4.0];
            let of = |u: f64| match base {
                // Γ(2) / (Γ(3/2) √(3π)) = 2 / (π √3).
                Base::Student { .. } => {
                    (2.0 / (std::f64::consts::PI * 3f64.sqrt())).ln() - 2.0 * (u * u / 3.0).ln_1p()
                }
                _ => -0.5 * (u * u + (2.0 * std::f64::consts::PI).ln()),
            };
            let wanted = of(u[0]) + of(u[1]) - 2f64.ln();
            assert!((got - wanted).abs() < 1e-5, "{base}: {got} {wanted}");
        }
    }
}

/// Σ p over the cells of a grid that holds all but 10⁻⁴ of the mass.
fn mass(flow: &Flow, reach: f32, side: usize) -> f64 {
    let cell = 2.0 * reach / side as f32;
    let at = |i: usize| -reach + cell * (i as f32 + 0.5);
    let points: Vec<f32> = (0..side * side).flat_map(|i| [at(i / side), at(i % side)]).collect();
    let densities = flow.log_densities(&points, &[]).unwrap();
    densities.iter().map(|density| density.exp()).sum::<f64>() * f64::from(cell).powi(2)
}

#[test]
fn the_mass_on_the_plane_is_one() {
    for (transform, mixing, deviation) in [
        (TransformKind::Affine, Mixing::Reverse, 0.3),
        (TransformKind::Affine, Mixing::Lu, 0.2),
        (SPLINE, Mixing::Permutation, 0.3),
        (SPLINE, Mixing::Lu, 0.2),
    ] {
        let flow = random(small(2, transform, mixing), deviation, Seed(11));
        let mass = mass(&flow, 24.0, 1600);
        assert!((mass - 1.0).abs() < 1e-3, "{transform}, {mixing}: {mass}");
    }
}

/// The same model in other units: the density is that in the first ones over the volume of a unit.
#[test]
fn units_change_log_likelihoods_by_their_logarithm() {
    let data = Dataset::toy(ToyDensity::Moons).test().subset(0..500);
    let rows: Vec<f32> = {
        let mut rows = vec![0.0; 1000];
        data.rows_into(&(0..500).collect::<Vec<_>>(), &mut rows);
        rows.iter().map(|x| 10.0 * x + 3.0).collect()
    };
    let scaled = Dataset::from_real(rows, &[500, 2]).unwrap();
    let of = |data: &Dataset<'_>| {
        let mut flow = random(small(2, SPLINE, Mixing::Lu), 0.3, Seed(2));
        flow.config.preprocessing = Preprocessing::fitted(data).unwrap();
        flow.log_likelihood(data, &FlowScoring::default()).unwrap()
    };
    let (plain, large) = (of(&data), of(&scaled));
    let difference = large.value - plain.value;
    assert!((difference + 2.0 * 10f64.ln()).abs() < 1e-4, "{difference}");
    assert_eq!((plain.kind, plain.monte_carlo_error), (Kind::Exact, 0.0));
    let baselines = plain.baseline.unwrap() - large.baseline.unwrap();
    assert!((baselines - 2.0 * 10f64.ln()).abs() < 1e-4, "{baselines}");
}

/// Of 3² rows of levels: P(x) is the mass of a cell of z, which a flow without preprocessing gives by sums over it. They make 1, and no bound is
/// above ln P(x).
#[test]
fn dequantised_bounds_are_below_the_probabilities_of_levels() {
    let (levels, lambda) = (3usize, 1e-6);
    let config =
        FlowConfig { preprocessing: Preprocessing::Dequantise { levels, lambda }, ..small(2, SPLINE, Mixing::Lu) };
    let flow = random(config.clone(), 0.2, Seed(4));
    let of_z = random(FlowConfig { preprocessing: Preprocessing::identity(2), ..config }, 0.2, Seed(4));
    let rows: Vec<u8> = (0..9).flat_map(|row| [row / 3, row % 3]).collect();
    let data = Dataset::from_u8(rows, &[9, 2], 2).unwrap().binarized(Binarization::None);
    let score = flow.score(&data, &FlowScoring { draws: 4000, seed: Seed(1) }).unwrap();
    let pixels = score.in_pixels().unwrap();
    assert_eq!((pixels.kind, score.space), (Kind::Lower, Space::Logit { lambda }));

    let edge = |level: usize| {
        let w: f64 = lambda + (1.0 - 2.0 * lambda) * level as f64 / levels as f64;
        (w / (1.0 - w)).ln()
    };
    // ∂z/∂y, with w = σ(z).
    let slope = |z: f64| {
        let w = 1.0 / (1.0 + (-z).exp());
        (1.0 - 2.0 * lambda) / (w * (1.0 - w))
    };
    let side = 150;
    let (mut exact, mut mean, mut total) = (0.0, 0.0, 0.0);
    for row in 0..9 {
        let cells = [row / 3, row % 3].map(|level| (edge(level), (edge(level + 1) - edge(level)) / side as f64));
        let at = |(start, step): (f64, f64), i: usize| (start + step * (i as f64 + 0.5)) as f32;
        let points: Vec<f32> =
            (0..side * side).flat_map(|place| [at(cells[0], place / side), at(cells[1], place % side)]).collect();
        let densities = of_z.log_densities(&points, &[]).unwrap();
        let probability = densities.iter().map(|density| density.exp()).sum::<f64>() * cells[0].1 * cells[1].1;
        exact += probability.ln() / 9.0;
        total += probability;
        // The mean of ln p(y) over the cell, y being uniform: each z weighs the y that it stands for.
        let (mut sum, mut weights) = (0.0, 0.0);
        for (point, density) in points.chunks_exact(2).zip(&densities) {
            let slopes = [point[0], point[1]].map(|z| slope(f64::from(z)));
            let weight = 1.0 / (slopes[0] * slopes[1]);
            sum += weight * (density + slopes[0].ln() + slopes[1].ln());
            weights += weight;
        }
        mean += sum / weights / 9.0;
    }
    assert!((total - 1.0).abs() < 1e-3, "{total}");
    // Within 4.9 errors of the mean over the noise, and what sums over cells miss; by Jensen's inequality below ln P.
    let (bound, error) = (pixels.value - 2.0 * (levels as f64).ln(), pixels.monte_carlo_error);
    assert!((pixels.value - mean).abs() < 4.9 * error + 0.01, "{} ± {error}, {mean}", pixels.value);
    assert!(bound < exact && error < 0.05, "{bound} ± {error}, {exact}");
    let bits = score.bits_per_dimension().unwrap();
    assert!((bits + bound / (2.0 * std::f64::consts::LN_2)).abs() < 1e-12, "{bits}");
    let single = flow.score(&data, &FlowScoring { draws: 1, seed: Seed(1) }).unwrap();
    assert!(single.estimate.value.is_finite() && single.estimate.monte_carlo_error > 0.0);
}

/// ∂z/∂y by differences, and levels that come back from any place in their cell.
#[test]
fn levels_are_spread_and_found_again() {
    for (levels, lambda) in [(2, 0.05), (17, 1e-6), (256, 1e-6)] {
        let preprocessing = Preprocessing::Dequantise { levels, lambda };
        let highest = (levels - 1) as f32;
        for level in [0, 1, levels / 2, levels - 1] {
            for u in [0.001f32, 0.3, 0.5, 0.9, 0.999] {
                let at = |u: f32| {
                    let mut z = [level as f32 / highest];
                    preprocessing.apply(&mut z, 1.0, &[u]);
                    z[0]
                };
                let step = 1e-4f32;
                let dy = f64::from((u + step) - (u - step)) / levels as f64;
                let slope = f64::from(at(u + step) - at(u - step)) / dy;
                let got = preprocessing.log_jacobian(&[at(u)]).exp();
                // Steps of 10⁻⁴ of a level and logits of 24 bits.
                assert!((got / slope - 1.0).abs() < 0.02, "{levels} levels, {level} + {u}: {got} {slope}");
                let mut back = [at(u)];
                preprocessing.invert(&mut back);
                assert!((back[0] - level as f32 / highest).abs() < 1e-6, "{levels} levels, {level} + {u}");
            }
        }
    }
}

/// The way to a draw's code is the way back from it; the draws of the toolbox weigh what they should.
#[test]
fn draws_are_those_of_the_density() {
    let config = FlowConfig { base: Base::Student { degrees: 4.0 }, ..small(2, SPLINE, Mixing::Lu) };
    let flow = random(config, 0.3, Seed(6));
    let draws = flow.sample(2000, Seed(1)).unwrap();
    assert_eq!(draws[..600], flow.sample(300, Seed(1)).unwrap());
    let again = flow.decode(&flow.encode(&draws, &[]).unwrap(), &[]).unwrap();
    for (a, b) in draws.iter().zip(&again) {
        assert!(f64::from((a - b).abs()) < ROUNDING * (1.0 + f64::from(a.abs())), "{a} {b}");
    }
    let density = flow.density(&[]).unwrap();
    for (x, wanted) in draws.chunks_exact(2).zip(flow.log_densities(&draws, &[]).unwrap()).take(50) {
        let x: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
        assert!((LogDensity::log_density(&density, &x).unwrap() - wanted).abs() < 1e-5 * (1.0 + wanted.abs()));
    }
    // A normal distribution inside of the flow's heavy tails: ln Z = ln 2π, within 4.9 errors of 10,000 weights.
    let target = |x: &Vec<f64>| Ok(-0.5 * x.iter().map(|x| x * x).sum::<f64>());
    let estimate = ImportanceSampling::default().mean(target, &density, |x| x[0] * x[0]).unwrap();
    let (log_z, wanted) = (estimate.log_normaliser, (2.0 * std::f64::consts::PI).ln());
    assert!(
        (log_z.value - wanted).abs() < 4.9 * log_z.error,
        "{} ± {}, wanted {wanted}",
        log_z.value,
        log_z.error
    );
    // And as a proposal of Metropolis and Hastings.
    struct Normal;
    impl LogDensity for Normal {
        fn dimension(&self) -> usize {
            2
        }
        fn log_density(&self, x: &[f64]) -> Result<f64, crate::sampling::DensityError> {
            Ok(-0.5 * x.iter().map(|x| x * x).sum::<f64>())
        }
    }
    let kernel = Metropolis::new(Independence(density));
    let chains = Run::default().sample(&kernel, &Normal, &[0.0, 0.0]).unwrap();
    let summary = crate::sampling::diagnostics::Summary::of(&chains.map(|x| x[0] * x[0]));
    assert!((summary.mean - 1.0).abs() < 5.0 * summary.mean_error, "{summary}");
}

#[test]
fn threads_change_no_bit() {
    let flow = random(small(3, SPLINE, Mixing::Lu), 0.4, Seed(9));
    let data = Dataset::from_real(normal(3000, 1.0, Seed(1)), &[1000, 3]).unwrap();
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let score = flow.score(&data, &FlowScoring::default()).unwrap();
            (score, flow.sample(777, Seed(3)).unwrap())
        })
    };
    let one = on(1);
    for threads in [2, 3] {
        assert!(on(threads) == one, "{threads} threads");
    }
}

#[test]
fn a_model_is_read_back_and_a_damaged_one_is_not() {
    for config in shapes() {
        let flow = random(config, 0.3, Seed(2));
        assert_eq!(Flow::from_snapshot(&flow.to_snapshot()).unwrap(), flow);
    }
    let levels = Preprocessing::Dequantise { levels: 17, lambda: 1e-6 };
    let flow = random(FlowConfig { preprocessing: levels, ..small(4, SPLINE, Mixing::Lu) }, 0.3, Seed(2));
    let snapshot = flow.to_snapshot();
    assert_eq!(Flow::from_snapshot(&snapshot).unwrap(), flow);
    assert_eq!(snapshot.shape("layers.0.conditioner.0.weight").unwrap(), [7, 2]);
    for name in ["layers.2.norm.log_scale", "layers.0.mixing.lower", "layers.1.permutation"] {
        assert!(snapshot.contains(name), "{name}");
        let mut broken = snapshot.clone();
        broken.arrays.remove(name);
        assert!(matches!(Flow::from_snapshot(&broken), Err(FlowError::Snapshot(SnapshotError::Missing { .. }))));
    }
    let mut broken = snapshot.clone();
    broken.put_u32("layers.0.permutation", &[4], &[0, 1, 1, 3]);
    assert!(Flow::from_snapshot(&broken).is_err(), "an order that is none");
    broken.put_u32("layers.0.permutation", &[4], &[0, 1, 2, u32::MAX]);
    assert!(Flow::from_snapshot(&broken).is_err(), "an order beyond the width");
    let mut broken = snapshot.clone();
    broken.put_f32("layers.0.norm.centre", &[4], &[f32::NAN; 4]);
    assert!(matches!(Flow::from_snapshot(&broken), Err(FlowError::Snapshot(SnapshotError::NonFinite { .. }))));
    for (key, value) in [
        ("flow.width", "16777216"),
        ("flow.hidden", "16777216,16777216"),
        ("flow.hidden", "7,x"),
        ("flow.layers", "4000"),
        ("flow.structure", "planar"),
        ("flow.structure", "own"),
        ("flow.transform", "spline:0"),
        ("flow.mixing", "glow"),
        ("flow.conditioning", "labels:60000"),
        ("flow.preprocessing", "whitened"),
        ("flow.levels", "1"),
        ("flow.lambda", "NaN"),
        ("flow.start", "soon"),
        ("flow.activation", "swish"),
    ] {
        let mut broken = snapshot.clone();
        broken.set(key, value);
        assert!(Flow::from_snapshot(&broken).is_err(), "{key} = {value}");
        broken.metadata.remove(key);
        assert!(Flow::from_snapshot(&broken).is_err() || key == "flow.activation", "{key} missing");
    }
}

#[test]
fn data_that_makes_no_sense_is_named() {
    let scoring = FlowScoring::default();
    let flow = Flow::new(small(2, TransformKind::Affine, Mixing::Lu), Seed(1)).unwrap();
    let refused = |flow: &Flow, data: &Dataset<'_>| flow.log_likelihood(data, &scoring).unwrap_err();
    let moons = Dataset::toy(ToyDensity::Moons);
    assert_eq!(refused(&flow, &moons.subset(0..0)), Unsuitable::NoRows.into());
    assert_eq!(refused(&flow, &Dataset::bars(2).unwrap()), Unsuitable::Width { data: 4, model: 2 }.into());
    let bits = Dataset::from_u8(vec![0, 1, 1, 0], &[2, 2], 1).unwrap();
    assert_eq!(refused(&flow, &bits), Unsuitable::Bits.into());
    let grey = Dataset::from_u8(vec![0, 1, 2, 3], &[2, 2], 3).unwrap();
    assert_eq!(refused(&flow, &grey), Unsuitable::Binarized.into());
    let grey = grey.binarized(Binarization::None);
    assert_eq!(refused(&flow, &grey), FlowError::Levels);
    assert_eq!(
        flow.log_likelihood(&moons, &FlowScoring { draws: 0, ..scoring }).unwrap_err().to_string(),
        "the number of draws of the noise is 0, but must be at least 1"
    );

    let levels = |levels| {
        let preprocessing = Preprocessing::Dequantise { levels, lambda: 1e-6 };
        Flow::new(FlowConfig { preprocessing, ..small(2, TransformKind::Affine, Mixing::Lu) }, Seed(1)).unwrap()
    };
    assert!(levels(4).log_likelihood(&grey, &scoring).is_ok());
    assert_eq!(refused(&levels(5), &grey), FlowError::LevelCount { data: Some(4), model: 5 });
    assert_eq!(refused(&levels(4), &moons), Unsuitable::Real.into());
    let fractions = Dataset::from_f32(vec![0.0, 1.0 / 3.0, 0.5, 1.0], &[2, 2]).unwrap();
    assert_eq!(refused(&levels(4), &fractions), FlowError::LevelCount { data: None, model: 4 });
    assert!(levels(7).log_likelihood(&fractions, &scoring).is_ok());
    assert_eq!(levels(4).log_densities(&[0.0, 0.0], &[]), Err(FlowError::NotReal));
    assert!(levels(4).density(&[]).is_err());
    assert!(levels(2).log_likelihood(&bits.binarized(Binarization::None), &scoring).is_ok());

    let said = |data: &Dataset<'_>| FlowConfig::fitted(data).unwrap_err().to_string();
    let constant = Dataset::from_real(vec![1.0, 7.0, 2.0, 7.0, 1.5, 7.0], &[2, 3]).unwrap();
    assert!(FlowConfig::fitted(&constant).is_ok());
    let constant = Dataset::from_real(vec![1.0, 7.0, 2.0, 7.0, 1.5, 7.0], &[3, 2]).unwrap();
    assert_eq!(said(&constant), "column 1 (from 0) is constant: a density grows without bound along it");
    let three = Dataset::from_real(vec![0.0; 6], &[2, 3]).unwrap();
    assert!(said(&three).starts_with("column 0 (from 0) is constant, and so are 2 others"));
    assert_eq!(FlowConfig::fitted(&bits).unwrap_err(), Unsuitable::Bits.into());
    assert_eq!(FlowConfig::fitted(&fractions).unwrap_err(), FlowError::UnknownLevels);
    let fitted = FlowConfig::fitted(&grey).unwrap();
    assert_eq!(fitted.preprocessing, Preprocessing::Dequantise { levels: 4, lambda: 1e-6 });
}

#[test]
fn contexts_that_make_no_sense_are_named() {
    let labels = Conditioning::Labels { classes: 3 };
    let config = FlowConfig { conditioning: labels, ..small(2, TransformKind::Affine, Mixing::Lu) };
    let flow = random(config.clone(), 0.5, Seed(1));
    let scoring = FlowScoring::default();
    let plain = Dataset::from_real(normal(8, 1.0, Seed(1)), &[4, 2]).unwrap();
    assert_eq!(flow.log_likelihood(&plain, &scoring), Err(FlowError::NoContext));
    let wrong = plain.with_labels(&[0u8, 1, 2, 3]).unwrap();
    assert_eq!(flow.log_likelihood(&wrong, &scoring), Err(FlowError::Label { label: 3, classes: 3 }));
    let [first, second] = [[0u8; 4], [1; 4]]
        .map(|labels| flow.log_likelihood(&plain.with_labels(&labels).unwrap(), &scoring).unwrap().value);
    assert_ne!(first, second);
    assert_eq!(flow.sample(4, Seed(1)), Err(FlowError::ContextWidth { given: 0, wanted: 12 }));
    let context = flow.context_of(&[2, 0]).unwrap();
    assert_eq!(context, [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
    assert_eq!(flow.sample_given(2, &context, Seed(1)).unwrap().len(), 4);
    assert_eq!(flow.context_of(&[3]), Err(FlowError::Label { label: 3, classes: 3 }));
    let targets = FlowConfig { conditioning: Conditioning::Targets { width: 2 }, ..config };
    let flow = Flow::new(targets, Seed(1)).unwrap();
    let wide = plain.with_targets(&[0.0; 12], 3).unwrap();
    assert_eq!(flow.log_likelihood(&wide, &scoring), Err(FlowError::ContextWidth { given: 3, wanted: 2 }));
    assert!(flow.context_of(&[0]).is_err());
}

#[test]
fn rows_that_speak_against_a_density_are_warned_of() {
    let levels: Vec<f32> = (0..300u32).map(|i| (i * i % 7) as f32).collect();
    let data = Dataset::from_real(levels, &[150, 2]).unwrap();
    let flow = Flow::new(FlowConfig { layers: 1, ..FlowConfig::fitted(&data).unwrap() }, Seed(1)).unwrap();
    let estimate = flow.log_likelihood(&data, &FlowScoring::default()).unwrap();
    assert_eq!(estimate.warnings, [Warning::DiscreteLevels { levels: 4 }]);
    // So far out that its square is beyond single precision.
    let far = Dataset::from_real(vec![0.0, 0.0, 1e30, 0.0], &[2, 2]).unwrap();
    assert_eq!(flow.log_likelihood(&far, &FlowScoring::default()), Err(FlowError::NonFinite { row: 1 }));
}

/// Wild parameters, and rows of ± 100: numbers all the same, and the error of a round trip that is told is the one that is made.
#[test]
fn wild_parameters_give_numbers_and_the_error_told_is_true() {
    let rows: Vec<f32> = normal(400, 100.0, Seed(1));
    let data = Dataset::from_real(rows.clone(), &[200, 2]).unwrap();
    for structure in [Structure::Coupling, Structure::Autoregressive] {
        for transform in [TransformKind::Affine, SPLINE] {
            for spread in [0.3, 3.0, 30.0] {
                let config = FlowConfig { structure, layers: 5, ..small(2, transform, Mixing::Permutation) };
                let flow = random(config, spread, Seed(5));
                let densities = flow.log_densities(&rows, &[]).unwrap();
                assert!(densities.iter().all(|density| !density.is_nan()), "{structure} {transform} × {spread}");
                let told = flow.round_trip_error(&data).unwrap();
                // Of an identity before the transforms, z is x.
                let back = flow.encode(&rows, &[]).and_then(|u| flow.decode(&u, &[]));
                let made = back.map_or(f64::INFINITY, |back| {
                    let error = |(x, y): (&f32, &f32)| f64::from((x - y).abs()) / (1.0 + f64::from(x.abs()));
                    rows.iter().zip(&back).map(error).fold(0.0, f64::max)
                });
                let near = told == made || (told / made - 1.0).abs() < 1e-3;
                assert!(near, "{structure} {transform} × {spread}: told {told}, made {made}");
            }
        }
    }
}
