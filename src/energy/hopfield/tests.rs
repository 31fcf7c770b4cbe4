//! Storage, recall and the landscape against the book, in f64 and one state at a time.

use super::network::signs;
use super::*;
use crate::random::Seed;
use crate::tensor::BitMatrix;

const RULES: [Rule; 4] =
    [Rule::Hebb, Rule::Storkey, Rule::PseudoInverse, Rule::Perceptron(Perceptron { margin: 0.5, sweeps: 500 })];

/// A network with symmetric weights and biases spread evenly over ±1, the diagonal over `diagonal` + ±½.
fn network(units: usize, diagonal: f32, seed: u64) -> Hopfield {
    let mut values = vec![0.0f32; units * units + units];
    Seed(seed).lanes("test network", 0).fill_uniform(&mut values);
    let mut weights = vec![0.0; units * units];
    for i in 0..units {
        for j in 0..=i {
            let weight =
                if i == j { values[i * units + j] - 0.5 + diagonal } else { 2.0 * values[i * units + j] - 1.0 };
            (weights[i * units + j], weights[j * units + i]) = (weight, weight);
        }
    }
    let bias: Vec<f32> = values[units * units..].iter().map(|value| 2.0 * value - 1.0).collect();
    Hopfield::from_parameters(units, &weights, &bias).expect("a symmetric network")
}

/// E(x) = −½ Σᵢⱼ xᵢ Wᵢⱼ xⱼ − Σᵢ bᵢ xᵢ, term by term.
fn energy_by_the_book(network: &Hopfield, x: &[f32]) -> f64 {
    let n = network.units();
    let mut energy = 0.0;
    for i in 0..n {
        energy -= f64::from(network.bias()[i]) * f64::from(x[i]);
        for j in 0..n {
            energy -= 0.5 * f64::from(x[i]) * f64::from(network.weights()[i * n + j]) * f64::from(x[j]);
        }
    }
    energy
}

/// hᵢ, term by term.
fn field_by_the_book(network: &Hopfield, x: &[f32], unit: usize) -> f64 {
    let n = network.units();
    let row = &network.weights()[unit * n..][..n];
    row.iter().zip(x).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum::<f64>() + f64::from(network.bias()[unit])
}

#[test]
fn the_energy_is_the_books() {
    for units in [1, 2, 7, 33, 70] {
        let network = network(units, 0.5, 1);
        let states = random_patterns(20, units, Seed(2));
        for (row, energy) in network.energy(&states).into_iter().enumerate() {
            let want = energy_by_the_book(&network, &signs(&states, row));
            assert!((energy - want).abs() < 1e-10 * (units * units) as f64, "{energy} {want}");
        }
    }
}

#[test]
fn hebbs_weights_are_sums_of_products() {
    for (count, units) in [(1, 3), (5, 40), (33, 17)] {
        let patterns = random_patterns(count, units, Seed(3));
        let network = Hopfield::store(&patterns, Rule::Hebb).expect("patterns");
        for i in 0..units {
            for j in 0..units {
                let sign = |p, u| if patterns.get(p, u) { 1.0 } else { -1.0 };
                let want: f32 = if i == j { 0.0 } else { (0..count).map(|p| sign(p, i) * sign(p, j)).sum() };
                assert_eq!(network.weights()[i * units + j], want);
            }
        }
    }
}

#[test]
fn storkeys_weights_are_the_books() {
    let (count, units) = (4, 12);
    let patterns = random_patterns(count, units, Seed(4));
    let mut w = vec![vec![0.0f64; units]; units];
    for p in 0..count {
        let x: Vec<f64> = signs(&patterns, p).into_iter().map(f64::from).collect();
        let h = |i: usize, j: usize| -> f64 {
            (0..units).filter(|k| *k != i && *k != j).map(|k| w[i][k] * x[k]).sum()
        };
        let mut next = w.clone();
        for i in 0..units {
            for j in (0..units).filter(|j| *j != i) {
                next[i][j] += (x[i] * x[j] - x[i] * h(j, i) - h(i, j) * x[j]) / units as f64;
            }
        }
        w = next;
    }
    let network = Hopfield::store(&patterns, Rule::Storkey).expect("patterns");
    for i in 0..units {
        for j in 0..units {
            assert!((f64::from(network.weights()[i * units + j]) - w[i][j]).abs() < 1e-6);
        }
    }
}

