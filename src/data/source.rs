//! Where the bytes of a dataset are: in the program, in a slice, in memory of its own, or in a mapped file.

use super::error::DataError;
use memmap2::Mmap;
use std::fs::{self, File};
use std::io::Read;
use std::ops::Deref;
use std::path::Path;

/// Bytes, wherever they are.
pub(super) enum Source<'a> {
    Borrowed(&'a [u8]),
    Owned(Vec<u8>),
    Floats(Vec<f32>),
    Mapped(Mmap),
}

impl Deref for Source<'_> {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            Source::Borrowed(bytes) => bytes,
            Source::Owned(bytes) => bytes,
            Source::Floats(values) => bytemuck::cast_slice(values),
            Source::Mapped(map) => map,
        }
    }
}

impl Source<'static> {
    /// Maps a regular file. What the kernel keeps no stable bytes for (a pipe, a device, a file of `/proc`) is read,
    /// no further than one byte past the length that `promised` finds in its first `head` bytes.
    pub(super) fn open(
        path: &Path,
        head: usize,
        promised: impl FnOnce(&[u8]) -> Result<u64, DataError>,
    ) -> Result<Self, DataError> {
        let failed = |error| DataError::io(path, error);
        let metadata = fs::metadata(path).map_err(failed)?;
        let mut file = File::open(path).map_err(failed)?;
        if metadata.is_file() && metadata.len() > 0 {
            // SAFETY: the map is read-only and private to this dataset; that nobody cuts the file short or rewrites
            // it meanwhile is asked of the user by the documentation of `Dataset::open`.
            if let Ok(map) = unsafe { Mmap::map(&file) } {
                return Ok(Source::Mapped(map));
            }
        }
        let mut bytes = Vec::new();
        file.by_ref().take(head as u64).read_to_end(&mut bytes).map_err(failed)?;
        let rest = promised(&bytes)?.saturating_add(1).saturating_sub(bytes.len() as u64);
        file.take(rest).read_to_end(&mut bytes).map_err(failed)?;
        Ok(Source::Owned(bytes))
    }
}

/// Whether the bytes are those of a gzip file.
pub(super) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}
