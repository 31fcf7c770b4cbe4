//! Formats: the kinds of file that hold rows, told apart by their first bytes.

use super::error::DataError;
use super::source::{Source, is_gzip};
use super::table::Table;
use super::{idx, npy};
use std::path::Path;

/// A kind of file that holds rows.
#[derive(Clone, Copy)]
enum Format {
    Idx,
    Npy,
}

impl Format {
    /// The format of a file that starts with these bytes. Whatever is no `.npy` is taken for IDX, whose reader says what is
    /// wrong with it.
    fn of(first_bytes: &[u8]) -> Self {
        if first_bytes.starts_with(npy::MAGIC) { Format::Npy } else { Format::Idx }
    }

    /// The length of the whole file by the header in its first bytes.
    fn promised_length(self, name: &str, first_bytes: &[u8]) -> Result<u64, DataError> {
        match self {
            Format::Idx => idx::idx_file_length(name, first_bytes),
            Format::Npy => npy::file_length(name, first_bytes),
        }
    }
}

/// The bytes of the file at `path`, mapped where they can be.
pub(super) fn open(path: &Path) -> Result<Source<'static>, DataError> {
    let name = path.display().to_string();
    // No header is longer than the longest of a `.npy`.
    Source::open(path, npy::LONGEST_HEADER, |first| Format::of(first).promised_length(&name, first))
}

/// The rows that the file `name` holds.
pub(super) fn table<'a>(name: &str, source: Source<'a>) -> Result<Table<'a>, DataError> {
    if is_gzip(&source) {
        return Err(DataError::Compressed { file: name.to_owned() });
    }
    match Format::of(&source) {
        Format::Idx => idx::images(name, source),
        Format::Npy => npy::table(name, source),
    }
}
