//! Opening: datasets from files, their bytes, or the name of a built-in set.

use super::dataset::Dataset;
use super::error::DataError;
use super::named_bytes::NamedBytes;
use super::source::Source;
use super::table::Element;
use super::toy::ToyDensity;
use super::{format, idx, npy};
use std::path::Path;

impl Dataset<'_> {
    /// A folder with MNIST's IDX files, or some of them, one IDX file of images, or one 2-D `.npy` (u8, bool, f32, f64),
    /// memory-mapped. Floats are read once, to see that all of them lie in [0, 1].
    ///
    /// The file must stay as it is while the dataset lives: one that another process cuts short kills this one
    /// (SIGBUS), and one that is rewritten gives other numbers. A file that is not a regular one is read instead.
    ///
    /// # Errors
    /// When the file is missing, of another format, cut short, too long, or holds a number outside [0, 1].
    pub fn open(path: &Path) -> Result<Dataset<'static>, DataError> {
        if path.is_dir() {
            return Dataset::open_mnist(path);
        }
        let name = path.display().to_string();
        Dataset::from_source(name, format::open(path)?)
    }

    /// The built-in set of this name, if it is one: `digits`, `bars:N`, the name of a [`ToyDensity`].
    ///
    /// # Errors
    /// As for [`bars`](Self::bars), where the name starts with `bars:`.
    pub fn built_in(name: &str) -> Result<Option<Dataset<'static>>, DataError> {
        if name == "digits" {
            return Ok(Some(Dataset::digits()));
        }
        if let Some(size) = name.strip_prefix("bars:") {
            let refused = |_| DataError::Bars { size: size.to_owned() };
            return Dataset::bars(size.parse().map_err(refused)?).map(Some);
        }
        Ok(name.parse::<ToyDensity>().ok().map(Dataset::toy))
    }

    /// The data that `argument` names, as the program's DATA does: a [`built_in`](Self::built_in) set, or else a path for
    /// [`open`](Self::open). A file or folder in the way of a built-in name is meant by `./digits`.
    ///
    /// # Errors
    /// As for [`bars`](Self::bars) and [`open`](Self::open).
    pub fn resolve(argument: &str) -> Result<Dataset<'static>, DataError> {
        match Dataset::built_in(argument)? {
            Some(data) => Ok(data),
            None => Dataset::open(Path::new(argument)),
        }
    }

    /// One IDX file of images or one `.npy`, from its bytes.
    ///
    /// # Errors
    /// As for [`open`](Self::open).
    pub fn from_bytes(file: NamedBytes) -> Result<Dataset<'static>, DataError> {
        Dataset::from_source(file.name, Source::Owned(file.bytes))
    }

    fn from_source(name: String, source: Source<'static>) -> Result<Dataset<'static>, DataError> {
        let table = format::table(&name, source)?;
        Ok(Dataset::from_tables(name, table, None))
    }

    /// IDX images `[rows, height, width]` (or flat rows `[rows, width]`) and, if given, their labels `[rows]`, from
    /// the bytes of their files.
    ///
    /// # Errors
    /// When a file is not what it should be, or the counts differ.
    pub fn from_idx_bytes(images: NamedBytes, labels: Option<NamedBytes>) -> Result<Dataset<'static>, DataError> {
        let name = images.name.clone();
        Ok(Dataset::from_tables(name, idx::from_bytes(images, labels)?, None))
    }

    /// A 2-D `.npy` of any finite numbers, read into memory as `f32`.
    ///
    /// # Errors
    /// When the file is missing, no `.npy`, of another shape, cut short, too long, or holds a number that is not finite.
    pub fn open_real(path: &Path) -> Result<Dataset<'static>, DataError> {
        let name = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|error| DataError::io(path, error))?;
        let (values, shape) = npy::npy_numbers(&NamedBytes::new(name.clone(), bytes))?;
        Dataset::from_floats(name, values.into(), &shape, Element::Real)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_argument_of_the_program_is_resolved() {
        assert_eq!(Dataset::resolve("digits").unwrap().len(), 1797);
        assert_eq!(Dataset::resolve("bars:3").unwrap().len(), 14);
        let error = Dataset::resolve("bars:x").unwrap_err();
        assert_eq!(error.to_string(), "bars:x: the size must be a whole number from 1 to 16");
        assert!(Dataset::resolve("no/such/file").unwrap_err().hint().unwrap().contains("bars:N"));
        // A path is no built-in name, even where its last part is one.
        for path in ["./digits", "digits/", "./bars:3", "./moons"] {
            assert!(Dataset::built_in(path).unwrap().is_none(), "{path}");
            assert!(matches!(Dataset::resolve(path), Err(DataError::Io { .. })), "{path}");
        }
        assert!(Dataset::resolve("moons").unwrap().is_real());
    }
}
