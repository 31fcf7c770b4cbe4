//! What Boltzmann machines learn when nothing is sampled, and what drawing one unit at a time costs beside a layer at a
//! time.
//!
//! ```text
//! cargo bench --bench boltzmann -- exact|speed
//! ```

use helmholtz::Seed;
use helmholtz::data::Dataset;
use helmholtz::energy::boltzmann::{AIS, BoltzmannMachine, ColourChains, Recipe, Units};
use helmholtz::rbm::Rbm;
use helmholtz::train::{Fit, Training};
use std::time::Instant;

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    for (name, figure) in [("exact", exact_gradients as fn()), ("speed", speed)] {
        if asked.is_empty() || asked.iter().any(|word| word == name) {
            println!("# {name}");
            figure();
        }
    }
}

/// Mean log-likelihoods after training by the exact gradient.
fn exact_gradients() {
    let parity = Dataset::from_u8(vec![0, 0, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0], &[4, 3], 1).expect("bits");
    let bars = Dataset::bars(3).expect("a size");
    for (name, data, hidden, steps, best) in [
        ("3-bit even parity, no hidden unit", &parity, 0, 2000, 8f64.ln()),
        ("3-bit even parity, one hidden unit", &parity, 1, 20_000, 4f64.ln()),
        ("3×3 bars and stripes, 6 hidden units", &bars, 6, 20_000, 14f64.ln()),
    ] {
        for seed in 1..=3 {
            let start = Instant::now();
            let mut machine = BoltzmannMachine::new(data.width(), hidden, Units::Binary, Seed(seed));
            let recipe = Recipe { learning_rate: 0.5, momentum: 0.9, ..Recipe::exact() };
            let training =
                Training { steps: Some(steps), batch: data.len(), evaluate_every: 0, ..Training::default() };
            machine.fit(data, &recipe, &training).expect("finite numbers");
            let mean = machine.log_likelihood(data, &AIS).expect("few units").value;
            println!("{name}, seed {seed}: {mean:.4}, best {:.4}, {:.1} s", -best, start.elapsed().as_secs_f64());
        }
    }
}

/// Seconds a sweep, the least of five runs.
fn least(mut run: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let start = Instant::now();
        run();
        best = best.min(start.elapsed().as_secs_f64());
    }
    best
}

/// The same restricted machine, 1,024 chains: a layer at a time, then one unit at a time; and a grid by its checkerboard.
fn speed() {
    for (visible, hidden) in [(64, 128), (256, 256), (784, 500)] {
        let rbm = Rbm::new(visible, hidden, Seed(1));
        let machine = BoltzmannMachine::from(&rbm);
        let (mut blocks, mut turns) = (rbm.chains(1024, Seed(2)), machine.chains(1024, Seed(2)));
        let sweeps = 20;
        let block = least(|| blocks.gibbs(&rbm, sweeps)) / sweeps as f64;
        let turn = least(|| turns.gibbs(&machine, sweeps)) / sweeps as f64;
        println!(
            "{visible}×{hidden}: a sweep of 1,024 chains in {:.3} ms by layers, {:.3} ms one unit at a time: {:.2} × as long",
            1e3 * block,
            1e3 * turn,
            turn / block
        );
    }
    let side = 32;
    let n = side * side;
    let mut weights = vec![0.0; n * n];
    for unit in 0..n {
        for other in [(unit % side + 1 < side).then_some(unit + 1), (unit + side < n).then_some(unit + side)] {
            let Some(other) = other else { continue };
            weights[unit * n + other] = 0.4;
            weights[other * n + unit] = 0.4;
        }
    }
    let grid = BoltzmannMachine::from_parameters(n, 0, Units::Spin, &weights, &vec![0.0; n]).expect("a grid");
    let (mut colours, mut turns) = (ColourChains::random(&grid, 1024, Seed(1)), grid.chains(1024, Seed(1)));
    let colour = least(|| colours.gibbs(20)) / 20.0;
    let turn = least(|| turns.gibbs(&grid, 20)) / 20.0;
    println!(
        "{side}×{side} grid: a sweep of 1,024 chains in {:.3} ms by its checkerboard, {:.3} ms one unit at a time: {:.0} × as long",
        1e3 * colour,
        1e3 * turn,
        turn / colour
    );
}
