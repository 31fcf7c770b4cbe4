//! One step up the gradient, in one pass over the weights.
//!
//! The centered gradient (Melchior, Fischer & Wiskott 2016) from the plain statistics, with offsets μ, λ:
//! ∇W = g − μ Δhᵀ − Δv λᵀ, ∇a = Δv − ∇W λ, ∇b = Δh − ∇Wᵀ μ; with μ = λ = 0 it is the plain one.

use super::gradient::{Stack, Statistics};
use super::{Rbm, stride};
use crate::simd::{Simd, Vectorised, dispatch};
use crate::tensor::{AlignedVec, LANES};
use rayon::prelude::*;
use std::cell::RefCell;
use std::ops::Range;

/// Hidden units a task updates: rows of the transposed weights, columns of the weights.
const ROWS: usize = 16;

/// What the step before and the running averages keep.
#[derive(Clone, Debug)]
pub(super) struct Momentum {
    /// `[hidden, stride]`.
    pub weights: AlignedVec<f32>,
    /// `[visible]`.
    pub visible_bias: AlignedVec<f32>,
    /// `[hidden]`.
    pub hidden_bias: AlignedVec<f32>,
    /// What each task's hidden units add to ∇W λ, `[task, stride]`.
    partial: AlignedVec<f32>,
}

impl Momentum {
    pub(super) fn new(rbm: &Rbm) -> Self {
        Momentum {
            weights: AlignedVec::zeroed(rbm.transposed.len()),
            visible_bias: AlignedVec::zeroed(rbm.visible),
            hidden_bias: AlignedVec::zeroed(rbm.hidden),
            partial: AlignedVec::zeroed(rbm.hidden.div_ceil(ROWS) * stride(rbm.visible)),
        }
    }
}

/// The running average of a machine's parameters.
#[derive(Clone, Debug)]
pub(super) struct Average {
    /// `[hidden, stride]`, as the machine's transposed weights.
    weights: AlignedVec<f32>,
    visible_bias: AlignedVec<f32>,
    hidden_bias: AlignedVec<f32>,
}

impl Average {
    /// That of no step yet.
    pub(super) fn new(rbm: &Rbm) -> Self {
        Average {
            weights: rbm.transposed.clone(),
            visible_bias: rbm.visible_bias.clone(),
            hidden_bias: rbm.hidden_bias.clone(),
        }
    }

    /// The machine with these parameters.
    pub(super) fn machine(&self) -> Rbm {
        let mut rbm = Rbm::zeros(self.visible_bias.len(), self.hidden_bias.len());
        rbm.visible_bias.copy_from_slice(&self.visible_bias);
        rbm.hidden_bias.copy_from_slice(&self.hidden_bias);
        rbm.transposed.copy_from_slice(&self.weights);
        rbm.restore_weights();
        rbm
    }
}

/// The numbers of one step.
#[derive(Clone, Copy)]
pub(super) struct Step<'a> {
    pub rate: f32,
    pub momentum: f32,
    pub weight_decay: f32,
    /// What the average takes of the new parameters; 0 leaves it.
    pub average_share: f32,
    /// μ `[stride]` and λ `[hidden]`.
    pub visible_offset: &'a [f32],
    pub hidden_offset: &'a [f32],
}

/// Where ⟨v hᵀ⟩_data − ⟨v hᵀ⟩_model comes from.
#[derive(Clone, Copy)]
pub(super) enum Products<'a> {
    /// All of it `[hidden, stride]`.
    Summed(&'a [f32]),
    /// Summed for a few hidden units at a time, so that it never leaves the cache.
    Of(&'a Stack),
}

impl Products<'_> {
    /// Hands `update` the rows `hidden` `[units, stride]`.
    fn with_rows(self, hidden: Range<usize>, stride: usize, update: impl FnOnce(&[f32])) {
        thread_local! {
            static SCRATCH: RefCell<AlignedVec<f32>> = const { RefCell::new(AlignedVec::new()) };
        }
        match self {
            Products::Summed(products) => update(&products[hidden.start * stride..hidden.end * stride]),
            Products::Of(stack) => SCRATCH.with_borrow_mut(|scratch| {
                let length = hidden.len() * stride;
                if scratch.len() < length {
                    scratch.resize(length);
                }
                stack.products(hidden, &mut scratch[..length]);
                update(&scratch[..length]);
            }),
        }
    }
}

