use super::product::DEPTH;
use super::staircase::{staircase_input_gradient_on, staircase_product_on, staircase_weight_gradient_on};
use super::*;
use crate::kernels::staircase::Staircase;
use crate::random::Seed;
use crate::simd::Isa;
use crate::tensor::AlignedVec;

fn values(name: &str, length: usize) -> Vec<f32> {
    let mut values = vec![0.0; length];
    Seed(5).lanes(name, 0).fill_normal(&mut values);
    values
}

/// Limits from 0 or so to `inputs`, ascending evenly.
fn even(inputs: usize, outputs: usize) -> Vec<usize> {
    (0..outputs).map(|row| (row * (inputs + 1) / outputs.max(1)).min(inputs)).collect()
}

/// Sizes around the edges of tiles, blocks and pieces, below and above where threads share the work.
fn staircases() -> Vec<Staircase> {
    let twice = [even(70, 50), even(70, 50)].concat();
    let high: Vec<usize> = (0..138).map(|row| row / 23 * 51).collect();
    vec![
        Staircase::new(0, vec![0; 3]),
        Staircase::new(4, vec![]),
        Staircase::new(1, vec![0, 1]),
        Staircase::new(5, even(5, 7)),
        Staircase::new(33, even(33, 17)),
        Staircase::new(16, vec![16; 40]),
        Staircase::new(70, twice),
        Staircase::new(256, high),
        Staircase::new(600, even(600, 200)),
        Staircase::new(61, even(61, 1100)),
    ]
}

/// The sum of products and of their magnitudes.
fn sums(products: impl Iterator<Item = (f32, f32)>) -> (f64, f64) {
    products.fold((0.0, 0.0), |(sum, size), (a, b)| {
        let product = f64::from(a) * f64::from(b);
        (sum + product, size + product.abs())
    })
}

/// As for whole matrices: `terms` products take as many roundings of 2⁻²⁴ and a few for blocks.
fn near(got: f32, (sum, size): (f64, f64), terms: usize, what: &str) {
    let roundings = terms + 3 + 2 * terms.div_ceil(8.min(DEPTH));
    let bound = 2f64.powi(-24) * roundings as f64 * size + 1e-44;
    assert!((f64::from(got) - sum).abs() <= bound, "{what}: {got} for {sum}");
}

fn check(isa: Isa, staircase: &Staircase, m: usize) {
    let (n, k) = (staircase.outputs(), staircase.inputs());
    let what = format!("{m} rows with a {n} × {k} staircase on {isa}");
    let mut weights = vec![0.0; staircase.stored_length()];
    staircase.pack(&values("weights", n * k), &mut weights);
    let mut whole = vec![0.0; n * k];
    staircase.unpack(&weights, &mut whole);
    let (x, g, bias) = (values("x", m * k), values("g", m * n), values("bias", n));
    let (inputs, outputs) = (MatrixRef::row_major(&x, m, k), MatrixRef::row_major(&g, m, n));

    let before = values("before", m * n);
    for output in [Output::Overwrite, Output::Accumulate] {
        let mut y = before.clone();
        let epilogue = Epilogue { bias: Some(&bias), output, ..Epilogue::default() };
        staircase_product_on(isa, inputs, staircase, &weights, &mut y, epilogue);
        for i in 0..m {
            for o in 0..n {
                let products = (0..k).map(|e| (x[i * k + e], whole[o * k + e]));
                let held = if output == Output::Accumulate { before[i * n + o] } else { 0.0 };
                let exact = sums(products.chain([(bias[o], 1.0), (held, 1.0)]));
                near(y[i * n + o], exact, k + 2, &format!("y ({i}, {o}) of {what}, {output:?}"));
            }
        }
    }

    let mut dx = values("dx", m * k);
    staircase_input_gradient_on(isa, outputs, staircase, &weights, &mut dx);
    for i in 0..m {
        for e in 0..k {
            let exact = sums((0..n).map(|o| (g[i * n + o], whole[o * k + e])));
            near(dx[i * k + e], exact, n, &format!("dx ({i}, {e}) of {what}"));
        }
    }

    let mut dw = values("dw", staircase.stored_length());
    staircase_weight_gradient_on(isa, outputs, inputs, staircase, &mut dw);
    let mut all = vec![0.0; n * k];
    staircase.unpack(&dw, &mut all);
    for o in 0..n {
        for e in 0..staircase.limits()[o] {
            let exact = sums((0..m).map(|i| (g[i * n + o], x[i * k + e])));
            near(all[o * k + e], exact, m, &format!("dW ({o}, {e}) of {what}"));
        }
    }
    let mask = staircase.stored_mask();
    let beyond = dw.iter().zip(mask).filter(|(_, mask)| *mask == 0.0);
    assert!(beyond.into_iter().all(|(gradient, _)| *gradient == 0.0), "beyond the limits of {what}");
}

