//! The product: for each tile of outputs and each block of chains, one table lookup and one add a group of inputs.

use super::fixed::with_indices;
use super::fixed_tables::{FixedRows, FixedTables, FixedTile, Grouping, build_tile};
use super::operands::{BLOCKS, BitsRef, Epilogue, Place, Rows, SumsOfBlocks, TILE};
use super::tables::{Build, Tables, Tile, groups, tile_stride};
use crate::parallel::tasks;
use crate::simd::{Isa, Kernel, Simd, dispatch_on};
use crate::tensor::{AlignedVec, LANES};
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
    /// The same in 16-bit fixed point.
    FixedRows(FixedRows<'a>),
}

impl Weights<'_> {
    pub(crate) fn outputs(&self) -> usize {
        match self {
            Weights::Tables(tables) => tables.outputs(),
            Weights::Fixed(tables) => tables.outputs(),
            Weights::Rows(rows) => rows.outputs,
            Weights::FixedRows(fixed) => fixed.rows.outputs,
        }
    }

    fn inputs(&self) -> usize {
        match self {
            Weights::Tables(tables) => tables.inputs(),
            Weights::Fixed(tables) => tables.inputs(),
            Weights::Rows(rows) => rows.inputs,
            Weights::FixedRows(fixed) => fixed.rows.inputs,
        }
    }

    pub(crate) fn isa(&self) -> Isa {
        match self {
            Weights::Tables(tables) => tables.isa(),
            Weights::Fixed(tables) => tables.isa(),
            Weights::Rows(rows) => rows.isa,
            Weights::FixedRows(fixed) => fixed.rows.isa,
        }
    }
}

/// Multiplies all of `input` with the weights, one thread.
pub(crate) fn product<E: Epilogue>(weights: Weights<'_>, input: BitsRef<'_>, epilogue: &E) {
    part(weights, input, 0..weights.outputs().div_ceil(TILE), &finish(weights.isa(), epilogue));
}

/// The same for some tiles of outputs, divided among threads in runs of whole words of outputs.
pub(crate) fn product_by_outputs<E: Epilogue>(weights: Weights<'_>, input: BitsRef<'_>, epilogue: &E) {
    const TILES_PER_WORD: usize = 32 / TILE;
    let tiles = weights.outputs().div_ceil(TILE);
    let words = tiles.div_ceil(TILES_PER_WORD);
    // Every task cuts all states into 16-bit indices first: a few tasks a thread then, where outputs are many.
    let words_per_task = match weights {
        Weights::Fixed(_) | Weights::FixedRows(_) => (words / (4 * rayon::current_num_threads())).max(1),
        Weights::Tables(_) | Weights::Rows(_) => 1,
    };
    let tiles_per_task = words_per_task * TILES_PER_WORD;
    let finish = finish(weights.isa(), epilogue);
    tasks(tiles.div_ceil(tiles_per_task), &|task| {
        let first = task * tiles_per_task;
        part(weights, input, first..tiles.min(first + tiles_per_task), &finish);
    });
}

