//! The published figures of Hopfield networks, computed again; and the time of synchronous recall.
//!
//! ```text
//! cargo bench --bench hopfield -- overlap|curves|small|fixed|dense|synchronous
//! ```

use helmholtz::Seed;
use helmholtz::energy::hopfield::{
    CRITICAL_LOAD, CapacitySweep, Corruption, DenseMemory, Hopfield, Interaction, Perceptron, Rule, Synchronous,
    exactly_fixed, overlap, random_patterns, retrieval_overlap,
};
use std::time::Instant;

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let figures: [(&str, fn()); 6] = [
        ("overlap", overlap_given_retrieval),
        ("curves", retrieval_curves),
        ("small", small_networks),
        ("fixed", exactly_fixed_patterns),
        ("dense", dense_memories),
        ("synchronous", synchronous_recall),
    ];
    for (name, figure) in figures {
        if asked.is_empty() || asked.iter().any(|word| word == name) {
            println!("# {name}");
            figure();
        }
    }
}

fn sweep(sweep: CapacitySweep) -> Vec<helmholtz::energy::hopfield::CapacityPoint> {
    sweep.run().expect("a sweep of random patterns")
}

/// Hebb, 4,000 units: the overlap where recall from the pattern itself ends.
fn overlap_given_retrieval() {
    println!("load  overlap  error  theory  retrieved");
    for patterns in [400, 480] {
        let point = sweep(CapacitySweep {
            units: 4000,
            patterns: vec![patterns],
            networks: 5,
            probes: 40,
            flipped: 0.0,
            ..CapacitySweep::default()
        })[0];
        let theory = retrieval_overlap(point.load).unwrap_or(0.0);
        println!(
            "{:.2}  {:.4}  {:.4}  {theory:.4}  {:.3}",
            point.load, point.overlap_retrieved, point.overlap_error, point.retrieved
        );
    }
}

/// Hebb: the part of the patterns that is retrieved, by load and size.
fn retrieval_curves() {
    let loads: Vec<f64> = (8..=18).map(|step| f64::from(step) / 100.0).collect();
    println!("units, then the part retrieved at each load; theory: all below {CRITICAL_LOAD}, none above");
    println!("      {}", loads.iter().map(|load| format!("{load:.2}  ")).collect::<String>());
    for units in [500, 1000, 2000, 4000] {
        let points = sweep(CapacitySweep {
            units,
            patterns: loads.iter().map(|load| (load * units as f64).round() as usize).collect(),
            networks: (8000 / units).max(3),
            probes: 20,
            flipped: 0.0,
            ..CapacitySweep::default()
        });
        println!("{units:<5} {}", points.iter().map(|p| format!("{:.2}  ", p.retrieved)).collect::<String>());
    }
}

/// Hebb, 100 units of which 20 are flipped, asynchronous recall: one pattern of each of 20,000 networks.
fn small_networks() {
    println!("patterns  exactly recalled %  error  published");
    for (patterns, published) in [(9, 94.3), (10, 89.8), (13, 66.2), (20, 11.8)] {
        let networks = 20_000;
        let point = sweep(CapacitySweep {
            units: 100,
            patterns: vec![patterns],
            networks,
            probes: 1,
            flipped: 0.2,
            ..CapacitySweep::default()
        })[0];
        let error = (point.recalled * (1.0 - point.recalled) / networks as f64).sqrt();
        println!("{patterns:<8}  {:.2}  {:.2}  {published}", 100.0 * point.recalled, 100.0 * error);
    }
}

/// 1,000 units: patterns that are exact fixed points, under Hebb's rule and the perceptron's.
fn exactly_fixed_patterns() {
    let (n, log) = (1000.0f64, 1000f64.ln());
    println!("n / (4 ln n) = {:.0}, n / (2 ln n) = {:.0}", n / (4.0 * log), n / (2.0 * log));
    println!("Hebb: patterns  part fixed  theory  all fixed in this part of the networks");
    let patterns = vec![20, 30, 36, 45, 55, 65, 72, 90, 110, 130, 150, 200];
    let points = sweep(CapacitySweep {
        units: 1000,
        patterns,
        networks: 30,
        probes: 1,
        flipped: 0.0,
        ..CapacitySweep::default()
    });
    for p in points {
        println!("{:<4}  {:.4}  {:.4}  {:.2}", p.patterns, p.fixed, exactly_fixed(1000, p.patterns), p.all_fixed);
    }
    println!("perceptron, symmetric weights: patterns  part fixed  seconds; no more than 2n = 2000 are possible");
    for patterns in [400, 800, 1000, 1100, 1200, 1300, 1500, 1800, 2000] {
        let stored = random_patterns(patterns, 1000, Seed(1));
        let start = Instant::now();
        let rule = Rule::Perceptron(Perceptron { margin: 0.0, sweeps: 300 });
        let network = Hopfield::store(&stored, rule).expect("patterns");
        let fixed = network.unstable_units(&stored).into_iter().filter(|units| *units == 0).count();
        println!("{patterns:<5} {:.4}  {:.1}", fixed as f64 / patterns as f64, start.elapsed().as_secs_f64());
    }
}

/// 100 units, 120 patterns, 20 sets of them: how many are fixed.
fn dense_memories() {
    for interaction in [Interaction::Polynomial(2), Interaction::Polynomial(3), Interaction::Exponential] {
        let fixed: usize = (0..20)
            .map(|seed| {
                let patterns = random_patterns(120, 100, Seed(seed));
                let memory = DenseMemory::new(&patterns, interaction).expect("patterns");
                memory.unstable_units(&patterns).into_iter().filter(|units| *units == 0).count()
            })
            .sum();
        println!("{interaction:?}: {:.2} % of 2400 patterns are fixed", fixed as f64 / 24.0);
    }
}

/// 1,000 states of 4,096 units, a fifth of each flipped, recalled together: `benches/peers/hopfield.py` reads the line.
fn synchronous_recall() {
    let stored = random_patterns(200, 4096, Seed(1));
    let network = Hopfield::store(&stored, Rule::Hebb).expect("patterns");
    let start = Instant::now();
    let recall = Synchronous::new(&network);
    let preparation = start.elapsed().as_secs_f64();
    let repeated = helmholtz::tensor::BitMatrix::from_fn(1000, 4096, |row, unit| stored.get(row % 200, unit));
    let corrupted = Corruption::Flip(0.2).apply(&repeated, Seed(2)).expect("a fifth");
    let mut best = f64::INFINITY;
    let mut recalled = 0;
    for _ in 0..7 {
        let mut states = corrupted.clone();
        let start = Instant::now();
        recall.recall(&mut states, 100);
        best = best.min(start.elapsed().as_secs_f64());
        recalled = (0..1000).filter(|&row| overlap(&states, row, &repeated, row) == 1.0).count();
    }
    println!("{{\"seconds\": {best:.5}, \"preparation\": {preparation:.4}, \"recalled\": {recalled}}}");
}
