//! Bits of one block of sixteen rows, `[word][lane]`, from the bytes the rows are stored in.

use crate::random::Lanes;
use crate::tensor::LANES;

/// How a number becomes a bit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Reading {
    /// By comparing it with one half.
    Threshold,
    /// By a draw.
    Sample,
}

/// The lowest level that is at least half of the scale: at most 128.
pub(super) fn half(scale: u8) -> u8 {
    scale.div_ceil(2)
}

/// P(1) in units of 2⁻²⁴, to be compared with 24 random bits: 1 is always above them, 0 never. A double may lie beside [0, 1] by
/// less than floats tell.
pub(super) fn chance(value: f64) -> u32 {
    (value * 16_777_216.0).round() as u32
}

/// [`chance`] of each level up to `scale`; those above, which no checked source holds, are 1.
pub(super) fn chances(scale: u8) -> [u32; 256] {
    std::array::from_fn(|level| chance((level as f64 / f64::from(scale)).min(1.0)))
}

/// One row of levels: 1 from `half` (at most 128) on, every bit xored with `flip`.
pub(super) fn levels<'w>(row: &[u8], half: u8, flip: u32, mut words: impl Iterator<Item = &'w mut u32>) {
    let (whole, rest) = row.as_chunks::<32>();
    for (levels, word) in whole.iter().zip(&mut words) {
        *word = word_of_levels(levels, half) ^ flip;
    }
    if let (false, Some(word)) = (rest.is_empty(), words.next()) {
        let mut levels = [0; 32];
        levels[..rest.len()].copy_from_slice(rest);
        *word = (word_of_levels(&levels, half) ^ flip) & spare_mask(rest.len());
    }
}

#[inline]
fn word_of_levels(levels: &[u8; 32], half: u8) -> u32 {
    let offset = u64::from(128 - half) * 0x0101_0101_0101_0101;
    let (eights, _) = levels.as_chunks::<8>();
    let mut bits = 0;
    for (place, eight) in eights.iter().enumerate() {
        let levels = u64::from_le_bytes(*eight);
        // The high bit of a byte: of the level itself, or of its low seven bits plus 128 − half (no carry leaves
        // the byte). The product gathers the eight high bits in the top byte.
        let high = (levels & 0x7f7f_7f7f_7f7f_7f7f).wrapping_add(offset) | levels;
        let gathered = ((high & 0x8080_8080_8080_8080) >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        bits |= (gathered as u32) << (8 * place);
    }
    bits
}

/// One row of numbers of `SIZE` bytes, every bit xored with `flip`.
pub(super) fn numbers<'w, const SIZE: usize>(
    row: &[u8],
    bit: impl Fn([u8; SIZE]) -> bool,
    flip: u32,
    words: impl Iterator<Item = &'w mut u32>,
) {
    let (numbers, _) = row.as_chunks::<SIZE>();
    for (numbers, word) in numbers.chunks(32).zip(words) {
        let mut bits = 0u32;
        for (unit, number) in numbers.iter().enumerate() {
            bits |= u32::from(bit(*number)) << unit;
        }
        *word = (bits ^ flip) & spare_mask(numbers.len());
    }
}

/// Up to sixteen rows of numbers of `SIZE` bytes; row `i` draws from lane `i`, one word a number.
pub(super) fn sample<const SIZE: usize>(
    rows: &[&[u8]],
    chance: impl Fn([u8; SIZE]) -> u32,
    flip: u32,
    lanes: &mut Lanes,
    words: &mut [u32],
) {
    let width = rows.first().map_or(0, |row| row.len() / SIZE);
    for (word, out) in words.chunks_exact_mut(LANES).enumerate() {
        let units = (width - word * 32).min(32);
        let mut chances = [[0u32; LANES]; 32];
        for (lane, row) in rows.iter().enumerate() {
            let (numbers, _) = row[word * 32 * SIZE..][..units * SIZE].as_chunks::<SIZE>();
            for (unit, number) in numbers.iter().enumerate() {
                chances[unit][lane] = chance(*number);
            }
        }
        let mut bits = [0u32; LANES];
        for (unit, chances) in chances[..units].iter().enumerate() {
            let draws = lanes.next_words();
            for lane in 0..LANES {
                bits[lane] |= u32::from(draws[lane] >> 8 < chances[lane]) << unit;
            }
        }
        for (lane, out) in out[..rows.len()].iter_mut().enumerate() {
            *out = (bits[lane] ^ flip) & spare_mask(units);
        }
    }
}

/// Ones where a word of `units` units has any.
fn spare_mask(units: usize) -> u32 {
    if units < 32 { (1 << units) - 1 } else { !0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_one_from_half_of_any_scale_on() {
        let row: Vec<u8> = (0..=255).collect();
        for scale in 1..=255 {
            let mut words = [0u32; 8];
            levels(&row, half(scale), 0, words.iter_mut());
            for level in 0..256 {
                assert_eq!(words[level / 32] >> (level % 32) & 1 == 1, 2 * level >= usize::from(scale));
            }
        }
    }

    #[test]
    fn chances_are_exact_at_the_ends() {
        for scale in 1..=255 {
            let chances = chances(scale);
            assert_eq!((chances[0], chances[usize::from(scale)]), (0, 1 << 24));
            for level in 0..=scale {
                let wanted = f64::from(level) / f64::from(scale);
                assert!((f64::from(chances[usize::from(level)]) / 16_777_216.0 - wanted).abs() <= 0.5f64.powi(25));
            }
        }
    }
}
