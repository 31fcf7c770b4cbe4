//! Named arrays with metadata: what a checkpoint or a model file holds, in memory.

use crate::random::{Lanes, Streams};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// The numbers of one array.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Values {
    /// 32-bit floats.
    F32(Vec<f32>),
    /// 64-bit floats.
    F64(Vec<f64>),
    /// 32-bit words.
    U32(Vec<u32>),
    /// 64-bit words.
    U64(Vec<u64>),
}

impl Values {
    /// The number of numbers.
    pub fn len(&self) -> usize {
        match self {
            Values::F32(values) => values.len(),
            Values::F64(values) => values.len(),
            Values::U32(values) => values.len(),
            Values::U64(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The name of their type: `f32`, `f64`, `u32` or `u64`.
    pub fn kind(&self) -> &'static str {
        match self {
            Values::F32(_) => "f32",
            Values::F64(_) => "f64",
            Values::U32(_) => "u32",
            Values::U64(_) => "u64",
        }
    }
}

/// One named array: its shape and its numbers in row-major order. Its `Debug` shows type and shape.
#[derive(Clone, PartialEq)]
pub struct Array {
    /// The length of each axis.
    pub shape: Vec<usize>,
    /// The numbers, row-major.
    pub values: Values,
}

impl fmt::Debug for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.values.kind(), self.shape)
    }
}

/// Named arrays and a flat, sorted map of metadata.
///
/// ```
/// use helmholtz::store::Snapshot;
/// let mut snapshot = Snapshot::default();
/// snapshot.put_f32("weights", &[2, 1], &[0.5, -0.5]);
/// snapshot.set("kind", "rbm");
/// snapshot.set("rate", 0.1);
/// assert_eq!(snapshot.f32("weights", &[2, 1])?, [0.5, -0.5]);
/// assert_eq!(snapshot.parse::<f64>("rate")?, 0.1);
/// assert_eq!(
///     snapshot.f32("weights", &[2, 2]).unwrap_err().to_string(),
///     "tensor `weights` has the shape [2, 1], wanted [2, 2]"
/// );
/// # Ok::<(), helmholtz::store::SnapshotError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Snapshot {
    /// The arrays by name.
    pub arrays: BTreeMap<String, Array>,
    /// The metadata; no clock in it, so that equal states are equal bytes.
    pub metadata: BTreeMap<String, String>,
}

macro_rules! typed {
    ($(($put:ident, $get:ident, $variant:ident, $number:ty, $words:literal)),*) => {
        impl Snapshot {$(
            #[doc = concat!("Puts an array of ", $words, ", in place of any of that name.")]
            ///
            /// # Panics
            /// When the number of values is not that of the shape.
            #[track_caller]
            pub fn $put(&mut self, name: &str, shape: &[usize], values: &[$number]) {
                self.put(name, shape, Values::$variant(values.to_vec()));
            }

            #[doc = concat!("The ", $words, " of an array of this shape, row-major.")]
            ///
            /// # Errors
            /// When there is no such array, or it is of another type or shape.
            pub fn $get(&self, name: &str, shape: &[usize]) -> Result<&[$number], SnapshotError> {
                match &self.array(name, shape)?.values {
                    Values::$variant(values) => Ok(values),
                    other => Err(SnapshotError::Kind {
                        name: name.to_owned(),
                        wanted: stringify!($number),
                        given: other.kind(),
                    }),
                }
            }
        )*}
    };
}

typed!(
    (put_f32, f32, F32, f32, "32-bit floats"),
    (put_f64, f64, F64, f64, "64-bit floats"),
    (put_u32, u32, U32, u32, "32-bit words"),
    (put_u64, u64, U64, u64, "64-bit words")
);

impl Snapshot {
    /// Puts an array, in place of any of that name.
    ///
    /// # Panics
    /// When the number of values is not that of the shape.
    #[track_caller]
    pub fn put(&mut self, name: &str, shape: &[usize], values: Values) {
        assert_eq!(
            shape.iter().product::<usize>(),
            values.len(),
            "tensor `{name}` of shape {shape:?} from {} values",
            values.len()
        );
        self.arrays.insert(name.to_owned(), Array { shape: shape.to_vec(), values });
    }

