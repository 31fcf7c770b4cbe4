//! Gibbs sampling one unit at a time, at the speed of the product: four units' sums are made together from the states
//! before them, and as each is drawn, the sums of those after it are put right by its weight times its change.

use super::epilogue::{Bits, Draws, FromLanes, Logit, Shared, Sigmoid};
use super::operands::{BLOCKS, BitsRef, Epilogue, Place, Rows, SumsOfBlocks, TILE};
use super::product::{Apply, SumTile, Sums, Weights};
use super::sweep::Layer;
use super::tables::{Build, Tile, tile_stride};
use crate::random::Lanes;
use crate::simd::{Simd, dispatch_on};
use crate::tensor::AlignedVec;
use std::cell::RefCell;

/// Draws the units of a tile, the first one first.
struct InTurn<'a> {
    /// The weights between the units, `[units, units]`.
    couplings: Rows<'a>,
    logit: Logit<'a>,
    draws: FromLanes,
    bits: Bits<'a>,
}

impl Epilogue for InTurn<'_> {
    #[inline(always)]
    unsafe fn apply<S: Simd>(&self, simd: S, place: Place, mut sums: [S::F32; TILE]) {
        let (word, shift) = (place.unit / 32, place.unit % 32);
        let free = self.bits.free.map_or(u32::MAX, |free| free[word]) >> shift;
        // SAFETY: the caller's promise.
        let (words, old) = unsafe { (self.draws.words(simd, place), self.bits.read(simd, place)) };
        let mut bits = simd.splat_u32(0);
        for row in 0..place.units {
            let was = simd.shr::<31>(simd.shl_by(old, (31 - shift - row) as u32));
            let sigmoid = Sigmoid::new(simd, self.logit.of(simd, place, row, sums[row]));
            let drawn = sigmoid.draw(simd, words[row], 0);
            let is = if free >> row & 1 == 1 { drawn } else { was };
            bits = simd.or(bits, simd.shl_by(is, row as u32));
            let change = simd.sub(simd.to_float(is), simd.to_float(was));
            for later in row + 1..place.units {
                let weight =
                    self.couplings.values[(place.unit + later) * self.couplings.stride + place.unit + row];
                sums[later] = simd.add(sums[later], simd.mul(simd.splat(weight), change));
            }
        }
        // SAFETY: the caller's promise.
        unsafe { self.bits.write(simd, place, bits) };
    }
}

/// Draws every unit of `layer` in turn given all others, units ascending; one thread. `weights` and `couplings` are the
/// same symmetric matrix `[units, units]` with a zero diagonal; `streams` has one stream a block.
pub(crate) fn sample_in_turn(weights: Weights<'_>, couplings: Rows<'_>, layer: Layer<'_>, streams: &mut [Lanes]) {
    thread_local! {
        static SCRATCH: RefCell<AlignedVec<u32>> = const { RefCell::new(AlignedVec::new()) };
    }
    let (isa, units, blocks) = (weights.isa(), layer.bias.len(), streams.len());
    assert!(couplings.outputs == units && couplings.inputs == units, "weights between the units of a sweep");
    layer.check(weights, blocks, streams.len());
    SCRATCH.with_borrow_mut(|scratch| {
        let (mut sums, mut steps) = (SumsOfBlocks::new(), [0.0; TILE]);
        for tile in 0..units.div_ceil(TILE) {
            let table = match weights {
                Weights::Tables(tables) => tables.tile(tile),
                Weights::Rows(rows) => {
                    scratch.resize(tile_stride(isa, units));
                    dispatch_on(isa, Build { rows, first_tile: tile, tables: scratch, steps: &mut steps });
                    Tile { values: scratch, steps: &steps }
                }
                Weights::Fixed(_) | Weights::FixedRows(_) => {
                    unreachable!("units in turn are drawn from f32 sums")
                }
            };
            for first in (0..blocks).step_by(BLOCKS) {
                let blocks = first..blocks.min(first + BLOCKS);
                let input = BitsRef::new(layer.words, units, streams.len());
                dispatch_on(isa, SumTile { tile: table, input, blocks: blocks.clone(), sums: &mut sums });
                let epilogue = InTurn {
                    couplings,
                    logit: Logit { bias: layer.bias, temper: layer.temper },
                    draws: FromLanes(Shared::new(streams)),
                    bits: Bits {
                        words: Shared::new(layer.words),
                        words_per_row: units.div_ceil(32),
                        free: layer.free,
                        rows: layer.rows,
                    },
                };
                let unit = tile * TILE;
                let units = TILE.min(units - unit);
                let sums = Sums { sums: &sums, unit, units, blocks };
                dispatch_on(isa, Apply { sums, epilogue: &epilogue });
            }
        }
    });
}
