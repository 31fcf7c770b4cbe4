//! The tables: for each output and each group of inputs, every partial sum of the group's weights.

use super::operands::{Rows, TILE};
use crate::simd::{Isa, Kernel, Simd, dispatch_on};
use crate::tensor::AlignedVec;
use rayon::prelude::*;

/// Groups that `inputs` bit-packed units are cut into. Groups do not cross words of 32 units: a word is 8 groups of 4
/// (16 lanes) or 10 groups of 3 and one of 2 (8 lanes).
pub(crate) const fn groups(inputs: usize, index_bits: usize) -> usize {
    inputs / 32 * 32usize.div_ceil(index_bits) + (inputs % 32).div_ceil(index_bits)
}

/// Lookup tables of a weight matrix `[outputs, inputs]` for one instruction set, laid out
/// `[tile of 4 outputs][group of inputs][output in tile][entry]`.
///
/// A table takes one vector register: 16 entries for 4 inputs (AVX-512), 8 for 3. In all that is 4 times (2.75 times)
/// the memory of the weights.
#[derive(Clone, Debug)]
pub struct Tables {
    isa: Isa,
    outputs: usize,
    inputs: usize,
    values: AlignedVec<f32>,
}

impl Tables {
    /// Tables of nothing, to be [`build`](Self::build)-t.
    pub fn new() -> Self {
        Tables { isa: Isa::current(), outputs: 0, inputs: 0, values: AlignedVec::new() }
    }

    /// As [`new`](Self::new), for a chosen instruction set.
    pub fn with_isa(isa: Isa) -> Self {
        Tables { isa, ..Self::new() }
    }

    /// The instruction set the tables are laid out for.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// Outputs: rows of the weight matrix.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Inputs: columns of the weight matrix.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Bytes the tables take.
    pub fn bytes(&self) -> usize {
        4 * self.values.len()
    }

    /// Tabulates `weights`, `[outputs, inputs]` row by row, `stride` values from one row to the next. Allocates only
    /// when it grows past what it ever was.
    ///
    /// # Panics
    /// Where `weights` is too short for that.
    #[track_caller]
    pub fn build(&mut self, weights: &[f32], [outputs, inputs]: [usize; 2], stride: usize) {
        assert!(
            stride >= inputs && (outputs == 0 || weights.len() >= (outputs - 1) * stride + inputs),
            "weights [{outputs}, {inputs}] with stride {stride} from {} values",
            weights.len()
        );
        let rows = Rows { isa: self.isa, values: weights, outputs, inputs, stride };
        self.outputs = outputs;
        self.inputs = inputs;
        let tile = tile_stride(self.isa, inputs);
        self.values.resize(tile * outputs.div_ceil(TILE));
        if tile == 0 {
            return;
        }
        // Some thousand tables a task: enough to outweigh handing it over.
        let tiles_per_task = (65_536 / tile).max(1);
        self.values.par_chunks_mut(tile * tiles_per_task).enumerate().for_each(|(task, tables)| {
            dispatch_on(self.isa, Build { rows, first_tile: task * tiles_per_task, tables });
        });
    }

    /// The tables of tile `tile`, `[group][output in tile][entry]`.
    pub(super) fn tile(&self, tile: usize) -> &[f32] {
        let stride = tile_stride(self.isa, self.inputs);
        &self.values[tile * stride..][..stride]
    }
}

impl Default for Tables {
    fn default() -> Self {
        Self::new()
    }
}

/// Floats of one tile's tables.
pub(super) fn tile_stride(isa: Isa, inputs: usize) -> usize {
    let index_bits = match isa {
        Isa::Avx512 => 4,
        Isa::Portable | Isa::Avx2 => 3,
    };
    (groups(inputs, index_bits) * TILE) << index_bits
}

/// Tabulates the tiles from `first_tile` on that `tables` has room for.
pub(super) struct Build<'a> {
    pub rows: Rows<'a>,
    pub first_tile: usize,
    pub tables: &'a mut [f32],
}

impl Kernel for Build<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let stride = tile_stride(S::ISA, self.rows.inputs);
        if stride == 0 {
            return;
        }
        for (index, tables) in self.tables.chunks_exact_mut(stride).enumerate() {
            for row in 0..TILE {
                let output = (self.first_tile + index) * TILE + row;
                if output < self.rows.outputs {
                    let weights = &self.rows.values[output * self.rows.stride..][..self.rows.inputs];
                    // SAFETY: the tile has `groups` tables of each of its rows.
                    unsafe { build_row(simd, weights, tables.as_mut_ptr().add(row * S::LANES)) };
                } else {
                    for table in tables.chunks_exact_mut(S::LANES).skip(row).step_by(TILE) {
                        table.fill(0.0);
                    }
                }
            }
        }
    }
}

/// Writes the tables of one output, one every `TILE · LANES` floats.
///
/// # Safety
/// `table` may be written for as many tables, that far apart, as `weights` has groups.
#[inline(always)]
unsafe fn build_row<S: Simd>(simd: S, weights: &[f32], mut table: *mut f32) {
    let entries: [u32; 16] = std::array::from_fn(|entry| entry as u32);
    // SAFETY: an array of 16 covers a vector.
    let entry = unsafe { simd.load_u32(entries.as_ptr()) };
    let zero = simd.splat(0.0);
    // Lane e takes the weight of input i where bit i of e is set.
    let has = |bit: u32| {
        let one = simd.and(entry, simd.splat_u32(1 << bit));
        simd.less(zero, simd.to_float(one))
    };
    let (has0, has1, has2, has3) = (has(0), has(1), has(2), has(3));
    for word in weights.chunks(32) {
        for group in word.chunks(S::INDEX_BITS) {
            let term = |index: usize, mask| {
                let weight = if index < group.len() { group[index] } else { 0.0 };
                simd.select(mask, simd.splat(weight), zero)
            };
            let low = simd.add(term(0, has0), term(1, has1));
            let high = if S::INDEX_BITS == 4 { simd.add(term(2, has2), term(3, has3)) } else { term(2, has2) };
            // SAFETY: the caller has room for one table a group.
            unsafe {
                simd.store(table, simd.add(low, high));
                table = table.add(TILE * S::LANES);
            }
        }
    }
}
