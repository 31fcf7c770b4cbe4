//! Two samples of rows, and how far apart all of them are: what tests of two samples are made of.

use crate::kernels::gemm::{Epilogue, MatrixRef, gemm};
use crate::parallel::{chunks_mut, for_each};
use std::error::Error;
use std::fmt;

/// Why two samples cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TwoSampleError {
    /// A sample is too small.
    TooFew {
        /// Rows of the smaller one.
        rows: usize,
        /// The fewest that will do.
        wanted: usize,
    },
    /// A number of a row is NaN or infinite.
    NotFinite {
        /// The row, in the first sample and then the second one.
        row: usize,
    },
}

impl TwoSampleError {
    /// What usually helps.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            TwoSampleError::TooFew { .. } => Some("more draws or more rows help"),
            TwoSampleError::NotFinite { .. } => None,
        }
    }
}

impl fmt::Display for TwoSampleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TwoSampleError::TooFew { rows, wanted } => {
                write!(f, "a sample of {rows} rows, and at least {wanted} are wanted")
            }
            TwoSampleError::NotFinite { row } => {
                write!(f, "row {row} of the two samples holds a number that is not finite")
            }
        }
    }
}

impl Error for TwoSampleError {}

/// Two samples of rows, pooled: the squared distances of all pairs.
///
/// |x − y|² is |x|² + |y|² − 2 x·y, of rows less the first of them, with the products in f32: within about (width + 5) 2⁻²⁴
/// (|x|² + |y|²), and exact for bits and whole numbers whose squares sum up to less than 2²⁴. Of identical rows it is exactly 0,
/// as all three products are then sums of the same numbers in the same order.
#[derive(Clone, Debug)]
pub struct TwoSamples {
    first: usize,
    second: usize,
    /// `[first + second, first + second]`.
    squares: Vec<f32>,
}

impl TwoSamples {
    /// The samples `first` `[rows, width]` and `second` `[rows, width]`.
    ///
    /// # Errors
    /// Where one of them has less than two rows, or a number is not finite.
    ///
    /// # Panics
    /// Where they are no whole rows.
    #[track_caller]
    pub fn new(first: &[f32], second: &[f32], width: usize) -> Result<Self, TwoSampleError> {
        assert!(
            width > 0 && first.len().is_multiple_of(width) && second.len().is_multiple_of(width),
            "{} and {} numbers in rows of {width}",
            first.len(),
            second.len()
        );
        let [m, n] = [first.len() / width, second.len() / width];
        Self::fewest(m.min(n), 2)?;
        let mut rows: Vec<f32> = [first, second].concat();
        if let Some(place) = rows.iter().position(|x| !x.is_finite()) {
            return Err(TwoSampleError::NotFinite { row: place / width });
        }
        take_first_off(&mut rows, width);
        let count = m + n;
        let mut squares = vec![0.0; count * count];
        let all = MatrixRef::row_major(&rows, count, width);
        gemm(all, all.transposed(), &mut squares, Epilogue::default());
        let norms: Vec<f32> = (0..count).map(|i| squares[i * count + i]).collect();
        for_each(chunks_mut(&mut squares, count), |i, line: &mut [f32]| {
            for (square, norm) in line.iter_mut().zip(&norms) {
                *square = (norms[i] + norm - 2.0 * *square).max(0.0);
            }
        });
        Ok(TwoSamples { first: m, second: n, squares })
    }

    /// Rows of the first sample.
    pub fn first(&self) -> usize {
        self.first
    }

    /// Rows of the second sample.
    pub fn second(&self) -> usize {
        self.second
    }

    /// Rows of both.
    pub(super) fn len(&self) -> usize {
        self.first + self.second
    }

    /// The squared distances of row `row` of the pooled sample, `[first + second]`.
    pub(super) fn squares(&self, row: usize) -> &[f32] {
        &self.squares[row * self.len()..][..self.len()]
    }

    pub(super) fn fewest(rows: usize, wanted: usize) -> Result<(), TwoSampleError> {
        if rows < wanted { Err(TwoSampleError::TooFew { rows, wanted }) } else { Ok(()) }
    }
}

/// Takes the first row off all of them: products of numbers far from 0 would cancel. What is left of whole numbers is whole,
/// where a mean would leave fractions and rounding would decide ties.
fn take_first_off(rows: &mut [f32], width: usize) {
    let first = rows[..width].to_vec();
    for row in rows.chunks_exact_mut(width) {
        row.iter_mut().zip(&first).for_each(|(x, first)| *x -= first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;

    /// |x − y|² in f64.
    pub(in super::super) fn reference(x: &[f32], y: &[f32]) -> f64 {
        x.iter().zip(y).map(|(&x, &y)| (f64::from(x) - f64::from(y)).powi(2)).sum()
    }

    #[test]
    fn distances_are_those_of_the_rows_and_identical_rows_have_none() {
        let mut stream = Seed(3).stream("rows", 0);
        let width = 37;
        let mut rows: Vec<f32> = (0..21 * width).map(|_| 50.0 + 3.0 * stream.normal() as f32).collect();
        rows.copy_within(0..width, 20 * width);
        let pooled = TwoSamples::new(&rows[..9 * width], &rows[9 * width..], width).unwrap();
        assert_eq!((pooled.first(), pooled.second()), (9, 12));
        for i in 0..21 {
            for j in 0..21 {
                let wanted = reference(&rows[i * width..][..width], &rows[j * width..][..width]);
                let given = f64::from(pooled.squares(i)[j]);
                // Norms of the differences, which are 37 · 18 on average and hardly ever twice that; a rounding of each number,
                // 50 · 2⁻²⁴, moves a square of 26 by 52 of them.
                let bound = 42.0 * 2f64.powi(-24) * 4.0 * 37.0 * 18.0 + 37.0 * 52.0 * 50.0 * 2f64.powi(-24);
                assert!((given - wanted).abs() <= bound, "{given}, wanted {wanted}");
            }
            assert_eq!(pooled.squares(i)[i], 0.0);
        }
        assert_eq!(pooled.squares(0)[20], 0.0);
        let bits: Vec<f32> = (0..40).map(|k| f32::from(u8::from(k % 3 == 0))).collect();
        let pooled = TwoSamples::new(&bits[..20], &bits[20..], 10).unwrap();
        for i in 0..4 {
            for j in 0..4 {
                let wanted = reference(&bits[i * 10..][..10], &bits[j * 10..][..10]);
                assert_eq!(f64::from(pooled.squares(i)[j]), wanted);
            }
        }
    }

    #[test]
    fn too_few_rows_and_numbers_that_are_none_are_refused() {
        let error = TwoSamples::new(&[1.0, 2.0], &[1.0, 2.0, 3.0, 4.0], 2).unwrap_err();
        assert_eq!(error, TwoSampleError::TooFew { rows: 1, wanted: 2 });
        assert_eq!(error.to_string(), "a sample of 1 rows, and at least 2 are wanted");
        assert!(error.hint().is_some());
        let error = TwoSamples::new(&[1.0, 2.0], &[1.0, f32::NAN], 1).unwrap_err();
        assert_eq!(error, TwoSampleError::NotFinite { row: 3 });
    }
}