/// What hands the sums of some blocks to an epilogue: all of it that is compiled for each epilogue.
type Finish<'a> = &'a (dyn Fn(Sums<'_>) + Sync);

fn finish<E: Epilogue>(isa: Isa, epilogue: &E) -> impl Fn(Sums<'_>) + Sync {
    move |sums| dispatch_on(isa, Apply { sums, epilogue })
}

fn part(weights: Weights<'_>, input: BitsRef<'_>, tiles: Range<usize>, finish: Finish<'_>) {
    thread_local! {
        static SCRATCH: RefCell<AlignedVec<u32>> = const { RefCell::new(AlignedVec::new()) };
        static FIXED_SCRATCH: RefCell<AlignedVec<u16>> = const { RefCell::new(AlignedVec::new()) };
    }
    assert_eq!(weights.inputs(), input.units, "inputs of a lookup product");
    let (isa, outputs) = (weights.isa(), weights.outputs());
    match weights {
        Weights::Tables(tables) => each_tile(outputs, tiles, input.blocks, finish, &mut |tile, blocks, sums| {
            dispatch_on(isa, SumTile { tile: tables.tile(tile), input, blocks, sums });
        }),
        Weights::Fixed(tables) => with_indices(isa, input, |indices| {
            each_tile(outputs, tiles, input.blocks, finish, &mut |tile, blocks, sums| {
                indices.sum(tables.tile(tile), blocks, sums);
            });
        }),
        Weights::FixedRows(rows) => with_indices(isa, input, |indices| {
            FIXED_SCRATCH.with_borrow_mut(|scratch| {
                let entries = Grouping::of(isa).tile_entries(input.units);
                if scratch.len() < entries {
                    scratch.resize(entries);
                }
                let (values, mut centres) = (&mut scratch[..entries], [0.0; TILE]);
                let mut built = usize::MAX;
                each_tile(outputs, tiles, input.blocks, finish, &mut |tile, blocks, sums| {
                    if tile != built {
                        build_tile(rows, tile, values, &mut centres);
                        built = tile;
                    }
                    indices.sum(FixedTile { values: &*values, centres: &centres, step: rows.step }, blocks, sums);
                });
            });
        }),
        Weights::Rows(rows) => SCRATCH.with_borrow_mut(|scratch| {
            let stride = tile_stride(isa, rows.inputs);
            if scratch.len() < stride {
                scratch.resize(stride);
            }
            let (values, mut steps) = (&mut scratch[..stride], [0.0; TILE]);
            let mut built = usize::MAX;
            each_tile(outputs, tiles, input.blocks, finish, &mut |tile, blocks, sums| {
                if tile != built {
                    let (tables, steps) = (&mut *values, &mut steps[..]);
                    dispatch_on(isa, Build { rows, first_tile: tile, tables, steps });
                    built = tile;
                }
                let tile = Tile { values: &*values, steps: &steps };
                dispatch_on(isa, SumTile { tile, input, blocks, sums });
            });
        }),
    }
}

/// Has the sums of each tile made by `sum`, for some blocks at a time, and handed to `finish`.
///
/// Outputs outer, chains inner: a tile's tables (50 KB at 784 inputs) stay in L2 while all chains pass. The sums pass
/// through a buffer in L1, which costs a hundredth of the time and lets one kernel of sums serve every epilogue.
fn each_tile(
    outputs: usize,
    tiles: Range<usize>,
    blocks: usize,
    finish: Finish<'_>,
    sum: &mut dyn FnMut(usize, Range<usize>, &mut SumsOfBlocks),
) {
    let mut sums = SumsOfBlocks::new();
    for tile in tiles {
        let unit = tile * TILE;
        for first in (0..blocks).step_by(BLOCKS) {
            let blocks = first..blocks.min(first + BLOCKS);
            sum(tile, blocks.clone(), &mut sums);
            finish(Sums { sums: &sums, unit, units: TILE.min(outputs - unit), blocks });
        }
    }
}

/// The sums of a tile's `units` outputs from `unit` on for some blocks.
pub(super) struct Sums<'a> {
    pub sums: &'a SumsOfBlocks,
    pub unit: usize,
    pub units: usize,
    pub blocks: Range<usize>,
}

/// Hands the sums of some blocks to the epilogue.
pub(super) struct Apply<'a, E> {
    pub sums: Sums<'a>,
    pub epilogue: &'a E,
}

impl<E: Epilogue> Kernel for Apply<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Apply { sums: Sums { sums, unit, units, blocks }, epilogue } = self;
        for (block, sums) in blocks.zip(&sums.0) {
            for lane in (0..LANES).step_by(S::LANES) {
                let place = Place { unit, units, block, lane };
                // SAFETY: a row has 16 sums; the place is one of the product's, and this thread alone has its block or
                // its outputs.
                unsafe {
                    let mut tile = [simd.splat(0.0); TILE];
                    for row in 0..TILE {
                        tile[row] = simd.load(sums[row].as_ptr().add(lane));
                    }
                    epilogue.apply(simd, place, tile);
                }
            }
        }
    }
}

/// The sums of one tile for some blocks.
pub(super) struct SumTile<'a> {
    pub tile: Tile<'a>,
    pub input: BitsRef<'a>,
    pub blocks: Range<usize>,
    pub sums: &'a mut SumsOfBlocks,
}

impl Kernel for SumTile<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let parts = LANES / S::LANES;
        let mut column = 0;
        let end = self.blocks.len() * parts;
        // Thirty-two registers hold 4 × 4 sums, 4 words and the tables; sixteen hold 4 × 2, or 4 × 1 of two halves.
        if const { S::LANES == 16 } {
            while column + 4 <= end {
                self.columns::<S, 4>(simd, column);
                column += 4;
            }
        }
        if const { S::TABLE > 1 } {
            while column + 2 <= end {
                self.columns::<S, 2>(simd, column);
                column += 2;
            }
        }
        while column < end {
            self.columns::<S, 1>(simd, column);
            column += 1;
        }
    }
}

