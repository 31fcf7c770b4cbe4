//! Each unit set to the sign of its field: a sweep of synchronous recall in a Hopfield network.

use super::epilogue::{Bits, Shared};
use super::operands::{BitsRef, Place, TILE, TileEpilogue};
use super::product::{Weights, product_by_outputs};
use crate::simd::Simd;
use crate::tensor::LANES;

/// On where the sum is above the unit's threshold, off where it is below, as it was where they are equal.
struct Sign<'a> {
    thresholds: &'a [f32],
    before: BitsRef<'a>,
    bits: Bits<'a>,
}

impl TileEpilogue for Sign<'_> {
    #[inline(always)]
    unsafe fn apply<S: Simd>(&self, simd: S, place: Place, sums: [S::F32; TILE]) {
        let (word, shift) = (place.unit / 32, place.unit % 32);
        let words = self.before.units.div_ceil(32);
        let lanes = &self.before.words[(place.block * words + word) * LANES + place.lane..][..S::LANES];
        let (mut bits, mut ties) = (simd.splat_u32(0), simd.splat_u32(0));
        for row in 0..place.units {
            let threshold = simd.splat(self.thresholds[place.unit + row]);
            let unit = simd.splat_u32(1 << (shift + row));
            bits = simd.or(bits, simd.select_u32(simd.less(threshold, sums[row]), unit));
            ties = simd.or(ties, simd.select_u32(simd.equal(threshold, sums[row]), unit));
        }
        // SAFETY: the slice is a vector long; the place is the caller's promise.
        unsafe {
            let kept = simd.and(ties, simd.load_u32(lanes.as_ptr()));
            self.bits.write_in_place(simd, place, simd.or(bits, kept));
        }
    }
}

/// Every unit of `before` given all others, into `after`, both words of `rows` states in whole blocks: on where the sum
/// of its weights with the units that are on is above its threshold, unchanged where it is equal to it.
pub(crate) fn sign(weights: Weights<'_>, before: BitsRef<'_>, thresholds: &[f32], after: &mut [u32], rows: usize) {
    let units = before.units;
    assert!(weights.outputs() == units && thresholds.len() == units, "units of a synchronous sweep");
    assert!(after.len() == before.words.len() && rows <= before.blocks * LANES, "states of a synchronous sweep");
    let bits = Bits { words: Shared::new(after), words_per_row: units.div_ceil(32), free: None, rows };
    product_by_outputs(weights, before, &Sign { thresholds, before, bits });
}
