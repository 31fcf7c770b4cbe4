//! Transposes bit matrices: the gradient sums over the batch, so there the examples are the inputs.

use super::operands::BitsRef;
use crate::parallel::{chunks_mut, for_each};
use crate::tensor::LANES;

/// Transposes `input` `[rows, units]` into words `[units, rows]` of the same layout: block of 16 units, word of 32 rows,
/// lane. `out` takes `units.div_ceil(16) · (16 · blocks).div_ceil(32) · 16` words; rows past the last block are zero.
pub(crate) fn transpose_bits(input: BitsRef<'_>, out: &mut [u32]) {
    let row_words = (input.blocks * LANES).div_ceil(32);
    assert_eq!(out.len(), input.units.div_ceil(LANES) * row_words * LANES, "words of a transposed bit matrix");
    if row_words == 0 {
        return;
    }
    let words = input.units.div_ceil(32);
    // A word of 32 units becomes two blocks of 16.
    for_each(chunks_mut(out, 2 * row_words * LANES), |word, out| {
        for row_word in 0..row_words {
            let mut square = [0u32; 32];
            for (half, square) in square.chunks_exact_mut(LANES).enumerate() {
                let block = 2 * row_word + half;
                if block < input.blocks {
                    square.copy_from_slice(&input.words[(block * words + word) * LANES..][..LANES]);
                }
            }
            transpose_square(&mut square);
            for (half, block) in out.chunks_exact_mut(row_words * LANES).enumerate() {
                block[row_word * LANES..][..LANES].copy_from_slice(&square[half * LANES..][..LANES]);
            }
        }
    });
}

/// Transposes a 32×32 bit matrix in place: bit `j` of word `i` trades with bit `i` of word `j` (Warren, Hacker's
/// Delight, 7–3: swap the off-diagonal quarters, then within each).
fn transpose_square(square: &mut [u32; 32]) {
    let mut width = 16;
    let mut mask = 0x0000_ffffu32;
    while width > 0 {
        for start in (0..32).step_by(2 * width) {
            for row in start..start + width {
                let swap = (square[row] >> width ^ square[row + width]) & mask;
                square[row] ^= swap << width;
                square[row + width] ^= swap;
            }
        }
        width /= 2;
        mask ^= mask << width;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::BitMatrix;

    #[test]
    fn a_transposed_bit_is_found_at_the_mirrored_place() {
        for (rows, units) in [(1, 1), (16, 32), (20, 40), (33, 17), (64, 100), (128, 784)] {
            let bits = BitMatrix::from_fn(rows, units, |r, u| (r * 31 + u * 17 + r * u) % 7 < 3);
            let row_words = (bits.blocks() * LANES).div_ceil(32);
            let mut out = vec![u32::MAX; units.div_ceil(LANES) * row_words * LANES];
            transpose_bits(BitsRef::from(&bits), &mut out);
            for unit in 0..units.next_multiple_of(LANES) {
                for row in 0..row_words * 32 {
                    let word = out[(unit / LANES * row_words + row / 32) * LANES + unit % LANES];
                    let want = unit < units && row < rows && bits.get(row, unit);
                    assert_eq!(word >> (row % 32) & 1 == 1, want, "row {row} unit {unit} of {rows} × {units}");
                }
            }
        }
    }
}
