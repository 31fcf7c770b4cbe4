//! The tables of 16-bit sums: weights as whole steps of a grid, and every partial sum of each group of them.

use super::operands::{Rows, TILE};
use crate::parallel::{chunks_mut, for_each};
use crate::simd::{Isa, Kernel, Simd, dispatch_on};
use crate::tensor::{AlignedVec, BitMatrix, LANES};
use std::cell::RefCell;

/// The most steps of the grid that the weights of one unit may add up to.
pub(crate) const WINDOW: u32 = 65_535;

/// How units are cut into groups.
#[derive(Clone, Copy)]
pub(super) struct Grouping {
    /// [`Simd::FIXED_BITS`]: units of a group.
    pub bits: usize,
    /// [`Simd::FIXED_STEPS`]: groups of an index vector.
    pub steps: usize,
}

impl Grouping {
    pub(super) fn of(isa: Isa) -> Self {
        let [bits, steps] = match isa {
            Isa::Avx512 => [5, 3],
            Isa::Avx2 => [3, 1],
            Isa::Portable => [4, 4],
        };
        Grouping { bits, steps }
    }

    /// Index vectors that `inputs` units take.
    pub(super) fn vectors(self, inputs: usize) -> usize {
        inputs.div_ceil(self.bits * self.steps)
    }

    /// Entries of the tables of a tile.
    pub(super) fn tile_entries(self, inputs: usize) -> usize {
        (self.vectors(inputs) * self.steps * TILE) << self.bits
    }
}

/// Weights for 16-bit sums, row by row: each counts as the nearest multiple of a step δ.
#[derive(Clone, Copy)]
pub(crate) struct FixedRows<'a> {
    pub rows: Rows<'a>,
    /// δ, a power of two; a row's weights add up to at most [`WINDOW`] steps.
    pub step: f32,
}

/// The tables of one tile, `[group of inputs][output in tile][entry]`.
#[derive(Clone, Copy)]
pub(super) struct FixedTile<'a> {
    pub values: &'a [u16],
    /// The centre of each output's window, in steps, `[TILE]`.
    pub centres: &'a [f32],
    /// δ.
    pub step: f32,
}

/// Lookup tables of 16-bit sums of a weight matrix `[outputs, inputs]` on a grid, tile by tile of 4 outputs.
#[derive(Clone, Debug)]
pub struct FixedTables {
    isa: Isa,
    outputs: usize,
    inputs: usize,
    step: f32,
    /// `[outputs]`, padded to whole tiles.
    centres: AlignedVec<f32>,
    values: AlignedVec<u16>,
}

impl FixedTables {
    /// Tables of nothing, to be [`build`](Self::build)-t.
    pub fn new() -> Self {
        Self::with_isa(Isa::current())
    }

    /// As [`new`](Self::new), for a chosen instruction set.
    pub fn with_isa(isa: Isa) -> Self {
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

    /// Tabulates `weights`, `[outputs, inputs]` row by row, `stride` values from one row to the next, each as the nearest
    /// multiple of `step`, a power of two. Allocates only when it grows past what it ever was.
    ///
    /// # Panics
    /// Where `weights` is too short for that, or those of an output add up to more than 65,535 steps.
    #[track_caller]
    pub fn build(&mut self, weights: &[f32], [outputs, inputs]: [usize; 2], stride: usize, step: f32) {
        assert!(
            stride >= inputs && (outputs == 0 || weights.len() >= (outputs - 1) * stride + inputs),
            "weights [{outputs}, {inputs}] with stride {stride} from {} values",
            weights.len()
        );
        let isa = self.isa;
        let weights = FixedRows { rows: Rows { isa, values: weights, outputs, inputs, stride }, step };
        (self.outputs, self.inputs, self.step) = (outputs, inputs, step);
        self.centres.resize(outputs.next_multiple_of(TILE));
        let tile = Grouping::of(isa).tile_entries(inputs);
        self.values.resize(tile * outputs.div_ceil(TILE));
        if tile == 0 {
            return;
        }
        let parts = (chunks_mut(&mut self.values, tile), chunks_mut(&mut self.centres, TILE));
        for_each(parts, |index, (tables, centres)| build_tile(weights, index, tables, centres));
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
        super::sums_of_blocks(super::Weights::Fixed(self), input.into(), out, stride);
    }

    /// The tables of tile `tile`.
    pub(super) fn tile(&self, tile: usize) -> FixedTile<'_> {
        let entries = Grouping::of(self.isa).tile_entries(self.inputs);
        FixedTile {
            values: &self.values[tile * entries..][..entries],
            centres: &self.centres[tile * TILE..][..TILE],
            step: self.step,
        }
    }
}

