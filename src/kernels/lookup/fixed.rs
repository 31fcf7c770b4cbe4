//! The product in 16-bit fixed point: weights on a grid δ = 2⁻ᵏ, sums that wrap, no saturation.
//!
//! Only the final sum of a unit must fit a window of 65,536 steps; on the way sums may wrap. A unit's sums lie between
//! δ Σ(negative q) and δ Σ(positive q), so Σ|q| ≤ 65,535 is enough, and the accumulator starts at minus the window's
//! centre. Every sum is then an exact multiple of δ below 2²⁴ δ: it equals, bit for bit, the f32 sum of the same rounded
//! weights, on every instruction set. One register holds 32 entries (AVX-512, groups of 5 units) for 32 chains: 2.5
//! times the work of an f32 lookup.

use super::operands::{BitsRef, SumsOfBlocks, TILE};
use crate::simd::{Isa, Kernel, Simd, dispatch_on};
use crate::tensor::{AlignedVec, LANES};
use rayon::prelude::*;
use std::cell::RefCell;
use std::ops::Range;

/// The most steps of the grid that the weights of one unit may add up to.
pub(crate) const WINDOW: u32 = 65_535;

/// Groups of units that the tables have, a whole number of index vectors.
fn groups(inputs: usize, bits: usize, steps: usize) -> usize {
    inputs.div_ceil(bits * steps) * steps
}

/// (bits, steps) of [`Simd::FIXED_BITS`] and [`Simd::FIXED_STEPS`].
fn grouping(isa: Isa) -> (usize, usize) {
    match isa {
        Isa::Avx512 => (5, 3),
        Isa::Avx2 => (3, 1),
        Isa::Portable => (4, 4),
    }
}

/// Lookup tables of 16-bit sums of a weight matrix `[outputs, inputs]` on a grid, laid out
/// `[tile of 4 outputs][group of inputs][output in tile][entry]`.
#[derive(Clone, Debug)]
pub(crate) struct FixedTables {
    isa: Isa,
    outputs: usize,
    inputs: usize,
    /// δ.
    step: f32,
    /// The centre of each output's window, in steps, and padding for the last tile.
    centres: AlignedVec<f32>,
    values: AlignedVec<u16>,
}

impl FixedTables {
    /// Tables of nothing for one instruction set, to be [`build`](Self::build)-t.
    pub(crate) fn with_isa(isa: Isa) -> Self {
        let (centres, values) = (AlignedVec::new(), AlignedVec::new());
        FixedTables { isa, outputs: 0, inputs: 0, step: 1.0, centres, values }
    }

    pub(crate) fn isa(&self) -> Isa {
        self.isa
    }

    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }

    pub(crate) fn inputs(&self) -> usize {
        self.inputs
    }

    fn stride(&self) -> usize {
        let (bits, steps) = grouping(self.isa);
        (groups(self.inputs, bits, steps) * TILE) << bits
    }

    /// Tabulates `weights` `[outputs, inputs]`, all multiples of `step`, `stride` values from one row to the next.
    ///
    /// # Panics
    /// Where the weights of an output add up to more than [`WINDOW`] steps.
    pub(crate) fn build(&mut self, weights: &[f32], [outputs, inputs]: [usize; 2], stride: usize, step: f32) {
        (self.outputs, self.inputs, self.step) = (outputs, inputs, step);
        self.centres.resize(outputs.next_multiple_of(TILE));
        let tile = self.stride();
        self.values.resize(tile * outputs.div_ceil(TILE));
        if tile == 0 {
            return;
        }
        let isa = self.isa;
        let centres = self.centres.par_chunks_mut(TILE);
        self.values.par_chunks_mut(tile).zip(centres).enumerate().for_each(|(index, (tables, centres))| {
            for (row, centre) in centres.iter_mut().enumerate() {
                let output = index * TILE + row;
                let weights = if output < outputs { &weights[output * stride..][..inputs] } else { &[] };
                *centre = dispatch_on(isa, Build { weights, per_step: 1.0 / step, row, tables });
            }
        });
    }
}

/// Tabulates the weights of one output; returns the centre of its window.
struct Build<'a> {
    weights: &'a [f32],
    per_step: f32,
    row: usize,
    tables: &'a mut [u16],
}

