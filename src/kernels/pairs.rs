//! How often each pair of units is on together: XᵀX of a binary matrix, by counting bits.
//!
//! The matrix is transposed, so that a unit is a run of words of 32 rows and sixteen units lie side by side: one AND and
//! one count of bits serve 512 products. The counts are whole numbers, the same on any instruction set and any number of
//! threads.

use super::lookup::{BitsRef, transpose_bits};
use crate::parallel::{chunks_mut, for_each_in_groups};
use crate::simd::{Kernel, Simd, dispatch};
use crate::tensor::{AlignedVec, BitMatrix, LANES};

/// Rows in which units i and j are both on, into `counts` `[units, units]`; the diagonal has each unit's own count.
/// `scratch` only grows.
///
/// # Panics
/// Where `counts` has not `units²` values.
#[track_caller]
pub fn pair_counts(bits: &BitMatrix, scratch: &mut AlignedVec<u32>, counts: &mut [u32]) {
    let units = bits.units();
    assert_eq!(counts.len(), units * units, "counts of the pairs of {units} units");
    if units == 0 {
        return;
    }
    let row_words = (bits.blocks() * LANES).div_ceil(32);
    scratch.resize(units.div_ceil(LANES) * row_words * LANES);
    transpose_bits(BitsRef::from(bits), scratch);
    let transposed: &[u32] = scratch;
    for_each_in_groups(8, chunks_mut(counts, units), |unit, counts| {
        dispatch(CountRow { transposed, row_words, unit, counts });
    });
}

/// One unit with all others.
struct CountRow<'a> {
    /// `[block of 16 units][word of 32 rows][lane]`.
    transposed: &'a [u32],
    row_words: usize,
    unit: usize,
    counts: &'a mut [u32],
}

impl Kernel for CountRow<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let CountRow { transposed, row_words, unit, counts } = self;
        let own = &transposed[unit / LANES * row_words * LANES..][..row_words * LANES];
        for (block, counts) in counts.chunks_mut(LANES).enumerate() {
            let words = &transposed[block * row_words * LANES..][..row_words * LANES];
            let mut sums = [0u32; LANES];
            for (own, words) in own.chunks_exact(LANES).zip(words.as_chunks::<LANES>().0) {
                let own = own[unit % LANES];
                for lane in 0..LANES {
                    sums[lane] += count_ones(own & words[lane]);
                }
            }
            counts.copy_from_slice(&sums[..counts.len()]);
        }
    }
}

/// Bits that are on, by adding neighbours (Warren, Hacker's Delight, 5–1): plain arithmetic, which every instruction set
/// has for vectors.
#[inline(always)]
fn count_ones(word: u32) -> u32 {
    let pairs = word - (word >> 1 & 0x5555_5555);
    let quads = (pairs & 0x3333_3333) + (pairs >> 2 & 0x3333_3333);
    let bytes = (quads + (quads >> 4)) & 0x0f0f_0f0f;
    bytes.wrapping_mul(0x0101_0101) >> 24
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_counted_one_by_one() {
        for (rows, units) in [(0, 3), (1, 1), (16, 17), (33, 40), (100, 5), (70, 64)] {
            let bits = BitMatrix::from_fn(rows, units, |r, u| (r * 37 + u * 11 + r * u * 5) % 7 < 3);
            let mut counts = vec![u32::MAX; units * units];
            pair_counts(&bits, &mut AlignedVec::new(), &mut counts);
            for i in 0..units {
                for j in 0..units {
                    let want = (0..rows).filter(|&row| bits.get(row, i) && bits.get(row, j)).count();
                    assert_eq!(counts[i * units + j] as usize, want, "units {i} and {j} of {rows} × {units}");
                }
            }
        }
    }
}