    /// Puts the state of random streams, `[streams, 64]`.
    pub fn put_streams(&mut self, name: &str, streams: &Streams) {
        self.put_u32(name, &[streams.len(), 64], &streams.state());
    }

    /// Takes back the state of random streams; they stay as they are where it is none of theirs.
    ///
    /// # Errors
    /// When there is no such array, or it is of another type or number of streams.
    pub fn load_streams(&self, name: &str, streams: &mut Streams) -> Result<(), SnapshotError> {
        streams.set_state(self.u32(name, &[streams.len(), 64])?);
        Ok(())
    }

    /// Puts the state of one random stream, `[64]`.
    pub fn put_stream(&mut self, name: &str, stream: &Lanes) {
        self.put_u32(name, &[64], &stream.state());
    }

    /// Takes back the state of one random stream.
    ///
    /// # Errors
    /// When there is no such array, or it is of another type or shape.
    pub fn load_stream(&self, name: &str, stream: &mut Lanes) -> Result<(), SnapshotError> {
        if let ([state], _) = self.u32(name, &[64])?.as_chunks() {
            *stream = Lanes::from_state(state);
        }
        Ok(())
    }

    /// Whether there is an array of that name.
    pub fn contains(&self, name: &str) -> bool {
        self.arrays.contains_key(name)
    }

    /// The shape of an array.
    ///
    /// # Errors
    /// When there is no such array.
    pub fn shape(&self, name: &str) -> Result<&[usize], SnapshotError> {
        match self.arrays.get(name) {
            Some(array) => Ok(&array.shape),
            None => Err(SnapshotError::Missing { name: name.to_owned() }),
        }
    }

    /// The name of the first array that holds a NaN or an infinity.
    pub fn non_finite(&self) -> Option<&str> {
        let finite = |values: &Values| match values {
            Values::F32(values) => values.iter().all(|value| value.is_finite()),
            Values::F64(values) => values.iter().all(|value| value.is_finite()),
            Values::U32(_) | Values::U64(_) => true,
        };
        self.arrays.iter().find(|(_, array)| !finite(&array.values)).map(|(name, _)| name.as_str())
    }

    fn array(&self, name: &str, wanted: &[usize]) -> Result<&Array, SnapshotError> {
        let array = self.arrays.get(name).ok_or_else(|| SnapshotError::Missing { name: name.to_owned() })?;
        if array.shape != wanted {
            return Err(SnapshotError::Shape {
                name: name.to_owned(),
                wanted: wanted.to_vec(),
                given: array.shape.clone(),
            });
        }
        Ok(array)
    }

    /// Sets one entry of the metadata. Floats written by `Display` are read back as the same bits.
    pub fn set(&mut self, key: &str, value: impl fmt::Display) {
        self.metadata.insert(key.to_owned(), value.to_string());
    }

    /// One entry of the metadata.
    ///
    /// # Errors
    /// When there is no such entry.
    pub fn get(&self, key: &str) -> Result<&str, SnapshotError> {
        match self.metadata.get(key) {
            Some(value) => Ok(value),
            None => Err(SnapshotError::MissingKey { key: key.to_owned() }),
        }
    }

    /// One entry of the metadata as a `T`.
    ///
    /// # Errors
    /// When there is no such entry, or it is not a `T`.
    pub fn parse<T: FromStr>(&self, key: &str) -> Result<T, SnapshotError> {
        let value = self.get(key)?;
        value.parse().map_err(|_| SnapshotError::Metadata {
            key: key.to_owned(),
            value: value.to_owned(),
            wanted: std::any::type_name::<T>(),
        })
    }
}

