//! The dataset: what it is made from, what it knows of itself, which of its rows are meant and how they are read.

use super::source::{Source, is_gzip};
use super::table::{Element, Table, square_shape};
use super::{DataError, NamedBytes, idx, npy, pack};
use crate::random::mix;
use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// How grey levels become the 0 and 1 that a Bernoulli model has a likelihood for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Binarization {
    /// 1 where the grey level is at least half of the scale.
    #[default]
    Threshold,
    /// 1 with the probability the grey level names, drawn anew whenever a row is read.
    Sample,
    /// Grey levels stay probabilities in [0, 1].
    None,
}

/// What grey levels are multiples of. Bits are 0 and 1 on either scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Scale {
    /// From 0 to 1.
    #[default]
    Unit,
    /// As they are stored: from 0 to 16 for the digits, to 255 for MNIST. Numbers stored as floats are in [0, 1] either
    /// way.
    Raw,
}

/// Whether rows are read as they are or as their complement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Polarity {
    Plain,
    Flipped,
}

/// Rows of numbers, perhaps images, perhaps with labels. Cheap to clone: clones share the bytes. The numbers are bits or grey
/// levels in [0, 1], which can become bits, or [real](Self::is_real), which cannot.
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
}

/// What all datasets cut from one source share.
pub(super) struct Origin<'a> {
    name: String,
    train: Table<'a>,
    test: Option<Table<'a>>,
    /// P(1) of each grey level in units of 2⁻²⁴.
    pub(super) chances: [u32; 256],
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
            Element::Real => Binarization::None,
            Element::U8 { .. } | Element::F32 | Element::F64 => Binarization::Threshold,
        };
        Dataset {
            image_shape: train.image_shape,
            origin: Arc::new(Origin { name, train, test, chances }),
            selection: Selection { list: None, range: 0..rows },
            binarization,
            polarity: Polarity::Plain,
            scale: Scale::Unit,
        }
    }

    /// A folder with MNIST's four IDX files, one IDX file of images, or one 2-D `.npy` (u8, bool, f32, f64),
    /// memory-mapped. Floats are read once, to see that all of them lie in [0, 1].
    ///
    /// The file must stay as it is while the dataset lives: one that another process cuts short kills this one
    /// (SIGBUS), and one that is rewritten gives other numbers. What is not a regular file is read instead.
    ///
    /// # Errors
    /// When the file is missing, of another format, cut short, too long, or holds a number outside [0, 1].
    pub fn open(path: &Path) -> Result<Dataset<'static>, DataError> {
        if path.is_dir() {
            return Dataset::open_mnist(path);
        }
        let name = path.display().to_string();
        Dataset::from_source(name, Source::open(path)?)
    }

    /// What the program calls DATA: `digits`, `bars:N`, the name of a [`ToyDensity`](super::ToyDensity), or else a path for
    /// [`open`](Self::open).
    ///
    /// # Errors
    /// As for [`bars`](Self::bars) and [`open`](Self::open).
    pub fn resolve(argument: &str) -> Result<Dataset<'static>, DataError> {
        match (argument, argument.strip_prefix("bars:")) {
            ("digits", _) => Ok(Dataset::digits()),
            (_, Some(size)) => match size.parse() {
                Ok(n) => Dataset::bars(n),
                Err(_) => Err(DataError::Bars { size: size.to_owned() }),
            },
            _ => match argument.parse() {
                Ok(density) => Ok(Dataset::toy(density)),
                Err(_) => Dataset::open(Path::new(argument)),
            },
        }
    }

    /// One IDX file of images or one `.npy`, from its bytes.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn from_bytes(file: NamedBytes) -> Result<Dataset<'static>, DataError> {
        Dataset::from_source(file.name, Source::Owned(file.bytes))
    }

    fn from_source(name: String, source: Source<'static>) -> Result<Dataset<'static>, DataError> {
        if is_gzip(&source) {
            return Err(DataError::Compressed { file: name });
        }
        let table =
            if source.starts_with(npy::MAGIC) { npy::table(&name, source) } else { idx::images(&name, source) }?;
        Ok(Dataset::from_tables(name, table, None))
    }

    /// IDX images `[rows, height, width]` (or flat rows `[rows, width]`) and, if given, their labels `[rows]`, from
    /// the bytes of their files.
    ///
    /// # Errors
    /// When a file is not what it should be, or the counts differ.
    pub fn from_idx_bytes(images: NamedBytes, labels: Option<NamedBytes>) -> Result<Dataset<'static>, DataError> {
        let name = images.name.clone();
        Ok(Dataset::from_tables(name, idx::from_bytes(images, labels)?, None))
    }

    /// Borrowed or owned numbers in [0, 1], `[rows, width]`.
    ///
    /// ```
    /// use helmholtz::data::Dataset;
    /// let values = [0.0, 0.25, 0.5, 1.0];
    /// assert_eq!(Dataset::from_f32(&values, &[2, 2])?.means(), [0.5, 0.5]);
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

    /// A 2-D `.npy` of any finite numbers, read into memory as `f32`.
    ///
    /// # Errors
    /// When the file is missing, no `.npy`, of another shape, cut short, too long, or holds a number that is not finite.
    pub fn open_real(path: &Path) -> Result<Dataset<'static>, DataError> {
        let name = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|error| DataError::io(path, error))?;
        let (values, shape) = npy::npy_numbers(&NamedBytes::new(name.clone(), bytes))?;
        Dataset::from_floats(name, values.into(), &shape, Element::Real)
    }

    fn from_floats(
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

    /// Borrowed or owned levels from 0 to `scale`, `[rows, width]`; a scale of 1 says that they are bits.
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

    /// How rows are read as bits.
    pub fn binarization(&self) -> Binarization {
        self.binarization
    }

    /// What grey levels are multiples of.
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

    pub(super) fn source_is_binary(&self) -> bool {
        self.element() == Element::U8 { scale: 1 }
    }

    pub(super) fn element(&self) -> Element {
        self.origin.train.element
    }

    /// The label of row `row`, where there are labels.
    #[track_caller]
    pub fn label(&self, row: usize) -> Option<u8> {
        let (table, row) = self.place(row);
        table.label(row)
    }

    /// The labels of all rows, where there are any.
    pub fn labels(&self) -> Option<Vec<u8>> {
        (0..self.len()).map(|row| self.label(row)).collect()
    }

    /// Where row `row` is stored. Panics when there is no such row.
    #[track_caller]
    #[inline]
    fn place(&self, row: usize) -> (&Table<'a>, usize) {
        assert!(row < self.len(), "row {row} of a dataset of {} rows", self.len());
        let index = self.selection.index(row);
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

    /// A stable hash of type, shape, length and up to 64 evenly spaced rows with their labels. It does not depend on
    /// where the bytes are, nor on how rows are read (binarisation, flip).
    pub fn fingerprint(&self) -> u64 {
        let (kind, scale) = match self.element() {
            Element::U8 { scale } => (0, scale),
            Element::F32 => (1, 0),
            Element::F64 => (2, 0),
            Element::Real => (3, 0),
        };
        let (height, width) = self.origin.train.image_shape;
        let facts = [kind, u64::from(scale), height as u64, width as u64, self.len() as u64];
        let mut hash = facts.iter().fold(0x6461_7461, |hash, &fact| absorb(hash, fact));
        let sampled = self.len().min(64);
        for sample in 0..sampled {
            let row = sample * (self.len() - 1) / (sampled - 1).max(1);
            for chunk in self.stored(row).chunks(8) {
                let mut word = [0; 8];
                word[..chunk.len()].copy_from_slice(chunk);
                hash = absorb(hash, u64::from_le_bytes(word));
            }
            hash = absorb(hash, self.label(row).map_or(256, u64::from));
        }
        hash
    }
}

fn absorb(hash: u64, word: u64) -> u64 {
    mix(hash ^ word).wrapping_add(0x9e37_79b9_7f4a_7c15)
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

    /// Frozen: a run that was saved must find its data again.
    #[test]
    fn the_fingerprint_is_stable_and_blind_to_reading() {
        let digits = Dataset::digits();
        assert_eq!(digits.fingerprint(), 5_506_631_393_577_910_823);
        assert_eq!(digits.flipped().binarized(Binarization::Sample).fingerprint(), digits.fingerprint());
        assert_ne!(digits.train().fingerprint(), digits.fingerprint());
        assert_ne!(digits.train().subset(0..1437).fingerprint(), digits.train().fingerprint());
    }

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

    #[test]
    fn the_argument_of_the_program_is_resolved() {
        assert_eq!(Dataset::resolve("digits").unwrap().len(), 1797);
        assert_eq!(Dataset::resolve("bars:3").unwrap().len(), 14);
        let error = Dataset::resolve("bars:x").unwrap_err();
        assert_eq!(error.to_string(), "bars:x: the size must be a whole number from 1 to 16");
        assert!(Dataset::resolve("no/such/file").unwrap_err().hint().unwrap().contains("bars:N"));
    }
}
