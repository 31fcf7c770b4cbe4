//! The matrix product against sums in f64: random shapes, strides and epilogues.
#![no_main]

use helmholtz::kernels::gemm::{Activation, Epilogue, MatrixRef, Output, gemm};
use helmholtz_fuzz::numbers;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Case {
    sizes: [u8; 3],
    deep: bool,
    transposed: [bool; 2],
    padding: [u8; 2],
    accumulate: bool,
    bias: bool,
    activation: u8,
    scale: i8,
    seed: u64,
}

/// `[rows, cols]` in memory with `padding` numbers after each row, or each column where it is stored transposed.
struct Stored {
    values: Vec<f32>,
    rows: usize,
    cols: usize,
    strides: (usize, usize),
}

impl Stored {
    fn new(name: &str, seed: u64, [rows, cols]: [usize; 2], transposed: bool, padding: usize) -> Self {
        let strides = if transposed { (1, rows + padding) } else { (cols + padding, 1) };
        let count = if transposed { cols * strides.1 } else { rows * strides.0 };
        Stored { values: numbers(name, seed, count, 1.0), rows, cols, strides }
    }

    fn view(&self) -> MatrixRef<'_> {
        MatrixRef::strided(&self.values, self.rows, self.cols, self.strides.0, self.strides.1)
    }

    fn at(&self, row: usize, col: usize) -> f64 {
        f64::from(self.values[row * self.strides.0 + col * self.strides.1])
    }
}

fuzz_target!(|case: Case| {
    let [m, n, k] = case.sizes.map(|size| usize::from(size % 101));
    // Past the depth of one block.
    let k = if case.deep { k * 11 } else { k };
    let a = Stored::new("a", case.seed, [m, k], case.transposed[0], usize::from(case.padding[0] % 20));
    let b = Stored::new("b", case.seed, [k, n], case.transposed[1], usize::from(case.padding[1] % 20));
    let bias = numbers("bias", case.seed, n, 1.0);
    let before = numbers("before", case.seed, m * n, 1.0);
    let activations = [
        Activation::Identity,
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::Relu,
        Activation::LeakyRelu(0.25),
        Activation::Softplus,
    ];
    let activation = activations[usize::from(case.activation) % activations.len()];
    let scale = f32::from(case.scale) / 64.0;
    let epilogue = Epilogue {
        scale,
        output: if case.accumulate { Output::Accumulate } else { Output::Overwrite },
        bias: case.bias.then_some(&bias),
        activation,
    };
    // What is overwritten is never read: not even a NaN may come through.
    let mut c = if case.accumulate { before.clone() } else { vec![f32::NAN; m * n] };
    gemm(a.view(), b.view(), &mut c, epilogue);

    for row in 0..m {
        for col in 0..n {
            let (mut sum, mut magnitude) = (0.0, 0.0);
            for depth in 0..k {
                let term = f64::from(scale) * a.at(row, depth) * b.at(depth, col);
                sum += term;
                magnitude += term.abs();
            }
            let mut add = |term: f32| {
                sum += f64::from(term);
                magnitude += f64::from(term.abs());
            };
            if case.accumulate {
                add(before[row * n + col]);
            }
            if case.bias {
                add(bias[col]);
            }
            let wanted = match activation {
                Activation::Identity => sum,
                Activation::Sigmoid => 1.0 / (1.0 + (-sum).exp()),
                Activation::Tanh => sum.tanh(),
                Activation::Relu => sum.max(0.0),
                Activation::LeakyRelu(slope) => sum.max(f64::from(slope) * sum),
                Activation::Softplus => sum.max(0.0) + (-sum.abs()).exp().ln_1p(),
            };
            // The documented bound, through functions that are all 1-Lipschitz, and their own 3 ULP.
            let bound = (k + 3) as f64 * 0.5f64.powi(24) * magnitude
                + 3.0 * f64::from(f32::EPSILON) * wanted.abs()
                + 1e-37;
            let given = f64::from(c[row * n + col]);
            assert!((given - wanted).abs() <= bound, "({row}, {col}): {given} for {wanted}, bound {bound}");
        }
    }
});