impl Kernel for Build<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> f32 {
        match S::FIXED_BITS {
            3 => self.entries::<3, 8>(),
            4 => self.entries::<4, 16>(),
            _ => self.entries::<5, 32>(),
        }
    }
}

impl Build<'_> {
    #[inline(always)]
    fn entries<const BITS: usize, const ENTRIES: usize>(self) -> f32 {
        // All bits set where unit `b` is on in entry `e`.
        let on: [[u16; ENTRIES]; BITS] =
            std::array::from_fn(|b| std::array::from_fn(|e| if e >> b & 1 == 1 { u16::MAX } else { 0 }));
        let (mut low, mut high) = (0i64, 0i64);
        let mut groups = self.weights.chunks(BITS);
        for table in self.tables.chunks_exact_mut(ENTRIES).skip(self.row).step_by(TILE) {
            let mut sums = [0u16; ENTRIES];
            for (on, &weight) in on.iter().zip(groups.next().unwrap_or(&[])) {
                let q = (weight * self.per_step) as i32;
                low += i64::from(q.min(0));
                high += i64::from(q.max(0));
                for (sum, on) in sums.iter_mut().zip(on) {
                    *sum = sum.wrapping_add(on & q as u16);
                }
            }
            table.copy_from_slice(&sums);
        }
        assert!(high - low <= i64::from(WINDOW), "weights of {} steps in a 16-bit window", high - low);
        (low + 32_768) as f32
    }
}

/// Cuts the states of `input` into indices, and has `product` call what makes the sums of a tile for some blocks.
pub(super) fn fixed_part(
    tables: &FixedTables,
    input: BitsRef<'_>,
    product: impl FnOnce(&mut dyn FnMut(usize, Range<usize>, &mut SumsOfBlocks)),
) {
    thread_local! {
        static INDICES: RefCell<AlignedVec<u16>> = const { RefCell::new(AlignedVec::new()) };
    }
    INDICES.with_borrow_mut(|indices| {
        let (bits, steps) = grouping(tables.isa);
        let vectors = groups(tables.inputs, bits, steps) / steps;
        // 32 chains a column at the most.
        let length = input.blocks.next_multiple_of(2) * LANES * vectors;
        if indices.len() < length {
            indices.resize(length);
        }
        let indices = &mut indices[..length];
        dispatch_on(tables.isa, Regroup { input, indices, vectors });
        product(&mut |tile, blocks, sums| {
            dispatch_on(tables.isa, SumFixedTile { tables, tile, indices, vectors, blocks, sums });
        });
    });
}

/// The sums of one tile for some blocks.
struct SumFixedTile<'a> {
    tables: &'a FixedTables,
    tile: usize,
    /// `[column][vector][lane]`.
    indices: &'a [u16],
    vectors: usize,
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
                if S::LANES == 16 && left >= 4 {
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
        let tables = self.tables;
        let centres = &tables.centres[self.tile * TILE..][..TILE];
        let mut table = tables.values[self.tile * tables.stride()..].as_ptr();
        let mut sums: [[S::U16; COLS]; TILE] =
            std::array::from_fn(|row| [simd.splat_u16((-centres[row]) as i32 as u16); COLS]);
        let start: [*const u16; COLS] =
            std::array::from_fn(|c| self.indices.as_ptr().wrapping_add((column + c) * self.vectors * lanes));
        for vector in 0..self.vectors {
            // SAFETY: a column has `vectors` vectors of indices.
            let mut index = start.map(|start| unsafe { simd.load_u16(start.add(vector * lanes)) });
            for _ in 0..S::FIXED_STEPS {
                for (row, sums) in sums.iter_mut().enumerate() {
                    // SAFETY: the tile has `TILE` tables a group.
                    let table = unsafe { simd.load_table_u16(table.add(row << S::FIXED_BITS)) };
                    for c in 0..COLS {
                        sums[c] = simd.add_u16(sums[c], simd.lookup_u16(table, index[c]));
                    }
                }
                table = table.wrapping_add(TILE << S::FIXED_BITS);
                index = index.map(|index| simd.next_index(index));
            }
        }
        let step = simd.splat(tables.step);
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
