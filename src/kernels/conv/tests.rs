use super::*;
use crate::kernels::gemm::Activation;
use crate::random::Seed;

fn values(name: &str, length: usize) -> Vec<f32> {
    let mut values = vec![0.0; length];
    Seed(5).lanes(name, length as u64).fill_normal(&mut values);
    values
}

fn supported() -> impl Iterator<Item = Isa> {
    Isa::ALL.into_iter().filter(|isa| isa.is_supported())
}

/// Odd sizes, kernels beyond the image, strides beyond the kernel, few and many channels, and sizes that the input's transposition does not reach.
fn cases() -> Vec<Convolution> {
    let of = |input, channels, kernel, stride, padding| {
        Convolution::of(input, channels, kernel, stride, padding).unwrap()
    };
    vec![
        of([5, 7], [1, 3], [3, 3], [1, 1], [1, 1]),
        of([6, 5], [3, 1], [3, 2], [2, 1], [0, 1]),
        of([9, 8], [5, 7], [4, 4], [2, 2], [1, 1]),
        of([4, 4], [32, 33], [1, 1], [1, 1], [0, 0]),
        of([7, 7], [16, 64], [3, 3], [1, 1], [1, 1]),
        of([8, 9], [20, 40], [5, 5], [1, 1], [2, 2]),
        of([2, 3], [9, 6], [5, 5], [1, 1], [2, 2]),
        of([8, 8], [6, 8], [2, 2], [3, 3], [0, 0]),
        of([11, 10], [2, 20], [4, 3], [3, 2], [2, 0]),
        of([12, 12], [1, 32], [4, 4], [2, 2], [1, 1]),
        of([5, 5], [70, 5], [3, 3], [2, 2], [1, 1]),
        of([1, 1], [3, 50], [1, 1], [1, 1], [0, 0]),
        of([6, 6], [48, 2], [3, 3], [1, 1], [0, 0]),
    ]
}

/// The sums of products in f64, and those of their sizes, and how many there are at most.
struct Sums {
    values: Vec<f64>,
    sizes: Vec<f64>,
    counts: Vec<usize>,
}

impl Sums {
    fn new(length: usize) -> Self {
        Sums { values: vec![0.0; length], sizes: vec![0.0; length], counts: vec![0; length] }
    }

    fn add(&mut self, place: usize, a: f32, b: f32) {
        let product = f64::from(a) * f64::from(b);
        self.values[place] += product;
        self.sizes[place] += product.abs();
        self.counts[place] += 1;
    }

    /// A sum of k products takes k + 3 roundings, and one more for each part that is stored between.
    fn check(&self, found: &[f32], about: &str) {
        for (place, &found) in found.iter().enumerate() {
            let bound = 2f64.powi(-24) * (2 * self.counts[place] + 8) as f64 * self.sizes[place] + 1e-44;
            let gap = (f64::from(found) - self.values[place]).abs();
            assert!(gap <= bound, "{about}: element {place}: {found} for {}, {gap} > {bound}", self.values[place]);
        }
    }
}

#[test]
fn all_three_are_their_sums() {
    for sizes in cases() {
        let [of_x, of_y] = sizes.sizes();
        for batch in [0, 1, 5, 13, 27] {
            let (x, y, w) = (values("x", batch * of_x), values("y", batch * of_y), values("w", sizes.weights()));
            let mut sums = [Sums::new(x.len()), Sums::new(y.len()), Sums::new(w.len())];
            for image in 0..batch {
                sizes.for_each_product(|at_x, at_y, at_w| {
                    let (at_x, at_y) = (image * of_x + at_x, image * of_y + at_y);
                    sums[0].add(at_x, y[at_y], w[at_w]);
                    sums[1].add(at_y, x[at_x], w[at_w]);
                    sums[2].add(at_w, x[at_x], y[at_y]);
                });
            }
            for isa in supported() {
                let about = |what: &str| format!("{what} of {batch}, {sizes:?}, {isa:?}");
                let mut found = vec![f32::NAN; y.len()];
                convolve_on(isa, &sizes, &x, &w, &mut found, Epilogue::default());
                sums[1].check(&found, &about("y"));
                let mut found = vec![f32::NAN; x.len()];
                convolve_transposed_on(isa, &sizes, &y, &w, &mut found, Epilogue::default());
                sums[0].check(&found, &about("x"));
                let mut found = vec![f32::NAN; w.len()];
                convolve_weights_on(isa, &sizes, &x, &y, &mut found);
                sums[2].check(&found, &about("w"));
            }
        }
    }
}

