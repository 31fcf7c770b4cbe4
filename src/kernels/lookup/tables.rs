//! The tables: for each output and each group of inputs, every partial sum of the group's weights.
//!
//! Sums are made of whole steps, 32 bits wide: each output has a step 2⁻ᵏ such that Σ|w| lies between 2²⁹ and 2³⁰ of
//! them, to which its weights are rounded, by Σ|w| 2⁻³⁰ at the most. The sums are then exact, whatever their order and
//! on every instruction set, until one rounding makes the total a float: nearer the truth than sums of floats, whose
//! every addition rounds by up to Σ|w| 2⁻²⁴. And whole numbers are added by more units of the processor than floats:
//! a sum of lookups takes three quarters of the time on Zen 4.

use super::operands::{Rows, TILE};
use crate::parallel::{chunks_mut, for_each};
use crate::simd::{Isa, Kernel, Simd, dispatch_on};
use crate::tensor::{AlignedVec, BitMatrix, LANES};

/// Groups that `inputs` bit-packed units are cut into. Groups do not cross words of 32 units: a word is 8 groups of 4
/// (16 lanes), 10 groups of 3 and one of 2 (8 lanes), or 32 single units (portable).
pub(crate) const fn groups(inputs: usize, index_bits: usize) -> usize {
    inputs / 32 * 32usize.div_ceil(index_bits) + (inputs % 32).div_ceil(index_bits)
}

/// [`Simd::INDEX_BITS`] and [`Simd::TABLE`].
pub(super) const fn table_shape(isa: Isa) -> [usize; 2] {
    match isa {
        Isa::Avx512 => [4, 16],
        Isa::Avx2 => [3, 8],
        Isa::Portable => [1, 1],
    }
}

/// Words of one tile's tables.
pub(super) const fn tile_stride(isa: Isa, inputs: usize) -> usize {
    let [index_bits, entries] = table_shape(isa);
    groups(inputs, index_bits) * TILE * entries
}

/// The grid that the weights of one output are rounded to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Grid {
    /// 2ᵏ; 0 where a weight is not finite.
    pub per_step: f32,
    /// 2⁻ᵏ; NaN where a weight is not finite, so that no sum of the output looks like one.
    pub step: f32,
}

impl Grid {
    /// That of the weights of one output.
    #[inline(always)]
    pub(super) fn of<S: Simd>(simd: S, weights: &[f32]) -> Self {
        let exponent = sum_of_magnitudes(simd, weights).to_bits() >> 23;
        if exponent == 255 {
            return Grid { per_step: 0.0, step: f32::NAN };
        }
        // 2^(exponent − 127) ≤ Σ|w| < 2^(exponent − 126); both powers stay normal numbers.
        let k = (29 + 127 - exponent as i32).min(126);
        let power = |k: i32| f32::from_bits(((127 + k) as u32) << 23);
        Grid { per_step: power(k), step: power(-k) }
    }
}

/// Σ|w| in 32 lanes, the same bits on every instruction set.
#[inline(always)]
fn sum_of_magnitudes<S: Simd>(simd: S, weights: &[f32]) -> f32 {
    const WIDTH: usize = 2 * LANES;
    let mut lanes = [0.0f32; WIDTH];
    let mut sums = [simd.splat(0.0); WIDTH / 8];
    let (chunks, rest) = weights.as_chunks::<WIDTH>();
    let mut last = [0.0f32; WIDTH];
    last[..rest.len()].copy_from_slice(rest);
    for chunk in chunks.iter().chain([&last]) {
        for part in 0..WIDTH / S::LANES {
            // SAFETY: a chunk has `WIDTH` numbers, a multiple of a vector.
            let bits = simd.to_bits(unsafe { simd.load(chunk.as_ptr().add(part * S::LANES)) });
            sums[part] = simd.add(sums[part], simd.from_bits(simd.and(bits, simd.splat_u32(0x7fff_ffff))));
        }
    }
    for (lanes, sum) in lanes.chunks_exact_mut(S::LANES).zip(sums) {
        // SAFETY: the chunk is a vector.
        unsafe { simd.store(lanes.as_mut_ptr(), sum) };
    }
    let (low, high) = lanes.split_at(LANES);
    let mut sum = 0.0;
    for lane in 0..LANES {
        sum += low[lane] + high[lane];
    }
    sum
}

