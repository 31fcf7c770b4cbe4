//! Faults of data: one line that names the file and the value, and where there is one, a hint.

use std::fmt;
use std::io;
use std::path::Path;

/// A fault of data. Displayed as one line that names the file and the offending value.
#[derive(Debug)]
#[non_exhaustive]
pub enum DataError {
    /// The operating system refused.
    Io {
        /// The file or folder.
        file: String,
        /// Its error.
        source: io::Error,
    },
    /// The first bytes are those of no format that is read here.
    Magic {
        /// The file.
        file: String,
        /// Up to four bytes it starts with.
        found: Vec<u8>,
    },
    /// The header cannot be understood.
    Header {
        /// The file.
        file: String,
        /// The problem, in words.
        problem: String,
    },
    /// Gzip where plain bytes are needed.
    Compressed {
        /// The file.
        file: String,
    },
    /// Fewer bytes than the header promises.
    Truncated {
        /// The file.
        file: String,
        /// Bytes of the whole file by its header.
        promised: u64,
        /// Bytes there are.
        actual: u64,
    },
    /// More bytes than the header promises.
    Trailing {
        /// The file.
        file: String,
        /// Bytes of the whole file by its header.
        promised: u64,
        /// Bytes there are, at least.
        actual: u64,
    },
    /// Rows of nothing but missing values.
    AllMissing {
        /// Their name.
        name: String,
    },
    /// Some axis has length zero.
    Empty {
        /// The file.
        file: String,
        /// The shape.
        shape: Vec<u64>,
    },
    /// The product of the axes overflows.
    TooLarge {
        /// The file.
        file: String,
        /// The shape.
        shape: Vec<u64>,
    },
    /// Not rows of numbers: too few axes or too many.
    Rank {
        /// The file.
        file: String,
        /// The shape.
        shape: Vec<u64>,
        /// The shape that is read.
        wanted: &'static str,
    },
    /// Numbers of a type that is not read.
    ElementType {
        /// The file.
        file: String,
        /// The type as the file names it.
        found: String,
        /// The types that are read.
        wanted: &'static str,
    },
    /// Stored column by column.
    FortranOrder {
        /// The file.
        file: String,
    },
    /// A labels file given as the data.
    Labels {
        /// The file.
        file: String,
    },
    /// A weight that is none.
    Weight {
        /// Whose weights.
        name: String,
        /// The row.
        row: usize,
        /// What was given.
        weight: f32,
    },
    /// A label that is none.
    Label {
        /// The file, or whose labels.
        file: String,
        /// The row.
        row: usize,
        /// What was given.
        label: String,
    },
    /// Fewer labels than wanted, or none wanted.
    FewLabels {
        /// The data.
        name: String,
        /// Rows that have labels.
        labelled: usize,
        /// Labels wanted.
        wanted: usize,
    },
    /// As many labels as images are needed.
    Count {
        /// The file of images.
        images_file: String,
        /// How many images it has.
        images: usize,
        /// The file of labels.
        labels_file: String,
        /// How many labels it has.
        labels: usize,
    },
    /// Training and test images differ in shape.
    Mismatch {
        /// The file of test images.
        file: String,
        /// Height and width of a test image.
        test: (usize, usize),
        /// Height and width of a training image.
        train: (usize, usize),
    },
    /// A number that is not finite, or outside of what is allowed.
    Value {
        /// The file.
        file: String,
        /// The row, from 0.
        row: usize,
        /// The column, from 0.
        column: usize,
        /// The number.
        value: f64,
        /// The largest number allowed, the smallest being 0; ∞ where any finite number is.
        largest: f64,
    },
    /// A finite double that is larger than any 32-bit float, as which it would be read.
    BeyondFloats {
        /// The file.
        file: String,
        /// The row, from 0.
        row: usize,
        /// The column, from 0.
        column: usize,
        /// The number.
        value: f64,
    },
    /// A column of doubles that differ, all of which are the same 32-bit float, as which they would be read.
    Merged {
        /// The file.
        file: String,
        /// The column, from 0.
        column: usize,
        /// The float.
        value: f32,
    },
    /// The number of values is not that of the shape.
    Shape {
        /// The name of the data.
        name: String,
        /// How many values were given.
        values: usize,
        /// Rows and width.
        shape: [usize; 2],
    },
    /// A folder without images in MNIST's files.
    Missing {
        /// The folder.
        folder: String,
    },
    /// Bars and stripes of a size that is not offered.
    Bars {
        /// The size asked for.
        size: String,
    },
    /// A validation set that leaves one side without rows.
    Split {
        /// The name of the data.
        name: String,
        /// Rows there are.
        rows: usize,
        /// The part asked to be held out.
        held_out: String,
    },
}

