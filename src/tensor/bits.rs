//! A bit-packed binary matrix `[rows, units]`: the states of many chains, or a batch of binary examples.
//!
//! The one layout of the crate, which the kernels read: `[block of 16 rows][word of 32 units][lane]`, `u32`. Row
//! `r` is lane `r mod 16` of block `r div 16`; unit `u` is bit `u mod 32` of word `u div 32`. Spare bits, those of
//! units and rows that do not exist, are zero.

use super::AlignedVec;

/// Rows that share a block: the lanes of one AVX-512 register, on every instruction set.
pub const LANES: usize = 16;

/// A binary matrix `[rows, units]`, bit-packed (see the module for the layout).
#[derive(Clone, Debug, PartialEq, Default)]
pub struct BitMatrix {
    rows: usize,
    units: usize,
    words: AlignedVec<u32>,
}

impl BitMatrix {
    /// All zeros.
    pub fn zeros(rows: usize, units: usize) -> Self {
        let words = rows.div_ceil(LANES) * units.div_ceil(32) * LANES;
        BitMatrix { rows, units, words: AlignedVec::zeroed(words) }
    }

    /// The matrix with `get(r, u) == bit(r, u)`.
    pub fn from_fn(rows: usize, units: usize, mut bit: impl FnMut(usize, usize) -> bool) -> Self {
        let mut matrix = Self::zeros(rows, units);
        for row in 0..rows {
            for unit in 0..units {
                if bit(row, unit) {
                    matrix.set(row, unit, true);
                }
            }
        }
        matrix
    }

    /// Rows: chains, or examples.
    #[inline]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Units of a row.
    #[inline]
    pub fn units(&self) -> usize {
        self.units
    }

    /// Blocks of 16 rows, the last one perhaps part-filled.
    #[inline]
    pub fn blocks(&self) -> usize {
        self.rows.div_ceil(LANES)
    }

    /// Words of 32 units in a row.
    #[inline]
    pub fn words_per_row(&self) -> usize {
        self.units.div_ceil(32)
    }

    /// Makes the matrix `[rows, units]`, all zeros. Allocates only when it grows past what it ever was.
    pub fn reset(&mut self, rows: usize, units: usize) {
        self.rows = rows;
        self.units = units;
        self.words.resize(rows.div_ceil(LANES) * units.div_ceil(32) * LANES);
        self.words.fill(0);
    }

    #[inline]
    fn place(&self, row: usize, unit: usize) -> (usize, u32) {
        assert!(
            row < self.rows && unit < self.units,
            "bit ({row}, {unit}) of a {} × {} bit matrix",
            self.rows,
            self.units
        );
        let word = (row / LANES * self.words_per_row() + unit / 32) * LANES + row % LANES;
        (word, 1 << (unit % 32))
    }

    /// The bit of one row and unit. Panics outside the matrix.
    #[inline]
    pub fn get(&self, row: usize, unit: usize) -> bool {
        let (word, bit) = self.place(row, unit);
        self.words[word] & bit != 0
    }

    /// Sets one bit. Panics outside the matrix.
    #[inline]
    pub fn set(&mut self, row: usize, unit: usize, value: bool) {
        let (word, bit) = self.place(row, unit);
        if value {
            self.words[word] |= bit;
        } else {
            self.words[word] &= !bit;
        }
    }

    /// The packed words, `[block][word][lane]`.
    #[inline]
    pub fn words(&self) -> &[u32] {
        &self.words
    }

    /// The packed words, `[block][word][lane]`. Whoever writes them keeps spare bits zero.
    #[inline]
    pub fn words_mut(&mut self) -> &mut [u32] {
        &mut self.words
    }

    /// Row `row` as 0.0 and 1.0 into `out`, `[units]`.
    pub fn row_into(&self, row: usize, out: &mut [f32]) {
        assert_eq!(out.len(), self.units, "a row of {} units into a slice of {}", self.units, out.len());
        assert!(row < self.rows, "row {row} of a bit matrix of {} rows", self.rows);
        let words = self.words[row / LANES * self.words_per_row() * LANES + row % LANES..].iter().step_by(LANES);
        for (values, word) in out.chunks_mut(32).zip(words) {
            for (bit, value) in values.iter_mut().enumerate() {
                *value = (word >> bit & 1) as f32;
            }
        }
    }

    /// The whole matrix as 0.0 and 1.0, `[rows, units]` row by row.
    pub fn to_f32(&self) -> Vec<f32> {
        let mut out = vec![0.0; self.rows * self.units];
        if self.units > 0 {
            for (row, values) in out.chunks_exact_mut(self.units).enumerate() {
                self.row_into(row, values);
            }
        }
        out
    }

    /// Counts of rows that have each unit set, `[units]`.
    pub fn column_counts(&self) -> Vec<u32> {
        let mut counts = vec![0u32; self.units];
        let stride = self.words_per_row() * LANES;
        if stride == 0 {
            return counts;
        }
        for block in self.words.chunks_exact(stride) {
            for (word, lanes) in block.chunks_exact(LANES).enumerate() {
                for (bit, count) in counts[word * 32..].iter_mut().take(32).enumerate() {
                    *count += lanes.iter().map(|lane| lane >> bit & 1).sum::<u32>();
                }
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_is_block_word_lane() {
        let mut bits = BitMatrix::zeros(20, 40);
        bits.set(17, 33, true);
        assert_eq!(bits.words()[(2 + 1) * LANES + 1], 1 << 1);
        assert!(bits.get(17, 33));
        assert_eq!(bits.words().iter().map(|w| w.count_ones()).sum::<u32>(), 1);
        assert_eq!(bits.column_counts()[33], 1);
        let mut row = [0.0; 40];
        bits.row_into(17, &mut row);
        assert_eq!(row[33], 1.0);
        assert_eq!(BitMatrix::zeros(0, 0).to_f32().len(), 0);
        assert_eq!(BitMatrix::zeros(3, 0).column_counts().len(), 0);
    }
}
