//! Enumeration, transition matrices, χ² against the machine by the book.

use super::annealing::Annealer;
use super::likelihood::RowWeights;
use super::reference::{Reference, machine};
use super::*;
use crate::data::Dataset;
use crate::energy::rbm::reference as rbm;
use crate::energy::rbm::reference::state;
use crate::random::Seed;
use crate::sampling::chi_squared::{chi_squared, chi_squared_quantile};
use crate::sampling::{Kind, Work};
use crate::tensor::BitMatrix;

/// One error in 100,000 runs of all χ² tests together; each takes an equal part.
const ALPHA: f64 = 1e-5 / 16.0;

const BOTH: [Units; 2] = [Units::Binary, Units::Spin];

fn full(shape: [usize; 2], units: Units, scale: f32, seed: u64) -> BoltzmannMachine {
    machine(shape, units, scale, seed, |_, _| true)
}

/// Neighbours on a grid of `width` columns.
fn on_grid(width: usize) -> impl Fn(usize, usize) -> bool {
    move |i, j| i - j == width || i - j == 1 && i % width != 0
}

fn rows_of(states: &[usize], units: usize) -> BitMatrix {
    rbm::rows(states, units)
}

#[test]
fn energies_and_log_z_are_the_books() {
    for units in BOTH {
        for shape in [[1, 0], [3, 2], [9, 0], [4, 6]] {
            let machine = full(shape, units, 1.2, 1);
            let reference = Reference::of(&machine);
            let n = machine.len();
            let all: Vec<usize> = (0..1 << n).collect();
            for (state, energy) in machine.energy(&rows_of(&all, n)).into_iter().enumerate() {
                assert!((energy - reference.energy(state)).abs() < 1e-10);
            }
            // The form with units 0 and 1 rounds biases of at most 2 (1.2 + 9 · 1.2) to f32.
            let log_z = machine.exact_log_z().expect("few units");
            assert!((log_z - reference.log_z()).abs() < 1e-5, "{log_z} {}", reference.log_z());
            let v: Vec<usize> = (0..1 << shape[0]).collect();
            let values = machine.exact_log_likelihoods(&rows_of(&v, shape[0])).expect("few units");
            for (v, value) in values.into_iter().enumerate() {
                assert!((value - reference.log_likelihood(shape[0], &[v])).abs() < 1e-5);
            }
        }
    }
    let machine = full([21, 0], Units::Binary, 0.1, 1);
    assert_eq!(machine.exact_log_z(), Err(BoltzmannError::TooManyUnits { units: 21, limit: 20 }));
}

#[test]
fn the_conditionals_are_those_of_the_energy_and_leave_the_distribution_as_it_is() {
    for units in BOTH {
        for (seed, scale) in [(1, 0.5), (2, 1.5)] {
            let machine = machine([8, 0], units, scale, seed, on_grid(3));
            let reference = Reference::of(&machine);
            let pi = reference.joint();
            for state in 0..256 {
                for unit in 0..8 {
                    let (on, off) = (pi[state | 1 << unit], pi[state & !(1 << unit)]);
                    assert!((reference.conditional(state, unit) - on / (on + off)).abs() < 1e-13);
                }
            }
            let by_class = Colouring::greedy(&machine).classes().concat();
            let orders: [Vec<usize>; 2] = [(0..8).collect(), by_class.iter().map(|&unit| unit as usize).collect()];
            for order in orders {
                for (after, before) in reference.draw_in_turn(&pi, order).iter().zip(&pi) {
                    assert!((after - before).abs() < 1e-13);
                }
            }
        }
    }
}

/// Sweeps after which the start is forgotten to 1e-7.
fn enough_sweeps(eigenvalue: f64) -> usize {
    ((1e-7f64).ln() / eigenvalue.clamp(0.1, 0.999).ln()).ceil() as usize
}

fn assert_draws(states: &BitMatrix, probabilities: &[f64], what: &str) {
    let mut counts = vec![0; probabilities.len()];
    (0..states.rows()).for_each(|row| counts[state(states, row)] += 1);
    let (statistic, degrees) = chi_squared(&counts, probabilities);
    let limit = chi_squared_quantile(degrees, ALPHA);
    assert!(statistic < limit, "χ² {statistic:.1} > {limit:.1} of {what}");
}

