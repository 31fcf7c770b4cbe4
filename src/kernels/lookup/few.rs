//! Half-sweeps of a few chains, for which a table is read once for one or two of its lanes: the rows of the weights that
//! the units in state 1 select are added up instead, outputs in lanes.
//!
//! The terms are the whole steps that tables hold, so a chain's sums are the same bits as in the company of many.

use super::operands::{BitsRef, Epilogue, Place, Rows, TILE};
use super::tables::{Grid, whole_steps};
use crate::simd::{Kernel, Simd, dispatch_on};
use crate::tensor::{AlignedVec, LANES};
use std::cell::RefCell;

/// The most chains that are few: beyond, tables are faster.
pub(crate) const FEW_CHAINS: usize = 8;

/// The grid of each output of some weights.
pub(crate) struct Grids {
    /// `[outputs]`, padded to whole vectors with zeros.
    per_step: AlignedVec<f32>,
    /// The same.
    steps: AlignedVec<f32>,
}

impl Grids {
    /// Those of `rows` `[outputs, inputs]`.
    pub(crate) fn of(rows: Rows<'_>) -> Self {
        let padded = rows.outputs.next_multiple_of(LANES);
        let mut grids = Grids { per_step: AlignedVec::zeroed(padded), steps: AlignedVec::zeroed(padded) };
        dispatch_on(rows.isa, FindGrids { rows, grids: &mut grids });
        grids
    }
}

struct FindGrids<'a> {
    rows: Rows<'a>,
    grids: &'a mut Grids,
}

impl Kernel for FindGrids<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let FindGrids { rows, grids } = self;
        for output in 0..rows.outputs {
            let grid = Grid::of(simd, &rows.values[output * rows.stride..][..rows.inputs]);
            grids.per_step[output] = grid.per_step;
            grids.steps[output] = grid.step;
        }
    }
}

/// Weights `[inputs, outputs]`, an input's row by row, and the grids of the outputs.
#[derive(Clone, Copy)]
pub(crate) struct Columns<'a> {
    /// `Rows` names its own rows outputs; here they are the inputs.
    pub rows: Rows<'a>,
    pub grids: &'a Grids,
}

impl<'a> Columns<'a> {
    /// Outputs.
    pub(super) fn units(self) -> usize {
        self.rows.inputs
    }

    fn row(self, input: usize) -> &'a [f32] {
        &self.rows.values[input * self.rows.stride..][..self.rows.inputs]
    }
}

/// Multiplies the first `rows` rows of `input`, at most [`FEW_CHAINS`], with `columns`; one thread.
pub(super) fn product_of_few<E: Epilogue>(columns: Columns<'_>, input: BitsRef<'_>, rows: usize, epilogue: &E) {
    thread_local! {
        static SCRATCH: RefCell<Scratch> = const { RefCell::new(Scratch::new()) };
    }
    assert_eq!(columns.rows.outputs, input.units, "inputs of a product");
    assert!(rows <= FEW_CHAINS && input.blocks == 1, "chains of a product of few");
    SCRATCH.with_borrow_mut(|scratch| {
        scratch.fit(columns.units());
        dispatch_on(columns.rows.isa, Few { columns, input, rows, scratch, epilogue });
    });
}

struct Scratch {
    /// One chain's sums in steps, padded to whole vectors.
    chain: AlignedVec<u32>,
    /// A row of zeros.
    zeros: AlignedVec<f32>,
    /// All sums, `[output][lane]`.
    sums: AlignedVec<f32>,
}

impl Scratch {
    const fn new() -> Self {
        Scratch { chain: AlignedVec::new(), zeros: AlignedVec::new(), sums: AlignedVec::new() }
    }

    fn fit(&mut self, outputs: usize) {
        let padded = outputs.next_multiple_of(LANES);
        self.chain.resize(padded);
        self.zeros.resize(padded);
        self.sums.resize(padded * LANES);
        self.sums.fill(0.0);
    }
}

struct Few<'a, E> {
    columns: Columns<'a>,
    input: BitsRef<'a>,
    rows: usize,
    scratch: &'a mut Scratch,
    epilogue: &'a E,
}

