//! Fills of random numbers by one core, in numbers a second.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use helmholtz::Seed;
use std::time::Duration;

/// Numbers of a fill: 64 KB of floats.
const COUNT: usize = 16_384;

fn fills(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("random");
    group.sample_size(20).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    group.throughput(Throughput::Elements(COUNT as u64));
    let mut lanes = Seed(1).lanes("random bench", 0);
    let (mut words, mut floats) = (vec![0u32; COUNT], vec![0.0f32; COUNT]);
    group.bench_function("words", |bencher| bencher.iter(|| lanes.fill_words(&mut words)));
    group.bench_function("uniform", |bencher| bencher.iter(|| lanes.fill_uniform(&mut floats)));
    group.bench_function("normal", |bencher| bencher.iter(|| lanes.fill_normal(&mut floats)));
    let bits = &mut words[..COUNT / 32];
    group.bench_function("bernoulli", |bencher| bencher.iter(|| lanes.fill_bernoulli(0.3, bits)));
    group.finish();
}

criterion_group!(benches, fills);
criterion_main!(benches);