#[test]
fn gibbs_in_turn_draws_the_distribution() {
    // Several tiles of four units; large weights make slow machines; few and many blocks of chains.
    for (n, units, scale, chains, seed) in [
        (3, Units::Binary, 2.0, 40_000, 1),
        (9, Units::Binary, 1.0, 40_000, 2),
        (7, Units::Spin, 0.5, 40_000, 3),
        (6, Units::Spin, 1.5, 20_000, 4),
        (8, Units::Binary, 4.0, 20_000, 5),
        (2, Units::Spin, 2.0, 15, 6),
    ] {
        let machine = full([n, 0], units, scale, seed);
        let reference = Reference::of(&machine);
        let order: Vec<usize> = (0..n).collect();
        let mut chains = machine.chains(chains, Seed(seed));
        chains.gibbs(&machine, enough_sweeps(reference.second_eigenvalue(&order)));
        assert_draws(chains.states(), &reference.joint(), &format!("{n} {units} units"));
    }
}

#[test]
fn colour_classes_draw_the_distribution() {
    for (n, units, scale, chains, seed) in
        [(9, Units::Binary, 1.5, 40_000, 1), (9, Units::Spin, 0.8, 40_000, 2), (6, Units::Spin, 1.5, 20_000, 3)]
    {
        let machine = machine([n, 0], units, scale, seed, on_grid(3));
        let reference = Reference::of(&machine);
        let mut chains = ColourChains::random(&machine, chains, Seed(seed));
        assert_eq!(chains.colouring().classes().len(), 2);
        let order: Vec<usize> = chains.colouring().classes().concat().iter().map(|&unit| unit as usize).collect();
        chains.gibbs(enough_sweeps(reference.second_eigenvalue(&order)));
        assert_draws(&chains.states(), &reference.joint(), &format!("a grid of {n} {units} units"));
    }
    // A machine whose colouring has more classes than two.
    let machine = machine([7, 0], Units::Binary, 1.5, 9, |i, j| (i * 3 + j * 5) % 4 < 3);
    let mut chains = ColourChains::random(&machine, 30_000, Seed(4));
    assert!(chains.colouring().classes().len() > 2);
    chains.gibbs(300);
    assert_draws(&chains.states(), &Reference::of(&machine).joint(), "an irregular machine");
}

#[test]
fn clamped_units_stay_and_the_others_follow_their_conditional() {
    // Free units at both ends of words and of tiles, in a machine of three words.
    let free = [0usize, 3, 4, 31, 32, 63, 64, 69];
    for units in BOTH {
        let machine = full([70, 0], units, 0.4, 7);
        let reference = Reference::of(&machine);
        let held = |unit: usize| unit.is_multiple_of(3);
        let start = BitMatrix::from_fn(30_000, 70, |_, unit| held(unit) && !free.contains(&unit));
        let mut chains = BoltzmannChains::from_states(start.clone(), Seed(11));
        let clamped: Vec<bool> = (0..70).map(|unit| !free.contains(&unit)).collect();
        chains.clamp(&clamped);
        chains.toss();
        chains.gibbs(&machine, 200);
        for unit in (0..70).filter(|unit| clamped[*unit]) {
            assert!((0..30_000).all(|row| chains.states().get(row, unit) == start.get(row, unit)), "unit {unit}");
        }
        // The energy as a function of the free units.
        let x = |state: usize, unit: usize| match free.iter().position(|&own| own == unit) {
            Some(place) if state >> place & 1 == 1 => 1.0,
            None if start.get(0, unit) => 1.0,
            _ => reference.low,
        };
        let weight = |state: usize| -> f64 {
            let values: Vec<f64> = (0..70).map(|unit| x(state, unit)).collect();
            let field = |i: usize| -> f64 { (0..70).map(|j| 0.5 * reference.w[i][j] * values[j]).sum() };
            (0..70).map(|i| values[i] * (reference.b[i] + field(i))).sum::<f64>()
        };
        let logs: Vec<f64> = (0..256).map(weight).collect();
        let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let total: f64 = logs.iter().map(|log| (log - largest).exp()).sum();
        let probabilities: Vec<f64> = logs.iter().map(|log| (log - largest).exp() / total).collect();
        let drawn = BitMatrix::from_fn(30_000, 8, |row, place| chains.states().get(row, free[place]));
        assert_draws(&drawn, &probabilities, &format!("clamped {units} units"));
    }
}

