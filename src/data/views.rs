//! Views: the same rows, read another way.

use super::dataset::Dataset;
use super::levels::{Binarization, Polarity, Scale};

impl<'a> Dataset<'a> {
    /// The same rows read another way; real numbers stay as they are.
    pub fn binarized(&self, binarization: Binarization) -> Dataset<'a> {
        let binarization = if self.is_real() { Binarization::None } else { binarization };
        Dataset { binarization, ..self.clone() }
    }

    /// The complement 1 − x of every row, taken after binarisation; of a flipped dataset, the rows as they were.
    ///
    /// # Panics
    /// When the rows are real numbers, which have none.
    #[track_caller]
    pub fn flipped(&self) -> Dataset<'a> {
        assert!(!self.is_real(), "{} are real numbers: they have no complement", self.name());
        let polarity = match self.polarity {
            Polarity::Plain => Polarity::Flipped,
            Polarity::Flipped => Polarity::Plain,
        };
        Dataset { polarity, ..self.clone() }
    }

    /// The same rows with their grey levels on that scale. Binarised rows are 0 and 1 whatever the scale.
    ///
    /// ```
    /// use helmholtz::data::{Binarization, Dataset, Scale};
    /// let digits = Dataset::digits().binarized(Binarization::None).scaled(Scale::Raw);
    /// let mut row = [0.0; 64];
    /// digits.row_into(0, &mut row);
    /// assert_eq!((row[2], row[3], digits.largest()), (5.0, 13.0, 16.0));
    /// ```
    pub fn scaled(&self, scale: Scale) -> Dataset<'a> {
        Dataset { scale, ..self.clone() }
    }

    /// The same rows with another idea of the image they are, `(height, width)`.
    ///
    /// # Panics
    /// When the image has not as many pixels as a row has values.
    #[track_caller]
    pub fn with_image_shape(&self, shape: (usize, usize)) -> Dataset<'a> {
        assert_eq!(shape.0 * shape.1, self.width(), "images of {}×{} of the values of a row", shape.0, shape.1);
        Dataset { image_shape: shape, ..self.clone() }
    }
}