#[test]
fn a_staircase_is_the_masked_whole_product() {
    for isa in Isa::ALL.into_iter().filter(|isa| isa.is_supported()) {
        for staircase in staircases() {
            for m in [0, 1, 7, 100] {
                check(isa, &staircase, m);
            }
        }
        check(isa, &Staircase::new(61, even(61, 130)), 1100);
        check(isa, &Staircase::new(2, vec![1; 64]), 2100);
        check(isa, &Staircase::new(1030, even(1030, 70)), 20);
    }
}

#[test]
fn staircases_give_the_same_bits_for_any_number_of_threads() {
    for (staircase, m) in [(Staircase::new(300, even(300, 400)), 90), (Staircase::new(40, even(40, 64)), 900)] {
        let (n, k) = (staircase.outputs(), staircase.inputs());
        let mut weights = vec![0.0; staircase.stored_length()];
        staircase.pack(&values("weights", n * k), &mut weights);
        let (x, g) = (values("x", m * k), values("g", m * n));
        let (inputs, outputs) = (MatrixRef::row_major(&x, m, k), MatrixRef::row_major(&g, m, n));
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let (mut y, mut dx) = (vec![0.0; m * n], vec![0.0; m * k]);
                let mut dw = vec![0.0; staircase.stored_length()];
                staircase_product(inputs, &staircase, &weights, &mut y, Epilogue::default());
                staircase_input_gradient(outputs, &staircase, &weights, &mut dx);
                staircase_weight_gradient(outputs, inputs, &staircase, &mut dw);
                [y, dx, dw].concat().iter().map(|value| value.to_bits()).collect::<Vec<u32>>()
            })
        };
        let one = with(1);
        assert!(with(2) == one && with(5) == one);
    }
}

/// Milliseconds of y, dx and dW for 100 rows through layers of 784, 1024, 1568 and 23,520 units, against whole matrices.
#[test]
#[ignore = "a measurement"]
fn throughput() {
    const M: usize = 100;
    let degrees: Vec<usize> = (1..=1024).map(|unit| (unit * 783usize).div_ceil(1024)).collect();
    let outputs: Vec<usize> = (1..=784).map(|d| degrees.partition_point(|degree| *degree < d)).collect();
    let of_mixtures: Vec<usize> = outputs.iter().flat_map(|&limit| [limit; 10]).collect();
    let limits = [outputs.repeat(2), of_mixtures.repeat(3)];
    for staircase in
        [Staircase::new(784, degrees)].into_iter().chain(limits.map(|limits| Staircase::new(1024, limits)))
    {
        let (n, k) = (staircase.outputs(), staircase.inputs());
        let (x, g, whole) = (values("x", M * k), values("g", M * n), AlignedVec::from_slice(&values("w", n * k)));
        let mut weights = AlignedVec::zeroed(staircase.stored_length());
        staircase.pack(&whole, &mut weights);
        let (inputs, outputs) = (MatrixRef::row_major(&x, M, k), MatrixRef::row_major(&g, M, n));
        let matrix = MatrixRef::row_major(&whole, n, k);
        let (mut y, mut dx, mut dw) = (vec![0.0; M * n], vec![0.0; M * k], AlignedVec::zeroed(n * k));
        let stored = staircase.stored_length();
        println!("{n} × {k}: {} blocks, {:.3} stored", staircase.blocks().len(), stored as f64 / (n * k) as f64);
        let mut times = [[f64::INFINITY; 3]; 2];
        let time = |best: &mut f64, body: &mut dyn FnMut()| {
            let start = std::time::Instant::now();
            body();
            *best = best.min(start.elapsed().as_secs_f64() * 1e3);
        };
        for _ in 0..60 {
            let [stairs, all] = &mut times;
            time(&mut stairs[0], &mut || {
                staircase_product(inputs, &staircase, &weights, &mut y, Epilogue::default())
            });
            time(&mut stairs[1], &mut || staircase_input_gradient(outputs, &staircase, &weights, &mut dx));
            time(&mut stairs[2], &mut || {
                staircase_weight_gradient(outputs, inputs, &staircase, &mut dw[..stored]);
            });
            time(&mut all[0], &mut || gemm(inputs, matrix.transposed(), &mut y, Epilogue::default()));
            time(&mut all[1], &mut || gemm(outputs, matrix, &mut dx, Epilogue::default()));
            time(&mut all[2], &mut || gemm(outputs.transposed(), inputs, &mut dw, Epilogue::default()));
        }
        println!("staircase {:.3?}, whole {:.3?} ms", times[0], times[1]);
        let macs = staircase.limits().iter().map(|limit| M * limit).sum::<usize>() as f64;
        println!("staircase {:.1?} GMAC/s", times[0].map(|ms| macs / ms / 1e6));
        let [stairs, all] = times.map(|times| times.iter().sum::<f64>());
        println!("together {stairs:.3} and {all:.3} ms: {:.2} ×", all / stairs);
    }
}
