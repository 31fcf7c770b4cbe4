//! The three products of a convolution, in multiply-adds a second, those on padding counted.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use helmholtz::kernels::conv::{Convolution, Epilogue, convolve, convolve_transposed, convolve_weights};
use helmholtz::tensor::AlignedVec;
use std::time::Duration;

/// Pixels along an axis, channels in and out, taps, stride, padding, images: those of `peers/convolutions.py`.
const SHAPES: [(usize, [usize; 2], usize, usize, usize, usize); 4] = [
    (14, [32, 64], 5, 1, 2, 128),
    (28, [1, 32], 4, 2, 1, 64),
    (14, [32, 64], 4, 2, 1, 64),
    (7, [64, 64], 3, 1, 1, 64),
];

fn products(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("convolution");
    group.sample_size(20).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    for (pixels, channels, kernel, stride, padding, batch) in SHAPES {
        let sizes = Convolution::of([pixels; 2], channels, [kernel; 2], [stride; 2], [padding; 2])
            .expect("the kernel has a place");
        let [of_x, of_y] = sizes.sizes();
        let pattern = |length: usize| -> AlignedVec<f32> { (0..length).map(|i| (i % 17) as f32 - 8.0).collect() };
        let (x, y, w) = (pattern(batch * of_x), pattern(batch * of_y), pattern(sizes.weights()));
        let mut out = [of_x * batch, of_y * batch, sizes.weights()].map(AlignedVec::zeroed);
        group.throughput(Throughput::Elements((batch * of_y * channels[0] * kernel * kernel) as u64));
        let name = |product: &str| {
            let [inputs, outputs] = channels;
            BenchmarkId::new(product, format!("{kernel}x{kernel}, {inputs} to {outputs}, {pixels}x{pixels}"))
        };
        let plain = Epilogue::default();
        group.bench_function(name("y"), |bencher| bencher.iter(|| convolve(&sizes, &x, &w, &mut out[1], plain)));
        group.bench_function(name("x"), |bencher| {
            bencher.iter(|| convolve_transposed(&sizes, &y, &w, &mut out[0], plain));
        });
        group.bench_function(name("w"), |bencher| bencher.iter(|| convolve_weights(&sizes, &x, &y, &mut out[2])));
    }
    group.finish();
}

criterion_group!(benches, products);
criterion_main!(benches);