/// Bias and activation come last, whatever was there is added to, and a pixel without taps has its bias.
#[test]
fn the_epilogue_is_applied_once() {
    for sizes in cases() {
        let [of_x, of_y] = sizes.sizes();
        let batch = 7;
        let (x, y, w) = (values("x", batch * of_x), values("y", batch * of_y), values("w", sizes.weights()));
        for isa in supported() {
            for activation in [Activation::Relu, Activation::Tanh, Activation::LeakyRelu(0.2)] {
                for output in [Output::Overwrite, Output::Accumulate] {
                    let check = |before: &[f32], plain: &[f32], found: &[f32], bias: &[f32]| {
                        for (place, &found) in found.iter().enumerate() {
                            let mut sum = 0.5 * f64::from(plain[place]) + f64::from(bias[place % bias.len()]);
                            if output == Output::Accumulate {
                                sum += f64::from(before[place]);
                            }
                            let wanted = activation.reference(sum);
                            let gap = (f64::from(found) - wanted).abs();
                            assert!(
                                gap < 2e-4 * (1.0 + sum.abs()),
                                "{sizes:?} {isa:?} {activation:?}: {found} {wanted}"
                            );
                        }
                    };
                    let epilogue = |bias| Epilogue { scale: 0.5, output, bias: Some(bias), activation };
                    let bias = values("bias", sizes.channels[1]);
                    let (mut plain, mut found) = (vec![0.0; y.len()], y.clone());
                    convolve_on(isa, &sizes, &x, &w, &mut plain, Epilogue::default());
                    convolve_on(isa, &sizes, &x, &w, &mut found, epilogue(&bias));
                    check(&y, &plain, &found, &bias);
                    let bias = values("bias", sizes.channels[0]);
                    let (mut plain, mut found) = (vec![0.0; x.len()], x.clone());
                    convolve_transposed_on(isa, &sizes, &y, &w, &mut plain, Epilogue::default());
                    convolve_transposed_on(isa, &sizes, &y, &w, &mut found, epilogue(&bias));
                    check(&x, &plain, &found, &bias);
                }
            }
        }
    }
}

/// The same bits on one thread and on three, and of an image alone and in company.
#[test]
fn bits_depend_neither_on_threads_nor_on_company() {
    let large = Convolution::of([14, 14], [24, 40], [5, 5], [1, 1], [2, 2]).unwrap();
    let strided = Convolution::of([28, 28], [1, 32], [4, 4], [2, 2], [1, 1]).unwrap();
    for sizes in [large, strided] {
        let ([of_x, of_y], batch) = (sizes.sizes(), 30);
        let (x, y, w) = (values("x", batch * of_x), values("y", batch * of_y), values("w", sizes.weights()));
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut found = [vec![0.0; y.len()], vec![0.0; x.len()], vec![0.0; w.len()]];
                convolve(&sizes, &x, &w, &mut found[0], Epilogue::default());
                convolve_transposed(&sizes, &y, &w, &mut found[1], Epilogue::default());
                convolve_weights(&sizes, &x, &y, &mut found[2]);
                found
            })
        };
        let all = run(1);
        assert_eq!(run(3), all);
        for (first, count) in [(3, 1), (29, 1), (7, 9)] {
            let (part_x, part_y) = (&x[first * of_x..][..count * of_x], &y[first * of_y..][..count * of_y]);
            let (mut found_y, mut found_x) = (vec![0.0; part_y.len()], vec![0.0; part_x.len()]);
            convolve(&sizes, part_x, &w, &mut found_y, Epilogue::default());
            convolve_transposed(&sizes, part_y, &w, &mut found_x, Epilogue::default());
            assert_eq!(found_y, all[0][first * of_y..][..count * of_y]);
            assert_eq!(found_x, all[1][first * of_x..][..count * of_x]);
        }
    }
}

#[test]
fn sizes_that_make_no_image_are_none() {
    let of =
        |input, kernel, stride, padding| Convolution::of(input, [1, 1], kernel, stride, padding).map(|c| c.output);
    assert_eq!(of([28, 28], [4, 4], [2, 2], [1, 1]), Some([14, 14]));
    assert_eq!(of([7, 9], [3, 5], [2, 3], [0, 1]), Some([3, 3]));
    assert_eq!(of([2, 9], [3, 3], [1, 1], [0, 0]), None);
    assert_eq!(of([4, 4], [3, 3], [0, 1], [0, 0]), None);
    assert_eq!(of([0, 4], [1, 1], [1, 1], [0, 0]), None);
    assert_eq!(of([4, 4], [0, 1], [1, 1], [0, 0]), None);
    let transposed = |small, kernel, stride, padding, more| {
        Convolution::transposed_of(small, [3, 2], kernel, stride, padding, more).map(|c| (c.input, c.channels))
    };
    assert_eq!(transposed([7, 7], [4, 4], [2, 2], [1, 1], [0, 0]), Some(([14, 14], [2, 3])));
    assert_eq!(transposed([4, 4], [3, 3], [2, 2], [1, 1], [0, 1]), Some(([7, 8], [2, 3])));
    assert_eq!(transposed([4, 4], [3, 3], [2, 2], [1, 1], [2, 0]), None);
    assert_eq!(transposed([1, 1], [1, 1], [1, 1], [1, 1], [0, 0]), None);
    let five = Convolution::of([14, 14], [32, 64], [5, 5], [1, 1], [2, 2]).unwrap();
    assert_eq!(five.multiply_adds(), 64 * 64 * 32 * 64);
}