#[test]
fn the_pseudo_inverse_projects_on_the_patterns() {
    let patterns = random_patterns(30, 50, Seed(5));
    let network = Hopfield::store(&patterns, Rule::PseudoInverse).expect("independent patterns");
    // ξ is an eigenvector of the projection with eigenvalue 1; what the diagonal held is 1 − ξᵢ hᵢ, the same for all ξ.
    let missing = |pattern: usize, unit: usize| {
        let x = signs(&patterns, pattern);
        1.0 - field_by_the_book(&network, &x, unit) * f64::from(x[unit])
    };
    for unit in 0..50 {
        for pattern in 0..30 {
            assert!((missing(pattern, unit) - missing(0, unit)).abs() < 1e-5);
        }
    }
    // A projection on 30 dimensions has the trace 30.
    assert!(((0..50).map(|unit| missing(0, unit)).sum::<f64>() - 30.0).abs() < 1e-4);
}

/// Patterns that depend on one another are stored by their span, as the independent ones among them are.
#[test]
fn the_pseudo_inverse_takes_dependent_patterns() {
    let some = random_patterns(6, 40, Seed(5));
    // Each once more, then its inverse.
    let thrice = BitMatrix::from_fn(18, 40, |row, unit| some.get(row % 6, unit) != (row >= 12));
    let [once, again] = [&some, &thrice].map(|p| Hopfield::store(p, Rule::PseudoInverse).expect("patterns"));
    for (a, b) in once.weights().iter().zip(again.weights()) {
        assert!((a - b).abs() < 1e-6, "{a} {b}");
    }
    assert_eq!(again.unstable_units(&thrice), [0; 18]);
    // Bars and stripes of 3 × 3: 14 patterns in 5 dimensions, the trace of the projection.
    let bars = crate::data::Dataset::bars(3).expect("small").to_bits();
    let network = Hopfield::store(&bars, Rule::PseudoInverse).expect("patterns");
    assert_eq!(network.unstable_units(&bars), vec![0; bars.rows()]);
    let x = signs(&bars, 0);
    let trace: f64 = (0..9).map(|unit| 1.0 - field_by_the_book(&network, &x, unit) * f64::from(x[unit])).sum();
    assert!((trace - 5.0).abs() < 1e-5, "{trace}");
}

/// Where a unit's direction lies in the patterns' span its field in each of them is 0, and no rounding may say otherwise: all are
/// stable, as in exact arithmetic.
#[test]
fn ties_of_the_pseudo_inverse_stay_ties() {
    let mut tied = 0;
    for seed in 0..200 {
        let units = 8 + seed as usize % 5;
        let patterns = random_patterns(units - 1, units, Seed(seed));
        let network = Hopfield::store(&patterns, Rule::PseudoInverse).expect("patterns");
        assert_eq!(network.unstable_units(&patterns), vec![0; units - 1], "seed {seed}");
        tied += network.weights().chunks(units).filter(|row| row.iter().all(|&w| w == 0.0)).count();
        assert!(network.weights().iter().all(|&w| w == 0.0 || w.abs() > 1e-9), "seed {seed}");
    }
    assert!(tied > 50, "{tied} units have no weights");
    // As many independent patterns as units: nothing is left.
    let all = BitMatrix::from_fn(9, 9, |row, unit| unit <= row);
    let network = Hopfield::store(&all, Rule::PseudoInverse).expect("patterns");
    assert!(network.weights().iter().all(|&w| w == 0.0));
}

