//! Missing values: numbers of rows that nobody knows, or that are not to be looked at.

use super::dataset::Dataset;
use super::error::DataError;
use super::named_bytes::NamedBytes;
use super::npy;
use super::table::Element;
use std::path::Path;
use std::sync::Arc;

/// Which values of the origin's rows are missing, a bit each.
#[derive(Clone)]
pub(super) struct Missing(Arc<[u64]>);

impl Missing {
    /// Whether the value at a place `row · width + column` of the origin is missing.
    #[inline]
    fn at(&self, place: usize) -> bool {
        self.0[place / 64] >> (place % 64) & 1 == 1
    }
}

impl<'a> Dataset<'a> {
    /// Numbers `[rows, width]` of which NaN is a missing value: grey levels or bits where all others are in [0, 1], else real numbers.
    ///
    /// ```
    /// use helmholtz::data::Dataset;
    /// let data = Dataset::from_incomplete(vec![0.0, 1.0, f32::NAN, 1.0], &[2, 2])?;
    /// assert!(data.is_missing(1, 0) && data.is_binary());
    /// assert_eq!(data.means(), [0.0, 1.0]); // of the values that are there
    /// # Ok::<(), helmholtz::data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// When the number of values is not that of the shape, the shape is empty, a number is infinite, or all are missing.
    pub fn from_incomplete(values: Vec<f32>, shape: &[usize; 2]) -> Result<Dataset<'static>, DataError> {
        Dataset::incomplete("array".to_owned(), values, shape)
    }

    /// A 2-D `.npy` of numbers of which NaN is a missing value, read into memory.
    ///
    /// # Errors
    /// When the file is missing, no `.npy`, of another shape, cut short, too long, holds an infinite number, or nothing but NaN.
    pub fn open_incomplete(path: &Path) -> Result<Dataset<'static>, DataError> {
        let name = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|error| DataError::io(path, error))?;
        let (values, shape) = npy::npy_numbers(&NamedBytes::new(name.clone(), bytes))?;
        Dataset::incomplete(name, values, &shape)
    }

    fn incomplete(name: String, mut values: Vec<f32>, shape: &[usize; 2]) -> Result<Dataset<'static>, DataError> {
        let missing: Vec<bool> = values.iter().map(|value| value.is_nan()).collect();
        if !missing.is_empty() && missing.iter().all(|missing| *missing) {
            return Err(DataError::AllMissing { name });
        }
        for (value, _) in values.iter_mut().zip(&missing).filter(|(_, missing)| **missing) {
            *value = 0.0;
        }
        let levels = values.iter().all(|value| (0.0..=1.0).contains(value));
        let element = if levels { Element::F32 } else { Element::Real };
        Dataset::from_floats(name, values.into(), shape, element)?.with_missing(&missing)
    }

    /// The same rows without the values that `missing` `[rows, width]` names, beside those that are missing already. Where it names none, the
    /// dataset is what it was.
    ///
    /// # Errors
    /// When there are not as many as values of the rows.
    pub fn with_missing(&self, missing: &[bool]) -> Result<Dataset<'a>, DataError> {
        let width = self.width();
        if missing.len() != self.len() * width {
            let name = format!("mask of {}", self.name());
            return Err(DataError::Shape { name, values: missing.len(), shape: [self.len(), width] });
        }
        if !missing.contains(&true) {
            return Ok(self.clone());
        }
        let mut words = match &self.missing {
            Some(Missing(words)) => words.to_vec(),
            None => vec![0u64; (self.original_rows() * width).div_ceil(64)],
        };
        for (row, missing) in missing.chunks_exact(width).enumerate() {
            let first = self.original_row(row) * width;
            for (column, _) in missing.iter().enumerate().filter(|(_, missing)| **missing) {
                words[(first + column) / 64] |= 1 << ((first + column) % 64);
            }
        }
        Ok(Dataset { missing: Some(Missing(words.into())), ..self.clone() })
    }

    /// Whether values of some rows are missing, be they selected or not.
    pub fn has_missing(&self) -> bool {
        self.missing.is_some()
    }

    /// Whether the value of a row and a column is missing.
    ///
    /// # Panics
    /// When there is no such row.
    #[track_caller]
    pub fn is_missing(&self, row: usize, column: usize) -> bool {
        let index = self.original_row(row);
        self.missing.as_ref().is_some_and(|missing| missing.at(index * self.width() + column))
    }

    /// 1 where a value of row `row` is missing, else 0, into `out`, `[width]`.
    ///
    /// # Panics
    /// When there is no such row, or `out` is not `[width]`.
    #[track_caller]
    pub fn missing_into(&self, row: usize, out: &mut [f32]) {
        assert_eq!(out.len(), self.width(), "a row of {} values into a slice of {}", self.width(), out.len());
        out.iter_mut()
            .enumerate()
            .for_each(|(column, out)| *out = f32::from(u8::from(self.is_missing(row, column))));
    }

    /// How many values of the rows are missing.
    pub fn missing_count(&self) -> usize {
        self.missing_places().count()
    }

    /// Row and column of the first missing value.
    pub fn first_missing(&self) -> Option<[usize; 2]> {
        self.missing_places().next()
    }

    /// Row and column of each missing value.
    fn missing_places(&self) -> impl Iterator<Item = [usize; 2]> + '_ {
        let rows = if self.has_missing() { self.len() } else { 0 };
        let places = (0..rows).flat_map(|row| (0..self.width()).map(move |column| [row, column]));
        places.filter(|&[row, column]| self.is_missing(row, column))
    }

    /// The first column of which no value is there.
    pub fn empty_column(&self) -> Option<usize> {
        if !self.has_missing() {
            return None;
        }
        (0..self.width()).find(|&column| (0..self.len()).all(|row| self.is_missing(row, column)))
    }

    /// Zeros in place of the values of row `row` that are missing.
    #[inline]
    pub(super) fn blank_missing(&self, row: usize, out: &mut [f32]) {
        if self.has_missing() {
            for (column, value) in out.iter_mut().enumerate() {
                if self.is_missing(row, column) {
                    *value = 0.0;
                }
            }
        }
    }

    /// [`means`](Dataset::means) of the values that are there; 0 for a column without any.
    pub(super) fn means_of_what_is_there(&self) -> Vec<f64> {
        self.average_what_is_there(|_, value| value)
    }

    /// Mean squared distance of each column's values, of those that are there, from their mean, `[width]`; 0 for a column without any.
    pub fn variances(&self) -> Vec<f64> {
        let means = self.means();
        self.average_what_is_there(|column, value| (value - means[column]).powi(2))
    }

    fn average_what_is_there(&self, of: impl Fn(usize, f64) -> f64) -> Vec<f64> {
        let width = self.width();
        let (mut sums, mut counts, mut values) = (vec![0.0; width], vec![0usize; width], vec![0.0; width]);
        for row in 0..self.len() {
            self.row_into(row, &mut values);
            for column in (0..width).filter(|&column| !self.is_missing(row, column)) {
                sums[column] += of(column, f64::from(values[column]));
                counts[column] += 1;
            }
        }
        sums.iter().zip(counts).map(|(sum, count)| sum / count.max(1) as f64).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Unsuitable, Values};

    #[test]
    fn missing_values_are_known_by_their_rows_and_never_read() {
        let complete = Dataset::from_real(vec![1.0, -2.0, 3.0, 4.0, 5.0, 6.0], &[3, 2]).unwrap();
        let data = complete.with_missing(&[false, true, false, false, true, false]).unwrap();
        assert_eq!((data.missing_count(), data.first_missing()), (2, Some([0, 1])));
        let with_nan = Dataset::from_incomplete(vec![1.0, f32::NAN, 3.0, 4.0, f32::NAN, 6.0], &[3, 2]).unwrap();
        assert!(with_nan.is_real() && with_nan.fingerprint() == data.fingerprint());
        assert_ne!(data.fingerprint(), complete.fingerprint());
        for data in [&data, &with_nan] {
            assert_eq!(data.means(), [2.0, 5.0]);
            let mut row = [0.0; 2];
            data.subset(1..3).row_into(1, &mut row);
            assert_eq!(row, [0.0, 6.0]);
            data.subset(1..3).missing_into(1, &mut row);
            assert_eq!(row, [1.0, 0.0]);
        }
        let more = data.subset(2..3).with_missing(&[false, true]).unwrap();
        assert_eq!((more.missing_count(), more.empty_column()), (2, Some(0)));
        assert_eq!(data.empty_column(), None);
        // A mask of nothing is none.
        let same = complete.with_missing(&[false; 6]).unwrap();
        assert!(!same.has_missing() && same.fingerprint() == complete.fingerprint());
    }

    #[test]
    fn what_is_not_right_is_named() {
        let said = |values: Vec<f32>, shape| Dataset::from_incomplete(values, shape).unwrap_err().to_string();
        assert_eq!(said(vec![f32::NAN; 2], &[1, 2]), "array: all values are missing");
        assert_eq!(
            said(vec![f32::INFINITY, 0.0], &[1, 2]),
            "array: row 0, column 0 is inf, wanted a finite number"
        );
        let data = Dataset::bars(2).unwrap();
        let error = data.with_missing(&[true; 3]).unwrap_err().to_string();
        assert_eq!(error, format!("mask of bars:2: 3 values, wanted {} × 4", data.len()));
        let mut mask = vec![false; data.len() * 4];
        mask[6] = true;
        let holed = data.with_missing(&mask).unwrap();
        assert_eq!(Values::Bits.check(&holed), Err(Unsuitable::Missing { row: 1, column: 2 }));
        assert_eq!(Values::Bits.check_observed(&holed), Ok(()));
    }
}