#[test]
fn a_restricted_machine_is_the_same_distribution() {
    let restricted = rbm::machine(4, 3, 1.5, 3);
    let machine = BoltzmannMachine::from(&restricted);
    let (joint, general) = (rbm::Reference::of(&restricted).joint(), Reference::of(&machine).joint());
    for (a, b) in joint.iter().zip(&general) {
        assert!((a - b).abs() < 1e-13);
    }
    let mut chains = machine.chains(40_000, Seed(5));
    chains.gibbs(&machine, 200);
    assert_draws(chains.states(), &joint, "the general machine with an RBM's weights");
    assert!((machine.exact_log_z().expect("few") - restricted.exact_log_z(20).expect("few")).abs() < 1e-5);
}

#[test]
fn exact_draws_have_the_exact_distribution() {
    for units in BOTH {
        let machine = full([4, 3], units, 1.0, 6);
        let draws = machine.sample_exact(50_000, Seed(3)).expect("few units");
        assert_draws(&draws, &Reference::of(&machine).joint(), "exact draws");
    }
    assert!(full([15, 6], Units::Binary, 0.1, 1).sample_exact(1, Seed(1)).is_none());
}

#[test]
fn chains_are_the_same_on_any_number_of_threads_and_in_any_company() {
    let machine = full([60, 15], Units::Spin, 0.2, 9);
    let grid = super::reference::machine([2500, 0], Units::Spin, 0.3, 2, on_grid(50));
    let run = |threads: usize, count: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| {
            let mut chains = machine.chains(count, Seed(5));
            chains.gibbs(&machine, 7);
            let mut colours = ColourChains::random(&grid, count.min(20), Seed(5));
            colours.gibbs(3);
            (chains.states().clone(), colours.states())
        })
    };
    let many = run(1, 100);
    for threads in [2, 5, 8] {
        assert_eq!(run(threads, 100), many);
    }
    let few = run(2, 5);
    for chain in 0..5 {
        assert!((0..75).all(|unit| few.0.get(chain, unit) == many.0.get(chain, unit)));
        assert!((0..2500).all(|unit| few.1.get(chain, unit) == many.1.get(chain, unit)));
    }
}

#[test]
fn a_grid_is_a_checkerboard_and_a_full_machine_has_no_two_alike() {
    let grid = machine([35, 0], Units::Binary, 1.0, 1, on_grid(7));
    let classes = Colouring::greedy(&grid).classes().to_vec();
    assert_eq!(classes.len(), 2);
    for (parity, class) in classes.iter().enumerate() {
        assert!(class.iter().all(|unit| (unit / 7 + unit % 7) as usize % 2 == parity));
    }
    assert_eq!(Colouring::greedy(&full([6, 3], Units::Binary, 1.0, 1)).classes().len(), 9);
    let without = machine([5, 0], Units::Binary, 1.0, 1, |_, _| false);
    assert_eq!(Colouring::greedy(&without).classes(), [vec![0, 1, 2, 3, 4]]);
}

#[test]
fn annealing_is_right_where_the_truth_is_known() {
    for (shape, units, scale) in [([9, 5], Units::Binary, 1.0), ([12, 0], Units::Spin, 0.4)] {
        let machine = full(shape, units, scale, 10);
        let n = machine.len();
        let exact = machine.exact_log_z().expect("few units") + machine.energy_offset();
        let base: Vec<f32> = (0..n).map(|unit| 0.1 * unit as f32 - 0.5).collect();
        let log_z0: f64 = base.iter().map(|&b| f64::from(b).exp().ln_1p()).sum();
        let within = (0..20).filter(|&seed| {
            let annealing = Ais { chains: 128, temperatures: 200, seed: Seed(seed) };
            let mut uniforms = Seed(seed).stream("test start", 0);
            let start = BitMatrix::from_fn(128, n, |_, unit| {
                rand::RngExt::random::<f64>(&mut uniforms) < 1.0 / (1.0 + (-f64::from(base[unit])).exp())
            });
            let (logs, _) =
                Annealer::new(&machine, &Work::new()).annealing_weights(&annealing, start, None, &base);
            let estimate = crate::sampling::LogMeanExp::of(&logs);
            (estimate.value + log_z0 - exact).abs() <= 3.0 * estimate.error
        });
        let within = within.count();
        assert!(within >= 19, "{within} of 20 seeds within 3 reported errors");
    }
}

