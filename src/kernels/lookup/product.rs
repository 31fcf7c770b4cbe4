//! The product: for each tile of outputs and each block of chains, one table lookup and one add a group of inputs.

use super::fixed::{FixedTables, fixed_part};
use super::operands::{BitsRef, Epilogue, Place, Rows, TILE};
use super::tables::{Build, Tables, groups, tile_stride};
use crate::simd::{Isa, Kernel, Simd, dispatch_on};
use crate::tensor::{AlignedVec, LANES};
use rayon::prelude::*;
use std::cell::RefCell;
use std::ops::Range;

/// The weights of a product, `[outputs, inputs]`.
#[derive(Clone, Copy)]
pub(crate) enum Weights<'a> {
    /// Tabulated before.
    Tables(&'a Tables),
    /// Tabulated before, in 16-bit fixed point.
    Fixed(&'a FixedTables),
    /// Row by row, to be tabulated tile by tile on the way; pays where the weights serve one product only.
    Rows(Rows<'a>),
}

impl Weights<'_> {
    pub(crate) fn outputs(&self) -> usize {
        match self {
            Weights::Tables(tables) => tables.outputs(),
            Weights::Fixed(tables) => tables.outputs(),
            Weights::Rows(rows) => rows.outputs,
        }
    }

    fn inputs(&self) -> usize {
        match self {
            Weights::Tables(tables) => tables.inputs(),
            Weights::Fixed(tables) => tables.inputs(),
            Weights::Rows(rows) => rows.inputs,
        }
    }

    pub(crate) fn isa(&self) -> Isa {
        match self {
            Weights::Tables(tables) => tables.isa(),
            Weights::Fixed(tables) => tables.isa(),
            Weights::Rows(rows) => rows.isa,
        }
    }
}

/// Multiplies all of `input` with the weights, one thread.
pub(crate) fn product<E: Epilogue>(weights: Weights<'_>, input: BitsRef<'_>, epilogue: &E) {
    part(weights, input, 0..weights.outputs().div_ceil(TILE), epilogue);
}

/// The same for some tiles of outputs, divided among threads in runs of whole words of outputs.
pub(crate) fn product_by_outputs<E: Epilogue>(weights: Weights<'_>, input: BitsRef<'_>, epilogue: &E) {
    const TILES_PER_WORD: usize = 32 / TILE;
    let tiles = weights.outputs().div_ceil(TILE);
    (0..tiles.div_ceil(TILES_PER_WORD)).into_par_iter().for_each(|task| {
        let first = task * TILES_PER_WORD;
        part(weights, input, first..tiles.min(first + TILES_PER_WORD), epilogue);
    });
}

fn part<E: Epilogue>(weights: Weights<'_>, input: BitsRef<'_>, tiles: Range<usize>, epilogue: &E) {
    thread_local! {
        static SCRATCH: RefCell<AlignedVec<f32>> = const { RefCell::new(AlignedVec::new()) };
    }
    assert_eq!(weights.inputs(), input.units, "inputs of a lookup product");
    match weights {
        Weights::Tables(tables) => {
            dispatch_on(weights.isa(), Product { tables: Source::Tables(tables), input, tiles, epilogue });
        }
        Weights::Fixed(tables) => fixed_part(tables, input, tiles, epilogue),
        Weights::Rows(rows) => SCRATCH.with_borrow_mut(|scratch| {
            let stride = tile_stride(rows.isa, rows.inputs);
            if scratch.len() < stride {
                scratch.resize(stride);
            }
            let tables = Source::Rows(rows, &mut scratch[..stride]);
            dispatch_on(rows.isa, Product { tables, input, tiles, epilogue });
        }),
    }
}

/// Where a tile's tables come from.
enum Source<'a> {
    Tables(&'a Tables),
    Rows(Rows<'a>, &'a mut [f32]),
}

/// One thread's part of a product.
struct Product<'a, E> {
    tables: Source<'a>,
    input: BitsRef<'a>,
    tiles: Range<usize>,
    epilogue: &'a E,
}