#[test]
fn small_networks_of_many_patterns_are_swept_by_every_rule() {
    for rule in RULES {
        let sweep =
            CapacitySweep { units: 10, patterns: vec![1, 9, 12], rule, networks: 20, ..CapacitySweep::default() };
        assert_eq!(sweep.run().expect("no pattern is refused").len(), 3, "{rule:?}");
    }
}

#[test]
fn every_rule_stores_a_few_patterns_and_their_inverses() {
    let patterns = random_patterns(4, 80, Seed(6));
    let inverse = BitMatrix::from_fn(4, 80, |row, unit| !patterns.get(row, unit));
    for rule in RULES {
        let network = Hopfield::store(&patterns, rule).expect("patterns");
        assert_eq!(network.unstable_units(&patterns), [0; 4], "{rule:?}");
        assert_eq!(network.unstable_units(&inverse), [0; 4], "{rule:?}");
        let mut states = Corruption::Flip(0.1).apply(&patterns, Seed(7)).expect("a tenth");
        network.recall(&mut states, &Asynchronous::default());
        assert_eq!(states, patterns, "{rule:?}");
    }
}

#[test]
fn the_perceptron_keeps_its_margin() {
    let patterns = random_patterns(40, 60, Seed(8));
    let settings = Perceptron { margin: 0.3, sweeps: 1000 };
    let network = Hopfield::store(&patterns, Rule::Perceptron(settings)).expect("patterns");
    for unit in 0..60 {
        let norm = network.row(unit).iter().map(|w| f64::from(*w).powi(2)).sum::<f64>().sqrt();
        for pattern in 0..40 {
            let x = signs(&patterns, pattern);
            let stability = field_by_the_book(&network, &x, unit) * f64::from(x[unit]) / norm;
            // The norm used is that of the sweep's beginning; the last sweep changes nothing.
            assert!(stability > 0.3 * 0.9999, "{stability}");
        }
    }
}

#[test]
fn asynchronous_recall_never_raises_the_energy() {
    for seed in 0..10 {
        let network = network(40, 0.5, seed);
        let mut states = random_patterns(10, 40, Seed(seed + 100));
        let mut before = network.energy(&states);
        // One sweep at a time, from the start of the order's stream each time: any order must do.
        for sweep in 0..60 {
            let how = Asynchronous { sweeps: 1, seed: Seed(sweep) };
            let endings = network.recall(&mut states, &how);
            let after = network.energy(&states);
            for (row, (after, before)) in after.iter().zip(&before).enumerate() {
                // Sums of 1600 terms in f64.
                assert!(*after <= before + 1e-10);
                let moved = endings[row] == Ending::Unfinished;
                assert!(!moved || *after < before - 1e-12, "a unit moved for nothing");
            }
            before = after;
        }
        assert_eq!(network.unstable_units(&states), [0; 10]);
    }
}

#[test]
fn every_single_change_follows_the_field_and_lowers_the_energy() {
    let network = network(15, 0.6, 3);
    let start = random_patterns(30, 15, Seed(9));
    let mut states = start.clone();
    network.recall(&mut states, &Asynchronous { sweeps: 1, seed: Seed(4) });
    for row in 0..30 {
        // The same sweep by the book, in the same order.
        let mut x = signs(&start, row);
        let mut stream = Seed(4).stream("hopfield order", row as u64);
        asynchronous::in_random_order(15, 1, &mut stream, |unit| {
            let changes = field_by_the_book(&network, &x, unit) * f64::from(x[unit]) < 0.0;
            if changes {
                let before = energy_by_the_book(&network, &x);
                x[unit] = -x[unit];
                assert!(energy_by_the_book(&network, &x) < before);
            }
            changes
        });
        assert_eq!(x, signs(&states, row));
    }
}

