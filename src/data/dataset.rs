//! The dataset: rows of a source, which of them are meant, how they are read, and what is known of them.

use super::levels::{Binarization, Polarity, Scale};
use super::missing::Missing;
use super::pack;
use super::table::{Element, Table};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Rows of numbers, perhaps images, perhaps with labels or targets. Cheap to clone: clones share the bytes. The numbers are
/// bits or grey levels in [0, 1], which can become bits, or [real](Self::is_real), which cannot.
///
/// Levels stored as bytes (`digits`, MNIST, [`from_u8`](Self::from_u8)) are thresholded until
/// [`binarized`](Self::binarized) says otherwise. Floats stay what they are until it asks for bits; only where all of them
/// are 0 or 1 are they bits already.
///
/// A dataset fresh from its source holds all of its rows, those for training first; [`train`](Self::train) and
/// [`test`](Self::test) are its parts.
#[derive(Clone)]
pub struct Dataset<'a> {
    pub(super) origin: Arc<Origin<'a>>,
    pub(super) selection: Selection,
    pub(super) binarization: Binarization,
    pub(super) polarity: Polarity,
    pub(super) scale: Scale,
    pub(super) image_shape: (usize, usize),
    pub(super) labels: Option<Arc<[u16]>>,
    pub(super) targets: Option<Targets>,
    /// By original rows.
    pub(super) weights: Option<Arc<[f32]>>,
    /// By original rows.
    pub(super) missing: Option<Missing>,
}

/// The source that all datasets cut from it share.
pub(super) struct Origin<'a> {
    name: String,
    pub(super) train: Table<'a>,
    test: Option<Table<'a>>,
    /// Whether the source holds nothing but 0 and 1.
    bits: bool,
    /// P(1) of each grey level in units of 2⁻²⁴.
    pub(super) chances: [u32; 256],
}

/// Numbers to predict, for each row of the origin, `[rows, width]`; zeros for rows that were not selected when they were
/// given.
#[derive(Clone)]
pub(super) struct Targets {
    pub(super) values: Arc<[f32]>,
    pub(super) width: usize,
}

/// Which rows of the origin, in ascending order: those of a range, or of a range of a list.
#[derive(Clone)]
pub(super) struct Selection {
    pub(super) list: Option<Arc<[usize]>>,
    pub(super) range: Range<usize>,
}

impl Selection {
    /// The row of the origin that is the selection's row `row`.
    #[inline]
    pub(super) fn index(&self, row: usize) -> usize {
        let index = self.range.start + row;
        self.list.as_ref().map_or(index, |list| list[index])
    }
}

impl<'a> Dataset<'a> {
    pub(super) fn from_tables(name: String, train: Table<'a>, test: Option<Table<'a>>) -> Self {
        let rows = train.rows + test.as_ref().map_or(0, |test| test.rows);
        let chances = match train.element {
            Element::U8 { scale } => pack::chances(scale),
            Element::F32 | Element::F64 | Element::Real => [0; 256],
        };
        let binarization = match train.element {
            Element::F32 | Element::F64 | Element::Real => Binarization::None,
            Element::U8 { .. } => Binarization::Threshold,
        };
        let bits = train.holds_bits() && test.as_ref().is_none_or(Table::holds_bits);
        Dataset {
            image_shape: train.image_shape,
            origin: Arc::new(Origin { name, train, test, bits, chances }),
            selection: Selection { list: None, range: 0..rows },
            binarization,
            polarity: Polarity::Plain,
            scale: Scale::Unit,
            labels: None,
            targets: None,
            weights: None,
            missing: None,
        }
    }

    /// How rows are read as bits.
    pub fn binarization(&self) -> Binarization {
        self.binarization
    }

    /// The scale of grey levels.
    pub fn scale(&self) -> Scale {
        self.scale
    }

