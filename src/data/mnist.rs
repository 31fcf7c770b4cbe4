//! A folder with the files of MNIST, or of a set published in its form (Fashion-MNIST, KMNIST, …).

use super::dataset::Dataset;
use super::error::DataError;
use super::named_bytes::NamedBytes;
use super::source::{Source, is_gzip};
use super::table::{Element, Table};
use super::{format, idx};
use std::path::{Path, PathBuf};

/// The names of MNIST's files: training images and labels, test images and labels.
pub const MNIST_FILES: [&str; 4] =
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

/// The bytes of MNIST's files, decompressed, as many of them as there are: images of at least one part. Without training
/// images the test images are all there is, without test images the training images; neither then has a split.
#[derive(Clone, Debug, Default)]
pub struct MnistParts {
    /// Training images, `[rows, height, width]`.
    pub train_images: Option<NamedBytes>,
    /// Training labels, `[rows]`.
    pub train_labels: Option<NamedBytes>,
    /// Test images, `[rows, height, width]`.
    pub test_images: Option<NamedBytes>,
    /// Test labels, `[rows]`.
    pub test_labels: Option<NamedBytes>,
}

/// Where the files [`MNIST_FILES`] are in `folder`, those that are there: each plain if it is, else as `.gz`; with a hyphen
/// or a dot before `idx`. Labels without their images are left out.
///
/// # Errors
/// When there are no images at all.
pub fn mnist_files(folder: &Path) -> Result<[Option<PathBuf>; 4], DataError> {
    let [train_images, train_labels, test_images, test_labels] = MNIST_FILES.map(|name| {
        let dotted = name.replace("-idx", ".idx");
        let names = [name.to_owned(), dotted.clone(), format!("{name}.gz"), format!("{dotted}.gz")];
        names.iter().map(|name| folder.join(name)).find(|path| path.is_file())
    });
    if train_images.is_none() && test_images.is_none() {
        return Err(DataError::Missing { folder: folder.display().to_string() });
    }
    let train_labels = train_labels.filter(|_| train_images.is_some());
    let test_labels = test_labels.filter(|_| test_images.is_some());
    Ok([train_images, train_labels, test_images, test_labels])
}

impl Dataset<'_> {
    /// The files of MNIST, memory-mapped.
    pub(super) fn open_mnist(folder: &Path) -> Result<Dataset<'static>, DataError> {
        let open = |path: PathBuf| -> Result<Named, DataError> {
            let name = path.display().to_string();
            let source = format::open(&path)?;
            if is_gzip(&source) {
                return Err(DataError::Compressed { file: name });
            }
            Ok((name, source))
        };
        let [train_images, train_labels, test_images, test_labels] =
            mnist_files(folder)?.map(|path| path.map(open).transpose());
        from_sources(folder.display().to_string(), [train_images?, train_labels?, test_images?, test_labels?])
    }

    /// MNIST from the bytes of its files: for those who decompress them, or have them from elsewhere.
    ///
    /// # Errors
    /// When there are no images, a file is not what it should be, or two do not belong together.
    pub fn from_mnist_parts(name: &str, parts: MnistParts) -> Result<Dataset<'static>, DataError> {
        let MnistParts { train_images, train_labels, test_images, test_labels } = parts;
        let files = [train_images, train_labels, test_images, test_labels];
        from_sources(name.to_owned(), files.map(|file| file.map(|file| (file.name, Source::Owned(file.bytes)))))
    }
}

/// A file's name and its bytes.
type Named = (String, Source<'static>);

fn from_sources(name: String, files: [Option<Named>; 4]) -> Result<Dataset<'static>, DataError> {
    let [train_images, train_labels, test_images, test_labels] = files;
    let test_name = test_images.as_ref().map_or_else(String::new, |(name, _)| name.clone());
    let train = train_images.map(|images| part(images, train_labels)).transpose()?;
    let test = test_images.map(|images| part(images, test_labels)).transpose()?;
    match (train, test) {
        (Some(train), Some(test)) if train.image_shape != test.image_shape => {
            Err(DataError::Mismatch { file: test_name, test: test.image_shape, train: train.image_shape })
        }
        (Some(mut train), Some(mut test)) => {
            // Both are bits, or neither is: a part may have no level above 1 by chance.
            if train.element != test.element {
                (train.element, test.element) = (Element::U8 { scale: 255 }, Element::U8 { scale: 255 });
            }
            Ok(Dataset::from_tables(name, train, Some(test)))
        }
        (Some(only), None) | (None, Some(only)) => Ok(Dataset::from_tables(name, only, None)),
        (None, None) => Err(DataError::Missing { folder: name }),
    }
}

fn part(images: Named, labels: Option<Named>) -> Result<Table<'static>, DataError> {
    let mut table = idx::images(&images.0, images.1)?;
    if let Some(labels) = labels {
        idx::attach_labels(&mut table, &images.0, &labels.0, labels.1)?;
    }
    Ok(table)
}
