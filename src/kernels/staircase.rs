//! Staircase matrices: the weights of masked networks, without the zeros that the masks make.
//!
//! Row o of a matrix `[out, in]` reads the first `limits[o]` inputs, and the rest of it is zero. Consecutive rows make a block,
//! which is stored as a dense matrix of as many columns as the longest of its rows asks for; one block follows the other. Of
//! 1024 rows with limits from 1 to 784, that is a little over half of the whole matrix.

use std::ops::Range;

/// Most rows of a block.
const ROWS: usize = 128;
/// Columns of blocks are whole numbers of this, so that the panels of every instruction set end where a block does.
const COLUMNS: usize = 32;
/// Rows that a block is rounded up to where its work is weighed: one vector of the widest instruction set.
const VECTOR: usize = 16;
/// Work of a block beside its numbers: to sum onto what blocks before it gave takes as long as some rows, to begin with it as
/// long as some hundred numbers.
const ROWS_BESIDE: usize = 4;
const NUMBERS_BESIDE: usize = 512;

/// Rows of a staircase that are stored together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) rows: Range<usize>,
    /// Columns that are stored, a multiple of [`COLUMNS`] or all there are.
    pub(crate) columns: usize,
    /// Where the block begins, `[rows, columns]`, row-major.
    pub(crate) start: usize,
}

impl Block {
    /// Where the block is stored.
    pub(crate) fn range(&self) -> Range<usize> {
        self.start..self.start + self.rows.len() * self.columns
    }
}

/// Which elements of a matrix `[out, in]` are not zero by construction, and where they are stored: row o has its first
/// `limits[o]` elements. Limits that ascend slowly waste least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staircase {
    inputs: usize,
    limits: Vec<usize>,
    blocks: Vec<Block>,
    /// Where each row begins.
    starts: Vec<usize>,
}

impl Staircase {
    /// The staircase with these limits, one a row, over `inputs` columns.
    ///
    /// # Panics
    /// Where a limit lies beyond the inputs.
    #[track_caller]
    pub fn new(inputs: usize, limits: Vec<usize>) -> Self {
        for (row, limit) in limits.iter().enumerate() {
            assert!(*limit <= inputs, "row {row} of a staircase reads {limit} of {inputs} inputs");
        }
        let mut staircase = Staircase { inputs, limits, blocks: Vec::new(), starts: Vec::new() };
        staircase.blocks = staircase.cut();
        let starts = |block: &Block| (0..block.rows.len()).map(|row| block.start + row * block.columns).collect();
        staircase.starts = staircase.blocks.iter().flat_map::<Vec<usize>, _>(starts).collect();
        staircase
    }

    /// The blocks with the least work together, by dynamic programming over where the last one begins.
    fn cut(&self) -> Vec<Block> {
        let outputs = self.outputs();
        // Least work of the rows before each, and where the last of their blocks begins.
        let mut best = vec![(0, 0)];
        for end in 1..=outputs {
            let (mut longest, mut least) = (0, (usize::MAX, 0));
            for first in (end.saturating_sub(ROWS)..end).rev() {
                longest = longest.max(self.limits[first]);
                let (rows, columns) = ((end - first).next_multiple_of(VECTOR), self.stored(longest));
                let work = best[first].0 + (rows + ROWS_BESIDE) * columns + NUMBERS_BESIDE;
                if work < least.0 {
                    least = (work, first);
                }
            }
            best.push(least);
        }
        let mut ends = vec![];
        let mut end = outputs;
        while end > 0 {
            ends.push(end);
            end = best[end].1;
        }
        let (mut blocks, mut first, mut start) = (Vec::with_capacity(ends.len()), 0, 0);
        for end in ends.into_iter().rev() {
            let longest = self.limits[first..end].iter().copied().max().unwrap_or(0);
            let block = Block { rows: first..end, columns: self.stored(longest), start };
            start = block.range().end;
            first = end;
            blocks.push(block);
        }
        blocks
    }

    /// Columns stored for a row of this limit.
    fn stored(&self, limit: usize) -> usize {
        limit.next_multiple_of(COLUMNS).min(self.inputs)
    }

    /// Columns of the matrix.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Rows of the matrix.
    pub fn outputs(&self) -> usize {
        self.limits.len()
    }

    /// How many elements each row has before its zeros begin, `[out]`.
    pub fn limits(&self) -> &[usize] {
        &self.limits
    }

    /// The blocks, in the order of their rows.
    pub(crate) fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// How many numbers are stored.
    pub fn stored_length(&self) -> usize {
        self.blocks.last().map_or(0, |block| block.range().end)
    }

    /// Row `row` as it is stored: as many elements as it has, without the zeros up to the end of its block.
    ///
    /// # Panics
    /// Where there is no such row.
    pub fn row(&self, row: usize) -> Range<usize> {
        self.starts[row]..self.starts[row] + self.limits[row]
    }

    /// The stored numbers of a whole matrix `[out, in]`, row-major. What the matrix has beyond the limits is left out.
    ///
    /// # Panics
    /// Where a slice has another length.
    #[track_caller]
    pub fn pack(&self, whole: &[f32], packed: &mut [f32]) {
        self.check(whole, packed);
        packed.fill(0.0);
        for row in 0..self.outputs() {
            packed[self.row(row)].copy_from_slice(&whole[row * self.inputs..][..self.limits[row]]);
        }
    }

