//! Dense memories against energies by the book.

use super::*;
use crate::random::Seed;
use crate::tensor::BitMatrix;

#[test]
fn one_hundred_units_hold_one_hundred_and_twenty_patterns_if_steep_enough() {
    let patterns = random_patterns(120, 100, Seed(1));
    let stable = |interaction| {
        let memory = DenseMemory::new(&patterns, interaction).expect("patterns");
        memory.unstable_units(&patterns).into_iter().filter(|units| *units == 0).count()
    };
    assert_eq!(stable(Interaction::Polynomial(2)), 0);
    assert!(stable(Interaction::Polynomial(3)) > 114);
    assert_eq!(stable(Interaction::Exponential), 120);
}

#[test]
fn the_quadratic_memory_is_hebbs_network() {
    let patterns = random_patterns(9, 60, Seed(2));
    let memory = DenseMemory::new(&patterns, Interaction::Polynomial(2)).expect("patterns");
    let network = Hopfield::store(&patterns, Rule::Hebb).expect("patterns");
    let start = random_patterns(40, 60, Seed(3));
    // −Σ (ξ·x)² = 2 E(x) − P n.
    for (dense, hebb) in memory.energy(&start).iter().zip(network.energy(&start)) {
        assert!((dense - (2.0 * hebb - 540.0)).abs() < 1e-6);
    }
    let (mut dense, mut hebb) = (start.clone(), start);
    let how = Asynchronous::default();
    assert_eq!(memory.recall(&mut dense, &how), network.recall(&mut hebb, &how));
    assert_eq!(dense, hebb);
}

#[test]
fn dense_recall_never_raises_the_energy_and_ends_in_a_minimum() {
    let patterns = random_patterns(40, 30, Seed(4));
    for interaction in [Interaction::Polynomial(3), Interaction::Polynomial(4), Interaction::Exponential] {
        let memory = DenseMemory::new(&patterns, interaction).expect("patterns");
        let mut states = random_patterns(20, 30, Seed(5));
        let mut before = memory.energy(&states);
        for sweep in 0..30 {
            memory.recall(&mut states, &Asynchronous { sweeps: 1, seed: Seed(sweep) });
            let after = memory.energy(&states);
            for (after, before) in after.iter().zip(&before) {
                assert!(*after <= before + 1e-9 * before.abs(), "{interaction:?}");
            }
            before = after;
        }
        assert_eq!(memory.unstable_units(&states), [0; 20]);
        // By the book: no single flip lowers the energy.
        for unit in 0..30 {
            let flipped = BitMatrix::from_fn(20, 30, |row, u| states.get(row, u) != (u == unit));
            for (flipped, own) in memory.energy(&flipped).iter().zip(&before) {
                assert!(*flipped >= own - 1e-9 * own.abs(), "{interaction:?}");
            }
        }
    }
}

#[test]
fn attention_recalls_and_its_energy_falls() {
    let (count, width) = (20, 16);
    let mut patterns = vec![0.0; count * width];
    Seed(6).lanes("attention", 0).fill_normal(&mut patterns);
    // Of one norm: else the longest one draws all queries.
    for pattern in patterns.chunks_mut(width) {
        let norm = pattern.iter().map(|x| x * x).sum::<f32>().sqrt();
        pattern.iter_mut().for_each(|x| *x *= 4.0 / norm);
    }
    let memory = AttentionMemory::new(&patterns, width, 4.0).expect("patterns");
    let mut noise = vec![0.0; count * width];
    Seed(7).lanes("attention", 0).fill_normal(&mut noise);
    let mut states: Vec<f32> = patterns.iter().zip(&noise).map(|(x, noise)| x + 0.3 * noise).collect();
    let mut before = memory.energy(&states);
    assert!(before.iter().all(|energy| *energy >= 0.0));
    for _ in 0..5 {
        memory.recall(&mut states, 1);
        let after = memory.energy(&states);
        assert!(after.iter().zip(&before).all(|(after, before)| *after <= before + 1e-4));
        before = after;
    }
    for (state, pattern) in states.chunks(width).zip(patterns.chunks(width)) {
        assert!(state.iter().zip(pattern).all(|(a, b)| (a - b).abs() < 1e-2));
    }
    for attention in memory.attention(&states).chunks(count) {
        assert!((attention.iter().sum::<f32>() - 1.0).abs() < 1e-5);
    }
}

#[test]
fn settings_that_make_no_sense_are_named() {
    let patterns = random_patterns(2, 5, Seed(1));
    let error = DenseMemory::new(&patterns, Interaction::Polynomial(1)).expect_err("degree 1").to_string();
    assert_eq!(error, "the degree of a dense memory is 1, but must be at least 2");
    assert!(DenseMemory::new(&BitMatrix::zeros(0, 5), Interaction::Exponential).is_err());
    assert!(AttentionMemory::new(&[1.0, f32::INFINITY], 2, 1.0).is_err());
    assert!(AttentionMemory::new(&[1.0, 0.0], 2, 0.0).is_err());
}