/// Lookup tables of a weight matrix `[outputs, inputs]` for one instruction set, laid out
/// `[tile of 4 outputs][group of inputs][output in tile][entry]`.
///
/// A table takes one vector register: 16 entries for 4 inputs (AVX-512), 8 for 3 (AVX2). In all that is 4 times (2.75
/// times) the memory of the weights. Without a lookup instruction (portable) it is one entry for one input.
#[derive(Clone, Debug)]
pub struct Tables {
    isa: Isa,
    outputs: usize,
    inputs: usize,
    /// `[outputs]`, padded to whole tiles.
    steps: AlignedVec<f32>,
    values: AlignedVec<u32>,
}

/// The tables of one tile, `[group][output in tile][entry]`, in steps `[TILE]`.
#[derive(Clone, Copy)]
pub(super) struct Tile<'a> {
    pub values: &'a [u32],
    pub steps: &'a [f32],
}

impl Tables {
    /// Tables of nothing, to be [`build`](Self::build)-t.
    pub fn new() -> Self {
        Self::with_isa(Isa::current())
    }

    /// As [`new`](Self::new), for a chosen instruction set.
    pub fn with_isa(isa: Isa) -> Self {
        Tables { isa, outputs: 0, inputs: 0, steps: AlignedVec::new(), values: AlignedVec::new() }
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
        4 * (self.values.len() + self.steps.len())
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
        self.steps.resize(outputs.next_multiple_of(TILE));
        let tile = tile_stride(self.isa, inputs);
        self.values.resize(tile * outputs.div_ceil(TILE));
        if tile == 0 {
            self.steps.fill(0.0);
            return;
        }
        // Some thousand tables a task: enough to outweigh handing it over.
        let tiles = (65_536 / tile).max(1);
        let isa = self.isa;
        let parts = (chunks_mut(&mut self.values, tile * tiles), chunks_mut(&mut self.steps, TILE * tiles));
        for_each(parts, |task, (tables, steps)| {
            dispatch_on(isa, Build { rows, first_tile: task * tiles, tables, steps });
        });
    }

    /// The sum of the weights that each row of `input` `[rows, inputs]` selects, for each output, one thread:
    /// `[outputs, stride]`, `stride` being the rows of whole blocks of 16.
    ///
    /// # Panics
    /// Where `input` or `out` is of another size.
    #[track_caller]
    pub fn sums(&self, input: &BitMatrix, out: &mut [f32]) {
        let stride = input.blocks() * LANES;
        assert_eq!(input.units(), self.inputs, "units of the rows, and inputs of the tables");
        assert_eq!(out.len(), self.outputs * stride, "sums of {} outputs and {stride} rows", self.outputs);
        super::sums_of_blocks(super::Weights::Tables(self), input.into(), out, stride);
    }

    /// The tables of tile `tile`.
    pub(super) fn tile(&self, tile: usize) -> Tile<'_> {
        let stride = tile_stride(self.isa, self.inputs);
        Tile { values: &self.values[tile * stride..][..stride], steps: &self.steps[tile * TILE..][..TILE] }
    }
}

impl Default for Tables {
    fn default() -> Self {
        Self::new()
    }
}

/// Tabulates the tiles from `first_tile` on that `tables` has room for.
pub(super) struct Build<'a> {
    pub rows: Rows<'a>,
    pub first_tile: usize,
    pub tables: &'a mut [u32],
    /// `[tile][TILE]`.
    pub steps: &'a mut [f32],
}

impl Kernel for Build<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Build { rows, first_tile, tables, steps } = self;
        let stride = tile_stride(S::ISA, rows.inputs);
        if stride == 0 {
            return;
        }
        let tiles = tables.chunks_exact_mut(stride).zip(steps.chunks_exact_mut(TILE));
        for (index, (tables, steps)) in tiles.enumerate() {
            let first = (first_tile + index) * TILE;
            // Loops, since what `map` is handed may be compiled apart, for the baseline.
            let (mut weights, mut scales): ([&[f32]; TILE], _) = ([&[]; TILE], [0.0; TILE]);
            for row in 0..TILE.min(rows.outputs.saturating_sub(first)) {
                weights[row] = &rows.values[(first + row) * rows.stride..][..rows.inputs];
            }
            for row in 0..TILE {
                let grid = Grid::of(simd, weights[row]);
                (steps[row], scales[row]) = (grid.step, grid.per_step);
            }
            // SAFETY: the tile has `TILE` tables for every group of inputs.
            unsafe { build_tile(simd, weights, scales, rows.inputs, tables.as_mut_ptr()) };
        }
    }
}

