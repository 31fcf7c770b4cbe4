//! Which rows are for training, validation and testing.

use super::dataset::{Dataset, Selection};
use super::error::DataError;
use super::shuffle::KeyedPermutation;
use crate::random::Seed;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// How many rows are held out of training to select by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Holdout {
    /// This part of the rows, between 0 and 1, rounded to whole rows.
    Fraction(f64),
    /// This many rows.
    Count(usize),
}

impl fmt::Display for Holdout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Holdout::Fraction(fraction) => write!(f, "a fraction of {fraction}"),
            Holdout::Count(count) => write!(f, "{count}"),
        }
    }
}

impl<'a> Dataset<'a> {
    /// Whether the source comes with test rows of its own, as `digits` and MNIST do.
    pub fn has_test_split(&self) -> bool {
        self.first_test_row().is_some()
    }

    /// Those of the rows that are for training: all of them, when the source knows no split.
    pub fn train(&self) -> Dataset<'a> {
        match self.first_test_row() {
            Some(first) => self.keep(0..self.position(first)),
            None => self.clone(),
        }
    }

    /// Those of the rows that are for testing: all of them, when the source knows no split. Of the training rows of a
    /// source that does, none.
    pub fn test(&self) -> Dataset<'a> {
        match self.first_test_row() {
            Some(first) => self.keep(self.position(first)..self.len()),
            None => self.clone(),
        }
    }

    /// The rows `rows`, in order.
    ///
    /// # Panics
    /// When they are not all there.
    #[track_caller]
    pub fn subset(&self, rows: Range<usize>) -> Dataset<'a> {
        assert!(
            rows.start <= rows.end && rows.end <= self.len(),
            "rows {rows:?} of a dataset of {} rows",
            self.len()
        );
        self.keep(rows)
    }

    /// Training and validation rows: the latter are drawn without replacement, the same ones for the same seed, and
    /// both keep the order they had.
    ///
    /// # Errors
    /// When no row would be left on one of the sides.
    pub fn split_validation(
        &self,
        held_out: Holdout,
        seed: Seed,
    ) -> Result<(Dataset<'a>, Dataset<'a>), DataError> {
        let count = match held_out {
            // A NaN becomes 0, which is refused below.
            Holdout::Fraction(fraction) => (fraction * self.len() as f64).round() as usize,
            Holdout::Count(count) => count,
        };
        if count == 0 || count >= self.len() {
            return Err(DataError::Split {
                name: self.name().to_owned(),
                rows: self.len(),
                held_out: held_out.to_string(),
            });
        }
        let permutation = KeyedPermutation::new(self.len(), seed.derive("validation split", 0).0);
        let mut is_held_out = vec![false; self.len()];
        for position in 0..count {
            is_held_out[permutation.at(position)] = true;
        }
        let (mut train, mut validation) = (Vec::with_capacity(self.len() - count), Vec::with_capacity(count));
        for (row, held_out) in is_held_out.into_iter().enumerate() {
            let index = self.selection.index(row);
            if held_out { validation.push(index) } else { train.push(index) }
        }
        let part = |rows: Vec<usize>| Dataset { selection: Selection::from(rows), ..self.clone() };
        Ok((part(train), part(validation)))
    }

    fn keep(&self, rows: Range<usize>) -> Dataset<'a> {
        let start = self.selection.range.start;
        let range = start + rows.start..start + rows.end;
        Dataset { selection: Selection { range, ..self.selection.clone() }, ..self.clone() }
    }

    /// How many of the rows lie before row `index` of the source.
    fn position(&self, index: usize) -> usize {
        let range = &self.selection.range;
        match &self.selection.list {
            Some(list) => list[range.clone()].partition_point(|&row| row < index),
            None => index.clamp(range.start, range.end) - range.start,
        }
    }
}

impl From<Vec<usize>> for Selection {
    fn from(rows: Vec<usize>) -> Self {
        Selection { range: 0..rows.len(), list: Some(Arc::from(rows)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_know_their_parts() {
        let digits = Dataset::digits();
        assert!(digits.has_test_split());
        assert_eq!((digits.train().len(), digits.test().len()), (1438, 359));
        assert_eq!(digits.train().train().len(), 1438);
        assert!(digits.train().test().is_empty());
        assert!(digits.test().train().is_empty());
        assert_eq!(digits.subset(1400..1500).test().len(), 62);
        // Every fifth image is a test image: the fifth of the original order is a four.
        assert_eq!((digits.test().label(0), digits.train().label(4)), (Some(4), Some(5)));
    }

    #[test]
    fn validation_rows_are_a_partition_and_a_function_of_the_seed() {
        let values: Vec<u8> = (0..=255).collect();
        let all = Dataset::from_u8(&values, &[256, 1], 255).unwrap();
        let first = |data: &Dataset<'_>| (0..data.len()).map(|row| data.stored(row)[0]).collect::<Vec<_>>();
        let (train, validation) = all.split_validation(Holdout::Fraction(0.25), Seed(1)).unwrap();
        assert_eq!((train.len(), validation.len()), (192, 64));
        let mut together = [first(&train), first(&validation)].concat();
        together.sort_unstable();
        assert_eq!(together, values);
        let again = all.split_validation(Holdout::Count(64), Seed(1)).unwrap().1;
        assert_eq!(first(&again), first(&validation));
        let other = all.split_validation(Holdout::Count(64), Seed(2)).unwrap().1;
        assert_ne!(first(&other), first(&validation));
        assert_eq!(first(&train.subset(5..8)), first(&train)[5..8]);
        // Split again, and cut: no row is lost or doubled.
        let (a, b) = train.subset(10..110).split_validation(Holdout::Count(30), Seed(3)).unwrap();
        let mut together = [first(&a), first(&b)].concat();
        together.sort_unstable();
        assert_eq!(together, first(&train)[10..110]);
        for bad in [Holdout::Fraction(f64::NAN), Holdout::Fraction(1.0), Holdout::Count(0), Holdout::Count(256)] {
            assert!(all.split_validation(bad, Seed(1)).is_err(), "{bad}");
        }
    }

    #[test]
    fn validation_of_digits_never_holds_a_test_row() {
        let (train, validation) =
            Dataset::digits().train().split_validation(Holdout::Fraction(0.1), Seed(1)).unwrap();
        assert_eq!(train.len() + validation.len(), 1438);
        assert!(validation.test().is_empty() && train.test().is_empty());
        assert_eq!(validation.train().len(), validation.len());
    }
}
