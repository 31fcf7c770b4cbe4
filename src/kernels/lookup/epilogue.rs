//! What becomes of the sums: bits, probabilities, free energies, annealing weights.
//!
//! A unit with logit x is on with probability σ(x). With e = exp(−|x|), σ(x) = n / (1 + e) where n is 1 for x ≥ 0 and
//! e below, so one exponential serves the probability, the draw (u · (1 + e) < n, no division) and
//! softplus(x) = max(x, 0) + ln(1 + e).
//!
//! A draw compares with the middle of one of 2²³ cells of (0, 1): a probability is rounded to the nearest multiple of
//! 2⁻²³, so an error of at most 2⁻²⁴ without a bias, and one below 2⁻²⁴ is never drawn, one above 1 − 2⁻²⁴ always.
//! The exponential itself errs by less than 2⁻²¹ e ([`decay`](math::decay)).

use super::operands::{Epilogue, Place, TILE};
use crate::random::{Lanes, LanesVector};
use crate::simd::{Simd, math};
use crate::tensor::LANES;

/// A pointer into a buffer whose disjoint parts several threads write.
pub(super) struct Shared<T>(*mut T);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Shared<T> {}

// SAFETY: `Epilogue::apply` demands that no two threads work on one place; each writes its own places only.
unsafe impl<T: Send> Sync for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Shared<T> {}

impl<T> Shared<T> {
    pub(super) fn new(values: &mut [T]) -> Self {
        Shared(values.as_mut_ptr())
    }

    #[inline(always)]
    fn at(self, index: usize) -> *mut T {
        self.0.wrapping_add(index)
    }
}

/// From the sum of the weights to the logit of a unit.
#[derive(Clone, Copy)]
pub(super) struct Logit<'a> {
    /// `[outputs]`.
    pub bias: &'a [f32],
    /// An inverse temperature s for each chain `[blocks · 16]` and the bias at s = 0 `[outputs]`: the logit is then
    /// s · (sum + bias) + (1 − s) · base.
    pub temper: Option<(&'a [f32], &'a [f32])>,
}

impl Logit<'_> {
    #[inline(always)]
    pub(super) fn of<S: Simd>(&self, simd: S, place: Place, row: usize, sum: S::F32) -> S::F32 {
        let x = simd.add(sum, simd.splat(self.bias[place.unit + row]));
        let Some((scale, base)) = self.temper else { return x };
        let scale = &scale[place.block * LANES + place.lane..][..S::LANES];
        // SAFETY: the slice is a vector long.
        let scale = unsafe { simd.load(scale.as_ptr()) };
        let cold = simd.mul(scale, x);
        simd.add(cold, simd.mul(simd.sub(simd.splat(1.0), scale), simd.splat(base[place.unit + row])))
    }
}

/// σ in parts: the probability is `numerator / denominator`.
pub(crate) struct Sigmoid<S: Simd> {
    numerator: S::F32,
    denominator: S::F32,
}

impl<S: Simd> Sigmoid<S> {
    #[inline(always)]
    pub(crate) fn new(simd: S, x: S::F32) -> Self {
        let negative = simd.less(x, simd.splat(0.0));
        let e = math::decay(simd, x);
        let one = simd.splat(1.0);
        Sigmoid { numerator: simd.select(negative, e, one), denominator: simd.add(one, e) }
    }

    /// Bit `row` of each lane set where the unit is on.
    #[inline(always)]
    pub(crate) fn draw(&self, simd: S, word: S::U32, row: usize) -> S::U32 {
        // 1 + k 2⁻²³ with k the upper 23 bits, then down to the middle of the cell: exact.
        let bits = simd.or(simd.shr::<9>(word), simd.splat_u32(0x3f80_0000));
        let uniform = simd.sub(simd.from_bits(bits), simd.splat(1.0 - 1.0 / 16_777_216.0));
        let on = simd.less(simd.mul(uniform, self.denominator), self.numerator);
        simd.select_u32(on, simd.splat_u32(1 << row))
    }

    #[inline(always)]
    fn probability(&self, simd: S) -> S::F32 {
        simd.div(self.numerator, self.denominator)
    }
}

/// −|x|.
#[inline(always)]
fn minus_magnitude<S: Simd>(simd: S, x: S::F32) -> S::F32 {
    simd.from_bits(simd.or(simd.to_bits(x), simd.splat_u32(0x8000_0000)))
}

/// Where the random words of a draw come from.
pub(super) trait Draws: Sync {
    /// One word for each unit of `place`, ascending; zeros for those that do not exist.
    ///
    /// # Safety
    /// As for [`Epilogue::apply`].
    unsafe fn words<S: Simd>(&self, simd: S, place: Place) -> [S::U32; TILE];
}

