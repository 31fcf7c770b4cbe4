//! Reductions of slices. Sums accumulate in `f64`, in an order that the length alone decides: the same bits on every
//! instruction set and for any number of threads.
//!
//! A block of up to 32,768 values is summed in 16 columns (value `i` to column `i mod 16`), the columns then pairwise; the
//! blocks are summed as a balanced tree, whose halves run in parallel.

use crate::parallel::join;
use crate::simd::{Kernel, Simd, dispatch};

/// Values of a block: 128 KB of `f32`, long enough to hide a fork, short enough to balance two threads.
const BLOCK: usize = 1 << 15;
const COLUMNS: usize = 16;

/// Pairs up columns: 16 to 8, 4, 2, 1.
#[inline(always)]
fn fold_columns(mut columns: [f64; COLUMNS]) -> f64 {
    let mut width = COLUMNS / 2;
    while width > 0 {
        for i in 0..width {
            columns[i] += columns[i + width];
        }
        width /= 2;
    }
    columns[0]
}

/// Σᵢ term(aᵢ, bᵢ) over one block. Plain loops over fixed columns, which the compiler turns into whatever vectors the
/// instruction set has without changing the order of a single addition.
struct BlockSum<'a, F> {
    a: &'a [f32],
    b: &'a [f32],
    term: F,
}

impl<F: Fn(f64, f64) -> f64> Kernel for BlockSum<'_, F> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> f64 {
        let mut columns = [0.0f64; COLUMNS];
        let (a, a_rest) = self.a.as_chunks::<COLUMNS>();
        let (b, b_rest) = self.b.as_chunks::<COLUMNS>();
        for (a, b) in a.iter().zip(b) {
            for i in 0..COLUMNS {
                columns[i] += (self.term)(f64::from(a[i]), f64::from(b[i]));
            }
        }
        for (column, (&a, &b)) in columns.iter_mut().zip(a_rest.iter().zip(b_rest)) {
            *column += (self.term)(f64::from(a), f64::from(b));
        }
        fold_columns(columns)
    }
}

fn tree<F: Fn(f64, f64) -> f64 + Copy + Send + Sync>(a: &[f32], b: &[f32], term: F) -> f64 {
    if a.len() <= BLOCK {
        return dispatch(BlockSum { a, b, term });
    }
    let middle = a.len().div_ceil(BLOCK) / 2 * BLOCK;
    let ((a, a_rest), (b, b_rest)) = (a.split_at(middle), b.split_at(middle));
    let (left, right) = join(|| tree(a, b, term), || tree(a_rest, b_rest, term));
    left + right
}

/// Σ xᵢ.
pub fn sum(values: &[f32]) -> f64 {
    tree(values, values, |x, _| x)
}

/// Σ xᵢ².
pub fn sum_of_squares(values: &[f32]) -> f64 {
    tree(values, values, |x, _| x * x)
}

/// Σ aᵢ bᵢ; each product is exact. Panics where the lengths differ.
#[track_caller]
pub fn dot(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len(), "the dot product of {} values with {}", a.len(), b.len());
    tree(a, b, |a, b| a * b)
}

/// The largest bits of |x| in a block: magnitudes compare as integers, with ∞ above them and NaN above that.
struct LargestBits<'a>(&'a [f32]);

impl Kernel for LargestBits<'_> {
    type Output = u32;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> u32 {
        self.0.iter().fold(0, |largest, x| largest.max(x.to_bits() & 0x7fff_ffff))
    }
}

fn largest_bits(values: &[f32]) -> u32 {
    if values.len() <= BLOCK {
        return dispatch(LargestBits(values));
    }
    let (left, right) = values.split_at(values.len().div_ceil(BLOCK) / 2 * BLOCK);
    let (left, right) = join(|| largest_bits(left), || largest_bits(right));
    left.max(right)
}

/// max |xᵢ|; 0 for no values, NaN where one is NaN.
pub fn max_abs(values: &[f32]) -> f32 {
    f32::from_bits(largest_bits(values))
}

/// Whether no value is NaN or infinite.
pub fn all_finite(values: &[f32]) -> bool {
    max_abs(values).is_finite()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;
    use crate::simd::{Isa, dispatch_on};

    fn values(name: &str, length: usize) -> Vec<f32> {
        let mut values = vec![0.0; length];
        Seed(1).lanes(name, 0).fill_uniform(&mut values);
        values.iter().map(|x| x - 0.4).collect()
    }

    #[test]
    fn close_to_the_naive_sums_at_any_length_and_start() {
        for length in [0, 1, 7, 15, 16, 17, 33, 1000, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5] {
            let (a, b) = (values("a", length + 1), values("b", length + 1));
            let (a, b) = (&a[1..], &b[1..]);
            // Every term is below 1, each of the `length` additions rounds once.
            let bound = length as f64 * length as f64 * f64::EPSILON;
            let naive =
                |f: fn(f64, f64) -> f64| a.iter().zip(b).map(|(&a, &b)| f(a.into(), b.into())).sum::<f64>();
            assert!((sum(a) - naive(|a, _| a)).abs() <= bound);
            assert!((sum_of_squares(a) - naive(|a, _| a * a)).abs() <= bound);
            assert!((dot(a, b) - naive(|a, b| a * b)).abs() <= bound);
            assert_eq!(max_abs(a), a.iter().fold(0.0, |m: f32, x| m.max(x.abs())));
        }
    }

    #[test]
    fn the_same_bits_on_every_instruction_set_and_number_of_threads() {
        let (a, b) = (values("a", 10 * BLOCK + 77), values("b", 10 * BLOCK + 77));
        for length in [0, 5, 16, 1003, BLOCK] {
            let on = |isa| {
                let block = BlockSum { a: &a[..length], b: &b[..length], term: |a, b| a * b };
                dispatch_on(isa, block).to_bits()
            };
            for isa in Isa::ALL.into_iter().filter(|isa| isa.is_supported()) {
                assert_eq!(on(isa), on(Isa::Portable), "{isa}");
            }
        }
        let expected = dot(&a, &b).to_bits();
        for threads in [1, 2, 4, 8] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            assert_eq!(pool.install(|| dot(&a, &b)).to_bits(), expected, "{threads} threads");
        }
    }

    #[test]
    fn what_is_not_finite_is_found_wherever_it_is() {
        assert!(all_finite(&[]));
        for length in [1, 16, 40, BLOCK + 3] {
            let mut values = values("finite", length);
            assert!(all_finite(&values));
            for bad in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                for place in [0, length / 2, length - 1] {
                    let good = std::mem::replace(&mut values[place], bad);
                    assert!(!all_finite(&values));
                    assert_eq!(max_abs(&values).is_nan(), bad.is_nan());
                    values[place] = good;
                }
            }
        }
    }
}
