use super::product::{DEPTH, gemm_on};
use super::*;
use crate::random::Seed;
use crate::simd::Isa;

fn values(name: &str, index: u64, length: usize) -> Vec<f32> {
    let mut values = vec![0.0; length];
    Seed(3).lanes(name, index).fill_normal(&mut values);
    values
}

fn supported() -> impl Iterator<Item = Isa> {
    Isa::ALL.into_iter().filter(|isa| isa.is_supported())
}

/// Sizes around the edges of every tile, past every block, and for tasks of every kind.
const SHAPES: [[usize; 3]; 31] = [
    [0, 0, 0],
    [0, 5, 3],
    [5, 0, 3],
    [5, 7, 0],
    [1, 1, 1],
    [1, 33, 5],
    [33, 1, 5],
    [3, 17, 100],
    [7, 15, 3],
    [12, 32, 64],
    [13, 31, 9],
    [25, 65, 513],
    [64, 64, 64],
    [100, 130, 1100],
    [128, 96, 200],
    [2050, 9, 3],
    [5, 4100, 2],
    [1, 40, 300],
    [300, 40, 1],
    [12, 20, 48],
    [20, 6, 16],
    [40, 128, 400],
    [400, 60, 50],
    [130, 90, 150],
    [60, 4400, 70],
    [2050, 1, 2060],
    [131, 2, 64],
    [37, 3, 29],
    [9, 4, 16],
    [1, 2, 40],
    [600, 4, 1300],
];

/// Against the naive `f64` product. A sum of k products, scaled, with two more terms, takes k + 3 roundings of
/// ε = 2⁻²⁴ and a few for blocks; the activations have slopes of at most 1 and add 3 units in the last place.
fn check(isa: Isa, a: MatrixRef, b: MatrixRef, epilogue: Epilogue) {
    let (m, n, k) = (a.rows, b.cols, a.cols);
    let before = values("c", 0, m * n + 1);
    let mut c = before.clone();
    gemm_on(isa, a, b, &mut c[1..], epilogue);
    assert_eq!(c[0], before[0]);
    for i in 0..m {
        for j in 0..n {
            let products = (0..k).map(|p| {
                let a = a.values[i * a.row_stride + p * a.col_stride];
                let b = b.values[p * b.row_stride + j * b.col_stride];
                f64::from(a) * f64::from(b) * f64::from(epilogue.scale)
            });
            let (mut sum, mut size) = products.fold((0.0, 0.0), |(sum, size), x| (sum + x, size + x.abs()));
            let mut term = |x: f32| {
                sum += f64::from(x);
                size += f64::from(x.abs());
            };
            if epilogue.output == Output::Accumulate {
                term(before[1 + i * n + j]);
            }
            epilogue.bias.iter().for_each(|bias| term(bias[j]));
            let exact = epilogue.activation.reference(sum);
            let blocks = k.div_ceil(DEPTH);
            let bound = 2f64.powi(-24) * ((k + 3 + 2 * blocks) as f64 * size + 6.0 * exact.abs()) + 1e-44;
            let got = f64::from(c[1 + i * n + j]);
            assert!(
                (got - exact).abs() <= bound,
                "{m}×{k}×{n} ({i}, {j}) on {isa}: {got} for {exact}, {epilogue:?}"
            );
        }
    }
}

#[test]
fn close_to_the_naive_product_on_every_instruction_set() {
    for isa in supported() {
        for [m, n, k] in SHAPES {
            let (a, b) = (values("a", 0, m * k + 1), values("b", 0, k * n + 1));
            // One element into the allocation: unaligned.
            let (a, b) = (&a[1..], &b[1..]);
            let bias = values("bias", 0, n);
            let (plain, a_t) = (MatrixRef::row_major(a, m, k), MatrixRef::row_major(a, k, m).transposed());
            let (b_plain, b_t) = (MatrixRef::row_major(b, k, n), MatrixRef::row_major(b, n, k).transposed());
            check(isa, plain, b_plain, Epilogue::default());
            let accumulate = Epilogue { output: Output::Accumulate, scale: -0.5, ..Epilogue::default() };
            check(isa, a_t, b_plain, accumulate);
            let biased = Epilogue { bias: Some(&bias), ..Epilogue::default() };
            check(isa, plain, b_t, biased);
            check(isa, plain, b_t, Epilogue { activation: Activation::Relu, ..biased });
            check(isa, plain, b_t, Epilogue { activation: Activation::Relu, bias: Some(&bias), ..accumulate });
            check(isa, plain, b_t, Epilogue { activation: Activation::Sigmoid, ..biased });
            check(isa, a_t, b_t, Epilogue { activation: Activation::Tanh, ..biased });
            check(isa, a_t, b_t, Epilogue { activation: Activation::Relu, ..accumulate });
            check(isa, plain, b_t, Epilogue { activation: Activation::LeakyRelu(0.25), ..biased });
            check(isa, plain, b_t, Epilogue { activation: Activation::Softplus, bias: Some(&bias), ..accumulate });
        }
    }
}