#[test]
fn a_negative_self_coupling_can_raise_the_energy() {
    // h₁ = −3 x₁ + 1 · x₂: at (1, 1) the first unit changes, though alone it gains 2 · x₁ h′₁ = 2.
    let network = Hopfield::from_parameters(2, &[-3.0, 1.0, 1.0, 0.0], &[0.0; 2]).expect("symmetric");
    let mut states = BitMatrix::from_fn(1, 2, |_, _| true);
    let before = network.energy(&states)[0];
    network.recall(&mut states, &Asynchronous { sweeps: 1, seed: Seed(1) });
    assert!(network.energy(&states)[0] >= before);
    assert_eq!(network.unstable_units(&BitMatrix::from_fn(1, 2, |_, _| true)), [1]);
}

#[test]
fn a_tie_leaves_the_unit_as_it_is() {
    // Two patterns that agree in the first two units only: the fields of the others are 0 without them.
    let network =
        Hopfield::from_parameters(3, &[0.0, 1.0, -1.0, 1.0, 0.0, 0.0, -1.0, 0.0, 0.0], &[0.0; 3]).expect("ok");
    for state in [0b011usize, 0b111, 0b000, 0b010, 0b110] {
        let start = BitMatrix::from_fn(1, 3, |_, unit| state >> unit & 1 == 1);
        let x = signs(&start, 0);
        let tie = field_by_the_book(&network, &x, 0) == 0.0;
        let mut states = start.clone();
        Synchronous::new(&network).recall(&mut states, 1);
        assert!(!tie || states.get(0, 0) == start.get(0, 0));
        assert_eq!(network.unstable_units(&start)[0] == 0, states == start);
    }
    // Without weights every field is 0.
    let idle = Hopfield::from_parameters(3, &[0.0; 9], &[0.0; 3]).expect("ok");
    let start = BitMatrix::from_fn(2, 3, |row, unit| (row + unit) % 2 == 1);
    let mut states = start.clone();
    idle.recall(&mut states, &Asynchronous { sweeps: 1, seed: Seed(1) });
    assert_eq!(states, start);
}

#[test]
fn synchronous_recall_is_the_books() {
    for (units, stored) in [(5, 2), (40, 5), (100, 12), (130, 40)] {
        let patterns = random_patterns(stored, units, Seed(10));
        for network in [Hopfield::store(&patterns, Rule::Hebb).expect("patterns"), network(units, 0.0, 5)] {
            let start = random_patterns(37, units, Seed(11));
            let mut states = start.clone();
            let endings = Synchronous::new(&network).recall(&mut states, 50);
            for row in 0..37 {
                let (mut x, mut earlier) = (signs(&start, row), vec![]);
                let mut ending = Ending::Unfinished;
                for sweep in 0..50 {
                    let next: Vec<f32> = (0..units)
                        .map(|unit| match field_by_the_book(&network, &x, unit) {
                            // f32 sums of the lookup err by less than 1e-3; whole numbers are exact.
                            h if h.abs() < 1e-9 => x[unit],
                            h => h.signum() as f32,
                        })
                        .collect();
                    ending = match () {
                        () if next == x => Ending::Fixed { sweeps: sweep },
                        () if next == earlier => Ending::Cycle,
                        () => Ending::Unfinished,
                    };
                    earlier = std::mem::replace(&mut x, next);
                    if ending != Ending::Unfinished {
                        break;
                    }
                }
                assert_eq!(endings[row], ending, "row {row} of {units} units");
                assert_eq!(signs(&states, row), x, "row {row} of {units} units");
            }
        }
    }
}

#[test]
fn recall_is_the_same_on_any_number_of_threads() {
    let patterns = random_patterns(10, 200, Seed(12));
    let network = Hopfield::store(&patterns, Rule::Hebb).expect("patterns");
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| {
            let (mut one, mut all) = (random_patterns(60, 200, Seed(1)), random_patterns(60, 200, Seed(1)));
            network.recall(&mut one, &Asynchronous::default());
            Synchronous::new(&network).recall(&mut all, 20);
            (one, all)
        })
    };
    let alone = run(1);
    for threads in [2, 5] {
        assert_eq!(run(threads), alone);
    }
}

