//! Named bytes: a whole file in memory.

/// The bytes of a file and the name that errors call it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedBytes {
    /// What errors call it: usually the path.
    pub name: String,
    /// The whole file, decompressed.
    pub bytes: Vec<u8>,
}

impl NamedBytes {
    /// The bytes of the file `name`.
    pub fn new(name: impl Into<String>, bytes: Vec<u8>) -> Self {
        NamedBytes { name: name.into(), bytes }
    }
}