impl Default for FixedTables {
    fn default() -> Self {
        Self::new()
    }
}

/// Tabulates one tile of `weights`, and finds the centres of its outputs' windows `[TILE]`.
pub(super) fn build_tile(weights: FixedRows<'_>, tile: usize, tables: &mut [u16], centres: &mut [f32]) {
    thread_local! {
        static STEPS: RefCell<AlignedVec<u16>> = const { RefCell::new(AlignedVec::new()) };
    }
    STEPS.with_borrow_mut(|steps| {
        dispatch_on(weights.rows.isa, Build { weights, tile, steps, tables, centres });
    });
}

struct Build<'a> {
    weights: FixedRows<'a>,
    tile: usize,
    /// Scratch: the rows in steps of the grid.
    steps: &'a mut AlignedVec<u16>,
    tables: &'a mut [u16],
    centres: &'a mut [f32],
}

impl Kernel for Build<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        if const { S::FIXED_BITS == 3 } {
            self.entries::<3, 8>();
        } else if const { S::FIXED_BITS == 4 } {
            self.entries::<4, 16>();
        } else {
            self.entries::<5, 32>();
        }
    }
}

impl Build<'_> {
    #[inline(always)]
    fn entries<const BITS: usize, const ENTRIES: usize>(self) {
        let Build { weights: FixedRows { rows, step }, tile, steps, tables, centres } = self;
        // All bits set where unit `b` is on in entry `e`.
        let mut on = [[0u16; ENTRIES]; BITS];
        for bit in 0..BITS {
            for entry in 0..ENTRIES {
                on[bit][entry] = if entry >> bit & 1 == 1 { u16::MAX } else { 0 };
            }
        }
        let padded = tables.len() / (TILE * ENTRIES) * BITS;
        if steps.len() < TILE * padded {
            steps.resize(TILE * padded);
        }
        let steps = &mut steps[..TILE * padded];
        for (row, (centre, steps)) in centres.iter_mut().zip(steps.chunks_exact_mut(padded)).enumerate() {
            let output = tile * TILE + row;
            let weights =
                if output < rows.outputs { &rows.values[output * rows.stride..][..rows.inputs] } else { &[] };
            *centre = quantise(weights, 1.0 / step, steps);
        }
        // All rows of a group together, so that memory is written in order.
        let tables = tables.as_chunks_mut::<ENTRIES>().0.as_chunks_mut::<TILE>().0;
        for (group, tables) in tables.iter_mut().enumerate() {
            for (row, table) in tables.iter_mut().enumerate() {
                let mut sums = [0u16; ENTRIES];
                for (on, steps) in on.iter().zip(&steps[row * padded + group * BITS..][..BITS]) {
                    for (sum, on) in sums.iter_mut().zip(on) {
                        *sum = sum.wrapping_add(on & steps);
                    }
                }
                *table = sums;
            }
        }
    }
}

/// A row of weights in steps of the grid, zeros after it; returns the centre of its window.
#[inline(always)]
fn quantise(weights: &[f32], per_step: f32, steps: &mut [u16]) -> f32 {
    // f32 has no bits left for a fraction beside 1.5 · 2²³: the sum is a whole number, in its lowest bits.
    const SHIFT: f32 = 12_582_912.0;
    let (own, rest) = steps.split_at_mut(weights.len());
    rest.fill(0);
    let (mut low, mut high) = (0i64, 0i64);
    // 256 numbers below 2²³ in size add up within 32 bits.
    for (weights, steps) in weights.chunks(256).zip(own.chunks_mut(256)) {
        let (mut negative, mut positive) = (0i32, 0i32);
        for (weight, steps) in weights.iter().zip(steps) {
            let whole = (weight * per_step + SHIFT).to_bits().wrapping_sub(SHIFT.to_bits()) as i32;
            negative = negative.wrapping_add(whole.min(0));
            positive = positive.wrapping_add(whole.max(0));
            *steps = whole as u16;
        }
        low += i64::from(negative);
        high += i64::from(positive);
    }
    assert!(high - low <= i64::from(WINDOW), "weights of {} steps in a 16-bit window", high - low);
    (low + 32_768) as f32
}