#[test]
fn minima_are_told_apart() {
    let patterns = random_patterns(3, 16, Seed(15));
    let network = Hopfield::store(&patterns, Rule::PseudoInverse).expect("independent patterns");
    let all = network.minima(&patterns, Search::Exhaustive).expect("16 units");
    assert!(all.windows(2).all(|pair| pair[0].energy <= pair[1].energy));
    let count = |wanted: fn(&Origin) -> bool| all.iter().filter(|minimum| wanted(&minimum.origin)).count();
    assert_eq!(count(|origin| matches!(origin, Origin::Stored(_))), 3);
    assert_eq!(count(|origin| matches!(origin, Origin::Inverse(_))), 3);
    // ±: without biases the inverse of a minimum is one, at the same energy.
    for minimum in &all {
        let inverse = BitMatrix::from_fn(1, 16, |_, unit| !minimum.state.get(0, unit));
        let twin = all.iter().find(|other| other.state == inverse).expect("the inverse");
        assert!((twin.energy - minimum.energy).abs() < 1e-9);
        if let Origin::Spurious { nearest, overlap } = minimum.origin {
            assert!(overlap.abs() < 1.0 && nearest < 3);
        }
    }
    // What random starts find is among them, and they count every start.
    let found = network.minima(&patterns, Search::Random { starts: 500, seed: Seed(1) }).expect("patterns");
    assert_eq!(found.iter().map(|minimum| minimum.hits).sum::<usize>(), 500);
    assert!(found.iter().all(|minimum| all.iter().any(|known| known.state == minimum.state)));
}

#[test]
fn basins_shrink_with_the_load() {
    let size = |count| {
        let patterns = random_patterns(count, 100, Seed(16));
        let network = Hopfield::store(&patterns, Rule::Hebb).expect("patterns");
        network.basin(&patterns, 0, 50, Seed(1))
    };
    let (few, many) = (size(2), size(60));
    assert!(few.size >= 0.35 && few.returned[0] == (0, 1.0), "{few:?}");
    assert_eq!(many.size, 0.0, "{many:?}");
}

#[test]
fn theory_has_its_known_values() {
    // FIGURES: 0.998 and 0.993; 0.967 at the critical load, where the solution ends.
    assert!((retrieval_overlap(0.10).expect("below") - 0.998).abs() < 0.0006);
    assert!((retrieval_overlap(0.12).expect("below") - 0.993).abs() < 0.0006);
    assert!((retrieval_overlap(0.1379).expect("at") - 0.967).abs() < 0.003);
    assert_eq!(retrieval_overlap(0.1382), None);
    // McEliece et al. 1987: at n / (2 ln n) most are fixed.
    assert!(exactly_fixed(1000, 72) > 0.85 && exactly_fixed(1000, 150) < 0.05);
}

/// Patterns exactly fixed, against theory, where ties are frequent and where there are none. Patterns of one network are not
/// independent: as if each network were one draw; 1 % is left to the independence of units that the theory supposes.
#[test]
fn ties_hold_in_theory_as_in_recall() {
    for (units, count) in [(15, 4), (16, 4), (16, 5), (25, 6)] {
        let (patterns, networks) = (vec![count], 2000);
        let sweep = CapacitySweep { units, patterns, networks, probes: 1, ..CapacitySweep::default() };
        let fixed = sweep.run().expect("a sweep")[0].fixed;
        let want = exactly_fixed(units, count);
        // α = 10⁻⁵ for each of four.
        let error = (want * (1.0 - want) / networks as f64).sqrt();
        assert!((fixed - want).abs() < 4.6 * error + 0.01, "{units} units, {count} patterns: {fixed}, {want}");
    }
    // A second pattern can at most tie.
    let sweep =
        CapacitySweep { units: 6, patterns: vec![2], networks: 500, probes: 1, ..CapacitySweep::default() };
    assert_eq!((sweep.run().expect("a sweep")[0].fixed, exactly_fixed(6, 2)), (1.0, 1.0));
}

