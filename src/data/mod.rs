//! Datasets: embedded, memory-mapped or borrowed; splits, batches, binarisation.
//!
//! A [`Dataset`] is rows of numbers, in [0, 1] but for [real ones](Dataset::from_real), that stay in the form they were
//! stored in (bytes of a file, of the program, of a slice) until a row is asked for, so that a set larger than memory
//! trains. It says how its rows become the bits of a Bernoulli model ([`Binarization`]), on what [`Scale`] the others are
//! read, which rows are for training and which for testing, and with which labels and targets. [`Wanted`] says whether it
//! suits a model.
//! [`Batches`] turns a seed and a step into row numbers, with no state beyond the position.
//!
//! ```
//! use helmholtz::data::{Batches, Dataset};
//! use helmholtz::{Seed, tensor::BitMatrix};
//!
//! let train = Dataset::digits().train();
//! let batches = Batches::new(train.len(), 32, Seed(1));
//! let (mut rows, mut bits) = ([0; 32], BitMatrix::default());
//! batches.fill(0, &mut rows);
//! train.bits_into(&rows, &mut [], &mut bits); // thresholded: no random numbers needed
//! assert_eq!((bits.rows(), bits.units()), (32, 64));
//! ```

mod arrays;
mod bars;
mod batches;
mod dataset;
mod digits;
mod error;
mod fingerprint;
mod format;
mod idx;
mod label_file;
mod labels;
mod levels;
mod masking;
mod missing;
mod mnist;
mod named_bytes;
mod npy;
mod open;
mod pack;
mod read;
mod shuffle;
mod source;
mod split;
mod spread;
mod suitability;
mod table;
mod toy;
mod views;

#[cfg(test)]
mod read_tests;

pub use batches::Batches;
pub use dataset::Dataset;
pub use error::DataError;
pub use idx::{IDX_HEADER_BYTES, idx_file_length};
pub use label_file::labels_in;
pub use levels::{Binarization, Scale};
pub use masking::Masking;
pub use mnist::{MNIST_FILES, MnistParts, mnist_files};
pub use named_bytes::NamedBytes;
pub use npy::npy_numbers;
pub use shuffle::KeyedPermutation;
pub use split::Holdout;
pub use spread::Spread;
pub use suitability::{Unsuitable, Values, Wanted, check_width};
pub use toy::{Coverage, ToyDensity};
