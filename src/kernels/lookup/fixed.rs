//! The product in 16-bit fixed point: weights on a grid δ = 2⁻ᵏ, sums that wrap, no saturation.
//!
//! Only the final sum of a unit must fit a window of 65,536 steps; on the way sums may wrap. A unit's sums lie between
//! δ Σ(negative q) and δ Σ(positive q), so Σ|q| ≤ 65,535 is enough, and the accumulator starts at minus the window's
//! centre. Every sum is then an exact multiple of δ below 2²⁴ δ: it equals, bit for bit, the f32 sum of the same rounded
//! weights, on every instruction set. One register holds 32 entries (AVX-512, groups of 5 units) for 32 chains: 2.5
//! times the work of an f32 lookup.

use super::fixed_tables::{FixedTile, Grouping};
use super::operands::{BitsRef, SumsOfBlocks, TILE};
use crate::simd::{Isa, Kernel, Simd, dispatch_on};
use crate::tensor::{AlignedVec, LANES};
use std::cell::RefCell;
use std::ops::Range;

/// The states of some blocks of chains, cut into indices of 16-bit tables.
#[derive(Clone, Copy)]
pub(super) struct Indices<'a> {
    isa: Isa,
    /// `[column][vector][lane]`.
    words: &'a [u16],
    vectors: usize,
}

/// Cuts the states of `input` into indices for `product`.
pub(super) fn with_indices(isa: Isa, input: BitsRef<'_>, product: impl FnOnce(Indices<'_>)) {
    thread_local! {
        static INDICES: RefCell<AlignedVec<u16>> = const { RefCell::new(AlignedVec::new()) };
    }
    INDICES.with_borrow_mut(|indices| {
        let vectors = Grouping::of(isa).vectors(input.units);
        // 32 chains a column at the most.
        let length = input.blocks.next_multiple_of(2) * LANES * vectors;
        if indices.len() < length {
            indices.resize(length);
        }
        let words = &mut indices[..length];
        dispatch_on(isa, Regroup { input, indices: words, vectors });
        product(Indices { isa, words, vectors });
    });
}

impl Indices<'_> {
    /// The sums of one tile for some blocks.
    pub(super) fn sum(self, tile: FixedTile<'_>, blocks: Range<usize>, sums: &mut SumsOfBlocks) {
        dispatch_on(self.isa, SumFixedTile { tile, indices: self, blocks, sums });
    }
}

struct SumFixedTile<'a> {
    tile: FixedTile<'a>,
    indices: Indices<'a>,
    blocks: Range<usize>,
    sums: &'a mut SumsOfBlocks,
}

impl Kernel for SumFixedTile<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let lanes = 2 * S::LANES;
        let mut column = self.blocks.start * LANES / lanes;
        let end = (self.blocks.end * LANES).div_ceil(lanes);
        while column < end {
            let left = end - column;
            // SAFETY: the columns lie within the indices, and the tile has a table a group.
            unsafe {
                if const { S::LANES == 16 } && left >= 4 {
                    self.columns::<S, 4>(simd, column);
                    column += 4;
                } else if left >= 2 {
                    self.columns::<S, 2>(simd, column);
                    column += 2;
                } else {
                    self.columns::<S, 1>(simd, column);
                    column += 1;
                }
            }
        }
    }
}

/// Cuts the words of 32 units into indices.
struct Regroup<'a> {
    input: BitsRef<'a>,
    indices: &'a mut [u16],
    vectors: usize,
}

impl Kernel for Regroup<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        regroup::<S>(self.input, self.indices, self.vectors);
    }
}

/// Cuts the words of 32 units into the indices of `S`, `[column][vector][lane]`.
#[inline(always)]
fn regroup<S: Simd>(input: BitsRef<'_>, indices: &mut [u16], vectors: usize) {
    let lanes = 2 * S::LANES;
    let words = input.units.div_ceil(32);
    let bits = S::FIXED_BITS * S::FIXED_STEPS;
    let mask = ((1u64 << bits) - 1) as u32;
    let [scale, offset] = S::FIXED_INDEX;
    for (index, chunk) in indices.chunks_exact_mut(LANES).enumerate() {
        // A column of 32 chains holds two blocks side by side.
        let place = index * LANES;
        let (column, vector, lane) = (place / (lanes * vectors), place / lanes % vectors, place % lanes);
        let block = (column * lanes + lane) / LANES;
        if block >= input.blocks {
            chunk.fill(offset);
            continue;
        }
        let (word, shift) = (vector * bits / 32, (vector * bits % 32) as u32);
        let block = &input.words[block * words * LANES..][..words * LANES];
        let low = &block[word * LANES..][..LANES];
        if shift as usize + bits > 32 && word + 1 < words {
            let high = &block[(word + 1) * LANES..][..LANES];
            for lane in 0..LANES {
                let pair = u64::from(low[lane]) | u64::from(high[lane]) << 32;
                chunk[lane] = ((pair >> shift) as u32 & mask) as u16 * scale + offset;
            }
        } else {
            for lane in 0..LANES {
                chunk[lane] = (low[lane] >> shift & mask) as u16 * scale + offset;
            }
        }
    }
}

impl SumFixedTile<'_> {
    /// `COLS` columns of chains.
    ///
    /// # Safety
    /// Columns `column..column + COLS` lie within the indices, and the tile has a table a group.
    #[inline(always)]
    unsafe fn columns<S: Simd, const COLS: usize>(&mut self, simd: S, column: usize) {
        let lanes = 2 * S::LANES;
        let FixedTile { values, centres, step } = self.tile;
        let Indices { words, vectors, .. } = self.indices;
        let mut table = values.as_ptr();
        let mut sums = [[simd.splat_u16(0); COLS]; TILE];
        for row in 0..TILE {
            sums[row] = [simd.splat_u16((-centres[row]) as i32 as u16); COLS];
        }
        for vector in 0..vectors {
            let mut index = [simd.splat_u16(0); COLS];
            for c in 0..COLS {
                // SAFETY: a column has `vectors` vectors of indices.
                index[c] = unsafe { simd.load_u16(words.as_ptr().add(((column + c) * vectors + vector) * lanes)) };
            }
            for _ in 0..S::FIXED_STEPS {
                for (row, sums) in sums.iter_mut().enumerate() {
                    // SAFETY: the tile has `TILE` tables a group.
                    let table = unsafe { simd.load_table_u16(table.add(row << S::FIXED_BITS)) };
                    for c in 0..COLS {
                        sums[c] = simd.add_u16(sums[c], simd.lookup_u16(table, index[c]));
                    }
                }
                table = table.wrapping_add(TILE << S::FIXED_BITS);
                for index in &mut index {
                    *index = simd.next_index(*index);
                }
            }
        }
        let step = simd.splat(step);
        for c in 0..COLS {
            for (row, sums) in sums.iter().enumerate() {
                let centre = simd.splat(centres[row]);
                for (half, wide) in simd.widen(sums[c]).into_iter().enumerate() {
                    let chain = (column + c) * lanes + half * S::LANES;
                    let block = chain / LANES;
                    if block < self.blocks.end {
                        // Whole numbers below 2¹⁷, then a power of two: no rounding.
                        let value = simd.mul(simd.add(wide, centre), step);
                        let out = &mut self.sums.0[block - self.blocks.start][row];
                        // SAFETY: a row has 16 sums, and `chain mod 16 + S::LANES ≤ 16`.
                        unsafe { simd.store(out.as_mut_ptr().add(chain % LANES), value) };
                    }
                }
            }
        }
    }
}
