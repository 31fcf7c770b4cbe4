//! Labels, targets and weights: what belongs to a row beside its values.

use super::batches::Batches;
use super::dataset::{Dataset, Targets};
use super::error::DataError;
use crate::random::Seed;
use std::sync::Arc;

/// What stands where a row has no label.
const UNLABELLED: u16 = u16::MAX;

impl<'a> Dataset<'a> {
    /// The class of row `row`, where it has a label.
    ///
    /// # Panics
    /// When there is no such row.
    #[track_caller]
    pub fn label(&self, row: usize) -> Option<u16> {
        match &self.labels {
            Some(labels) => Some(labels[self.original_row(row)]).filter(|label| *label != UNLABELLED),
            None => {
                let (table, row) = self.place(row);
                table.label(row).map(u16::from)
            }
        }
    }

    /// The classes of all rows, where all have labels.
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
    /// When there are not as many labels as rows, or one is 65535.
    pub fn with_labels<L: Copy + Into<u16>>(&self, labels: &[L]) -> Result<Dataset<'a>, DataError> {
        let labels: Vec<Option<u16>> = labels.iter().map(|&label| Some(label.into())).collect();
        self.with_some_labels(&labels)
    }

    /// The same rows with these classes, one a row, `None` for a row without a label, in place of whatever labels there were.
    ///
    /// ```
    /// use helmholtz::data::Dataset;
    /// let data = Dataset::from_u8(vec![0, 1, 1, 0], &[2, 2], 1)?.with_some_labels(&[None, Some(7)])?;
    /// assert_eq!((data.label(0), data.label(1), data.labelled_rows(), data.labels()), (None, Some(7), vec![1], None));
    /// # Ok::<(), helmholtz::data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// When there are not as many labels as rows, or one is 65535.
    pub fn with_some_labels(&self, labels: &[Option<u16>]) -> Result<Dataset<'a>, DataError> {
        let name = format!("labels of {}", self.name());
        if labels.len() != self.len() {
            return Err(DataError::Shape { name, values: labels.len(), shape: [self.len(), 1] });
        }
        if let Some(row) = labels.iter().position(|label| *label == Some(UNLABELLED)) {
            return Err(DataError::Label { file: name, row, label: UNLABELLED.to_string() });
        }
        let mut all = self.labels_of_the_origin();
        for (row, label) in labels.iter().enumerate() {
            all[self.original_row(row)] = label.unwrap_or(UNLABELLED);
        }
        Ok(Dataset { labels: Some(Arc::from(all)), ..self.clone() })
    }

    /// The labels of all rows of the origin, whichever of them are selected.
    fn labels_of_the_origin(&self) -> Vec<u16> {
        if let Some(labels) = &self.labels {
            return labels.to_vec();
        }
        let all = Dataset { selection: (0..self.original_rows()).collect::<Vec<_>>().into(), ..self.clone() };
        (0..all.len()).map(|row| all.label(row).unwrap_or(UNLABELLED)).collect()
    }

    /// The rows that have a label, in order.
    pub fn labelled_rows(&self) -> Vec<usize> {
        (0..self.len()).filter(|&row| self.label(row).is_some()).collect()
    }

    /// Whether a row has a label.
    pub fn has_labels(&self) -> bool {
        (0..self.len()).any(|row| self.label(row).is_some())
    }

    /// One more than the largest label: how many classes there are, where some row has a label.
    pub fn classes(&self) -> Option<usize> {
        (0..self.len()).filter_map(|row| self.label(row)).max().map(|largest| usize::from(largest) + 1)
    }

    /// The same rows with `count` of their labels, the others hidden: of each class as many as of any other, or one more, where it has
    /// so many. Which ones is up to the seed.
    ///
    /// ```
    /// use helmholtz::{Seed, data::Dataset};
    /// let few = Dataset::digits().train().keep_labels(20, Seed(1))?;
    /// let kept: Vec<usize> = few.labelled_rows();
    /// assert_eq!(kept.len(), 20);
    /// assert_eq!(kept.iter().filter(|&&row| few.label(row) == Some(3)).count(), 2);
    /// # Ok::<(), helmholtz::data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// When fewer rows have labels, or `count` is 0.
    pub fn keep_labels(&self, count: usize, seed: Seed) -> Result<Dataset<'a>, DataError> {
        let labelled = self.labelled_rows();
        if count == 0 || count > labelled.len() {
            return Err(DataError::FewLabels {
                name: self.name().to_owned(),
                labelled: labelled.len(),
                wanted: count,
            });
        }
        let mut order = vec![0; labelled.len()];
        Batches::new(labelled.len(), labelled.len(), seed.derive("labels", 0)).fill(0, &mut order);
        let mut of_class = vec![Vec::new(); self.classes().unwrap_or(0)];
        for place in order {
            let row = labelled[place];
            of_class[usize::from(self.label(row).expect("a label"))].push(row);
        }
        let mut labels = vec![None; self.len()];
        let (mut kept, mut turn) = (0, 0);
        while kept < count {
            for row in of_class.iter().filter_map(|rows| rows.get(turn)).take(count - kept) {
                labels[*row] = self.label(*row);
                kept += 1;
            }
            turn += 1;
        }
        self.with_some_labels(&labels)
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
    fn kept_labels_are_balanced_and_the_seeds() {
        let train = Dataset::digits().train();
        let few = train.keep_labels(23, Seed(3)).unwrap();
        let mut counts = [0; 10];
        for row in 0..train.len() {
            if let Some(label) = few.label(row) {
                assert_eq!(train.label(row), Some(label));
                counts[usize::from(label)] += 1;
            }
        }
        assert_eq!(counts, [3, 3, 3, 2, 2, 2, 2, 2, 2, 2]);
        assert_eq!(few.labelled_rows(), train.keep_labels(23, Seed(3)).unwrap().labelled_rows());
        assert_ne!(few.labelled_rows(), train.keep_labels(23, Seed(4)).unwrap().labelled_rows());
        // Hidden is hidden: as if a file had said so, also to the fingerprint. Test rows keep theirs.
        let given: Vec<Option<u16>> = (0..train.len()).map(|row| few.label(row)).collect();
        assert_eq!(train.with_some_labels(&given).unwrap().fingerprint(), few.fingerprint());
        let all = Dataset::digits();
        let part = all.train().keep_labels(10, Seed(1)).unwrap();
        assert_eq!((part.classes(), part.labels(), part.has_labels()), (Some(10), None, true));
        let said = |count| train.keep_labels(count, Seed(1)).unwrap_err().to_string();
        assert_eq!(said(0), "digits: 0 labels of 1438 that there are, wanted at least 1 and no more than these");
        assert_eq!(
            said(1439),
            "digits: 1439 labels of 1438 that there are, wanted at least 1 and no more than these"
        );
        assert!(train.subset(0..1).with_labels(&[u16::MAX]).is_err());
        // A class that has no more is passed over.
        let scarce = Dataset::from_u8(vec![0; 5], &[5, 1], 1).unwrap().with_labels(&[0u8, 1, 1, 1, 1]).unwrap();
        let kept = scarce.keep_labels(4, Seed(1)).unwrap();
        assert_eq!((kept.labelled_rows().len(), kept.label(0)), (4, Some(0)));
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
