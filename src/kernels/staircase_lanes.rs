//! Sums of a staircase matrix with what is known of its inputs so far, for rows of a batch that lie side by side.
//!
//! Values of a block of [`ROWS`] examples are stored `[unit][example]`, so a weight is one number broadcast, and whatever is made
//! of two units is made of neighbouring vectors. Each example is computed by itself, in the order of the inputs: it has the
//! same bits whichever company it is in.

use super::staircase::Staircase;
use crate::simd::{Isa, Simd, Vectorised, dispatch};
use std::ops::Range;

/// Examples side by side. A tile of three rows of weights by four vectors, or six by two, fills the registers.
pub(crate) const ROWS: usize = 32;

/// Adds Σ over `columns` of weight times input to the sums of the rows `rows`: `known` are the inputs `[in][ROWS]`, `sums`
/// are `[rows][ROWS]`.
///
/// # Panics
/// Where a slice is too short, or a row has not got the columns.
pub(crate) fn add_products(
    staircase: &Staircase,
    weights: &[f32],
    rows: Range<usize>,
    columns: Range<usize>,
    known: &[f32],
    sums: &mut [f32],
) {
    let known = &known[columns.start * ROWS..columns.end * ROWS];
    assert!(sums.len() >= rows.len() * ROWS, "{} sums for {} rows", sums.len(), rows.len());
    if !known.is_empty() && !rows.is_empty() {
        dispatch(Products { staircase, weights, rows, columns, known, sums });
    }
}

struct Products<'a> {
    staircase: &'a Staircase,
    weights: &'a [f32],
    rows: Range<usize>,
    columns: Range<usize>,
    known: &'a [f32],
    sums: &'a mut [f32],
}

impl Vectorised for Products<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        if const { matches!(S::ISA, Isa::Avx512) } {
            self.tiles::<S, 6, 2>(simd);
        } else {
            self.tiles::<S, 3, 4>(simd);
        }
    }
}

impl Products<'_> {
    #[inline(always)]
    fn tiles<S: Simd, const TALL: usize, const VECTORS: usize>(mut self, simd: S) {
        let mut row = self.rows.start;
        while row + TALL <= self.rows.end {
            self.tile::<S, TALL, VECTORS>(simd, row);
            row += TALL;
        }
        while row + 2 <= self.rows.end {
            self.tile::<S, 2, VECTORS>(simd, row);
            row += 2;
        }
        if row < self.rows.end {
            self.tile::<S, 1, VECTORS>(simd, row);
        }
    }

    /// The rows from `row` on.
    #[inline(always)]
    fn tile<S: Simd, const TALL: usize, const VECTORS: usize>(&mut self, simd: S, row: usize) {
        // Arrays are filled by loops: what `from_fn` is handed may be compiled apart, for the baseline.
        let mut weights = [self.weights.as_ptr(); TALL];
        for line in 0..TALL {
            weights[line] = self.weights[self.staircase.row(row + line)][self.columns.clone()].as_ptr();
        }
        let place = (row - self.rows.start) * ROWS;
        let sums = self.sums[place..place + TALL * ROWS].as_mut_ptr();
        let (known, columns) = (self.known.as_ptr(), self.columns.len());
        assert!(VECTORS * S::LANES == ROWS && self.known.len() == columns * ROWS, "whole vectors");
        let mut totals = [[simd.splat(0.0); VECTORS]; TALL];
        // SAFETY: `sums` has TALL rows of ROWS = VECTORS · LANES floats, `known` one for each of the `columns` weights of a line.
        unsafe {
            for line in 0..TALL {
                for vector in 0..VECTORS {
                    totals[line][vector] = simd.load(sums.add(line * ROWS + vector * S::LANES));
                }
            }
            for column in 0..columns {
                let mut weight = [simd.splat(0.0); TALL];
                for line in 0..TALL {
                    weight[line] = simd.splat(*weights[line].add(column));
                }
                for vector in 0..VECTORS {
                    let input = simd.load(known.add(column * ROWS + vector * S::LANES));
                    for line in 0..TALL {
                        totals[line][vector] = simd.mul_add(weight[line], input, totals[line][vector]);
                    }
                }
            }
            for line in 0..TALL {
                for vector in 0..VECTORS {
                    simd.store(sums.add(line * ROWS + vector * S::LANES), totals[line][vector]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;

    #[test]
    fn sums_are_those_of_the_whole_matrix() {
        let staircase = Staircase::new(9, vec![3, 4, 5, 6, 7, 8, 9, 9]);
        let mut weights = vec![0.0; staircase.stored_length()];
        let mut known = vec![0.0; 9 * ROWS];
        let mut lanes = Seed(1).lanes("values", 0);
        lanes.fill_normal(&mut weights);
        lanes.fill_normal(&mut known);
        for (rows, columns) in [(0..8, 0..3), (2..7, 1..5), (6..8, 4..9), (3..4, 2..2), (5..5, 0..3)] {
            let mut sums = vec![1.0; rows.len() * ROWS];
            add_products(&staircase, &weights, rows.clone(), columns.clone(), &known, &mut sums);
            for (place, sum) in sums.iter().enumerate() {
                let row = &weights[staircase.row(rows.start + place / ROWS)];
                let terms = columns.clone().map(|j| f64::from(row[j]) * f64::from(known[j * ROWS + place % ROWS]));
                let (exact, size) = terms.fold((1.0, 1.0), |(sum, size): (f64, f64), x| (sum + x, size + x.abs()));
                assert!((f64::from(*sum) - exact).abs() <= 12.0 * 2f64.powi(-24) * size, "{sum} for {exact}");
            }
        }
    }
}
