//! Steps of persistent contrastive divergence, 784 × 500 units, batch 128, in examples a second. A step has five matrix
//! products: hidden units of the data and of the chains, visible units of the chains, and a gradient of both.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use helmholtz::Seed;
use helmholtz::data::{Batches, Binarization, Dataset};
use helmholtz::rbm::{Method, Rbm, RbmTrainer, Recipe};
use helmholtz::train::{Batch, Learner, Progress, Training};
use std::time::{Duration, Instant};

const VISIBLE: usize = 784;
const HIDDEN: usize = 500;
const BATCH: usize = 128;
const ROWS: usize = 4096;

/// How the rows reach the machine: bits as they are, bits drawn from grey levels, grey levels.
const READINGS: [(&str, u8, Binarization); 3] = [
    ("binary", 1, Binarization::Threshold),
    ("sampled", 255, Binarization::Sample),
    ("grey", 255, Binarization::None),
];

/// Random levels from 0 to `scale`.
fn data(scale: u8) -> Dataset<'static> {
    let mut words = vec![0; ROWS * VISIBLE];
    Seed(1).lanes("pcd bench", 0).fill_words(&mut words);
    let levels: Vec<u8> = words.iter().map(|word| (word >> 24) as u8 & scale).collect();
    Dataset::from_u8(levels, &[ROWS, VISIBLE], scale).expect("levels up to the scale")
}

fn steps(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pcd-1 784x500 batch 128");
    group.sample_size(20).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    group.throughput(Throughput::Elements(BATCH as u64));
    for (name, scale, binarization) in READINGS {
        let data = data(scale).binarized(binarization);
        let training = Training { batch: BATCH, ..Training::default() };
        let recipe = Recipe { method: Method::Pcd { k: 1 }, ..Recipe::default() };
        let machine = Rbm::new(VISIBLE, HIDDEN, Seed(1));
        let mut trainer = RbmTrainer::new(machine, recipe, &data, &training).expect("a good recipe");
        let batches = Batches::new(ROWS, BATCH, Seed(1));
        let mut rows = [0; BATCH];
        // The schedule stands still: every step is the first of many.
        let progress = Progress { steps: u64::MAX, ..Progress::default() };
        let mut step = 0;
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|iterations| {
                let begun = Instant::now();
                // Inside the pool, as the training loop runs.
                let work = || {
                    for _ in 0..iterations {
                        batches.fill(step, &mut rows);
                        step += 1;
                        trainer.step(&Batch { data: &data, rows: &rows }, &progress).expect("finite numbers");
                    }
                };
                rayon::join(work, || ());
                begun.elapsed()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, steps);
criterion_main!(benches);
