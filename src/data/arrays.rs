//! Arrays: datasets of numbers that are in memory already, borrowed or owned.

use super::dataset::Dataset;
use super::error::DataError;
use super::source::Source;
use super::table::{Element, Table, square_shape};
use crate::tensor::BitMatrix;
use std::borrow::Cow;

impl<'a> Dataset<'a> {
    /// Borrowed or owned numbers in [0, 1], `[rows, width]`: grey levels, which stay as they are until
    /// [`binarized`](Self::binarized) asks for bits. Where all of them are 0 or 1 they are bits.
    ///
    /// ```
    /// use helmholtz::data::{Binarization, Dataset};
    /// let levels = Dataset::from_f32(&[0.0, 0.25, 0.5, 1.0], &[2, 2])?;
    /// assert_eq!((levels.is_grey(), levels.means()), (true, vec![0.25, 0.625]));
    /// assert_eq!(levels.binarized(Binarization::Threshold).means(), [0.5, 0.5]);
    /// assert!(Dataset::from_f32(&[0.0, 1.0], &[1, 2])?.is_binary());
    /// # Ok::<(), helmholtz::data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// When the number of values is not that of the shape, the shape is empty, or a number is not finite or outside
    /// [0, 1].
    pub fn from_f32(values: impl Into<Cow<'a, [f32]>>, shape: &[usize; 2]) -> Result<Self, DataError> {
        Self::from_floats("array".to_owned(), values.into(), shape, Element::F32)
    }

    /// Borrowed or owned real numbers, `[rows, width]`: any finite ones, which stay as they are whatever the
    /// [`Binarization`].
    ///
    /// ```
    /// use helmholtz::data::{Binarization, Dataset};
    /// let data = Dataset::from_real(vec![-3.5, 2.0], &[2, 1])?.binarized(Binarization::Threshold);
    /// assert_eq!((data.binarization(), data.means()), (Binarization::None, vec![-0.75]));
    /// # Ok::<(), helmholtz::data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// When the number of values is not that of the shape, the shape is empty, or a number is not finite.
    pub fn from_real(values: impl Into<Cow<'a, [f32]>>, shape: &[usize; 2]) -> Result<Self, DataError> {
        Self::from_floats("array".to_owned(), values.into(), shape, Element::Real)
    }

    pub(super) fn from_floats(
        name: String,
        values: Cow<'a, [f32]>,
        shape: &[usize; 2],
        element: Element,
    ) -> Result<Self, DataError> {
        let count = values.len();
        let source = match values {
            values if cfg!(target_endian = "big") => {
                Source::Owned(values.iter().flat_map(|value| value.to_le_bytes()).collect())
            }
            Cow::Borrowed(values) => Source::Borrowed(bytemuck::cast_slice(values)),
            Cow::Owned(values) => Source::Floats(values),
        };
        Self::from_memory(name, source, count, shape, element)
    }