impl<E: Epilogue> Kernel for Product<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        // Outputs outer, chains inner: a tile's tables (50 KB at 784 inputs) stay in L2 while all chains pass.
        for tile in self.tiles.clone() {
            let (table, outputs): (&[f32], usize) = match &mut self.tables {
                Source::Tables(tables) => (tables.tile(tile), tables.outputs()),
                Source::Rows(rows, scratch) => {
                    Build { rows: *rows, first_tile: tile, tables: scratch }.run(simd);
                    (scratch, rows.outputs)
                }
            };
            let tile = Tile { table: table.as_ptr(), unit: tile * TILE, units: TILE.min(outputs - tile * TILE) };
            let mut column = 0;
            let end = self.input.blocks * (LANES / S::LANES);
            // Thirty-two registers hold 4 × 4 sums, 4 words and the tables; sixteen hold 4 × 2.
            if S::LANES == 16 {
                while column + 4 <= end {
                    // SAFETY: the columns lie within the input.
                    unsafe { columns::<S, E, 4>(simd, &tile, self.input, column, self.epilogue) };
                    column += 4;
                }
            }
            while column + 2 <= end {
                // SAFETY: as above.
                unsafe { columns::<S, E, 2>(simd, &tile, self.input, column, self.epilogue) };
                column += 2;
            }
            if column < end {
                // SAFETY: as above.
                unsafe { columns::<S, E, 1>(simd, &tile, self.input, column, self.epilogue) };
            }
        }
    }
}

/// The tables of one tile, and which outputs they are of.
struct Tile {
    table: *const f32,
    unit: usize,
    units: usize,
}

/// One tile of outputs for `COLS` vectors of chains.
///
/// # Safety
/// Columns `column..column + COLS`, counted in vectors, lie within the input; the tile has a table a group of it.
#[inline(always)]
unsafe fn columns<S: Simd, E: Epilogue, const COLS: usize>(
    simd: S,
    tile: &Tile,
    input: BitsRef<'_>,
    column: usize,
    epilogue: &E,
) {
    let words = input.units.div_ceil(32);
    let parts = LANES / S::LANES;
    let state: [*const u32; COLS] = std::array::from_fn(|c| {
        let (block, part) = ((column + c) / parts, (column + c) % parts);
        input.words.as_ptr().wrapping_add(block * words * LANES + part * S::LANES)
    });
    // SAFETY: a block has `words` words a lane, and the tile a table a group.
    let sums = unsafe { sum::<S, COLS>(simd, tile.table, state, input.units) };
    for c in 0..COLS {
        let (block, lane) = ((column + c) / parts, (column + c) % parts * S::LANES);
        let place = Place { unit: tile.unit, units: tile.units, block, lane };
        // SAFETY: the place is one of the product's, and this thread alone has its block or its outputs.
        unsafe { epilogue.apply(simd, place, std::array::from_fn(|r| sums[r][c])) };
    }
}

/// The sums of `TILE` outputs for `COLS` vectors of chains.
///
/// # Safety
/// `table` may be read for `TILE` tables a group of `inputs`; each of `state` for one vector every 16 words, a word of
/// `inputs`.
#[inline(always)]
unsafe fn sum<S: Simd, const COLS: usize>(
    simd: S,
    mut table: *const f32,
    mut state: [*const u32; COLS],
    inputs: usize,
) -> [[S::F32; COLS]; TILE] {
    let mut sums = [[simd.splat(0.0); COLS]; TILE];
    let per_word = groups(32, S::INDEX_BITS);
    for _ in 0..inputs / 32 {
        // SAFETY: the caller's promise.
        let mut index = state.map(|pointer| unsafe { simd.load_u32(pointer) });
        state = state.map(|pointer| pointer.wrapping_add(LANES));
        for _ in 0..per_word {
            // SAFETY: the caller's promise.
            unsafe { group(simd, table, &mut index, &mut sums) };
            table = table.wrapping_add(TILE * S::LANES);
        }
    }
    let rest = groups(inputs % 32, S::INDEX_BITS);
    if rest > 0 {
        // SAFETY: the caller's promise.
        let mut index = state.map(|pointer| unsafe { simd.load_u32(pointer) });
        for _ in 0..rest {
            // SAFETY: the caller's promise.
            unsafe { group(simd, table, &mut index, &mut sums) };
            table = table.wrapping_add(TILE * S::LANES);
        }
    }
    sums
}

/// One group of inputs: `TILE` tables, each looked up by `COLS` vectors of indices.
///
/// # Safety
/// `table` may be read for `TILE` vectors.
#[inline(always)]
unsafe fn group<S: Simd, const COLS: usize>(
    simd: S,
    table: *const f32,
    index: &mut [S::U32; COLS],
    sums: &mut [[S::F32; COLS]; TILE],
) {
    for (row, sums) in sums.iter_mut().enumerate() {
        // SAFETY: the caller's promise.
        let table = unsafe { simd.load(table.add(row * S::LANES)) };
        for (sum, index) in sums.iter_mut().zip(*index) {
            *sum = simd.add(*sum, simd.lookup(table, index));
        }
    }
    for index in index {
        *index = if S::INDEX_BITS == 4 { simd.shr::<4>(*index) } else { simd.shr::<3>(*index) };
    }
}
