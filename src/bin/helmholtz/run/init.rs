//! The model that a run starts from instead of a random one.

use super::folder;
use super::folder::KIND;
use super::settings::Settings;
use crate::cli::Failure;
use helmholtz::storage;
use helmholtz::store::Snapshot;
use std::path::{Path, PathBuf};

/// The model that a run starts from instead of a random one, and how it was trained.
pub struct Init {
    file: PathBuf,
    snapshot: Snapshot,
    /// The settings that it was trained with.
    pub settings: Settings,
}

impl Init {
    /// The model in a run folder or a file; one that says that it is of another kind is refused.
    pub fn read(path: &Path, kind: &str) -> Result<Self, Failure> {
        Init::named("init", path, kind)
    }

    /// The same, named by another option.
    pub fn named(option: &str, path: &Path, kind: &str) -> Result<Self, Failure> {
        let (file, snapshot) = if path.is_dir() {
            let found = folder::model_in(path)?;
            (found.file, found.snapshot)
        } else {
            (path.to_owned(), storage::load(path)?)
        };
        if let Some(saved) = snapshot.metadata.get(KIND).filter(|saved| *saved != kind) {
            let failure =
                Failure::new(format!("--{option}: a model of kind {saved}, not {kind}")).about(file.display());
            return Err(match option {
                "init" => failure.hint(format!("helmholtz train {saved} --init {}", path.display())),
                _ => failure,
            });
        }
        Ok(Init { settings: Settings::saved_in(&snapshot.metadata), file, snapshot })
    }

    /// The model, as its family reads it.
    pub fn model<M, E: Into<Failure>>(&self, read: impl Fn(&Snapshot) -> Result<M, E>) -> Result<M, Failure> {
        read(&self.snapshot).map_err(|error| error.into().about(self.file.display()))
    }

    /// Refuses an option whose value is not that of the model.
    pub fn same<T: PartialEq + std::fmt::Display>(
        &self,
        option: &str,
        asked: &T,
        model: &T,
    ) -> Result<(), Failure> {
        if asked == model {
            return Ok(());
        }
        Err(Failure::new(format!("--{option} is {asked}, and the model of --init has {model}"))
            .about(self.file.display()))
    }
}
