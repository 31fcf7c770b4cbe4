//! Gradient ascent of a bilinear layer: one step with centering, momentum, decay and a running average, in one pass over the
//! weights.
//!
//! The centered gradient (Melchior, Fischer & Wiskott 2016) from the plain statistics g = ⟨v hᵀ⟩_data − ⟨v hᵀ⟩_model, Δv and
//! Δh, with offsets μ, λ: ∇W = g − μ Δhᵀ − Δv λᵀ, ∇a = Δv − ∇W λ, ∇b = Δh − ∇Wᵀ μ; with μ = λ = 0 it is the plain one.

use crate::parallel::{chunks_mut, for_each};
use crate::simd::{Simd, Vectorised, dispatch};
use crate::tensor::{AlignedVec, LANES};
use std::cell::RefCell;
use std::ops::Range;

/// Hidden units a task updates: rows of the transposed weights, columns of the weights.
pub(crate) const ROWS: usize = 16;

/// The weights of a layer and the biases of its hidden units, with what a step keeps beside them.
pub(crate) struct Layer<'a> {
    /// W `[visible, hidden]`, written from the transposed ones.
    pub weights: &'a mut [f32],
    /// Wᵀ `[hidden, stride]`, with a stride of whole vectors.
    pub transposed: &'a mut [f32],
    /// The running average of Wᵀ, `[hidden, stride]`.
    pub average: &'a mut [f32],
    /// The step before, `[hidden, stride]`.
    pub velocity: &'a mut [f32],
    /// b `[hidden]`.
    pub bias: &'a mut [f32],
    /// The step before, `[hidden]`.
    pub bias_velocity: &'a mut [f32],
}

/// The means of the gradient and the offsets about which it is taken.
#[derive(Clone, Copy)]
pub(crate) struct Means<'a> {
    /// Δv `[stride]`.
    pub visible: &'a [f32],
    /// Δh `[hidden]`.
    pub hidden: &'a [f32],
    /// μ `[stride]`.
    pub visible_offset: &'a [f32],
    /// λ `[hidden]`.
    pub hidden_offset: &'a [f32],
}

/// The numbers of one step.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    pub rate: f32,
    pub momentum: f32,
    pub weight_decay: f32,
    /// The part of the average that the new weights make; 0 leaves it.
    pub average_share: f32,
}

/// Moves `layer` one step up the gradient. `products` sums the rows of g of some hidden units, `[units, stride]`, a few at a time,
/// so that they never leave the cache. `correction` `[tasks, stride]` becomes ∇W λ in its first row.
pub(crate) fn ascend(
    layer: Layer<'_>,
    visible: usize,
    means: Means<'_>,
    step: Step,
    correction: &mut [f32],
    products: impl Fn(Range<usize>, &mut [f32]) + Sync,
) {
    thread_local! {
        static SCRATCH: RefCell<AlignedVec<f32>> = const { RefCell::new(AlignedVec::new()) };
    }
    let (stride, hidden) = (means.visible.len(), means.hidden.len());
    let Layer { weights, transposed, average, velocity, bias, bias_velocity } = layer;
    assert!(weights.len() == visible * hidden && visible <= stride, "weights of {visible} × {hidden} units");
    let columns = Columns { weights: weights.as_mut_ptr(), hidden };
    let rows = ROWS * stride;
    let weights = (chunks_mut(transposed, rows), chunks_mut(average, rows), chunks_mut(velocity, rows));
    let biases = (chunks_mut(bias, ROWS), chunks_mut(bias_velocity, ROWS));
    for_each((weights, biases, chunks_mut(correction, stride)), |task, (weights, biases, partial)| {
        let ((weights, average, velocity), (bias, bias_velocity)) = (weights, biases);
        let units = task * ROWS..task * ROWS + bias.len();
        partial.fill(0.0);
        SCRATCH.with_borrow_mut(|scratch| {
            let length = units.len() * stride;
            if scratch.len() < length {
                scratch.resize(length);
            }
            products(units.clone(), &mut scratch[..length]);
            for (row, unit) in units.clone().enumerate() {
                let range = row * stride..(row + 1) * stride;
                let correction = dispatch(Row {
                    weights: &mut weights[range.clone()],
                    average: &mut average[range.clone()],
                    velocity: &mut velocity[range.clone()],
                    products: &scratch[range],
                    partial,
                    unit,
                    means,
                    step,
                });
                let gradient = means.hidden[unit] - correction;
                bias_velocity[row] = step.momentum * bias_velocity[row] + step.rate * gradient;
                bias[row] += bias_velocity[row];
            }
        });
        // SAFETY: the columns `units` exist, as asserted, and are this task's alone.
        unsafe { columns.write(weights, stride, visible, units) };
    });

    let (correction, others) = correction.split_at_mut(stride);
    for other in others.chunks_exact(stride) {
        correction.iter_mut().zip(other).for_each(|(sum, part)| *sum += part);
    }
}