#[test]
fn small_networks_recall_as_often_as_is_known() {
    // Exactly recalled of 100 units, 20 of them flipped: 94.3, 89.8, 66.2, 11.8 %, each to within 1 %.
    for (count, want) in [(9, 0.943), (10, 0.898), (13, 0.662), (20, 0.118)] {
        let sweep = CapacitySweep {
            units: 100,
            patterns: vec![count],
            networks: 400,
            probes: count,
            flipped: 0.2,
            ..CapacitySweep::default()
        };
        let recalled = sweep.run().expect("a sweep")[0].recalled;
        // Patterns of one network are not independent: as if each network were one draw.
        let error = (want * (1.0 - want) / 400.0f64).sqrt() + 0.01;
        assert!((recalled - want).abs() < 3.0 * error, "{count}: {recalled} {want}");
    }
}

#[test]
#[should_panic(expected = "weights of shape [2, 2] from 3 values")]
fn weights_of_a_wrong_length_panic() {
    let _ = Hopfield::from_parameters(2, &[0.0; 3], &[0.0; 2]);
}

#[test]
#[should_panic(expected = "states of 4 units, the network has 9")]
fn patterns_of_another_width_panic() {
    let _ = network(9, 0.3, 8).minima(&BitMatrix::zeros(1, 4), Search::Exhaustive);
}

#[test]
fn what_is_wrong_is_said_in_one_line() {
    let said = |result: Result<Hopfield, HopfieldError>| result.expect_err("wrong").to_string();
    let store = |patterns: &BitMatrix, rule| said(Hopfield::store(patterns, rule));
    assert_eq!(said(Hopfield::from_parameters(0, &[], &[])), "a Hopfield network needs at least one unit");
    assert_eq!(
        said(Hopfield::from_parameters(2, &[0.0, 1.0, 2.0, 0.0], &[0.0; 2])),
        "weights are not symmetric: 1 from unit 0 to 1, 2 from 1 to 0"
    );
    assert_eq!(said(Hopfield::from_parameters(1, &[f32::NAN], &[0.0])), "weights holds NaN");
    assert_eq!(store(&BitMatrix::zeros(0, 5), Rule::Hebb), "there are no patterns to store");
    assert_eq!(store(&BitMatrix::zeros(5, 0), Rule::Hebb), "a Hopfield network needs at least one unit");
    let twice = BitMatrix::from_fn(2, 9, |_, unit| unit % 2 == 0);
    let bad = Perceptron { margin: f32::NAN, sweeps: 1 };
    assert_eq!(
        store(&twice, Rule::Perceptron(bad)),
        "the margin of the perceptron rule is NaN, but must be 0 or a positive number"
    );
    let signs = |values: &[f32], units| patterns_from_signs(values, units).expect_err("wrong").to_string();
    assert_eq!(signs(&[1.0, -1.0, 0.0, 1.0], 2), "unit 0 of pattern 1 is 0, wanted -1 or 1");
    assert!(Corruption::Flip(1.5).apply(&twice, Seed(1)).is_err());
}

#[test]
fn a_snapshot_brings_the_network_back() {
    let network = network(9, 0.3, 8);
    assert_eq!(Hopfield::from_snapshot(&network.to_snapshot()).expect("its own"), network);
    let mut snapshot = network.to_snapshot();
    snapshot.put_f32("weights", &[9, 8], &[0.0; 72]);
    let error = Hopfield::from_snapshot(&snapshot).expect_err("wrong").to_string();
    assert_eq!(error, "tensor `weights` has the shape [9, 8], wanted [9, 9]");
}
