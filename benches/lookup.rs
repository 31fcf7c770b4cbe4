//! The lookup-table product by itself: building tables, means and free energies of a batch, in multiply-adds a second
//! of the dense product that it stands for.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use helmholtz::Seed;
use helmholtz::kernels::lookup::{FixedTables, Tables};
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
    // The sums alone, one thread, without what a sweep makes of them; 256 rows of sums stay in L2.
    let input = rbm.chains(256, Seed(2)).visible().clone();
    let mut sums = vec![0.0; HIDDEN * 256];
    let (mut tables, mut fixed) = (Tables::new(), FixedTables::new());
    let transposed: Vec<f32> =
        (0..HIDDEN * VISIBLE).map(|i| rbm.weights()[i % VISIBLE * HIDDEN + i / VISIBLE]).collect();
    tables.build(&transposed, [HIDDEN, VISIBLE], VISIBLE);
    fixed.build(&transposed, [HIDDEN, VISIBLE], VISIBLE, 2f32.powi(-12));
    group.throughput(Throughput::Elements((VISIBLE * HIDDEN * 256) as u64));
    group.bench_function("sums f32", |bencher| bencher.iter(|| tables.sums(&input, &mut sums)));
    group.bench_function("sums i16", |bencher| bencher.iter(|| fixed.sums(&input, &mut sums)));
    // One element is one weight tabulated.
    group.throughput(Throughput::Elements((VISIBLE * HIDDEN) as u64));
    group.bench_function("tables", |bencher| {
        bencher.iter(|| tables.build(rbm.weights(), [VISIBLE, HIDDEN], HIDDEN));
    });
    group.finish();
}

criterion_group!(benches, products);
criterion_main!(benches);
