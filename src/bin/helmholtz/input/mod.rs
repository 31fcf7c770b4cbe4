//! Data from the command line, and numbers to files.

pub mod data;
pub mod mask;
pub mod npy;
pub mod rows;
