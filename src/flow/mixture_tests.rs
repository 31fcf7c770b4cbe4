use super::base::BaseDensity;
use super::mixture::{Mixture, MixtureShape};
use super::mixture_density::MixtureDensity;
use crate::Seed;
use crate::autodiff::{Activation, Program, Var, check_gradients, check_parameter_gradients};
use crate::random::Streams;
use crate::sampling::chi_squared::{chi_squared, chi_squared_quantile};
use crate::store::{Snapshot, Store};
use std::sync::Arc;

/// A mixture whose parameters are drawn.
fn drawn(width: usize, context: usize) -> (Store, Mixture) {
    let mut store = Store::new();
    let shape = MixtureShape { width, context, components: 4, hidden: &[12, 9], activation: Activation::Tanh };
    let mixture = Mixture::new(&mut store, "base", &shape, Seed(1));
    let last = ["base.4.weight", "base.4.bias"].map(|name| store.find(name).unwrap());
    for parameter in last {
        let mut values = vec![0.0; store.get(parameter).len()];
        Seed(4).lanes(store.name(parameter), 0).fill_normal(&mut values);
        let before = store.get(parameter).to_vec();
        for (place, value) in store.get_mut(parameter).iter_mut().enumerate() {
            *value = before[place] + 0.25 * values[place];
        }
    }
    // Through a snapshot, which leaves out what lies beyond the limits.
    let mut snapshot = Snapshot::default();
    store.save("", &mut snapshot);
    store.load("", &snapshot).unwrap();
    (store, mixture)
}

/// ln p of rows `[rows, width]`.
fn log_densities(store: &Store, mixture: &Mixture, width: usize, rows: &[f32]) -> Vec<f32> {
    let mut program = Program::record(store, |tape| {
        let u = tape.input_with("u", [rows.len() / width, width], rows);
        tape.output("log_density", mixture.log_density(u, None));
    });
    program.evaluate(store);
    program.output("log_density").to_vec()
}

/// Cells a side of a grid over [−12, 12]. The deviations are at least e^−2 or so: a sum over steps of 0.05 is exact to 1e-6, and so it is over whole units.
const CELLS: usize = 480;
const REACH: f64 = 12.0;

fn grid() -> impl Iterator<Item = f64> {
    (0..CELLS).map(|cell| REACH * ((2 * cell + 1) as f64 / CELLS as f64 - 1.0))
}

#[test]
fn the_density_integrates_to_one() {
    let step = 2.0 * REACH / CELLS as f64;
    let (store, mixture) = drawn(1, 0);
    let line: Vec<f32> = grid().map(|u| u as f32).collect();
    let mass: f64 = log_densities(&store, &mixture, 1, &line).iter().map(|l| f64::from(*l).exp() * step).sum();
    assert!((mass - 1.0).abs() < 1e-4, "{mass}");
    let (store, mixture) = drawn(2, 0);
    let plane: Vec<f32> = grid().flat_map(|a| grid().flat_map(move |b| [a as f32, b as f32])).collect();
    let mass: f64 =
        log_densities(&store, &mixture, 2, &plane).iter().map(|l| f64::from(*l).exp() * step * step).sum();
    assert!((mass - 1.0).abs() < 1e-4, "{mass}");
}

#[test]
fn the_untrained_base_is_a_mixture_of_spread_normals() {
    let mut store = Store::new();
    let shape = MixtureShape { width: 3, context: 0, components: 3, hidden: &[5], activation: Activation::Relu };
    let mixture = Mixture::new(&mut store, "base", &shape, Seed(1));
    let u = [0.3f32, -1.0, 2.0];
    let exact: f64 = u
        .iter()
        .map(|u| {
            let term = |mean: f64| (-0.5 * (f64::from(*u) - mean).powi(2)).exp() / std::f64::consts::TAU.sqrt();
            ([-1.0, 0.0, 1.0].map(term).iter().sum::<f64>() / 3.0).ln()
        })
        .sum();
    let got = f64::from(log_densities(&store, &mixture, 3, &u)[0]);
    assert!((got - exact).abs() < 1e-5, "{got} and {exact}");
}