    /// The whole matrix `[out, in]`, row-major, with its zeros.
    ///
    /// # Panics
    /// Where a slice has another length.
    #[track_caller]
    pub fn unpack(&self, packed: &[f32], whole: &mut [f32]) {
        self.check(whole, packed);
        whole.fill(0.0);
        for row in 0..self.outputs() {
            whole[row * self.inputs..][..self.limits[row]].copy_from_slice(&packed[self.row(row)]);
        }
    }

    #[track_caller]
    fn check(&self, whole: &[f32], packed: &[f32]) {
        let (outputs, inputs, stored) = (self.outputs(), self.inputs, self.stored_length());
        assert_eq!(whole.len(), outputs * inputs, "a {outputs} × {inputs} staircase of {} values", whole.len());
        assert_eq!(packed.len(), stored, "a staircase that stores {stored} numbers in {}", packed.len());
    }

    /// The mask of what is stored: 1 for an element that a row has, 0 beyond its limit.
    pub fn stored_mask(&self) -> Vec<f32> {
        let mut mask = vec![0.0; self.stored_length()];
        for row in 0..self.outputs() {
            mask[self.row(row)].fill(1.0);
        }
        mask
    }

    /// Pieces of at most `most` rows of the blocks, those of the last block first: these are the longest where limits ascend.
    /// Piece number `index`, by its block and its rows in it, counted from the block's first.
    pub(crate) fn piece(&self, most: usize, index: usize) -> Option<(&Block, Range<usize>)> {
        let mut before = 0;
        for block in self.blocks.iter().rev() {
            let rows = block.rows.len();
            let pieces = rows.div_ceil(most);
            if index < before + pieces {
                let first = (index - before) * most;
                return Some((block, first..rows.min(first + most)));
            }
            before += pieces;
        }
        None
    }

    /// How many [pieces](Self::piece) there are.
    pub(crate) fn pieces(&self, most: usize) -> usize {
        self.blocks.iter().map(|block| block.rows.len().div_ceil(most)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Limits of a layer of masked units: ascending evenly from 1 to `inputs`.
    fn even(inputs: usize, outputs: usize) -> Vec<usize> {
        (1..=outputs).map(|row| (row * inputs).div_ceil(outputs)).collect()
    }

    fn check(inputs: usize, limits: Vec<usize>) -> Staircase {
        let staircase = Staircase::new(inputs, limits.clone());
        let (mut row, mut start) = (0, 0);
        for block in staircase.blocks() {
            assert_eq!((block.rows.start, block.start), (row, start));
            assert!(block.columns == inputs || block.columns.is_multiple_of(COLUMNS));
            assert!((1..=ROWS).contains(&block.rows.len()));
            assert!(limits[block.rows.clone()].iter().all(|limit| *limit <= block.columns));
            (row, start) = (block.rows.end, block.range().end);
        }
        assert_eq!((row, start), (limits.len(), staircase.stored_length()));
        let whole: Vec<f32> = (0..inputs * limits.len()).map(|i| i as f32 + 1.0).collect();
        let (mut packed, mut again) = (vec![7.0; start], vec![7.0; whole.len()]);
        staircase.pack(&whole, &mut packed);
        staircase.unpack(&packed, &mut again);
        for (place, (value, again)) in whole.iter().zip(&again).enumerate() {
            let inside = place % inputs < limits[place / inputs];
            assert_eq!(*again, if inside { *value } else { 0.0 });
        }
        assert_eq!(packed.iter().filter(|x| **x != 0.0).count(), limits.iter().sum::<usize>());
        let mask: Vec<f32> = packed.iter().map(|x| f32::from(*x != 0.0)).collect();
        assert_eq!(staircase.stored_mask(), mask);
        for most in [1, 32, 48] {
            let pieces: Vec<_> = (0..).map_while(|index| staircase.piece(most, index)).collect();
            assert_eq!(pieces.len(), staircase.pieces(most));
            assert_eq!(pieces.iter().map(|(_, rows)| rows.len()).sum::<usize>(), limits.len());
        }
        staircase
    }

    #[test]
    fn blocks_hold_every_element_once() {
        check(5, vec![]);
        check(1, vec![0, 1]);
        check(3, vec![3, 0, 2, 2]);
        check(70, vec![0; 200]);
        check(1000, even(1000, 13));
        let twice = [even(1024, 784), even(1024, 784)].concat();
        check(1024, twice);
        // Blocks lie between the steps of a flight of few but high ones.
        let steps: Vec<usize> = (0..138).map(|row| row / 23 * 51).collect();
        assert!(check(256, steps).stored_length() < 138 * 256 * 6 / 10);
    }

    #[test]
    fn half_of_an_even_staircase_is_stored() {
        let staircase = check(784, even(784, 1024));
        assert!(staircase.stored_length() < 784 * 1024 * 57 / 100, "{}", staircase.stored_length());
    }

    #[test]
    #[should_panic(expected = "row 1 of a staircase reads 4 of 3 inputs")]
    fn a_limit_beyond_the_inputs_is_refused() {
        Staircase::new(3, vec![3, 4]);
    }
}