#[test]
fn likelihoods_say_what_they_are_and_agree_with_enumeration() {
    let states = [0usize, 3, 77, 200, 77];
    let values: Vec<u8> = states.iter().flat_map(|&s| (0..8).map(move |unit| (s >> unit & 1) as u8)).collect();
    let data = Dataset::from_u8(values, &[5, 8], 1).expect("bits");
    for units in BOTH {
        let machine = full([8, 4], units, 0.8, 12);
        let want = Reference::of(&machine).log_likelihood(8, &states);
        let exact = machine.log_likelihood(&data, &AIS).expect("bits");
        assert_eq!(exact.kind, Kind::Exact);
        assert!((exact.value - want).abs() < 1e-5);
        // The parts that larger machines are given: closed form, and annealing of hidden units.
        let rows = data.to_bits();
        let log_z = machine.exact_log_z().expect("few") + machine.energy_offset();
        let annealing = Ais { temperatures: 400, ..AIS };
        let RowWeights { values: logs, error, .. } =
            Annealer::new(&machine, &Work::new()).log_weights_of_rows(&rows, &annealing);
        let mean = logs.iter().sum::<f64>() / 5.0 - log_z;
        assert!((mean - want).abs() < 4.0 * error + 1e-4, "{mean} {want} ± {error}");
        let restricted = super::reference::machine([8, 4], units, 0.8, 12, |i, j| i < 8 || j < 8);
        let want = Reference::of(&restricted).log_likelihood(8, &states);
        let log_z = restricted.exact_log_z().expect("few") + restricted.energy_offset();
        let logs = restricted.closed_log_weights(&rows);
        assert!(restricted.hidden_are_independent() && !machine.hidden_are_independent());
        assert!((logs.iter().sum::<f64>() / 5.0 - log_z - want).abs() < 1e-5);
    }
}

#[test]
fn annealing_down_gives_a_log_z_that_is_too_high_by_little() {
    for units in BOTH {
        let machine = full([9, 4], units, 0.6, 13);
        let log_z = machine.exact_log_z().expect("few") + machine.energy_offset();
        let base: Vec<f32> = (0..13).map(|unit| 0.1 * unit as f32 - 0.5).collect();
        let states = machine.sample_exact(2_000, Seed(4)).expect("few");
        let down = Annealer::new(&machine, &Work::new())
            .log_z_of_states(&states, 200, Seed(5), &base)
            .expect("a machine");
        let (mean, error) = crate::sampling::mean_and_error(&down);
        // A normal deviate beyond 4.5, α = 7e-6, and the temperatures' own share above.
        assert!(mean > log_z - 4.5 * error && mean < log_z + 0.1 + 4.5 * error, "{mean} ± {error} {log_z}");
    }
}

#[test]
fn the_logarithm_of_few_weights_a_row_has_no_bias_beyond_its_error() {
    // So few temperatures that each row's 16 weights vary by a factor of e: half the variance of their logarithm, in every
    // row, was several of the mean's errors.
    let machine = full([10, 8], Units::Binary, 1.2, 15);
    let rows = BitMatrix::from_fn(400, 10, |row, unit| (row * 7 + unit * 3 + row * unit) % 5 < 2);
    let log_z = machine.exact_log_z().expect("few");
    let exact = machine.exact_log_likelihoods(&rows).expect("few");
    let truth = exact.iter().sum::<f64>() / 400.0 + log_z;
    let mut off = Vec::new();
    for seed in 0..36 {
        let ais = Ais { temperatures: 16, seed: Seed(seed), ..AIS };
        let RowWeights { values, error, .. } =
            Annealer::new(&machine, &Work::new()).log_weights_of_rows(&rows, &ais);
        let mean = values.iter().sum::<f64>() / 400.0;
        // 36 normal deviates beyond 5: α = 2e-5.
        assert!((mean - truth).abs() < 5.0 * error, "{mean} ± {error}, {truth}");
        off.push(mean - truth);
    }
    // Nor is there a bias that the error of a single figure would hide: Student's t of 35 degrees beyond 5.1, α = 1.2e-5.
    let (mean, error) = crate::sampling::mean_and_error(&off);
    assert!(mean.abs() < 5.1 * error, "{mean} ± {error}");
}

