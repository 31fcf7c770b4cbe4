//! Block Gibbs sweeps, in multiply-adds a second of the dense products that they stand for: 2·V·H·chains a sweep.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use helmholtz::Seed;
use helmholtz::rbm::Rbm;
use std::time::Duration;

const SHAPES: [[usize; 2]; 3] = [[784, 500], [1024, 1024], [64, 256]];
const CHAINS: [usize; 3] = [16, 128, 1024];

/// Sweeps of one call: building the tables of the weights is a small part, as it is in sampling.
const SWEEPS: usize = 50;

fn sweeps(criterion: &mut Criterion) {
    for [visible, hidden] in SHAPES {
        let mut group = criterion.benchmark_group(format!("gibbs {visible}x{hidden}"));
        group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
        let rbm = Rbm::new(visible, hidden, Seed(1));
        for count in CHAINS {
            let mut chains = rbm.chains(count, Seed(2));
            group.throughput(Throughput::Elements((2 * visible * hidden * count * SWEEPS) as u64));
            group.bench_function(BenchmarkId::new("chains", count), |bencher| {
                bencher.iter(|| chains.gibbs(&rbm, SWEEPS));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, sweeps);
criterion_main!(benches);
