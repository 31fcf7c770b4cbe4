//! Functions and sums over slices, in numbers a second: by one core from its own cache, and from memory.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use helmholtz::kernels::{elementwise, reduce};
use std::time::Duration;

/// 16 KB and 64 MB of floats.
const COUNTS: [usize; 2] = [4096, 16 << 20];

type Function = fn(&[f32], &mut [f32]);

const FUNCTIONS: [(&str, Function); 5] = [
    ("exp", elementwise::exp_into),
    ("ln", elementwise::ln_into),
    ("sigmoid", elementwise::sigmoid_into),
    ("tanh", elementwise::tanh_into),
    ("softplus", elementwise::softplus_into),
];

fn slices(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("elementwise");
    group.sample_size(10).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    for count in COUNTS {
        let source: Vec<f32> = (0..count).map(|i| 0.001 + (i % 97) as f32 / 20.0).collect();
        let mut out = vec![0.0; count];
        group.throughput(Throughput::Elements(count as u64));
        for (name, function) in FUNCTIONS {
            group.bench_function(BenchmarkId::new(name, count), |bencher| {
                bencher.iter(|| function(&source, &mut out));
            });
        }
        group.bench_function(BenchmarkId::new("sum", count), |bencher| bencher.iter(|| reduce::sum(&source)));
        group.bench_function(BenchmarkId::new("dot", count), |bencher| {
            bencher.iter(|| reduce::dot(&source, &source));
        });
    }
    group.finish();
}

criterion_group!(benches, slices);
criterion_main!(benches);