#[test]
fn likelihoods_that_rest_on_few_chains_or_miss_a_mode_say_so() {
    use crate::energy::rbm::Rbm;
    use crate::sampling::Warning;
    // The last unit opens a state with twice the weight of all the 2²³ others.
    let (visible, hidden, weight) = (14usize, 10usize, 6.0f32);
    let weights: Vec<f32> =
        (0..visible * hidden).map(|index| if index % hidden == hidden - 1 { weight } else { 0.0 }).collect();
    let ln2 = 2f64.ln();
    let on = visible as f64 * f64::from(weight).exp().ln_1p();
    let mut biases = vec![0.0f32; hidden];
    biases[hidden - 1] = (ln2 + visible as f64 * ln2 - on) as f32;
    let rbm = Rbm::from_parameters(visible, hidden, &weights, &vec![0.0; visible], &biases).expect("finite");
    let rows = BitMatrix::from_fn(100, visible, |row, unit| (row * 7 + unit * 3 + row * unit) % 5 < 2);
    let data = Dataset::from_f32(rows.to_f32(), &[100, visible]).expect("bits");
    let truth = rbm.exact_log_likelihood(&data, 20).expect("few").value;
    let machine = BoltzmannMachine::from(&rbm);
    let ais = Ais { temperatures: 300, ..AIS };
    let estimate = machine.log_likelihood(&data, &ais).expect("bits");
    let missed = estimate.warnings.iter().any(|warning| matches!(warning, Warning::IsolatedMode { .. }));
    assert!(missed, "{estimate} {truth}");
    assert!((estimate.value - truth).abs() < 4.5 * estimate.monte_carlo_error + 1e-4, "{estimate} {truth}");

    let strong = full([14, 10], Units::Spin, 1.5, 16);
    let hasty = strong.log_likelihood(&data, &Ais { chains: 64, temperatures: 3, seed: Seed(1) }).expect("bits");
    let few = hasty.warnings.iter().any(|warning| matches!(warning, Warning::FewEffectiveChains { .. }));
    assert!(few, "{hasty}");
    // A machine that annealing knows gets none.
    let tame = full([14, 10], Units::Binary, 0.3, 17);
    let estimate = tame.log_likelihood(&data, &ais).expect("bits");
    assert_eq!(estimate.warnings, [], "{estimate}");
}

#[test]
#[should_panic(expected = "bias of shape [2] from 1 values")]
fn a_wrong_length_panics() {
    let _ = BoltzmannMachine::from_parameters(2, 0, Units::Binary, &[0.0; 4], &[0.0]);
}

#[test]
fn what_is_wrong_is_said_in_one_line() {
    let make = |visible, weights: &[f32], bias: &[f32]| {
        BoltzmannMachine::from_parameters(visible, 0, Units::Binary, weights, bias).expect_err("wrong").to_string()
    };
    assert_eq!(make(0, &[], &[]), "a Boltzmann machine needs at least one visible unit");
    assert_eq!(make(1, &[1.0], &[0.0]), "unit 0 acts on itself with a weight of 1, wanted 0");
    assert_eq!(make(1, &[0.0], &[f32::INFINITY]), "bias holds inf");
    assert_eq!(
        make(2, &[0.0, 1.0, 2.0, 0.0], &[0.0; 2]),
        "weights are not symmetric: 1 from unit 0 to 1, 2 from 1 to 0"
    );
    let machine = full([4, 1], Units::Spin, 1.0, 1);
    let mut snapshot = machine.to_snapshot();
    assert_eq!(BoltzmannMachine::from_snapshot(&snapshot).expect("its own"), machine);
    snapshot.set("visible", 6);
    let error = BoltzmannMachine::from_snapshot(&snapshot).expect_err("wrong").to_string();
    assert_eq!(error, "metadata `visible` is \"6\", wanted no more than there are biases");
    snapshot.set("visible", 4);
    snapshot.set("units", "ternary");
    assert!(BoltzmannMachine::from_snapshot(&snapshot).is_err());
}