#[test]
fn strides_of_a_larger_matrix() {
    let (a, b, values) = (values("a", 1, 4000), values("b", 1, 4000), values("wide", 1, 2000));
    for isa in supported() {
        let a = MatrixRef::strided(&a[3..], 20, 19, 40, 2);
        let b = MatrixRef::strided(&b, 19, 21, 3, 90);
        check(isa, a, b, Epilogue::default());
        // Columns side by side, rows apart.
        let wide = MatrixRef::strided(&values[1..], 19, 83, 100, 1);
        check(isa, a, wide, Epilogue::default());
        check(isa, wide.transposed(), a.transposed(), Epilogue::default());
        // A stride of 0 repeats a row.
        check(isa, MatrixRef { row_stride: 0, ..a }, b, Epilogue::default());
    }
}

#[test]
fn the_same_bits_for_any_number_of_threads() {
    // Rows packed, columns packed, and several stretches of the depth.
    for [m, n, k] in [[250, 333, 700], [700, 130, 300], [90, 110, 3000]] {
        let (a, b, bias) = (values("a", 2, m * k), values("b", 2, k * n), values("bias", 2, n));
        let epilogue = Epilogue { bias: Some(&bias), activation: Activation::Tanh, ..Epilogue::default() };
        let (a, b) = (MatrixRef::row_major(&a, m, k), MatrixRef::row_major(&b, k, n));
        for isa in supported() {
            let bits = |threads: usize| -> Vec<u32> {
                let mut c = vec![0.0; m * n];
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| gemm_on(isa, a, b, &mut c, epilogue));
                c.iter().map(|x| x.to_bits()).collect()
            };
            let first = bits(1);
            for threads in [2, 4, 8] {
                assert!(bits(threads) == first, "{m}×{k}×{n}, {threads} threads on {isa}");
            }
        }
    }
}

/// Where an element stands decides nothing: not the tile it falls into, nor which operand is packed first.
#[test]
fn a_part_of_a_product_has_the_same_bits() {
    let [m, n, k] = [70, 90, 600];
    let (a, b) = (values("a", 6, m * k), values("b", 6, k * n));
    for isa in supported() {
        let product = |rows: usize, columns: usize| {
            let mut c = vec![0.0; rows * columns];
            let b = MatrixRef::strided(&b, k, columns, n, 1);
            gemm_on(isa, MatrixRef::row_major(&a[..rows * k], rows, k), b, &mut c, Epilogue::default());
            c
        };
        let whole = product(m, n);
        for (rows, columns) in [(1, n), (m, 1), (1, 1), (13, 17), (m, 33), (5, 90)] {
            for (part, whole) in product(rows, columns).chunks_exact(columns).zip(whole.chunks_exact(n)) {
                assert_eq!(part, &whole[..columns], "{rows} × {columns} on {isa}");
            }
        }
    }
}

#[test]
fn a_row_of_a_narrow_product_has_the_same_bits_in_any_company() {
    for [n, k] in [[1, 64], [2, 70], [3, 16], [4, 33]] {
        let (a, b) = (values("a", 7, 300 * k), values("b", 7, k * n));
        for isa in supported() {
            let product = |rows: std::ops::Range<usize>| {
                let mut c = vec![0.0; rows.len() * n];
                let a = MatrixRef::row_major(&a[rows.start * k..rows.end * k], rows.len(), k);
                gemm_on(isa, a, MatrixRef::row_major(&b, n, k).transposed(), &mut c, Epilogue::default());
                c
            };
            let whole = product(0..300);
            for rows in [0..1, 5..8, 7..290, 299..300] {
                assert_eq!(product(rows.clone()), whole[rows.start * n..rows.end * n], "{rows:?} × {n} on {isa}");
            }
        }
    }
}

