//! The run folder: which files it holds, and when one may be written to.

use crate::cli::Failure;
use helmholtz::storage::{self, StorageError, write_atomic};
use helmholtz::store::Snapshot;
use helmholtz::train::Position;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The only source for resuming.
pub const CHECKPOINT: &str = "checkpoint.safetensors";
/// The trained parameters.
pub const MODEL: &str = "model.safetensors";
/// A row an evaluation.
pub const METRICS: &str = "metrics.csv";
/// Configuration, seed, data and final figures.
pub const RUN: &str = "run.json";
/// Draws of the model.
pub const SAMPLES: &str = "samples.png";
/// Rows of the data, and what the model makes of them.
pub const RECONSTRUCTIONS: &str = "reconstructions.png";
/// From one example to another through the latent space.
pub const INTERPOLATION: &str = "interpolation.png";
/// The latent plane of a model with two latent dimensions.
pub const MANIFOLD: &str = "manifold.png";
/// The picture of classes beside one another.
pub const CLASSES: &str = "classes.png";
/// The density of a model of the plane, beside that of the data.
pub const DENSITY: &str = "density.png";
/// Weights of the hidden units, as images.
pub const FILTERS: &str = "filters.png";
/// Stored, corrupted and recalled patterns.
pub const RECALL: &str = "recall.png";
/// The patterns that rules of storage hold at each load.
pub const CAPACITY: &str = "capacity.svg";
/// The same in numbers.
pub const CAPACITY_TABLE: &str = "capacity.csv";
/// The figures over the epochs.
pub const CURVES: &str = "curves.svg";

/// The metadata that says what a file holds.
pub const KIND: &str = "kind";
/// Height and width of the images a model was trained on: metadata.
pub const IMAGE_SHAPE: &str = "image_shape";
/// The largest number of a row of the data a model was trained on, where it is not 1: metadata.
pub const LARGEST: &str = "largest_level";
/// The fingerprint of the data a model was trained on, all rows of it: metadata. Earlier versions had `data_fingerprint`, of 64
/// rows.
pub const FINGERPRINT: &str = "fingerprint";
/// The metadata of a model that says how many updates its run had made.
pub const STEP: &str = "step";

const ALL: [&str; 15] = [
    CHECKPOINT,
    MODEL,
    METRICS,
    RUN,
    SAMPLES,
    RECONSTRUCTIONS,
    INTERPOLATION,
    MANIFOLD,
    CLASSES,
    DENSITY,
    FILTERS,
    CURVES,
    RECALL,
    CAPACITY,
    CAPACITY_TABLE,
];

/// The fate of a run that is already in the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Leave it alone: an error.
    Keep,
    /// Continue it.
    Resume,
    /// Replace it.
    Overwrite,
}