/// Draws from the stream of the block, which one thread works on, outputs ascending.
pub(super) struct FromLanes(pub Shared<Lanes>);

impl Draws for FromLanes {
    #[inline(always)]
    unsafe fn words<S: Simd>(&self, simd: S, place: Place) -> [S::U32; TILE] {
        let mut words = [simd.splat_u32(0); TILE];
        // SAFETY: there is a stream for each block, and this thread alone has it.
        let state = unsafe { (*self.0.at(place.block)).as_mut_ptr() };
        // SAFETY: a `Lanes` is 64 words; `lane` is a multiple of the vector within the 16.
        let mut lanes = unsafe { LanesVector::load(simd, state, place.lane) };
        for word in words.iter_mut().take(place.units) {
            *word = lanes.next(simd);
        }
        // SAFETY: as above.
        unsafe { lanes.store(simd, state, place.lane) };
        words
    }
}

/// Draws words made beforehand, `[block][unit][lane]`, so that several threads can share a block.
pub(super) struct Drawn<'a> {
    pub words: &'a [u32],
    pub units: usize,
}

impl Draws for Drawn<'_> {
    #[inline(always)]
    unsafe fn words<S: Simd>(&self, simd: S, place: Place) -> [S::U32; TILE] {
        let mut words = [simd.splat_u32(0); TILE];
        let start = (place.block * self.units + place.unit) * LANES;
        let drawn = &self.words[start..][..place.units * LANES];
        for (word, lanes) in words.iter_mut().zip(drawn.chunks_exact(LANES)) {
            // SAFETY: a chunk has 16 words, and `lane + S::LANES ≤ 16`.
            *word = unsafe { simd.load_u32(lanes.as_ptr().add(place.lane)) };
        }
        words
    }
}

/// Where drawn bits go: words `[block][word][lane]`, some units perhaps held.
pub(super) struct Bits<'a> {
    pub words: Shared<u32>,
    pub words_per_row: usize,
    /// A bit for each unit that may change, `[word]`; all may where there is none.
    pub free: Option<&'a [u32]>,
    /// How many chains exist; lanes past them stay zero.
    pub rows: usize,
}

impl Bits<'_> {
    /// Replaces the units of `place` by `bits`, the first unit in bit 0.
    ///
    /// # Safety
    /// The place lies within the matrix, and no other thread works on its words.
    #[inline(always)]
    pub(super) unsafe fn write<S: Simd>(&self, simd: S, place: Place, bits: S::U32) {
        // SAFETY: the caller's promise.
        unsafe { self.write_in_place(simd, place, simd.shl_by(bits, (place.unit % 32) as u32)) };
    }

    /// As [`write`](Self::write), each unit in its own bit of the word.
    ///
    /// # Safety
    /// As for `write`.
    #[inline(always)]
    pub(super) unsafe fn write_in_place<S: Simd>(&self, simd: S, place: Place, bits: S::U32) {
        let (word, shift) = (place.unit / 32, place.unit % 32);
        let mut change = ((1u32 << place.units) - 1) << shift;
        if let Some(free) = self.free {
            change &= free[word];
        }
        let mut mask = simd.splat_u32(change);
        if (place.block + 1) * LANES > self.rows {
            let mut exists = [0u32; LANES];
            for lane in 0..LANES {
                exists[lane] = if place.block * LANES + lane < self.rows { u32::MAX } else { 0 };
            }
            // SAFETY: `lane + S::LANES ≤ 16`.
            mask = simd.and(mask, unsafe { simd.load_u32(exists.as_ptr().add(place.lane)) });
        }
        let target = self.at(place);
        // SAFETY: the caller's promise.
        unsafe {
            let old = simd.load_u32(target);
            let kept = simd.xor(old, simd.and(old, mask));
            simd.store_u32(target, simd.or(kept, simd.and(bits, mask)));
        }
    }

    /// The word that has the units of `place`, each in its own bit.
    ///
    /// # Safety
    /// As for `write`.
    #[inline(always)]
    pub(super) unsafe fn read<S: Simd>(&self, simd: S, place: Place) -> S::U32 {
        // SAFETY: the caller's promise.
        unsafe { simd.load_u32(self.at(place)) }
    }

    #[inline(always)]
    fn at(&self, place: Place) -> *mut u32 {
        self.words.at((place.block * self.words_per_row + place.unit / 32) * LANES + place.lane)
    }
}

/// Draws each unit; nothing else is stored.
pub(super) struct Sample<'a, D> {
    pub logit: Logit<'a>,
    pub draws: D,
    pub bits: Bits<'a>,
}

