//! A folder with the four files of MNIST, or of a set published in its form (Fashion-MNIST, KMNIST, …).

use super::dataset::Dataset;
use super::error::DataError;
use super::named_bytes::NamedBytes;
use super::source::{Source, is_gzip};
use super::table::Table;
use super::{format, idx};
use std::path::{Path, PathBuf};

/// The names of MNIST's files: training images and labels, test images and labels.
pub const MNIST_FILES: [&str; 4] =
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

/// The bytes of MNIST's four files, decompressed.
#[derive(Clone, Debug)]
pub struct MnistParts {
    /// Training images, `[rows, height, width]`.
    pub train_images: NamedBytes,
    /// Training labels, `[rows]`.
    pub train_labels: NamedBytes,
    /// Test images, `[rows, height, width]`.
    pub test_images: NamedBytes,
    /// Test labels, `[rows]`.
    pub test_labels: NamedBytes,
}

/// Where the files [`MNIST_FILES`] are in `folder`: each plain if it is there, else as `.gz`; with a hyphen or a dot
/// before `idx`.
///
/// # Errors
/// Names the files that are missing.
pub fn mnist_files(folder: &Path) -> Result<[PathBuf; 4], DataError> {
    let mut missing = Vec::new();
    let found = MNIST_FILES.map(|name| {
        let dotted = name.replace("-idx", ".idx");
        let names = [name.to_owned(), dotted.clone(), format!("{name}.gz"), format!("{dotted}.gz")];
        let path = names.iter().map(|name| folder.join(name)).find(|path| path.is_file());
        path.unwrap_or_else(|| {
            missing.push(name);
            PathBuf::new()
        })
    });
    if missing.is_empty() {
        Ok(found)
    } else {
        Err(DataError::Missing { folder: folder.display().to_string(), files: missing })
    }
}

impl Dataset<'_> {
    /// The four files of MNIST, memory-mapped.
    pub(super) fn open_mnist(folder: &Path) -> Result<Dataset<'static>, DataError> {
        let files = mnist_files(folder)?;
        let [train_images, train_labels, test_images, test_labels] = &files;
        let open = |path: &PathBuf| -> Result<(String, Source<'static>), DataError> {
            let name = path.display().to_string();
            let source = format::open(path)?;
            if is_gzip(&source) {
                return Err(DataError::Compressed { file: name });
            }
            Ok((name, source))
        };
        from_sources(
            folder.display().to_string(),
            [open(train_images)?, open(train_labels)?, open(test_images)?, open(test_labels)?],
        )
    }

    /// MNIST from the bytes of its four files: for those who decompress them, or have them from elsewhere.
    ///
    /// # Errors
    /// When a file is not what it should be, or two do not belong together.
    pub fn from_mnist_parts(name: &str, parts: MnistParts) -> Result<Dataset<'static>, DataError> {
        let MnistParts { train_images, train_labels, test_images, test_labels } = parts;
        let files = [train_images, train_labels, test_images, test_labels];
        from_sources(name.to_owned(), files.map(|file| (file.name, Source::Owned(file.bytes))))
    }
}

fn from_sources(name: String, files: [(String, Source<'static>); 4]) -> Result<Dataset<'static>, DataError> {
    let [train_images, train_labels, test_images, test_labels] = files;
    let test_name = test_images.0.clone();
    let train = part(train_images, train_labels)?;
    let test = part(test_images, test_labels)?;
    if train.image_shape != test.image_shape {
        return Err(DataError::Mismatch { file: test_name, test: test.image_shape, train: train.image_shape });
    }
    Ok(Dataset::from_tables(name, train, Some(test)))
}

fn part(
    images: (String, Source<'static>),
    labels: (String, Source<'static>),
) -> Result<Table<'static>, DataError> {
    let mut table = idx::images(&images.0, images.1)?;
    idx::attach_labels(&mut table, &images.0, &labels.0, labels.1)?;
    Ok(table)
}