/// A word's worth of weights in whole steps, and zeros for its last group to run into.
#[repr(C, align(64))]
struct Word([u32; 36]);

/// Writes the tables of a tile's outputs in the order they have in memory; rows may be shorter than `inputs`.
///
/// # Safety
/// `table` may be written for `TILE` tables a group of `inputs`.
#[inline(always)]
unsafe fn build_tile<S: Simd>(
    simd: S,
    weights: [&[f32]; TILE],
    scales: [f32; TILE],
    inputs: usize,
    mut table: *mut u32,
) {
    let mut word = [const { Word([0; 36]) }; TILE];
    for first in (0..inputs).step_by(32) {
        let length = 32.min(inputs - first);
        for row in 0..TILE {
            let weights = weights[row].get(first..first + length).unwrap_or(&[]);
            fill_word(simd, weights, scales[row], &mut word[row]);
        }
        for group in 0..groups(length, S::INDEX_BITS) {
            for word in &word {
                // SAFETY: the last group starts at 31 or before; the caller has room for its table.
                unsafe {
                    write_table(simd, word.0.as_ptr().add(group * S::INDEX_BITS), table);
                    table = table.add(S::TABLE);
                }
            }
        }
    }
}

/// Up to 32 weights in whole steps, zeros after them.
#[inline(always)]
fn fill_word<S: Simd>(simd: S, weights: &[f32], per_step: f32, word: &mut Word) {
    let mut padded = [0.0f32; 32];
    let weights = match weights.first_chunk::<32>() {
        Some(whole) => whole,
        None => {
            padded[..weights.len()].copy_from_slice(weights);
            &padded
        }
    };
    for start in (0..32).step_by(S::LANES) {
        // SAFETY: both arrays have 32 numbers, a multiple of a vector.
        unsafe {
            let steps = whole_steps(simd, weights.as_ptr().add(start), simd.splat(per_step));
            simd.store_u32(word.0.as_mut_ptr().add(start), steps);
        }
    }
}

/// A vector of weights in whole steps.
///
/// # Safety
/// `weights` may be read for a vector.
#[inline(always)]
pub(super) unsafe fn whole_steps<S: Simd>(simd: S, weights: *const f32, per_step: S::F32) -> S::U32 {
    // SAFETY: the caller's promise.
    simd.round(simd.mul(unsafe { simd.load(weights) }, per_step))
}

/// Writes every partial sum of a group's weights.
///
/// # Safety
/// `weights` may be read for four numbers, `table` written for `S::TABLE`.
#[inline(always)]
unsafe fn write_table<S: Simd>(simd: S, weights: *const u32, table: *mut u32) {
    if S::TABLE == 1 {
        // SAFETY: the caller's promise.
        unsafe { *table = *weights };
        return;
    }
    const ENTRIES: [u32; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
    // SAFETY: an array of 16 covers a vector.
    let entry = unsafe { simd.load_u32(ENTRIES.as_ptr()) };
    // Lane e takes the weight of input i where bit i of e is set.
    let term = |input: usize| {
        let one = simd.to_float(simd.and(entry, simd.splat_u32(1 << input)));
        // SAFETY: the caller's promise.
        let weight = unsafe { *weights.cast::<f32>().add(input) };
        // A float is broadcast from memory, a word by way of a general register.
        simd.select_u32(simd.less(simd.splat(0.0), one), simd.to_bits(simd.splat(weight)))
    };
    let low = simd.add_u32(term(0), term(1));
    let high = if S::INDEX_BITS == 4 { simd.add_u32(term(2), term(3)) } else { term(2) };
    // SAFETY: the caller's promise.
    unsafe { simd.store_u32(table, simd.add_u32(low, high)) };
}
