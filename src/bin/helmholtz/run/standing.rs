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
    /// It goes on, or was killed.
    Running,
    /// It was interrupted, or told to stop before its end.
    Stopped,
    /// It ended with this error.
    Failed(String),
    /// It has ended as it should.
    Finished,
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Standing::Running => "running",
            Standing::Stopped => "stopped",
            Standing::Failed(_) => "failed",
            Standing::Finished => "finished",
        })
    }
}

/// `run.json` of a folder; `None` where there is none that can be read.
pub fn record(run: &Path) -> Option<Value> {
    serde_json::from_str(&std::fs::read_to_string(run.join(RUN)).ok()?).ok()
}

impl Standing {
    /// How the run with this `run.json` stands.
    pub fn of(record: &Value) -> Option<Self> {
        match record["status"].as_str()? {
            "running" => Some(Standing::Running),
            "stopped" => Some(Standing::Stopped),
            "failed" => Some(Standing::Failed(record["error"].as_str().unwrap_or("an unknown error").to_owned())),
            "finished" => Some(Standing::Finished),
            _ => None,
        }
    }
}

/// The warning about a run that has not ended as it should; `position` is that of its last checkpoint.
pub fn warning(run: &Path, position: Option<&Position>) -> Option<String> {
    let record = record(run)?;
    let at = position.map_or_else(String::new, |at| format!(" at step {} of {}", at.step, at.steps));
    let kind = record["model"].as_str()?;
    let resume = format!("helmholtz train {kind} --out {} --resume goes on", run.display());
    match Standing::of(&record)? {
        Standing::Finished => None,
        Standing::Stopped => Some(format!("this run was stopped{at}; {resume}")),
        Standing::Failed(error) => Some(format!("this run failed: {error}; its last good checkpoint is{at}")),
        Standing::Running if folder::lock(run).is_err() => Some(format!("this run is still going on{at}")),
        Standing::Running => Some(format!("this run was killed; its last checkpoint is{at}; {resume}")),
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
