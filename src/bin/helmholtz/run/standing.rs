//! How a run stands, as its `run.json` says: what should be known before its model is used.

use super::folder;
use super::folder::RUN;
use crate::cli::Failure;
use crate::input::data;
use helmholtz::train::Position;
use serde_json::Value;
use std::fmt;
use std::path::Path;

/// How a run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It goes on.
    Training,
    /// It has made its last update, and its model is there; how likely it makes the data has not been said yet.
    Trained(Scoring),
    /// It has been trained and scored.
    Finished,
    /// It was interrupted, or told to stop before its end.
    Stopped,
    /// It ended with this error.
    Failed(String),
    /// Its process ended without a word.
    Killed,
}

/// Whether a trained model is being scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scoring {
    /// A process does so now.
    GoesOn,
    /// None does.
    Open,
}

impl Standing {
    /// The word in `run.json` and in figures.
    pub fn word(&self) -> &'static str {
        match self {
            Standing::Training => "training",
            Standing::Trained(_) => "trained",
            Standing::Finished => "finished",
            Standing::Stopped => "stopped",
            Standing::Failed(_) => "failed",
            Standing::Killed => "killed",
        }
    }

    /// How the run in a folder stands; `None` where no `run.json` says so. A run that claims to go on while no process holds
    /// the folder was killed.
    pub fn of_run(run: &Path) -> Option<Self> {
        let record = record(run)?;
        let held = || folder::lock(run).is_err();
        match record["status"].as_str()? {
            // The second is the word of earlier versions.
            "training" | "running" if held() => Some(Standing::Training),
            "training" | "running" => Some(Standing::Killed),
            "trained" if held() => Some(Standing::Trained(Scoring::GoesOn)),
            "trained" => Some(Standing::Trained(Scoring::Open)),
            "stopped" => Some(Standing::Stopped),
            "failed" => Some(Standing::Failed(record["error"].as_str().unwrap_or("an unknown error").to_owned())),
            "finished" => Some(Standing::Finished),
            _ => None,
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Standing::Training => f.write_str("still training"),
            Standing::Trained(Scoring::GoesOn) => f.write_str("trained, being scored"),
            Standing::Trained(Scoring::Open) => f.write_str("trained, not scored"),
            Standing::Failed(error) => write!(f, "failed: {error}"),
            Standing::Finished | Standing::Stopped | Standing::Killed => f.write_str(self.word()),
        }
    }
}

/// `run.json` of a folder; `None` where there is none that can be read.
pub fn record(run: &Path) -> Option<Value> {
    serde_json::from_str(&std::fs::read_to_string(run.join(RUN)).ok()?).ok()
}

/// How the run in a folder stands, in words, and what to do about it; `position` is that of its last checkpoint. `None`
/// where there is nothing to be said: it is finished, or no `run.json` can be read.
pub fn warning(run: &Path, position: Option<&Position>) -> Option<String> {
    let kind = record(run)?["model"].as_str()?.to_owned();
    let at = position.map_or_else(String::new, |at| format!(" at step {} of {}", at.step, at.steps));
    let resume = format!("helmholtz train {kind} --out {} --resume", run.display());
    match Standing::of_run(run)? {
        Standing::Finished => None,
        Standing::Training => Some(format!("this run is still training{at}")),
        Standing::Trained(Scoring::GoesOn) => Some("this run is trained, and being scored".to_owned()),
        Standing::Trained(Scoring::Open) => Some(format!("this run is trained, not scored; {resume} scores")),
        Standing::Stopped => Some(format!("this run was stopped{at}; {resume} goes on")),
        Standing::Failed(error) => Some(format!("this run failed: {error}; its last good checkpoint is{at}")),
        Standing::Killed => Some(format!("this run was killed; its last checkpoint is{at}; {resume} goes on")),
    }
}

/// Where the data that a model was trained on is now: `name` is how its run was given it, and `run` the folder of that run. A
/// relative path leads there from the folder that the run was begun in alone, so the absolute one comes first.
pub fn whereabouts(name: &str, run: Option<&Path>) -> String {
    let recorded = run.and_then(record).and_then(|record| Some(record["data"]["path"].as_str()?.to_owned()));
    match (recorded, data::path_of(name)) {
        (Some(recorded), Some(here)) if recorded != here && Path::new(&recorded).exists() => recorded,
        _ => name.to_owned(),
    }
}

/// Refuses the checkpoint of another run: one whose `settings` or `fingerprint` of the data are not those that
/// `run.json` names. What a run may change when it is resumed is not looked at.
pub fn same_run<'a>(
    run: &Path,
    settings: impl Iterator<Item = (&'a String, &'a String)>,
    fingerprint: Option<&String>,
) -> Result<(), Failure> {
    const MAY_CHANGE: [&str; 2] = ["data", "length"];
    let Some(record) = record(run) else { return Ok(()) };
    let other = |what: &str, saved: &str, recorded: &str| {
        Err(Failure::new(format!("a checkpoint of another run: its {what} is {saved}, and {RUN} says {recorded}"))
            .hint("put the run's own checkpoint back, or --overwrite the run"))
    };
    for (name, saved) in settings.filter(|(name, _)| !MAY_CHANGE.contains(&name.as_str())) {
        match record["configuration"][name].as_str() {
            Some(recorded) if recorded != saved => return other(&format!("--{name}"), saved, recorded),
            _ => {}
        }
    }
    match (record["data"]["fingerprint"].as_str(), fingerprint) {
        (Some(recorded), Some(saved)) if recorded != saved => other("data's fingerprint", saved, recorded),
        _ => Ok(()),
    }
}