impl DataError {
    /// A hint of one line, where something usually helps.
    pub fn hint(&self) -> Option<&str> {
        Some(match self {
            DataError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "data is `digits`, `bars:N`, `gaussians8` or another density, a folder with MNIST's four files, an IDX file \
                 or a .npy file"
            }
            DataError::Magic { .. } => {
                "readable are IDX files (unsigned bytes) and .npy files (u8, bool, f32, f64)"
            }
            DataError::Compressed { .. } => {
                "gunzip it first; the `helmholtz` program (feature `cli`) reads IDX files as .gz, the library does not"
            }
            DataError::Truncated { .. } | DataError::Trailing { .. } => {
                "the file was probably not copied or downloaded whole: fetch it again"
            }
            // One hint for all three, as one array may have all three faults.
            DataError::ElementType { .. } | DataError::Rank { .. } | DataError::FortranOrder { .. } => {
                "in NumPy: np.save(file, np.ascontiguousarray(x.reshape(len(x), -1), dtype=np.float32))"
            }
            DataError::BeyondFloats { .. } => "scale the data first, or take its logarithm",
            DataError::Merged { .. } => {
                "subtract the column's mean first, while the numbers are doubles: x - x.mean(axis=0)"
            }
            DataError::Labels { .. } => {
                "give the file of images (`…-images-idx3-ubyte`) or the folder with all four"
            }
            DataError::Value { value, largest, .. } if *largest == 1.0 && value.is_finite() => {
                "scale the data to [0, 1], for grey levels of 0 to 255 by dividing by 255"
            }
            DataError::Missing { .. } => "names with `.idx3-ubyte` or `.idx1-ubyte` at the end are found too",
            DataError::Bars { .. } => "bars:3 are the 14 distinct 3×3 bars and stripes",
            _ => return None,
        })
    }

    pub(super) fn io(path: &Path, source: io::Error) -> Self {
        DataError::Io { file: path.display().to_string(), source }
    }

    pub(super) fn header(file: &str, problem: impl Into<String>) -> Self {
        DataError::Header { file: file.to_owned(), problem: problem.into() }
    }
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DataError::Io { file, source } => write!(f, "{file}: {source}"),
            DataError::Magic { file, found } if found.is_empty() => write!(f, "{file}: the file is empty"),
            DataError::Magic { file, found } => {
                write!(f, "{file}: not an IDX or .npy file: it starts with the bytes {found:02x?}")
            }
            DataError::Header { file, problem } => write!(f, "{file}: {problem}"),
            DataError::Compressed { file } => write!(f, "{file}: compressed with gzip"),
            DataError::Truncated { file, promised, actual } => {
                write!(f, "{file}: cut short: its header promises {promised} bytes, there are {actual}")
            }
            DataError::Trailing { file, promised, actual } => {
                write!(f, "{file}: too long: its header promises {promised} bytes, there are {actual} or more")
            }
            DataError::AllMissing { name } => write!(f, "{name}: all values are missing"),
            DataError::Empty { file, shape } => write!(f, "{file}: nothing in it: its shape is {shape:?}"),
            DataError::TooLarge { file, shape } => {
                write!(f, "{file}: the shape {shape:?} is larger than any memory")
            }
            DataError::Rank { file, shape, wanted } => {
                write!(f, "{file}: its shape is {shape:?}, wanted {wanted}")
            }
            DataError::ElementType { file, found, wanted } => {
                write!(f, "{file}: its numbers are of type {found}, wanted {wanted}")
            }
            DataError::FortranOrder { file } => {
                write!(f, "{file}: fortran_order is True: stored column by column, wanted row by row")
            }
            DataError::Weight { name, row, weight } => {
                write!(f, "{name}: row {row} is {weight}, wanted a number from 0 on, and not 0 for all")
            }
            DataError::Label { file, row, label } => {
                write!(f, "{file}: row {row} is {label}, wanted a class from 0 to 65534, or -1 for none")
            }
            DataError::FewLabels { name, labelled, wanted } => write!(
                f,
                "{name}: {wanted} labels of {labelled} that there are, wanted at least 1 and no more than these"
            ),
            DataError::Labels { file } => write!(f, "{file}: a file of labels, wanted one of images"),
            DataError::Count { images_file, images, labels_file, labels } => {
                write!(f, "{labels_file}: {labels} labels, but {images_file} has {images} images")
            }
            DataError::Mismatch { file, test, train } => write!(
                f,
                "{file}: test images of {}×{}, but training images of {}×{}",
                test.0, test.1, train.0, train.1
            ),
            DataError::Value { file, row, column, value, largest } if largest.is_infinite() => {
                write!(f, "{file}: row {row}, column {column} is {value}, wanted a finite number")
            }
            DataError::Value { file, row, column, value, largest } => {
                write!(f, "{file}: row {row}, column {column} is {value}, wanted a number from 0 to {largest}")
            }
            DataError::BeyondFloats { file, row, column, value } => write!(
                f,
                "{file}: row {row}, column {column} is {value:e}, larger than any 32-bit float, as which numbers are read"
            ),
            DataError::Merged { file, column, value } => write!(
                f,
                "{file}: the numbers of column {column} differ by less than 32-bit floats, as which they are read, tell: all \
                 become {value}"
            ),
            DataError::Shape { name, values, shape } => {
                write!(f, "{name}: {values} values, wanted {} × {}", shape[0], shape[1])
            }
            DataError::Missing { folder } => {
                write!(
                    f,
                    "{folder}: not a folder of MNIST's files: no train-images-idx3-ubyte, no t10k-images-idx3-ubyte"
                )
            }
            DataError::Bars { size } => write!(f, "bars:{size}: the size must be a whole number from 1 to 16"),
            DataError::Split { name, rows, held_out } => write!(
                f,
                "{name}: cannot hold out {held_out} of {rows} rows: at least one must be left on either side"
            ),
        }
    }
}

impl std::error::Error for DataError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            DataError::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scaling makes a large number small, and a NaN no number.
    #[test]
    fn a_hint_follows_from_the_number() {
        let value = |value| DataError::Value { file: "x.npy".into(), row: 0, column: 2, value, largest: 1.0 };
        assert!(value(16.0).hint().is_some_and(|hint| hint.starts_with("scale the data")));
        assert_eq!(value(f64::NAN).hint(), None);
        assert_eq!(value(f64::INFINITY).hint(), None);
    }
}