impl<E: Epilogue> Kernel for Few<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Few { columns, input, rows, scratch: Scratch { chain, zeros, sums }, epilogue } = self;
        let outputs = columns.units();
        let zeros = &zeros[..outputs];
        for lane in 0..rows {
            chain.fill(0);
            let (mut selected, mut count) = ([zeros; 4], 0);
            for word in 0..input.units.div_ceil(32) {
                let mut bits = input.words[word * LANES + lane];
                while bits != 0 {
                    selected[count] = columns.row(word * 32 + bits.trailing_zeros() as usize);
                    bits &= bits - 1;
                    count += 1;
                    if count == selected.len() {
                        add_rows(simd, chain, selected, &columns.grids.per_step);
                        (selected, count) = ([zeros; 4], 0);
                    }
                }
            }
            if count > 0 {
                add_rows(simd, chain, selected, &columns.grids.per_step);
            }
            spread(simd, chain, &columns.grids.steps, lane, sums);
        }
        for unit in (0..outputs).step_by(TILE) {
            let units = TILE.min(outputs - unit);
            for lane in (0..LANES).step_by(S::LANES) {
                if lane < rows {
                    let place = Place { unit, units, block: 0, lane };
                    let first = &sums[unit * LANES + lane..];
                    // SAFETY: the sums are padded to whole tiles; the place is one of the product's.
                    unsafe {
                        let mut tile = [simd.splat(0.0); TILE];
                        for row in 0..TILE {
                            tile[row] = simd.load(first.as_ptr().wrapping_add(row * LANES));
                        }
                        epilogue.apply(simd, place, tile);
                    }
                }
            }
        }
    }
}

/// Adds four rows of weights, in whole steps, to `sums`, which is padded to whole vectors as `per_step` is.
#[inline(always)]
fn add_rows<S: Simd>(simd: S, sums: &mut [u32], rows: [&[f32]; 4], per_step: &[f32]) {
    let length = rows[0].len();
    assert!(
        rows.iter().all(|row| row.len() == length)
            && sums.len().min(per_step.len()) >= length.next_multiple_of(S::LANES),
        "rows of weights"
    );
    let whole = length / S::LANES * S::LANES;
    for start in (0..whole).step_by(S::LANES) {
        let [a, b, c, d] = rows;
        let rows = [a[start..].as_ptr(), b[start..].as_ptr(), c[start..].as_ptr(), d[start..].as_ptr()];
        // SAFETY: sums and scales reach to the end of the last vector, and each row has a vector to be read.
        unsafe { add_vectors(simd, sums.as_mut_ptr().add(start), rows, per_step.as_ptr().add(start)) };
    }
    if whole < length {
        let mut ends = [[0.0f32; LANES]; 4];
        for (end, row) in ends.iter_mut().zip(rows) {
            end[..length - whole].copy_from_slice(&row[whole..]);
        }
        let [a, b, c, d] = &ends;
        let rows = [a.as_ptr(), b.as_ptr(), c.as_ptr(), d.as_ptr()];
        // SAFETY: as above.
        unsafe { add_vectors(simd, sums.as_mut_ptr().add(whole), rows, per_step.as_ptr().add(whole)) };
    }
}

/// Adds a vector of each of four rows of weights, in whole steps.
///
/// # Safety
/// All pointers may be read for a vector, `sums` written.
#[inline(always)]
unsafe fn add_vectors<S: Simd>(simd: S, sums: *mut u32, [a, b, c, d]: [*const f32; 4], per_step: *const f32) {
    // SAFETY: the caller's promise.
    unsafe {
        let scale = simd.load(per_step);
        let low = simd.add_u32(whole_steps(simd, a, scale), whole_steps(simd, b, scale));
        let high = simd.add_u32(whole_steps(simd, c, scale), whole_steps(simd, d, scale));
        simd.store_u32(sums, simd.add_u32(simd.load_u32(sums), simd.add_u32(low, high)));
    }
}

/// One chain's sums as floats, into its lane of all sums.
#[inline(always)]
fn spread<S: Simd>(simd: S, chain: &[u32], steps: &[f32], lane: usize, sums: &mut [f32]) {
    let mut floats = [0.0f32; LANES];
    for start in (0..chain.len()).step_by(S::LANES) {
        // SAFETY: both are padded to whole vectors, and one fits the array.
        unsafe {
            let whole = simd.to_float(simd.load_u32(chain.as_ptr().add(start)));
            simd.store(floats.as_mut_ptr(), simd.mul(whole, simd.load(steps.as_ptr().add(start))));
        }
        for (offset, &float) in floats[..S::LANES].iter().enumerate() {
            sums[(start + offset) * LANES + lane] = float;
        }
    }
}
