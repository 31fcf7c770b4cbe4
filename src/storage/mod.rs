//! Snapshots as safetensors files, and files that are replaced whole or not at all.
//!
//! Arrays are stored under their names; the metadata is sorted JSON under the one key `helmholtz`. The bytes are a
//! function of the snapshot alone. A file without that key, from another program, loads with empty metadata.
//!
//! ```
//! use helmholtz::{storage, store::Snapshot};
//! let folder = std::env::temp_dir();
//! let path = folder.join(format!("helmholtz-doc-{}.safetensors", std::process::id()));
//! let mut snapshot = Snapshot::default();
//! snapshot.put_f32("visible_bias", &[2], &[0.5, -0.5]);
//! snapshot.set("kind", "rbm");
//! storage::save(&path, &snapshot)?;
//! assert_eq!(storage::load(&path)?, snapshot);
//! # std::fs::remove_file(&path).unwrap();
//! # Ok::<(), storage::StorageError>(())
//! ```

mod atomic;
mod error;
mod tensors;

pub use atomic::{remove_leftovers, write_atomic};
pub use error::StorageError;
pub use tensors::{from_bytes, load, save, to_bytes};