    /// The largest number a row can hold; the smallest is 0. Real numbers have no bounds: ∞.
    pub fn largest(&self) -> f32 {
        match (self.scale, self.binarization, self.element()) {
            (_, _, Element::Real) => f32::INFINITY,
            (Scale::Raw, Binarization::None, Element::U8 { scale }) => f32::from(scale),
            _ => 1.0,
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.selection.range.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Values a row.
    pub fn width(&self) -> usize {
        self.origin.train.width
    }

    /// Height and width of a row as an image; a row of a source that says nothing of images is a square if it can be,
    /// else one line.
    pub fn image_shape(&self) -> (usize, usize) {
        self.image_shape
    }

    /// The number of row `row` in the original set: the dataset fresh from its source, which holds the rows for training
    /// first. However often it was split and cut since, a row keeps that number.
    ///
    /// ```
    /// use helmholtz::data::Dataset;
    /// let digits = Dataset::digits();
    /// assert_eq!(digits.test().subset(3..9).original_row(0), 1438 + 3);
    /// ```
    ///
    /// # Panics
    /// When there is no such row.
    #[track_caller]
    pub fn original_row(&self, row: usize) -> usize {
        assert!(row < self.len(), "row {row} of a dataset of {} rows", self.len());
        self.selection.index(row)
    }

    /// Rows of the original set, whichever of them are selected.
    pub(super) fn original_rows(&self) -> usize {
        self.origin.train.rows + self.origin.test.as_ref().map_or(0, |test| test.rows)
    }

    /// `digits`, `bars:3`, the path of a file or folder, or `array`.
    pub fn name(&self) -> &str {
        &self.origin.name
    }

    /// Whether rows are 0 and 1, so that reading them as bits loses nothing: because the source holds nothing else,
    /// or because the grey levels are binarised.
    pub fn is_binary(&self) -> bool {
        self.binarization != Binarization::None || self.source_is_binary()
    }

    /// Whether rows are grey levels that stay probabilities: neither [binary](Self::is_binary) nor [real](Self::is_real).
    pub fn is_grey(&self) -> bool {
        !self.is_binary() && !self.is_real()
    }

    /// Whether rows are real numbers: points of a density rather than bits or the probabilities of bits.
    pub fn is_real(&self) -> bool {
        self.element() == Element::Real
    }

    /// Whether rows are grey levels that are read as bits, so that the levels themselves are lost.
    pub fn is_binarized(&self) -> bool {
        self.binarization != Binarization::None && !self.source_is_binary()
    }

    pub(super) fn source_is_binary(&self) -> bool {
        self.origin.bits
    }

    pub(super) fn element(&self) -> Element {
        self.origin.train.element
    }

    /// Where row `row` is stored. Panics when there is no such row.
    #[track_caller]
    #[inline]
    pub(super) fn place(&self, row: usize) -> (&Table<'a>, usize) {
        let index = self.original_row(row);
        let train = &self.origin.train;
        match &self.origin.test {
            Some(test) if index >= train.rows => (test, index - train.rows),
            _ => (train, index),
        }
    }

    /// The bytes of row `row` as they are stored.
    #[track_caller]
    #[inline]
    pub(super) fn stored(&self, row: usize) -> &[u8] {
        let (table, row) = self.place(row);
        table.row(row)
    }

    /// Where the source says that test rows begin.
    pub(super) fn first_test_row(&self) -> Option<usize> {
        self.origin.test.as_ref().map(|_| self.origin.train.rows)
    }
}

impl fmt::Debug for Dataset<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dataset")
            .field("name", &self.name())
            .field("rows", &self.len())
            .field("image_shape", &self.image_shape)
            .field("element", &self.element())
            .field("binarization", &self.binarization)
            .field("polarity", &self.polarity)
            .field("scale", &self.scale)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn can_go_to_any_thread() {
        fn shared<T: Send + Sync + Clone>() {}
        shared::<Dataset<'static>>();
    }
}