impl SumTile<'_> {
    /// `COLS` vectors of chains, from the `column`-th vector of the blocks on.
    #[inline(always)]
    fn columns<S: Simd, const COLS: usize>(&mut self, simd: S, column: usize) {
        let BitsRef { words, units, .. } = self.input;
        let stride = units.div_ceil(32) * LANES;
        let parts = LANES / S::LANES;
        let mut state = [std::ptr::null(); COLS];
        for c in 0..COLS {
            let (block, part) = (self.blocks.start + (column + c) / parts, (column + c) % parts);
            state[c] = words[block * stride..][..stride].as_ptr().wrapping_add(part * S::LANES);
        }
        // SAFETY: a block has a word a lane for every 32 units, and the tile a table a group of them.
        let sums = unsafe { sum::<S, COLS>(simd, self.tile.values.as_ptr(), state, units) };
        for c in 0..COLS {
            let (block, lane) = ((column + c) / parts, (column + c) % parts * S::LANES);
            for (row, sums) in sums.iter().enumerate() {
                let float = simd.mul(simd.to_float(sums[c]), simd.splat(self.tile.steps[row]));
                // SAFETY: a row has 16 sums, and `lane + S::LANES ≤ 16`.
                unsafe { simd.store(self.sums.0[block][row].as_mut_ptr().add(lane), float) };
            }
        }
    }
}

/// The sums of `TILE` outputs for `COLS` vectors of chains, in steps.
///
/// # Safety
/// `table` may be read for `TILE` tables a group of `inputs`; each of `state` for one vector every 16 words, a word of
/// `inputs`.
#[inline(always)]
unsafe fn sum<S: Simd, const COLS: usize>(
    simd: S,
    mut table: *const u32,
    mut state: [*const u32; COLS],
    inputs: usize,
) -> [[S::U32; COLS]; TILE] {
    let mut sums = [[simd.splat_u32(0); COLS]; TILE];
    let per_word = groups(32, S::INDEX_BITS);
    for _ in 0..inputs / 32 {
        // SAFETY: the caller's promise.
        let mut index = unsafe { load_each(simd, state) };
        for state in &mut state {
            *state = state.wrapping_add(LANES);
        }
        for _ in 0..per_word {
            // SAFETY: the caller's promise.
            unsafe { group(simd, table, &mut index, &mut sums) };
            table = table.wrapping_add(TILE * S::TABLE);
        }
    }
    let rest = groups(inputs % 32, S::INDEX_BITS);
    if rest > 0 {
        // SAFETY: the caller's promise.
        let mut index = unsafe { load_each(simd, state) };
        for _ in 0..rest {
            // SAFETY: the caller's promise.
            unsafe { group(simd, table, &mut index, &mut sums) };
            table = table.wrapping_add(TILE * S::TABLE);
        }
    }
    sums
}

/// A vector from each of some pointers.
///
/// # Safety
/// Each may be read for a vector.
#[inline(always)]
unsafe fn load_each<S: Simd, const COLS: usize>(simd: S, pointers: [*const u32; COLS]) -> [S::U32; COLS] {
    let mut vectors = [simd.splat_u32(0); COLS];
    for c in 0..COLS {
        // SAFETY: the caller's promise.
        vectors[c] = unsafe { simd.load_u32(pointers[c]) };
    }
    vectors
}

/// One group of inputs: `TILE` tables, each looked up by `COLS` vectors of indices.
///
/// # Safety
/// `table` may be read for `TILE` tables.
#[inline(always)]
unsafe fn group<S: Simd, const COLS: usize>(
    simd: S,
    table: *const u32,
    index: &mut [S::U32; COLS],
    sums: &mut [[S::U32; COLS]; TILE],
) {
    for (row, sums) in sums.iter_mut().enumerate() {
        // SAFETY: the caller's promise.
        let table = unsafe { simd.load_table(table.add(row * S::TABLE)) };
        for (sum, index) in sums.iter_mut().zip(*index) {
            *sum = simd.add_u32(*sum, simd.lookup(table, index));
        }
    }
    for index in index {
        *index = match S::INDEX_BITS {
            4 => simd.shr::<4>(*index),
            3 => simd.shr::<3>(*index),
            _ => simd.shr::<1>(*index),
        };
    }
}
