//! What is compared: a run, a file, or the runs of several seeds as one.

use super::super::loaded::Loaded;
use crate::cli::{Failure, Globals};
use crate::run::{MODEL, folder, standing};
use std::path::{Path, PathBuf};

/// One row of the table: a model, or the models of several seeds.
pub struct Contestant {
    /// Its path, as it was given.
    pub name: String,
    /// The model of each seed; a single one where it is no folder of several.
    pub members: Vec<Loaded>,
}

impl Contestant {
    /// Whether `path` is one, rather than data: a run, a folder of runs, or a safetensors file.
    pub fn is_at(path: &Path) -> bool {
        path.extension().is_some_and(|ending| ending == "safetensors")
            || path.is_dir() && (is_run(path) || !runs_of_seeds(path).is_empty())
    }

    /// The models at `path`.
    pub fn open(path: &Path, globals: &Globals) -> Result<Self, Failure> {
        let seeds = if path.is_dir() && !is_run(path) { runs_of_seeds(path) } else { Vec::new() };
        let members = match seeds.is_empty() {
            true => vec![Loaded::open(path, globals)?],
            false => {
                seeds.iter().map(|run| Loaded::open(run, globals)).collect::<Result<Vec<Loaded>, Failure>>()?
            }
        };
        let contestant = Contestant { name: path.display().to_string(), members };
        let (kind, width) = (contestant.first().model.kind(), contestant.width());
        if let Some(other) =
            contestant.members.iter().find(|other| (other.model.kind(), other.model.width()) != (kind, width))
        {
            let (other_kind, other_width) = (other.model.kind(), other.model.width());
            return Err(Failure::new(format!(
                "runs of seeds are one model, and these are of kind {kind} with {width} values a row and of kind \
                 {other_kind} with {other_width}"
            ))
            .about(path.display()));
        }
        Ok(contestant)
    }

    /// The model of the first seed.
    pub fn first(&self) -> &Loaded {
        &self.members[0]
    }

    /// Values of a row.
    pub fn width(&self) -> usize {
        self.first().model.width()
    }

    /// Seconds that training took, on average over seeds.
    pub fn seconds(&self) -> Result<f64, String> {
        let of = |loaded: &Loaded| -> Result<f64, String> {
            let run = loaded.origin.run.as_deref().ok_or("a file does not say how long its training took")?;
            let record = standing::record(run).ok_or("no run.json says how long training took")?;
            record["figures"]["seconds"]
                .as_f64()
                .ok_or_else(|| "run.json does not say how long training took".to_owned())
        };
        let all = self.members.iter().map(of).collect::<Result<Vec<f64>, String>>()?;
        Ok(all.iter().sum::<f64>() / all.len() as f64)
    }
}

fn is_run(folder: &Path) -> bool {
    folder::is_run(folder) || folder.join(MODEL).exists()
}

/// The runs `seed-1`, `seed-2`, … in a folder, in the order of their numbers.
fn runs_of_seeds(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let seed = |path: &Path| path.file_name()?.to_str()?.strip_prefix("seed-")?.parse::<u64>().ok();
    let mut runs: Vec<(u64, PathBuf)> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| is_run(path))
        .filter_map(|path| Some((seed(&path)?, path)))
        .collect();
    runs.sort();
    runs.into_iter().map(|(_, path)| path).collect()
}