impl<D: Draws> Epilogue for Sample<'_, D> {
    #[inline(always)]
    unsafe fn apply<S: Simd>(&self, simd: S, place: Place, sums: [S::F32; TILE]) {
        // SAFETY: the caller's promise.
        let words = unsafe { self.draws.words(simd, place) };
        let mut bits = simd.splat_u32(0);
        for row in 0..place.units {
            let sigmoid = Sigmoid::new(simd, self.logit.of(simd, place, row, sums[row]));
            bits = simd.or(bits, sigmoid.draw(simd, words[row], row));
        }
        // SAFETY: the caller's promise.
        unsafe { self.bits.write(simd, place, bits) };
    }
}

/// Where probabilities go: `[unit][row]`, `stride` rows a unit, each times its row's weight.
pub(super) struct Means<'a> {
    pub values: Shared<f32>,
    pub stride: usize,
    /// `[blocks · 16]`.
    pub row_weights: &'a [f32],
}

impl Means<'_> {
    /// # Safety
    /// As for [`Epilogue::apply`].
    #[inline(always)]
    unsafe fn write<S: Simd>(&self, simd: S, place: Place, row: usize, probability: S::F32) {
        let first = place.block * LANES + place.lane;
        let weights = &self.row_weights[first..][..S::LANES];
        // SAFETY: the slice is a vector long; the place lies within the buffer.
        unsafe {
            let value = simd.mul(probability, simd.load(weights.as_ptr()));
            simd.store(self.values.at((place.unit + row) * self.stride + first), value);
        }
    }
}

/// Stores each unit's probability.
pub(super) struct Mean<'a> {
    pub logit: Logit<'a>,
    pub means: Means<'a>,
}

impl Epilogue for Mean<'_> {
    #[inline(always)]
    unsafe fn apply<S: Simd>(&self, simd: S, place: Place, sums: [S::F32; TILE]) {
        for row in 0..place.units {
            let sigmoid = Sigmoid::new(simd, self.logit.of(simd, place, row, sums[row]));
            // SAFETY: the caller's promise.
            unsafe { self.means.write(simd, place, row, sigmoid.probability(simd)) };
        }
    }
}

/// Stores each unit's probability; draws the units of the blocks from `first_drawn` on.
pub(super) struct MeanAndSample<'a, D> {
    pub logit: Logit<'a>,
    pub means: Means<'a>,
    pub draws: D,
    pub bits: Bits<'a>,
    pub first_drawn: usize,
}

impl<D: Draws> Epilogue for MeanAndSample<'_, D> {
    #[inline(always)]
    unsafe fn apply<S: Simd>(&self, simd: S, place: Place, sums: [S::F32; TILE]) {
        let drawn = Place { block: place.block.wrapping_sub(self.first_drawn), ..place };
        let words = if place.block >= self.first_drawn {
            // SAFETY: the caller's promise, for the block counted among the drawn ones.
            unsafe { self.draws.words(simd, drawn) }
        } else {
            [simd.splat_u32(0); TILE]
        };
        let mut bits = simd.splat_u32(0);
        for row in 0..place.units {
            let sigmoid = Sigmoid::new(simd, self.logit.of(simd, place, row, sums[row]));
            // SAFETY: the caller's promise.
            unsafe { self.means.write(simd, place, row, sigmoid.probability(simd)) };
            bits = simd.or(bits, sigmoid.draw(simd, words[row], row));
        }
        if place.block >= self.first_drawn {
            // SAFETY: as for the words.
            unsafe { self.bits.write(simd, drawn, bits) };
        }
    }
}

/// Stores the bare sums, `[unit][row]`, `stride` rows a unit.
pub(super) struct Sums {
    pub values: Shared<f32>,
    pub stride: usize,
}

impl Epilogue for Sums {
    #[inline(always)]
    unsafe fn apply<S: Simd>(&self, simd: S, place: Place, sums: [S::F32; TILE]) {
        for row in 0..place.units {
            let target = (place.unit + row) * self.stride + place.block * LANES + place.lane;
            // SAFETY: the place lies within the buffer.
            unsafe { simd.store(self.values.at(target), sums[row]) };
        }
    }
}

/// Adds Σ softplus(logit) over the units to `totals`, `[blocks · 16]`: minus the free energy but for the bias term.
pub(super) struct Softplus<'a> {
    pub logit: Logit<'a>,
    pub totals: Shared<f64>,
}