/// The fused operation against its parts, and their derivatives, with parameters from deviations of 10⁻³ to 10³.
#[test]
fn the_fused_density_is_its_parts() {
    for (rows, width, components) in [(5, 3, 4), (1, 1, 1), (40, 7, 33), (300, 30, 10), (0, 3, 2)] {
        let each = width * components;
        let mut values = vec![0.0; rows * (width + 3 * each)];
        Seed(8).lanes("values", 0).fill_normal(&mut values);
        let (u, mixtures) = values.split_at(rows * width);
        let mixtures: Vec<f32> = mixtures.iter().map(|x| 2.0 * x).collect();
        Program::record(&Store::new(), |tape| {
            let u = tape.input_with("u", [rows, width], u);
            let mixtures = tape.input_with("mixtures", [rows, 3 * each], &mixtures);
            let fused = tape.apply(Arc::new(MixtureDensity::new(components)), &[u, mixtures]);
            let group = |group: usize| mixtures.slice(1, group * each, each).reshape([rows, width, components]);
            let log_deviations = (group(2) * (1.0 / 7.0)).tanh() * 7.0;
            let z = (u.reshape([rows, width, 1]) - group(1)) * (-log_deviations).exp();
            let terms = group(0) - log_deviations - z.square() * 0.5;
            let of_components = terms.logsumexp(2) - group(0).logsumexp(2) - 0.5 * std::f32::consts::TAU.ln();
            let parts = of_components.sum_axis(1);
            let slopes = |density: Var<'_>| tape.gradient(density.sum(), &[u, mixtures]);
            let (ours, theirs) = ([vec![fused], slopes(fused)].concat(), [vec![parts], slopes(parts)].concat());
            for (ours, theirs) in ours.iter().zip(&theirs) {
                for (a, b) in ours.value().iter().zip(theirs.value().iter()) {
                    // z may be a thousand: of its square 2⁻²⁴ · a few roundings, and what e^(−s) multiplies them by.
                    assert!(
                        (a - b).abs() <= 1e-4 * b.abs().max(1.0),
                        "{rows} × {width} × {components}: {a} and {b}"
                    );
                }
            }
        });
    }
}

#[test]
fn far_out_the_density_vanishes() {
    let (store, mixture) = drawn(1, 0);
    let densities = log_densities(&store, &mixture, 1, &[1e30, f32::INFINITY, -1e4]);
    assert_eq!(densities[..2], [f32::NEG_INFINITY; 2]);
    assert!(densities[2] < -1e6 && densities[2].is_finite());
}

#[test]
fn slopes_of_the_density() {
    for (rows, width, components) in [(2, 3, 4), (1, 1, 1), (3, 2, 1), (0, 2, 2)] {
        let each = width * components;
        let mut values = vec![0.0; rows * (width + 3 * each)];
        Seed(9).lanes("values", 0).fill_normal(&mut values);
        let (u, mixtures) = values.split_at(rows * width);
        let inputs = [([rows, width].into(), u.to_vec()), ([rows, 3 * each].into(), mixtures.to_vec())];
        check_gradients(&inputs, |tape, x| tape.apply(Arc::new(MixtureDensity::new(components)), x)).unwrap();
    }
}

#[test]
fn derivatives() {
    let (store, mixture) = drawn(2, 3);
    let mut values = [0.0; 10];
    Seed(5).lanes("values", 0).fill_normal(&mut values);
    check_parameter_gradients(&store, |tape| {
        let u = tape.constant([2, 2], &values[..4]);
        mixture.log_density(u, Some(tape.constant([2, 3], &values[4..])))
    })
    .unwrap();
}

/// χ² of draws on the plane against the density's mass in 6 × 6 cells of equal breadth and one for the rest.
#[test]
fn draws_have_the_density() {
    const DRAWS: usize = 40_000;
    const SIDE: usize = 6;
    let (store, mixture) = drawn(2, 0);
    let mut rows = vec![0.0; 2 * DRAWS];
    mixture.draw(&store, 2, &mut Streams::new(Seed(6), "draws", DRAWS), &mut rows, &[]);
    let cell = |a: f64, b: f64| {
        let place = |x: f64| ((x + 3.0) / 6.0 * SIDE as f64).floor();
        let inside = [place(a), place(b)].iter().all(|place| (0.0..SIDE as f64).contains(place));
        if inside { place(a) as usize * SIDE + place(b) as usize } else { SIDE * SIDE }
    };
    let mut counts = [0; SIDE * SIDE + 1];
    rows.chunks_exact(2).for_each(|row| counts[cell(f64::from(row[0]), f64::from(row[1]))] += 1);
    let mut masses = [0.0; SIDE * SIDE + 1];
    let step = 2.0 * REACH / CELLS as f64;
    let plane: Vec<f32> = grid().flat_map(|a| grid().flat_map(move |b| [a as f32, b as f32])).collect();
    for (point, log) in plane.chunks_exact(2).zip(log_densities(&store, &mixture, 2, &plane)) {
        masses[cell(f64::from(point[0]), f64::from(point[1]))] += f64::from(log).exp() * step * step;
    }
    let (statistic, degrees) = chi_squared(&counts, &masses);
    assert!(statistic < chi_squared_quantile(degrees, 1e-6), "χ² {statistic:.1} of {degrees}");
}

#[test]
fn a_row_is_drawn_the_same_in_any_company() {
    let (store, mixture) = drawn(3, 0);
    let draw = |count: usize, threads: usize| {
        let mut rows = vec![0.0; 3 * count];
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut streams = Streams::new(Seed(7), "draws", count);
        pool.install(|| mixture.draw(&store, 3, &mut streams, &mut rows, &[]));
        rows
    };
    let all = draw(70, 1);
    assert_eq!(draw(70, 3), all);
    assert_eq!(draw(41, 2), all[..41 * 3]);
    assert!(draw(0, 1).is_empty());
}