    /// Bits, `[rows, units]`.
    ///
    /// ```
    /// use helmholtz::data::Dataset;
    /// use helmholtz::tensor::BitMatrix;
    /// let bits = BitMatrix::from_fn(5, 3, |row, unit| row > unit);
    /// let data = Dataset::from_bits(&bits)?;
    /// assert!(data.is_binary() && data.to_bits() == bits);
    /// # Ok::<(), helmholtz::data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// When there are no rows or no units.
    pub fn from_bits(bits: &BitMatrix) -> Result<Dataset<'static>, DataError> {
        let (rows, units) = (bits.rows(), bits.units());
        let bytes: Vec<u8> =
            (0..rows * units).map(|place| u8::from(bits.get(place / units, place % units))).collect();
        Dataset::from_u8(bytes, &[rows, units], 1)
    }

    /// Borrowed or owned levels from 0 to `scale`, `[rows, width]`; a scale of 1 says that they are bits. Other levels are
    /// thresholded unless [`binarized`](Self::binarized) says otherwise.
    ///
    /// # Errors
    /// When the number of values is not that of the shape, the shape is empty, or a level is above the scale.
    ///
    /// # Panics
    /// When the scale is 0.
    #[track_caller]
    pub fn from_u8(values: impl Into<Cow<'a, [u8]>>, shape: &[usize; 2], scale: u8) -> Result<Self, DataError> {
        assert!(scale > 0, "levels from 0 to a scale of 0");
        let values = values.into();
        let count = values.len();
        let source = match values {
            Cow::Borrowed(values) => Source::Borrowed(values),
            Cow::Owned(values) => Source::Owned(values),
        };
        Self::from_memory("array".to_owned(), source, count, shape, Element::U8 { scale })
    }

    fn from_memory(
        name: String,
        source: Source<'a>,
        count: usize,
        shape: &[usize; 2],
        element: Element,
    ) -> Result<Self, DataError> {
        let &[rows, width] = shape;
        if rows.checked_mul(width) != Some(count) {
            return Err(DataError::Shape { name, values: count, shape: *shape });
        }
        if count == 0 {
            return Err(DataError::Empty { file: name, shape: vec![rows as u64, width as u64] });
        }
        element.check(&name, &source, width)?;
        let image_shape = square_shape(width);
        let table = Table { source, offset: 0, rows, width, image_shape, element, labels: None };
        Ok(Self::from_tables(name, table, None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Binarization;

    #[test]
    fn arrays_are_borrowed_or_owned_and_their_faults_named() {
        let values = vec![0.0f32, 1.0, 0.5, 0.25, 0.0, 1.0];
        let borrowed = Dataset::from_f32(&values, &[3, 2]).unwrap();
        let owned = Dataset::from_f32(values.clone(), &[3, 2]).unwrap();
        assert_eq!(borrowed.fingerprint(), owned.fingerprint());
        assert_eq!((owned.len(), owned.width(), owned.image_shape()), (3, 2, (1, 2)));
        assert_eq!(Dataset::from_u8(&[0, 1, 1, 0], &[1, 4], 1).unwrap().image_shape(), (2, 2));
        for (values, said) in [
            (vec![0.0, f32::NAN], "array: row 0, column 1 is NaN, wanted a number from 0 to 1"),
            (vec![0.0, 0.0, 0.0, f32::INFINITY], "array: row 1, column 1 is inf, wanted a number from 0 to 1"),
            (vec![0.0, 0.0, -0.5, 0.0], "array: row 1, column 0 is -0.5, wanted a number from 0 to 1"),
        ] {
            let rows = values.len() / 2;
            assert_eq!(Dataset::from_f32(values, &[rows, 2]).unwrap_err().to_string(), said);
        }
        let error = Dataset::from_f32(&values, &[2, 2]).unwrap_err();
        assert_eq!(error.to_string(), "array: 6 values, wanted 2 × 2");
        let error = Dataset::from_u8(&[0, 17], &[1, 2], 16).unwrap_err();
        assert_eq!(error.to_string(), "array: row 0, column 1 is 17, wanted a number from 0 to 16");
        assert!(matches!(Dataset::from_u8(vec![], &[0, 2], 16), Err(DataError::Empty { .. })));
    }

    /// A matrix of 0.6 and 0.9 is not one of ones.
    #[test]
    fn floats_stay_floats_until_bits_are_asked_for() {
        let levels = Dataset::from_f32(vec![0.6, 0.9, 0.1, 0.5], &[2, 2]).unwrap();
        assert_eq!(
            (levels.binarization(), levels.is_grey(), levels.is_binarized()),
            (Binarization::None, true, false)
        );
        let mut row = [0.0; 2];
        levels.row_into(0, &mut row);
        assert_eq!(row, [0.6, 0.9]);
        let bits = levels.binarized(Binarization::Threshold);
        assert!(bits.is_binarized() && bits.is_binary());
        assert_eq!(bits.to_bits().to_f32(), [1.0, 1.0, 0.0, 1.0]);
        assert_eq!(bits.fingerprint(), levels.fingerprint());
    }

    #[test]
    fn floats_that_are_all_bits_are_bits() {
        let bits = Dataset::from_f32(vec![0.0, 1.0, 1.0, -0.0], &[2, 2]).unwrap();
        for binarization in [Binarization::None, Binarization::Threshold, Binarization::Sample] {
            let bits = bits.binarized(binarization);
            assert!(bits.is_binary() && !bits.is_binarized() && !bits.is_grey());
            assert_eq!(bits.to_bits().to_f32(), [0.0, 1.0, 1.0, 0.0]);
            assert_eq!(bits.flipped().to_bits().to_f32(), [1.0, 0.0, 0.0, 1.0]);
        }
        assert!(!Dataset::from_real(vec![0.0, 1.0], &[2, 1]).unwrap().is_binary());
    }

    #[test]
    fn bits_keep_their_places() {
        let bits = BitMatrix::from_fn(37, 45, |row, unit| (row * 7 + unit * 3) % 5 < 2);
        assert_eq!(Dataset::from_bits(&bits).unwrap().to_bits(), bits);
        for empty in [BitMatrix::zeros(0, 4), BitMatrix::zeros(4, 0), BitMatrix::default()] {
            assert!(matches!(Dataset::from_bits(&empty), Err(DataError::Empty { .. })));
        }
    }
}