impl Epilogue for Softplus<'_> {
    #[inline(always)]
    unsafe fn apply<S: Simd>(&self, simd: S, place: Place, sums: [S::F32; TILE]) {
        let zero = simd.splat(0.0);
        let mut linear = zero;
        let mut product = simd.splat(1.0);
        for row in 0..place.units {
            let x = self.logit.of(simd, place, row, sums[row]);
            linear = simd.add(linear, simd.max(x, zero));
            // At most (1 + 1)⁴: one logarithm serves four units.
            let e = math::exp(simd, minus_magnitude(simd, x));
            product = simd.mul(product, simd.add(simd.splat(1.0), e));
        }
        // SAFETY: the caller's promise.
        unsafe { accumulate(simd, self.totals, place, simd.add(linear, math::ln(simd, product))) };
    }
}

/// Adds a vector of floats to the f64 totals of its chains.
///
/// # Safety
/// The place lies within the totals, and no other thread works on its block.
#[inline(always)]
unsafe fn accumulate<S: Simd>(simd: S, totals: Shared<f64>, place: Place, values: S::F32) {
    let mut terms = [0.0f32; LANES];
    let first = place.block * LANES + place.lane;
    // SAFETY: the array is at least a vector long; the caller's promise covers the totals.
    unsafe {
        simd.store(terms.as_mut_ptr(), values);
        let totals = std::slice::from_raw_parts_mut(totals.at(first), S::LANES);
        for (total, term) in totals.iter_mut().zip(terms) {
            *total += f64::from(term);
        }
    }
}

/// One step of annealing for the layer that is summed out: adds
/// Σ softplus(β′ x) − softplus(β x) over the units to `totals`, then draws each unit at β′.
pub(super) struct Anneal<'a> {
    pub bias: &'a [f32],
    pub beta: f32,
    pub next_beta: f32,
    pub totals: Shared<f64>,
    pub draws: FromLanes,
    pub bits: Bits<'a>,
}

impl Epilogue for Anneal<'_> {
    #[inline(always)]
    unsafe fn apply<S: Simd>(&self, simd: S, place: Place, sums: [S::F32; TILE]) {
        let (zero, one) = (simd.splat(0.0), simd.splat(1.0));
        let (beta, next_beta) = (simd.splat(self.beta), simd.splat(self.next_beta));
        let mut linear = zero;
        let mut ratio = [one; 2];
        // SAFETY: the caller's promise.
        let words = unsafe { self.draws.words(simd, place) };
        let mut bits = simd.splat_u32(0);
        for row in 0..place.units {
            let x = simd.add(sums[row], simd.splat(self.bias[place.unit + row]));
            let sigmoid = Sigmoid::new(simd, simd.mul(next_beta, x));
            let e = math::decay(simd, simd.mul(beta, x));
            linear = simd.add(linear, simd.max(x, zero));
            ratio = [simd.mul(ratio[0], sigmoid.denominator), simd.mul(ratio[1], simd.add(one, e))];
            bits = simd.or(bits, sigmoid.draw(simd, words[row], row));
        }
        let logarithm = math::ln(simd, simd.div(ratio[0], ratio[1]));
        let rise = simd.mul(simd.sub(next_beta, beta), linear);
        // SAFETY: the caller's promise.
        unsafe {
            self.bits.write(simd, place, bits);
            accumulate(simd, self.totals, place, simd.add(rise, logarithm));
        }
    }
}

/// For the exchange of temperatures: adds Σ softplus(s′ x) − softplus(s x) over the units to `totals`, each chain
/// having an inverse temperature s and another s′ it may change to.
pub(super) struct Exchange<'a> {
    pub bias: &'a [f32],
    /// s and s′, each `[blocks · 16]`.
    pub scales: [&'a [f32]; 2],
    pub totals: Shared<f64>,
}

impl Epilogue for Exchange<'_> {
    #[inline(always)]
    unsafe fn apply<S: Simd>(&self, simd: S, place: Place, sums: [S::F32; TILE]) {
        let (zero, one) = (simd.splat(0.0), simd.splat(1.0));
        let first = place.block * LANES + place.lane;
        let mut scales = [zero; 2];
        for side in 0..2 {
            // SAFETY: the slice is a vector long.
            scales[side] = unsafe { simd.load(self.scales[side][first..][..S::LANES].as_ptr()) };
        }
        let mut linear = zero;
        let mut ratio = [one; 2];
        for row in 0..place.units {
            let x = simd.add(sums[row], simd.splat(self.bias[place.unit + row]));
            linear = simd.add(linear, simd.max(x, zero));
            for side in 0..2 {
                let e = math::exp(simd, minus_magnitude(simd, simd.mul(scales[side], x)));
                ratio[side] = simd.mul(ratio[side], simd.add(one, e));
            }
        }
        let logarithm = math::ln(simd, simd.div(ratio[1], ratio[0]));
        let rise = simd.mul(simd.sub(scales[1], scales[0]), linear);
        // SAFETY: the caller's promise.
        unsafe { accumulate(simd, self.totals, place, simd.add(rise, logarithm)) };
    }
}