/// Moves `rbm` one step up the gradient with the means of `gradient` and the products `products`; `average` follows.
pub(super) fn ascend(
    rbm: &mut Rbm,
    average: &mut Average,
    momentum: &mut Momentum,
    gradient: &Statistics,
    products: Products<'_>,
    step: Step<'_>,
) {
    let (stride, visible) = (stride(rbm.visible), rbm.visible);
    let columns = Columns { weights: rbm.weights.as_mut_ptr(), hidden: rbm.hidden };
    let tasks = rbm
        .transposed
        .par_chunks_mut(ROWS * stride)
        .zip(average.weights.par_chunks_mut(ROWS * stride))
        .zip(momentum.weights.par_chunks_mut(ROWS * stride))
        .zip(momentum.partial.par_chunks_mut(stride))
        .zip(rbm.hidden_bias.par_chunks_mut(ROWS))
        .zip(momentum.hidden_bias.par_chunks_mut(ROWS));
    tasks.enumerate().for_each(|(task, (((((weights, average), velocity), partial), bias), bias_velocity))| {
        let first = task * ROWS;
        partial.fill(0.0);
        products.with_rows(first..first + bias.len(), stride, |products| {
            for row in 0..bias.len() {
                let range = row * stride..(row + 1) * stride;
                let hidden = first + row;
                let correction = dispatch(Row {
                    weights: &mut weights[range.clone()],
                    average: &mut average[range.clone()],
                    velocity: &mut velocity[range.clone()],
                    products: &products[range],
                    partial,
                    visible_difference: &gradient.visible,
                    hidden_difference: gradient.hidden[hidden],
                    hidden_offset: step.hidden_offset[hidden],
                    step,
                });
                bias_velocity[row] =
                    step.momentum * bias_velocity[row] + step.rate * (gradient.hidden[hidden] - correction);
                bias[row] += bias_velocity[row];
            }
        });
        // SAFETY: the columns `first..first + bias.len()` are this task's alone.
        unsafe { columns.write(weights, stride, visible, first, bias.len()) };
    });

    // The tasks' parts of ∇W λ, added up into the first.
    let (correction, others) = momentum.partial.split_at_mut(stride);
    for other in others.chunks_exact(stride) {
        for (sum, part) in correction.iter_mut().zip(other) {
            *sum += part;
        }
    }
    let biases = rbm.visible_bias.iter_mut().zip(momentum.visible_bias.iter_mut());
    for ((bias, velocity), (difference, correction)) in biases.zip(gradient.visible.iter().zip(correction)) {
        *velocity = step.momentum * *velocity + step.rate * (difference - *correction);
        *bias += *velocity;
    }
    if step.average_share > 0.0 {
        let biases = average.visible_bias.iter_mut().zip(rbm.visible_bias.iter());
        for (average, value) in biases.chain(average.hidden_bias.iter_mut().zip(rbm.hidden_bias.iter())) {
            *average += step.average_share * (value - *average);
        }
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
    /// Copies `count` rows of transposed weights to the columns from `first` on.
    ///
    /// # Safety
    /// The columns exist and nobody else touches them; `transposed` has `count` rows of `visible ≤ stride` weights.
    unsafe fn write(self, transposed: &[f32], stride: usize, visible: usize, first: usize, count: usize) {
        dispatch(Transpose { columns: self, transposed, stride, visible, first, count });
    }
}

/// [`Columns::write`], eight by eight.
struct Transpose<'a> {
    columns: Columns,
    transposed: &'a [f32],
    stride: usize,
    visible: usize,
    first: usize,
    count: usize,
}

impl Vectorised for Transpose<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        const TILE: usize = 8;
        let Transpose { columns, transposed, stride, visible, first, count } = self;
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
    partial: &'a mut [f32],
    visible_difference: &'a [f32],
    hidden_difference: f32,
    hidden_offset: f32,
    step: Step<'a>,
}

impl Vectorised for Row<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> f32 {
        let length = self.weights.len();
        let offsets = self.step.visible_offset;
        assert!(
            [self.average.len(), self.velocity.len(), self.products.len(), self.partial.len()] == [length; 4]
                && self.visible_difference.len() == length
                && offsets.len() == length
                && length.is_multiple_of(S::LANES),
            "a row of weights"
        );
        let (rate, momentum) = (simd.splat(self.step.rate), simd.splat(self.step.momentum));
        let (decay, share) = (simd.splat(self.step.weight_decay), simd.splat(self.step.average_share));
        let (hidden, offset) = (simd.splat(self.hidden_difference), simd.splat(self.hidden_offset));
        let mut correction = simd.splat(0.0);
        for start in (0..length).step_by(S::LANES) {
            // SAFETY: all slices have `length` values, a multiple of a vector, as asserted.
            unsafe {
                let load = |slice: &[f32]| simd.load(slice.as_ptr().add(start));
                let mean = load(offsets);
                let centred = simd.sub(load(self.products), simd.mul(mean, hidden));
                let gradient = simd.sub(centred, simd.mul(load(self.visible_difference), offset));
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
