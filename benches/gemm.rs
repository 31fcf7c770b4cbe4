//! The dense matrix product, in multiply-adds a second.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use helmholtz::kernels::gemm::{Epilogue, MatrixRef, gemm};
use helmholtz::tensor::AlignedVec;
use std::time::Duration;

/// Rows, depth and columns: a square one, and a layer of an autoencoder.
const SHAPES: [[usize; 3]; 2] = [[1024, 1024, 1024], [128, 784, 512]];

fn products(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("gemm");
    group.sample_size(20).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    for [m, k, n] in SHAPES {
        let pattern = |length: usize| -> AlignedVec<f32> { (0..length).map(|i| (i % 17) as f32 - 8.0).collect() };
        let (a, b) = (pattern(m * k), pattern(k * n));
        let mut c = AlignedVec::zeroed(m * n);
        group.throughput(Throughput::Elements((m * k * n) as u64));
        group.bench_function(BenchmarkId::from_parameter(format!("{m}x{k}x{n}")), |bencher| {
            bencher.iter(|| {
                gemm(MatrixRef::row_major(&a, m, k), MatrixRef::row_major(&b, k, n), &mut c, Epilogue::default());
            });
        });
    }
    group.finish();
}

criterion_group!(benches, products);
criterion_main!(benches);
