//! Data from the command line, and numbers to files.

mod annealing;
pub mod data;
mod labels;
pub mod mask;
pub mod npy;
pub mod precision;
mod rows;

pub use annealing::Annealing;
pub use data::{Binarize, Domain, PixelScale, Polarity, Reading};
pub use labels::LabelSource;
pub use mask::{Mask, MaskName};
pub use precision::Sums;
pub use rows::{HeldOut, RowChoice, Rows, Selection};
