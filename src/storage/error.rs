//! What can be wrong with a file that is saved or loaded: one line that names it.

use std::fmt;
use std::io;
use std::path::Path;

/// What can be wrong with a file that is saved or loaded. Displayed as one line that names it.
#[derive(Debug)]
#[non_exhaustive]
pub enum StorageError {
    /// The operating system refused.
    Io {
        /// What was being done.
        action: &'static str,
        /// The file.
        file: String,
        /// What it said.
        source: io::Error,
    },
    /// A folder, a device or a pipe where a file is needed.
    NotAFile {
        /// Its path.
        file: String,
    },
    /// Not a safetensors file, or one that is damaged.
    Format {
        /// The file.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Numbers of a type that is not read here.
    ElementType {
        /// The file.
        file: String,
        /// The tensor.
        tensor: String,
        /// Its type.
        found: String,
    },
    /// The metadata under the key `helmholtz` is not a JSON object of strings.
    Metadata {
        /// The file.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl StorageError {
    /// What usually helps, where something does.
    pub fn hint(&self) -> Option<&str> {
        match self {
            StorageError::ElementType { .. } => {
                Some("in PyTorch: save_file({name: tensor.float() for name, tensor in state_dict.items()}, file)")
            }
            StorageError::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                Some("free some space; what was there before is untouched")
            }
            _ => None,
        }
    }

    pub(super) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        StorageError::Io { action, file: path.display().to_string(), source }
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StorageError::Io { action, file, source } => write!(f, "{file}: cannot {action}: {source}"),
            StorageError::NotAFile { file } => write!(f, "{file}: not a regular file"),
            StorageError::Format { file, problem } => {
                write!(f, "{file}: not a whole safetensors file: {}", problem.replace('\n', " "))
            }
            StorageError::ElementType { file, tensor, found } => {
                write!(f, "{file}: tensor {tensor:?} is of type {found}, wanted F32, F64, U32 or U64")
            }
            StorageError::Metadata { file, problem } => {
                write!(f, "{file}: its metadata `helmholtz` is not an object of strings: {problem}")
            }
        }
    }
}

impl std::error::Error for StorageError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            StorageError::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
