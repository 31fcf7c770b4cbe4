//! What a product is made of: bits, weights row by row, and what becomes of the sums.

use crate::simd::{Isa, Simd};
use crate::tensor::{BitMatrix, LANES};

/// Outputs whose sums a register tile holds, and whose tables lie together, group by group.
pub(crate) const TILE: usize = 4;

/// Bit-packed rows `[blocks · 16, units]` in the canonical layout.
#[derive(Clone, Copy)]
pub(crate) struct BitsRef<'a> {
    pub words: &'a [u32],
    pub units: usize,
    pub blocks: usize,
}

impl<'a> BitsRef<'a> {
    pub(crate) fn new(words: &'a [u32], units: usize, blocks: usize) -> Self {
        assert_eq!(words.len(), blocks * units.div_ceil(32) * LANES, "words of {blocks} blocks of {units} units");
        BitsRef { words, units, blocks }
    }
}

impl<'a> From<&'a BitMatrix> for BitsRef<'a> {
    fn from(bits: &'a BitMatrix) -> Self {
        BitsRef::new(bits.words(), bits.units(), bits.blocks())
    }
}

/// Weights `[outputs, inputs]`, row by row.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub isa: Isa,
    pub values: &'a [f32],
    pub outputs: usize,
    pub inputs: usize,
    /// From one row to the next, at least `inputs`.
    pub stride: usize,
}

/// Blocks of chains whose sums are made at a time: 4 KB of them.
pub(super) const BLOCKS: usize = 16;

/// The sums of one tile for [`BLOCKS`] blocks, `[block][output in tile][lane]`.
#[repr(C, align(64))]
pub(super) struct SumsOfBlocks(pub [[[f32; LANES]; TILE]; BLOCKS]);

impl SumsOfBlocks {
    pub(super) fn new() -> Self {
        SumsOfBlocks([[[0.0; LANES]; TILE]; BLOCKS])
    }
}

/// Epilogue of a lookup product, what becomes of the sums of one tile: it is handed [`TILE`] outputs of `S::LANES` chains.
pub(crate) trait TileEpilogue: Sync {
    /// `sums[r]` holds output `place.unit + r` of the chains in `place`; only `place.units` of them exist.
    ///
    /// # Safety
    /// The place lies within the product's shape, and no other thread works on the same outputs of its block; where the
    /// epilogue keeps something for the block, on its block.
    unsafe fn apply<S: Simd>(&self, simd: S, place: Place, sums: [S::F32; TILE]);
}

/// Place of a tile's column in the output.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    /// The first output.
    pub unit: usize,
    /// Outputs of the tile that exist.
    pub units: usize,
    /// The block of 16 chains.
    pub block: usize,
    /// The first lane of the block.
    pub lane: usize,
}