/// The folder of a run.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// The folder named, else `runs/NAME`: when that is taken, the next of `runs/NAME-2`, `runs/NAME-3`, …; the last
    /// one there is when resuming.
    pub fn choose(given: Option<&Path>, name: &str, existing: Existing) -> Self {
        let path = given.map_or_else(|| numbered(&Path::new("runs").join(name), existing), Path::to_owned);
        RunFolder { path }
    }

    /// The folder with this path.
    pub fn at(path: PathBuf) -> Self {
        RunFolder { path }
    }

    /// The path of one of its files.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The folder's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Refuses what could destroy something: a run that is to be kept, or files that no run has written. Changes
    /// nothing.
    pub fn check(&self, existing: Existing) -> Result<(), Failure> {
        let named = self.path.display();
        if self.path.exists() && !self.path.is_dir() {
            return Err(Failure::new("a file, and a run needs a folder").about(named));
        }
        let is_run = is_run(&self.path);
        match existing {
            Existing::Resume if !is_run => {
                return Err(Failure::new("no run to resume in this folder")
                    .about(named)
                    .hint("start one by leaving out --resume"));
            }
            Existing::Keep if is_run => {
                return Err(Failure::new("there is a run in this folder already")
                    .about(named)
                    .hint("--resume continues it, --overwrite replaces it, --out names another folder"));
            }
            _ => {}
        }
        if !is_run && let Some(name) = ALL.iter().find(|name| self.file(name).exists()) {
            return Err(Failure::new(format!("has a file {name} that no run has written"))
                .about(named)
                .hint("--out names another folder"));
        }
        Ok(())
    }

    /// Makes the folder.
    pub fn create(&self, existing: Existing) -> Result<(), Failure> {
        fs::create_dir_all(&self.path).map_err(|error| self.refused(existing, &error))
    }

    /// Sees that the folder can be written to, and removes what a killed run left half written, and a run that is to be
    /// replaced. To be called under the [`lock`].
    pub fn prepare(&self, existing: Existing) -> Result<(), Failure> {
        let refused = |error| self.refused(existing, &error);
        let probe = self.path.join(format!(".writable-{}", std::process::id()));
        let written = fs::write(&probe, b"?");
        let removed = fs::remove_file(&probe);
        written.and(removed).map_err(refused)?;
        for name in ALL {
            storage::remove_leftovers(&self.file(name)).map_err(refused)?;
        }
        if existing == Existing::Overwrite {
            for name in ALL {
                match fs::remove_file(self.file(name)) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(refused(error)),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Makes the folder, locks it and prepares it.
    pub fn claim(&self, existing: Existing) -> Result<Lock, Failure> {
        self.create(existing)?;
        let lock = lock(&self.path)?;
        self.prepare(existing)?;
        Ok(lock)
    }

    fn refused(&self, existing: Existing, error: &io::Error) -> Failure {
        Failure::new(format!("cannot write here: {error}")).about(self.path.display()).hint(match existing {
            Existing::Resume => "nothing is lost: make room or leave to write, then --resume again",
            Existing::Keep | Existing::Overwrite => "--out names another folder",
        })
    }

    /// Replaces a text file whole or not at all.
    pub fn write(&self, name: &str, text: &str) -> Result<(), StorageError> {
        write_atomic(&self.file(name), |file: &mut dyn Write| file.write_all(text.as_bytes()))
    }
}

/// As long as this lives, no other process trains into the folder.
#[derive(Debug)]
pub struct Lock {
    _folder: Option<File>,
}

/// Locks a folder against other processes that train. The operating system holds the lock and lets go of it when the
/// process ends, however it ends. Where it has no locks for folders, nothing is guarded.
pub fn lock(folder: &Path) -> Result<Lock, Failure> {
    let Ok(file) = File::open(folder) else { return Ok(Lock { _folder: None }) };
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(Failure::new("another process is training into this folder")
            .about(folder.display())
            .hint("wait until it has ended, or stop it with Ctrl-C; --out names another folder")),
        Ok(()) | Err(TryLockError::Error(_)) => Ok(Lock { _folder: Some(file) }),
    }
}

/// The file that a run folder's model is read from.
pub struct Found {
    /// The file.
    pub file: PathBuf,
    /// Its contents.
    pub snapshot: Snapshot,
    /// Where the checkpoint stands, whether it is the file or not.
    pub position: Option<Position>,
}

/// The model of a run folder: the model file, or the checkpoint of a run that was killed before it left a model or after
/// it went on from one.
pub fn model_in(folder: &Path) -> Result<Found, Failure> {
    let (model, checkpoint) = (folder.join(MODEL), folder.join(CHECKPOINT));
    match (model.exists(), checkpoint.exists()) {
        (false, false) => {
            Err(Failure::new(format!("no {MODEL} and no {CHECKPOINT} in this folder")).about(folder.display()))
        }
        (false, true) => load(checkpoint),
        (true, false) => load(model),
        (true, true) => {
            let loaded = load(model)?;
            // A model is good whatever has become of the checkpoint beside it.
            match load(checkpoint) {
                Ok(newer) if is_ahead(&newer.snapshot, &loaded.snapshot) => Ok(newer),
                Ok(Found { position, .. }) => Ok(Found { position, ..loaded }),
                Err(_) => Ok(loaded),
            }
        }
    }
}

fn load(file: PathBuf) -> Result<Found, Failure> {
    let snapshot = storage::load(&file)?;
    Ok(Found { position: Position::of(&snapshot), file, snapshot })
}

/// Whether a checkpoint has made more updates than the model beside it, as far as the model says how many it has.
fn is_ahead(checkpoint: &Snapshot, model: &Snapshot) -> bool {
    let made = model.metadata.get(STEP).and_then(|step| step.parse().ok());
    matches!((Position::of(checkpoint), made), (Some(position), Some(made)) if position.step > made)
}

/// Whether a run has been started in this folder.
pub fn is_run(folder: &Path) -> bool {
    folder.join(RUN).exists() || folder.join(CHECKPOINT).exists()
}

fn numbered(first: &Path, existing: Existing) -> PathBuf {
    let name = |number: usize| match number {
        1 => first.to_owned(),
        _ => PathBuf::from(format!("{}-{number}", first.display())),
    };
    let taken = (1..).take_while(|&number| name(number).exists()).count();
    match existing {
        Existing::Keep => name(taken + 1),
        Existing::Resume | Existing::Overwrite => name(taken.max(1)),
    }
}
