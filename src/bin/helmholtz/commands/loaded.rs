//! A model from a run folder or a file.

use crate::cli::{Failure, Globals, Report};
use crate::contract::{Model, Origin};
use crate::registry;
use crate::run::{folder, standing};
use helmholtz::storage;
use helmholtz::train::Position;
use std::path::Path;

/// A model from a run folder or a file.
pub struct Loaded {
    /// The model.
    pub model: Box<dyn Model>,
    /// Where it comes from.
    pub origin: Origin,
}

impl Loaded {
    /// The model in a run folder or in a safetensors file. Where it is a checkpoint, or the run has not ended as it
    /// should, people are told.
    pub fn open(path: &Path, globals: &Globals) -> Result<Self, Failure> {
        let console = globals.console();
        let (file, snapshot, run) = if path.is_dir() {
            let found = folder::model_in(path)?;
            if let Some(warning) = standing::warning(path, found.position.as_ref()) {
                console.warn(warning);
            }
            (found.file, found.snapshot, Some(path.to_owned()))
        } else {
            (path.to_owned(), storage::load(path)?, None)
        };
        let model = registry::open(&snapshot).map_err(|failure| failure.about(file.display()))?;
        let origin = Origin::new(&*model, &snapshot, file, run, console.clone());
        if let Some(Position { step, steps, .. }) = Position::of(&snapshot) {
            let averaged = origin.settings.saved("average").is_some_and(|average: f32| average > 0.0);
            let machine = if averaged { "the average of the weights" } else { "the weights" };
            console.note(format!("using {machine} at step {step} of {steps}: {}", origin.file.display()));
        }
        Ok(Loaded { model, origin })
    }

    /// An answer of the model, a refusal with the file's name in front.
    pub fn asked<T>(&self, answer: Result<T, Failure>) -> Result<T, Failure> {
        answer.map_err(|failure| failure.about(self.origin.file.display()))
    }

    /// A report that says of what kind of model it is, and which file was written.
    pub fn report(&self, out: &Path) -> Report {
        let mut report = Report::new();
        report.figure("model", self.model.kind());
        report.figure("out", out.display().to_string());
        report
    }
}