/// The weights `[visible, hidden]`, of which each task writes some columns.
#[derive(Clone, Copy)]
struct Columns {
    weights: *mut f32,
    hidden: usize,
}

// SAFETY: tasks write disjoint columns.
unsafe impl Send for Columns {}
// SAFETY: as above.
unsafe impl Sync for Columns {}

impl Columns {
    /// Copies rows of transposed weights to the columns `units`.
    ///
    /// # Safety
    /// The columns exist and nobody else touches them; `transposed` has a row of `visible ≤ stride` weights for each.
    unsafe fn write(self, transposed: &[f32], stride: usize, visible: usize, units: Range<usize>) {
        dispatch(Transpose { columns: self, transposed, stride, visible, units });
    }
}

/// [`Columns::write`], eight by eight.
struct Transpose<'a> {
    columns: Columns,
    transposed: &'a [f32],
    stride: usize,
    visible: usize,
    units: Range<usize>,
}

impl Vectorised for Transpose<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        const TILE: usize = 8;
        let Transpose { columns, transposed, stride, visible, units } = self;
        let (first, count) = (units.start, units.len());
        assert!(count * stride <= transposed.len() && visible <= stride, "rows of transposed weights");
        for unit in (0..visible).step_by(TILE) {
            for row in (0..count).step_by(TILE) {
                let source = transposed.as_ptr().wrapping_add(row * stride + unit);
                let target = columns.weights.wrapping_add(unit * columns.hidden + first + row);
                if unit + TILE <= visible && row + TILE <= count {
                    // SAFETY: the tile lies within both matrices, and its columns are the caller's alone.
                    unsafe { simd.transpose_tile(source, stride, target, columns.hidden) };
                    continue;
                }
                for unit in 0..TILE.min(visible - unit) {
                    for row in 0..TILE.min(count - row) {
                        // SAFETY: as above.
                        unsafe { *target.add(unit * columns.hidden + row) = *source.add(row * stride + unit) };
                    }
                }
            }
        }
    }
}

/// One hidden unit's weights `[stride]`; returns its part of ∇Wᵀ μ.
struct Row<'a> {
    weights: &'a mut [f32],
    average: &'a mut [f32],
    velocity: &'a mut [f32],
    products: &'a [f32],
    /// ∇W λ of the task's units so far, `[stride]`.
    partial: &'a mut [f32],
    unit: usize,
    means: Means<'a>,
    step: Step,
}

impl Vectorised for Row<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> f32 {
        let length = self.weights.len();
        let Means { visible, visible_offset: offsets, .. } = self.means;
        assert!(
            [self.average.len(), self.velocity.len(), self.products.len(), self.partial.len()] == [length; 4]
                && visible.len() == length
                && offsets.len() == length
                && length.is_multiple_of(S::LANES),
            "a row of weights"
        );
        let (rate, momentum) = (simd.splat(self.step.rate), simd.splat(self.step.momentum));
        let (decay, share) = (simd.splat(self.step.weight_decay), simd.splat(self.step.average_share));
        let hidden = simd.splat(self.means.hidden[self.unit]);
        let offset = simd.splat(self.means.hidden_offset[self.unit]);
        let mut correction = simd.splat(0.0);
        for start in (0..length).step_by(S::LANES) {
            // SAFETY: all slices have `length` values, a multiple of a vector, as asserted.
            unsafe {
                let load = |slice: &[f32]| simd.load(slice.as_ptr().add(start));
                let mean = load(offsets);
                let centred = simd.sub(load(self.products), simd.mul(mean, hidden));
                let gradient = simd.sub(centred, simd.mul(load(visible), offset));
                correction = simd.add(correction, simd.mul(gradient, mean));
                let partial = simd.add(load(self.partial), simd.mul(gradient, offset));
                simd.store(self.partial.as_mut_ptr().add(start), partial);
                let weight = load(self.weights);
                let ascent = simd.sub(gradient, simd.mul(decay, weight));
                let velocity = simd.add(simd.mul(momentum, load(self.velocity)), simd.mul(rate, ascent));
                simd.store(self.velocity.as_mut_ptr().add(start), velocity);
                let weight = simd.add(weight, velocity);
                simd.store(self.weights.as_mut_ptr().add(start), weight);
                let average = load(self.average);
                let average = simd.add(average, simd.mul(share, simd.sub(weight, average)));
                simd.store(self.average.as_mut_ptr().add(start), average);
            }
        }
        let mut lanes = [0.0f32; LANES];
        // SAFETY: the array is at least a vector long.
        unsafe { simd.store(lanes.as_mut_ptr(), correction) };
        lanes.iter().sum()
    }
}
