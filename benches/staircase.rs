//! The masked layers of an autoregressive network, 784 components with 1024 hidden units and two outputs each, forward and
//! backward: by staircases, and by whole matrices of which half are zeros.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use helmholtz::kernels::gemm::{
    Epilogue, MatrixRef, gemm, staircase_input_gradient, staircase_product, staircase_weight_gradient,
};
use helmholtz::kernels::staircase::Staircase;
use helmholtz::tensor::AlignedVec;
use std::time::Duration;

const ROWS: usize = 100;
const WIDTH: usize = 784;
const HIDDEN: usize = 1024;

fn pattern(length: usize) -> AlignedVec<f32> {
    (0..length).map(|i| (i % 17) as f32 - 8.0).collect()
}

/// The two layers: unit j has the degree ⌈j (D − 1) / H⌉, the outputs for component d read degrees below d.
fn layers() -> [Staircase; 2] {
    let degrees: Vec<usize> = (1..=HIDDEN).map(|unit| (unit * (WIDTH - 1)).div_ceil(HIDDEN)).collect();
    let outputs: Vec<usize> = (1..=WIDTH).map(|d| degrees.partition_point(|degree| *degree < d)).collect();
    [Staircase::new(WIDTH, degrees), Staircase::new(HIDDEN, outputs.repeat(2))]
}

fn products(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("masked layers");
    group.sample_size(30).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(4));
    let layers = layers();
    let macs: usize = layers.iter().map(|layer| 3 * ROWS * layer.limits().iter().sum::<usize>()).sum();
    group.throughput(Throughput::Elements(macs as u64));
    let buffers = |stored: fn(&Staircase) -> usize| {
        layers.each_ref().map(|layer| {
            let (n, k) = (layer.outputs(), layer.inputs());
            (
                pattern(stored(layer)),
                pattern(ROWS * k),
                pattern(ROWS * n),
                AlignedVec::<f32>::zeroed(stored(layer)),
            )
        })
    };
    let (mut y, mut dx) = (pattern(ROWS * 2 * WIDTH), pattern(ROWS * HIDDEN));
    let mut small = buffers(Staircase::stored_length);
    group.bench_function("staircases", |bencher| {
        bencher.iter(|| {
            for (layer, (weights, x, g, dw)) in layers.iter().zip(&mut small) {
                let (n, k) = (layer.outputs(), layer.inputs());
                let (inputs, outputs) = (MatrixRef::row_major(x, ROWS, k), MatrixRef::row_major(g, ROWS, n));
                staircase_product(inputs, layer, weights, &mut y[..ROWS * n], Epilogue::default());
                staircase_input_gradient(outputs, layer, weights, &mut dx[..ROWS * k]);
                staircase_weight_gradient(outputs, inputs, layer, dw);
            }
        });
    });
    let mut large = buffers(|layer| layer.outputs() * layer.inputs());
    group.bench_function("whole matrices", |bencher| {
        bencher.iter(|| {
            for (layer, (weights, x, g, dw)) in layers.iter().zip(&mut large) {
                let (n, k) = (layer.outputs(), layer.inputs());
                let (inputs, outputs) = (MatrixRef::row_major(x, ROWS, k), MatrixRef::row_major(g, ROWS, n));
                let matrix = MatrixRef::row_major(weights, n, k);
                gemm(inputs, matrix.transposed(), &mut y[..ROWS * n], Epilogue::default());
                gemm(outputs, matrix, &mut dx[..ROWS * k], Epilogue::default());
                gemm(outputs.transposed(), inputs, dw, Epilogue::default());
            }
        });
    });
    group.finish();
}

criterion_group!(benches, products);
criterion_main!(benches);