/// The error of a snapshot that does not hold what is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SnapshotError {
    /// There is no such array.
    Missing {
        /// Its name.
        name: String,
    },
    /// The array is of another type.
    Kind {
        /// Its name.
        name: String,
        /// The type looked for.
        wanted: &'static str,
        /// The type it has.
        given: &'static str,
    },
    /// The array is of another shape.
    Shape {
        /// Its name.
        name: String,
        /// The shape looked for.
        wanted: Vec<usize>,
        /// The shape it has.
        given: Vec<usize>,
    },
    /// The array holds a NaN or an infinity.
    NonFinite {
        /// Its name.
        name: String,
    },
    /// There is no such entry in the metadata.
    MissingKey {
        /// Its key.
        key: String,
    },
    /// An entry of the metadata cannot be read.
    Metadata {
        /// Its key.
        key: String,
        /// Its value.
        value: String,
        /// The type it should have.
        wanted: &'static str,
    },
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SnapshotError::Missing { name } => write!(f, "tensor `{name}` is missing"),
            SnapshotError::Kind { name, wanted, given } => {
                write!(f, "tensor `{name}` is of type {given}, wanted {wanted}")
            }
            SnapshotError::Shape { name, wanted, given } => {
                write!(f, "tensor `{name}` has the shape {given:?}, wanted {wanted:?}")
            }
            SnapshotError::NonFinite { name } => write!(f, "tensor `{name}` holds a NaN or an infinity"),
            SnapshotError::MissingKey { key } => write!(f, "metadata `{key}` is missing"),
            SnapshotError::Metadata { key, value, wanted } => {
                write!(f, "metadata `{key}` is {value:?}, wanted {wanted}")
            }
        }
    }
}

impl std::error::Error for SnapshotError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;

    #[test]
    fn what_is_put_is_found_and_what_is_not_is_named() {
        let mut snapshot = Snapshot::default();
        snapshot.put_u64("step", &[], &[7]);
        snapshot.put_f64("means", &[2], &[0.25, 0.5]);
        snapshot.put_u32("bits", &[1, 2], &[1, 2]);
        assert_eq!(snapshot.u64("step", &[]).unwrap(), [7]);
        assert_eq!(snapshot.u32("bits", &[1, 2]).unwrap(), [1, 2]);
        assert_eq!(snapshot.shape("means").unwrap(), [2]);
        assert_eq!(format!("{:?}", snapshot.arrays["bits"]), "u32 [1, 2]");
        let said = |error: Result<&[f32], SnapshotError>| error.unwrap_err().to_string();
        assert_eq!(said(snapshot.f32("means", &[2])), "tensor `means` is of type f64, wanted f32");
        assert_eq!(said(snapshot.f32("means", &[3])), "tensor `means` has the shape [2], wanted [3]");
        assert_eq!(said(snapshot.f32("x", &[3])), "tensor `x` is missing");
    }

    #[test]
    fn what_is_not_finite_is_named() {
        let mut snapshot = Snapshot::default();
        snapshot.put_u32("bits", &[1], &[u32::MAX]);
        snapshot.put_f64("means", &[2], &[0.25, -1e300]);
        assert_eq!(snapshot.non_finite(), None);
        snapshot.put_f32("weights", &[2], &[0.0, f32::NEG_INFINITY]);
        assert_eq!(snapshot.non_finite(), Some("weights"));
        snapshot.put_f64("means", &[2], &[f64::NAN, 0.0]);
        assert_eq!(snapshot.non_finite(), Some("means"));
    }

    #[test]
    fn a_stream_goes_on_where_it_was() {
        let mut stream = Seed(1).lanes("x", 0);
        stream.next_words();
        let mut snapshot = Snapshot::default();
        snapshot.put_stream("x", &stream);
        let mut other = Seed(2).lanes("y", 0);
        snapshot.load_stream("x", &mut other).unwrap();
        assert_eq!(other, stream);
        assert!(snapshot.load_stream("y", &mut other).is_err());
    }

    #[test]
    fn metadata_keeps_the_bits_of_floats() {
        let mut snapshot = Snapshot::default();
        for value in [0.1, f64::MIN_POSITIVE, 1e300, -0.0, f64::INFINITY] {
            snapshot.set("x", value);
            assert_eq!(snapshot.parse::<f64>("x").unwrap().to_bits(), value.to_bits());
        }
        snapshot.set("x", "many");
        assert_eq!(
            snapshot.parse::<usize>("x").unwrap_err().to_string(),
            "metadata `x` is \"many\", wanted usize"
        );
        assert_eq!(snapshot.parse::<usize>("y").unwrap_err().to_string(), "metadata `y` is missing");
    }

    #[test]
    #[should_panic(expected = "tensor `w` of shape [2, 2] from 3 values")]
    fn a_wrong_shape_is_named() {
        Snapshot::default().put_f32("w", &[2, 2], &[0.0; 3]);
    }
}
