//! Labels, targets and weights: what belongs to a row beside its values.

use super::dataset::{Dataset, Targets};
use super::error::DataError;
use std::sync::Arc;

impl<'a> Dataset<'a> {
    /// The class of row `row`, where there are labels.
    ///
    /// # Panics
    /// When there is no such row.
    #[track_caller]
    pub fn label(&self, row: usize) -> Option<u16> {
        match &self.labels {
            Some(labels) => Some(labels[self.original_row(row)]),
            None => {
                let (table, row) = self.place(row);
                table.label(row).map(u16::from)
            }
        }
    }

    /// The classes of all rows, where there are labels.
    pub fn labels(&self) -> Option<Vec<u16>> {
        (0..self.len()).map(|row| self.label(row)).collect()
    }

    /// The same rows with these classes, one a row, in place of whatever labels there were. They are `u8` or `u16`.
    ///
    /// ```
    /// use helmholtz::data::Dataset;
    /// let data = Dataset::from_u8(vec![0, 1, 1, 0], &[2, 2], 1)?.with_labels(&[3u16, 999])?;
    /// assert_eq!((data.label(1), data.subset(0..1).labels()), (Some(999), Some(vec![3])));
    /// # Ok::<(), helmholtz::data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// When there are not as many labels as rows.
    pub fn with_labels<L: Copy + Into<u16>>(&self, labels: &[L]) -> Result<Dataset<'a>, DataError> {
        if labels.len() != self.len() {
            let (name, shape) = (format!("labels of {}", self.name()), [self.len(), 1]);
            return Err(DataError::Shape { name, values: labels.len(), shape });
        }
        let mut all = vec![0; self.original_rows()];
        for (row, &label) in labels.iter().enumerate() {
            all[self.original_row(row)] = label.into();
        }
        Ok(Dataset { labels: Some(Arc::from(all)), ..self.clone() })
    }

    /// The numbers to predict for row `row`, `[target_width]`, where there are targets.
    ///
    /// # Panics
    /// When there is no such row.
    #[track_caller]
    pub fn target(&self, row: usize) -> Option<&[f32]> {
        let row = self.original_row(row);
        self.targets.as_ref().map(|Targets { values, width }| &values[row * width..][..*width])
    }

    /// Numbers to predict a row, where there are targets.
    pub fn target_width(&self) -> Option<usize> {
        self.targets.as_ref().map(|targets| targets.width)
    }

    /// The same rows with these numbers to predict, `[rows, width]`, any finite ones, in place of whatever targets there
    /// were.
    ///
    /// ```
    /// use helmholtz::data::Dataset;
    /// let data = Dataset::from_real(vec![-1.0, 0.5, 2.0], &[3, 1])?.with_targets(&[1.0, 0.25, 4.0], 1)?;
    /// assert_eq!((data.target_width(), data.subset(1..3).target(1)), (Some(1), Some(&[4.0][..])));
    /// # Ok::<(), helmholtz::data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// When the width is 0, there are not `rows · width` numbers, or one is not finite.
    pub fn with_targets(&self, targets: &[f32], width: usize) -> Result<Dataset<'a>, DataError> {
        let name = format!("targets of {}", self.name());
        if width == 0 {
            return Err(DataError::Empty { file: name, shape: vec![self.len() as u64, 0] });
        }
        if self.len().checked_mul(width) != Some(targets.len()) {
            return Err(DataError::Shape { name, values: targets.len(), shape: [self.len(), width] });
        }
        if let Some(place) = targets.iter().position(|value| !value.is_finite()) {
            let (row, column, value) = (place / width, place % width, f64::from(targets[place]));
            return Err(DataError::Value { file: name, row, column, value, largest: f64::INFINITY });
        }
        let mut values = vec![0.0; self.original_rows() * width];
        for (row, target) in targets.chunks_exact(width).enumerate() {
            values[self.original_row(row) * width..][..width].copy_from_slice(target);
        }
        Ok(Dataset { targets: Some(Targets { values: Arc::from(values), width }), ..self.clone() })
    }

    /// How much row `row` counts in training, where rows have weights.
    ///
    /// # Panics
    /// When there is no such row.
    #[track_caller]
    pub fn weight(&self, row: usize) -> Option<f32> {
        let row = self.original_row(row);
        self.weights.as_ref().map(|weights| weights[row])
    }

    /// Whether rows have weights.
    pub fn is_weighted(&self) -> bool {
        self.weights.is_some()
    }

    /// The same rows with these weights, one a row, in place of whatever weights there were: how much each counts in training, relative
    /// to their mean. Likelihoods are means over rows alike.
    ///
    /// ```
    /// use helmholtz::data::Dataset;
    /// let data = Dataset::from_real(vec![-1.0, 0.5, 2.0], &[3, 1])?.with_weights(&[1.0, 0.0, 2.5])?;
    /// assert_eq!((data.is_weighted(), data.subset(1..3).weight(1)), (true, Some(2.5)));
    /// # Ok::<(), helmholtz::data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// When there are not as many weights as rows, one is negative or not finite, or all are 0.
    pub fn with_weights(&self, weights: &[f32]) -> Result<Dataset<'a>, DataError> {
        let name = format!("weights of {}", self.name());
        if weights.len() != self.len() {
            return Err(DataError::Shape { name, values: weights.len(), shape: [self.len(), 1] });
        }
        let no_weight = |weight: &f32| !(weight.is_finite() && *weight >= 0.0);
        let none = || weights.iter().all(|weight| *weight == 0.0).then_some(0);
        if let Some(row) = weights.iter().position(no_weight).or_else(none) {
            return Err(DataError::Weight { name, row, weight: weights[row] });
        }
        let mut all = vec![0.0; self.original_rows()];
        for (row, &weight) in weights.iter().enumerate() {
            all[self.original_row(row)] = weight;
        }
        Ok(Dataset { weights: Some(Arc::from(all)), ..self.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;
    use crate::data::{Binarization, Holdout};

    #[test]
    fn labels_and_targets_stay_with_their_rows() {
        let values: Vec<u8> = (0..200).collect();
        let data = Dataset::from_u8(&values, &[200, 1], 255).unwrap();
        assert_eq!((data.label(0), data.target(0), data.target_width()), (None, None, None));
        // Given to a part: the row's own number, its double and its half.
        let part = data.subset(50..150);
        let labels: Vec<u16> = (50..150).map(|row| 300 + row).collect();
        let targets: Vec<f32> = (50..150).flat_map(|row| [2.0 * row as f32, 0.5 * row as f32]).collect();
        let part = part.with_labels(&labels).unwrap().with_targets(&targets, 2).unwrap();
        let (train, held_out) = part.split_validation(Holdout::Count(30), Seed(1)).unwrap();
        for rows in [part.clone(), train.flipped(), held_out.subset(3..20)] {
            for row in 0..rows.len() {
                let original = rows.original_row(row);
                assert_eq!(rows.stored(row), [original as u8]);
                assert_eq!(rows.label(row), Some(300 + original as u16));
                assert_eq!(rows.target(row), Some(&[2.0 * original as f32, 0.5 * original as f32][..]));
            }
        }
        assert_eq!(train.len() + held_out.len(), 100);
        assert_ne!(part.fingerprint(), data.subset(50..150).fingerprint());
        let others = part.with_targets(&targets.iter().map(|x| x + 1.0).collect::<Vec<_>>(), 2).unwrap();
        assert_ne!(others.fingerprint(), part.fingerprint());
    }

    #[test]
    fn weights_stay_with_their_rows_and_are_seen() {
        let values: Vec<u8> = (0..200).collect();
        let data = Dataset::from_u8(&values, &[200, 1], 255).unwrap().binarized(Binarization::None);
        assert!(!data.is_weighted() && data.weight(3).is_none());
        let weights: Vec<f32> = (0..200).map(|row| row as f32).collect();
        let weighted = data.with_weights(&weights).unwrap();
        let (fewer, held_out) = weighted.split_validation(Holdout::Count(50), Seed(4)).unwrap();
        for part in [&weighted, &fewer, &held_out] {
            let mut row = [0.0];
            for index in 0..part.len() {
                part.row_into(index, &mut row);
                assert_eq!(part.weight(index), Some((row[0] * 255.0).round()));
            }
        }
        assert_ne!(data.fingerprint(), weighted.fingerprint());
        let said = |weights: &[f32]| data.subset(0..2).with_weights(weights).unwrap_err().to_string();
        assert!(said(&[1.0]).contains("weights of"), "{}", said(&[1.0]));
        assert!(said(&[1.0, -2.0]).ends_with("row 1 is -2, wanted a number from 0 on, and not 0 for all"));
        assert!(said(&[f32::NAN, 1.0]).contains("row 0 is NaN"));
        assert!(said(&[0.0, 0.0]).contains("row 0 is 0"));
    }

    #[test]
    fn labels_replace_those_of_the_source() {
        let digits = Dataset::digits();
        let odd: Vec<u8> = digits.labels().unwrap().into_iter().map(|label| label as u8 % 2).collect();
        let parity = digits.with_labels(&odd).unwrap();
        assert_eq!((digits.test().label(0), parity.test().label(0)), (Some(4), Some(0)));
        assert_eq!((digits.test().label(1), parity.test().label(1)), (Some(9), Some(1)));
    }

    #[test]
    fn labels_and_targets_of_another_length_are_refused() {
        let data = Dataset::bars(2).unwrap();
        let said = |error: DataError| error.to_string();
        assert_eq!(said(data.with_labels(&[1u8; 5]).unwrap_err()), "labels of bars:2: 5 values, wanted 6 × 1");
        let targets = [0.5; 13];
        assert_eq!(
            said(data.with_targets(&targets, 2).unwrap_err()),
            "targets of bars:2: 13 values, wanted 6 × 2"
        );
        assert!(matches!(data.with_targets(&[], 0), Err(DataError::Empty { .. })));
        assert!(data.with_targets(&targets[..6], usize::MAX).is_err());
        let mut targets = [0.5; 12];
        targets[7] = f32::NAN;
        assert_eq!(
            said(data.with_targets(&targets, 2).unwrap_err()),
            "targets of bars:2: row 3, column 1 is NaN, wanted a finite number"
        );
    }
}
