//! The lookup-table product by itself: building tables, means and free energies of a batch, in multiply-adds a second
//! of the dense product that it stands for.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use helmholtz::Seed;
use helmholtz::kernels::lookup::Tables;
use helmholtz::rbm::Rbm;
use std::time::Duration;

const VISIBLE: usize = 784;
const HIDDEN: usize = 500;

fn products(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("lookup 784x500");
    group.sample_size(20).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    let rbm = Rbm::new(VISIBLE, HIDDEN, Seed(1));
    for rows in [16, 128, 1024] {
        let chains = rbm.chains(rows, Seed(2));
        group.throughput(Throughput::Elements((VISIBLE * HIDDEN * rows) as u64));
        group.bench_function(BenchmarkId::new("mean_hidden", rows), |bencher| {
            bencher.iter(|| rbm.mean_hidden(chains.visible()));
        });
        group.bench_function(BenchmarkId::new("free_energy", rows), |bencher| {
            bencher.iter(|| rbm.free_energy(chains.visible()));
        });
    }
    // One element is one weight tabulated.
    group.throughput(Throughput::Elements((VISIBLE * HIDDEN) as u64));
    let mut tables = Tables::new();
    group.bench_function("tables", |bencher| {
        bencher.iter(|| tables.build(rbm.weights(), [VISIBLE, HIDDEN], HIDDEN));
    });
    group.finish();
}

criterion_group!(benches, products);
criterion_main!(benches);