#[test]
fn an_overwritten_output_is_never_read() {
    let (a, b) = (values("a", 3, 13 * 600), values("b", 3, 600 * 33));
    for isa in supported() {
        let mut c = vec![f32::NAN; 13 * 33];
        gemm_on(
            isa,
            MatrixRef::row_major(&a, 13, 600),
            MatrixRef::row_major(&b, 600, 33),
            &mut c,
            Epilogue::default(),
        );
        assert!(c.iter().all(|x| x.is_finite()), "{isa}");
    }
}

#[test]
fn a_nan_reaches_its_row_alone() {
    let mut a = values("a", 4, 30 * 10);
    a[15 * 10 + 3] = f32::NAN;
    let b = values("b", 4, 10 * 40);
    for isa in supported() {
        for activation in [Activation::Identity, Activation::Relu, Activation::Sigmoid] {
            let mut c = vec![0.0; 30 * 40];
            let epilogue = Epilogue { activation, ..Epilogue::default() };
            gemm_on(isa, MatrixRef::row_major(&a, 30, 10), MatrixRef::row_major(&b, 10, 40), &mut c, epilogue);
            for (row, values) in c.chunks_exact(40).enumerate() {
                assert!(values.iter().all(|x| x.is_nan() == (row == 15)), "row {row} on {isa}");
            }
        }
    }
}

#[test]
#[should_panic(expected = "the product of 2 × 3 and 4 × 5 matrices")]
fn wrong_shapes_are_named() {
    let (a, b) = ([0.0; 6], [0.0; 20]);
    gemm(MatrixRef::row_major(&a, 2, 3), MatrixRef::row_major(&b, 4, 5), &mut [0.0; 10], Epilogue::default());
}

#[test]
#[ignore = "a measurement"]
fn throughput() {
    let peak = crate::kernels::peak::fma_peak_macs_per_second();
    println!("one core's peak {:.1} GFLOP/s", 2e-9 * peak);
    // The products of an autoencoder's step, too: x Wᵀ, dZ W and dZᵀ X for a batch of 128 and of 5,000.
    const PRODUCTS: [(usize, usize, usize, &str); 16] = [
        (1024, 1024, 1024, "a b"),
        (128, 784, 512, "a b"),
        (128, 784, 400, "a bᵀ"),
        (128, 400, 784, "a bᵀ"),
        (128, 784, 400, "a b"),
        (128, 400, 784, "a b"),
        (784, 128, 400, "aᵀ b"),
        (400, 128, 784, "aᵀ b"),
        (128, 400, 40, "a bᵀ"),
        (128, 20, 400, "a bᵀ"),
        (5000, 784, 200, "a bᵀ"),
        (5000, 200, 784, "a bᵀ"),
        (5000, 200, 200, "a bᵀ"),
        (16, 784, 512, "a b"),
        (512, 784, 1, "a b"),
        (64, 64, 64, "a b"),
    ];
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        for (m, k, n, layout) in PRODUCTS {
            let (a, b) = (values("a", 5, m * k), values("b", 5, k * n));
            let mut c = vec![0.0; m * n];
            let a = match layout {
                "aᵀ b" => MatrixRef::row_major(&a, k, m).transposed(),
                _ => MatrixRef::row_major(&a, m, k),
            };
            let b = match layout {
                "a bᵀ" => MatrixRef::row_major(&b, n, k).transposed(),
                _ => MatrixRef::row_major(&b, k, n),
            };
            let mut times: Vec<f64> = pool.install(|| {
                (0..4_000_000_000 / (m * n * k).max(4_000_000))
                    .map(|_| {
                        let start = std::time::Instant::now();
                        gemm(a, b, &mut c, Epilogue::default());
                        start.elapsed().as_secs_f64()
                    })
                    .collect()
            });
            times.sort_by(f64::total_cmp);
            let share = |time: f64| 100.0 * (m * n * k) as f64 / time / peak / threads as f64;
            println!(
                "{layout} {m}×{k}×{n}, {threads} threads: best {:.1} % of the peak, median {:.1} %",
                share(times[0]),
                share(times[times.len() / 2])
            );
        }
    }
}
