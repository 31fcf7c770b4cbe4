//! Bars and stripes: the smallest set with structure, whose distribution is known exactly.

use super::dataset::Dataset;
use super::error::DataError;
use super::source::Source;
use super::table::{Element, Table};

/// 16×16 has 131,070 patterns, 34 MB.
const LARGEST: usize = 16;

impl Dataset<'_> {
    /// The distinct `n`×`n` bars and stripes (MacKay 2003, §43): every image whose rows are constant, then every
    /// other one whose columns are. 2·2ⁿ − 2 patterns: the model that knows them all has a log-likelihood of
    /// −ln(2·2ⁿ − 2). Training and test rows are all of them.
    ///
    /// # Errors
    /// When `n` is 0 or above 16.
    pub fn bars(n: usize) -> Result<Dataset<'static>, DataError> {
        if !(1..=LARGEST).contains(&n) {
            return Err(DataError::Bars { size: n.to_string() });
        }
        let all = (1usize << n) - 1;
        let mut bytes = Vec::with_capacity(2 * all * n * n);
        for lines in 0..=all {
            bytes.extend((0..n * n).map(|pixel| (lines >> (pixel / n) & 1) as u8));
        }
        // All dark and all light are both: counted once.
        for lines in 1..all {
            bytes.extend((0..n * n).map(|pixel| (lines >> (pixel % n) & 1) as u8));
        }
        let table = Table {
            source: Source::Owned(bytes),
            offset: 0,
            rows: 2 * all,
            width: n * n,
            image_shape: (n, n),
            element: Element::U8 { scale: 1 },
            labels: None,
        };
        Ok(Dataset::from_tables(format!("bars:{n}"), table, None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn all_are_distinct_and_constant_along_one_axis() {
        for (n, patterns) in [(1, 2), (2, 6), (3, 14), (4, 30)] {
            let bars = Dataset::bars(n).unwrap();
            assert_eq!((bars.len(), bars.train().len(), bars.test().len()), (patterns, patterns, patterns));
            assert!(bars.is_binary());
            let mut distinct = BTreeSet::new();
            for row in 0..bars.len() {
                let mut image = vec![0.0; n * n];
                bars.row_into(row, &mut image);
                let rows_constant = image.chunks(n).all(|line| line.iter().all(|pixel| *pixel == line[0]));
                let columns_constant = image.chunks(n).all(|line| line == &image[..n]);
                assert!(rows_constant || columns_constant);
                distinct.insert(image.iter().map(|pixel| *pixel as u8).collect::<Vec<_>>());
            }
            assert_eq!(distinct.len(), patterns);
            assert!(bars.means().iter().all(|mean| *mean == 0.5));
        }
        assert!(Dataset::bars(0).is_err() && Dataset::bars(17).is_err());
    }
}
