//! Half-sweeps of a few chains, for which a table is read once for one or two of its lanes: the rows of the weights that
//! the units in state 1 select are added up instead, outputs in lanes.
//!
//! The terms of a group of inputs are added as a table holds them, pair by pair, and the groups in order, so a chain's
//! sums are the same bits as in the company of many.

use super::operands::{BitsRef, Epilogue, Place, Rows, TILE};
use crate::simd::{Kernel, Simd, dispatch_on};
use crate::tensor::{AlignedVec, LANES};
use std::cell::RefCell;

/// The most chains that are few: beyond, tables are faster.
pub(crate) const FEW_CHAINS: usize = 8;

/// Multiplies the first `rows` rows of `input`, at most [`FEW_CHAINS`], with `columns` `[inputs, outputs]`; one thread.
pub(super) fn product_of_few<E: Epilogue>(columns: Rows<'_>, input: BitsRef<'_>, rows: usize, epilogue: &E) {
    thread_local! {
        static SCRATCH: RefCell<AlignedVec<f32>> = const { RefCell::new(AlignedVec::new()) };
    }
    // `Rows` names its own rows outputs; here they are the inputs.
    let (inputs, outputs) = (columns.outputs, columns.inputs);
    assert_eq!(inputs, input.units, "inputs of a product");
    assert!(rows <= FEW_CHAINS && input.blocks == 1, "chains of a product of few");
    SCRATCH.with_borrow_mut(|scratch| {
        // One chain's sums, a row of zeros, then all sums, `[output][lane]`.
        let padded = outputs.next_multiple_of(LANES);
        scratch.resize(2 * padded + padded * LANES);
        scratch.fill(0.0);
        let (chain, rest) = scratch.split_at_mut(padded);
        let (zeros, sums) = rest.split_at_mut(padded);
        dispatch_on(columns.isa, Few { columns, input, rows, chain, zeros, sums, epilogue });
    });
}

struct Few<'a, E> {
    columns: Rows<'a>,
    input: BitsRef<'a>,
    rows: usize,
    chain: &'a mut [f32],
    zeros: &'a [f32],
    sums: &'a mut [f32],
    epilogue: &'a E,
}

impl<E: Epilogue> Kernel for Few<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Few { columns, input, rows, chain, zeros, sums, epilogue } = self;
        let outputs = columns.inputs;
        for lane in 0..rows {
            chain.fill(0.0);
            for word in 0..input.units.div_ceil(32) {
                let mut bits = input.words[word * LANES + lane];
                let mut unit = word * 32;
                let end = unit + 32;
                while bits != 0 {
                    // The same groups as the tables': they end with the word.
                    let row = |index: usize| {
                        if bits >> index & 1 == 1 && unit + index < end && index < S::INDEX_BITS {
                            &columns.values[(unit + index) * columns.stride..][..outputs]
                        } else {
                            &zeros[..outputs]
                        }
                    };
                    if bits & ((1 << S::INDEX_BITS) - 1) != 0 {
                        add_group(simd, chain, [row(0), row(1), row(2), row(3)]);
                    }
                    bits >>= S::INDEX_BITS;
                    unit += S::INDEX_BITS;
                }
            }
            for (sums, &sum) in sums.chunks_exact_mut(LANES).zip(chain.iter()) {
                sums[lane] = sum;
            }
        }
        for unit in (0..outputs).step_by(TILE) {
            let units = TILE.min(outputs - unit);
            for lane in (0..LANES).step_by(S::LANES) {
                if lane < rows {
                    let place = Place { unit, units, block: 0, lane };
                    let first = &sums[unit * LANES + lane..];
                    // SAFETY: the sums are padded to whole tiles; the place is one of the product's.
                    unsafe {
                        let tile = std::array::from_fn(|row| simd.load(first.as_ptr().wrapping_add(row * LANES)));
                        epilogue.apply(simd, place, tile);
                    }
                }
            }
        }
    }
}

/// Adds (a + b) + (c + d) to `sums`.
#[inline(always)]
fn add_group<S: Simd>(simd: S, sums: &mut [f32], [a, b, c, d]: [&[f32]; 4]) {
    let whole = a.len() / S::LANES * S::LANES;
    for start in (0..whole).step_by(S::LANES) {
        // SAFETY: all rows are as long as the first, and `sums` is longer.
        unsafe {
            let load = |row: &[f32]| simd.load(row.as_ptr().add(start));
            let group = simd.add(simd.add(load(a), load(b)), simd.add(load(c), load(d)));
            let sum = simd.add(simd.load(sums.as_ptr().add(start)), group);
            simd.store(sums.as_mut_ptr().add(start), sum);
        }
    }
    for index in whole..a.len() {
        sums[index] += (a[index] + b[index]) + (c[index] + d[index]);
    }
}
