//! The digits that are part of the program.
//!
//! `digits.u8` holds the test part (1,797 images of 8×8) of *Optical Recognition of Handwritten Digits*,
//! E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, 1998, <https://doi.org/10.24432/C50P49>, licence
//! CC BY 4.0. Changed: each number is one byte, and every fifth image of the original order (index mod 5 = 4) was
//! moved behind the others, to be the test rows. First all images, 64 grey levels from 0 to 16 each, then a label each.

use super::dataset::Dataset;
use super::source::Source;
use super::table::{Element, Table};

static BYTES: &[u8] = include_bytes!("digits.u8");
const PIXELS: usize = 64;
const TRAIN: usize = 1438;
const ROWS: usize = 1797;

impl Dataset<'_> {
    /// The embedded digits: 1,438 training and 359 test images of 8×8 in 17 grey levels, with labels.
    ///
    /// They are the 1,797 images of the test part of *Optical Recognition of Handwritten Digits* (Alpaydin and Kaynak,
    /// UCI Machine Learning Repository, 1998, CC BY 4.0); every fifth one, in the original order, is a test image.
    pub fn digits() -> Dataset<'static> {
        let part = |first: usize, rows: usize| Table {
            source: Source::Borrowed(BYTES),
            offset: first * PIXELS,
            rows,
            width: PIXELS,
            image_shape: (8, 8),
            element: Element::U8 { scale: 16 },
            labels: Some((Source::Borrowed(BYTES), ROWS * PIXELS + first)),
        };
        Dataset::from_tables("digits".to_owned(), part(0, TRAIN), Some(part(TRAIN, ROWS - TRAIN)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_bytes_are_whole() {
        assert_eq!(BYTES.len(), ROWS * (PIXELS + 1));
        assert!(BYTES[..ROWS * PIXELS].iter().all(|&level| level <= 16));
        assert_eq!(BYTES[..ROWS * PIXELS].iter().map(|&level| u64::from(level)).sum::<u64>(), 561_718);
        let digits = Dataset::digits();
        let mut counts = [0; 10];
        for label in digits.labels().unwrap() {
            counts[usize::from(label)] += 1;
        }
        // As published with the set.
        assert_eq!(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
    }

    #[test]
    fn the_first_image_is_the_zero_everyone_knows() {
        let digits = Dataset::digits().binarized(crate::data::Binarization::None);
        let mut row = [0.0; 64];
        digits.row_into(0, &mut row);
        assert_eq!(&row[..8], &[0.0, 0.0, 5.0, 13.0, 9.0, 1.0, 0.0, 0.0].map(|level: f32| level / 16.0));
        assert_eq!(digits.label(0), Some(0));
    }
}
