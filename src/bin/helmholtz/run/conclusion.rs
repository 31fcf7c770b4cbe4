//! The end of a run of any model: the model file, pictures and a report.

use super::curves;
use super::folder::{CURVES, MODEL, STEP};
use super::progress_bar::thousands;
use super::session::{Ended, Session};
use super::standing::Standing;
use crate::cli::{Console, Failure, Report, counted, interrupt};
use helmholtz::data::Dataset;
use helmholtz::storage;
use helmholtz::store::Snapshot;
use helmholtz::train::Ending;
use serde_json::{Map, Value};

/// A model at the end of a run.
pub trait Trained {
    /// Its parameters, as the model file holds them; the session adds the metadata.
    fn snapshot(&self) -> Snapshot;

    /// Its size in words: `64 visible × 128 hidden units`.
    fn size(&self) -> String;

    /// Draws its pictures into the folder of the run and names the files, the one to look at first in front.
    fn draw_pictures(&self, session: &Session) -> Result<&'static [&'static str], Failure>;

    /// Says how good it is, of the rows of [`Session::judged_by`] most likely.
    fn judge(&self, session: &Session, console: Console, report: &mut Report) -> Result<(), Failure>;
}

impl Session {
    /// Writes the model, the pictures and the last `run.json`, and reports.
    pub fn conclude(&self, ended: &Ended, trained: &dyn Trained, console: Console) -> Result<Report, Failure> {
        let mut snapshot = trained.snapshot();
        snapshot.metadata.extend(self.metadata());
        snapshot.metadata.insert(STEP.to_owned(), ended.summary.progress.step.to_string());
        storage::save(&self.folder.file(MODEL), &snapshot)?;
        curves::save(&ended.table, &self.folder.file(CURVES))?;
        let pictures = trained.draw_pictures(self)?;

        let mut report = Report::new();
        self.say_what_was_done(&mut report, ended, &trained.size());
        let standing = match ended.summary.ending {
            Ending::Stopped => Standing::Stopped,
            Ending::Finished | Ending::NoImprovement => Standing::Finished,
        };
        report.figure("status", standing.to_string());
        if ended.summary.ending == Ending::Stopped {
            self.say_how_to_resume(&mut report, ended);
        } else {
            self.say_which_is_kept(&mut report, ended);
            trained.judge(self, console, &mut report)?;
            self.say_where(&mut report, pictures);
        }
        self.write_run_json(&standing, &report.figures())?;
        Ok(report)
    }

    /// The rows that a finished model is judged by, and what they are: the test split where there is one, else the rows
    /// held out, else those trained on.
    pub fn judged_by(&self) -> (Dataset<'static>, &'static str) {
        match &self.validation {
            _ if self.data.has_test_split() => (self.data.test(), "test"),
            Some(validation) => (validation.clone(), "validation"),
            None => (self.train.clone(), "train"),
        }
    }

    fn say_what_was_done(&self, report: &mut Report, ended: &Ended, size: &str) {
        let progress = ended.summary.progress;
        let rate = ended.examples as f64 / ended.seconds.max(1e-9);
        report.figure("model", self.kind());
        report.figure("seed", self.training.seed.0);
        report.figure("data", self.data.name());
        report.figure("binarize", self.settings.settled()["binarize"].clone());
        report.figure("epochs", progress.epoch);
        report.figure("seconds", ended.seconds);
        report.figure("samples_per_second", rate);
        report.figure("out", self.folder.path().display().to_string());
        let metrics: Map<String, Value> =
            ended.summary.metrics.iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        report.figure("metrics", metrics);
        report.line(format!(
            "trained         {size} on {}, {} in {:.1} s ({} samples/s)",
            self.data.name(),
            counted(progress.epoch, "epoch"),
            ended.seconds,
            thousands(rate)
        ));
    }

    fn say_which_is_kept(&self, report: &mut Report, ended: &Ended) {
        let (Some((value, epoch)), Some(rule)) = (ended.summary.best, &self.training.early_stopping) else {
            return;
        };
        let how = match ended.summary.ending {
            Ending::NoImprovement => "stopped early",
            Ending::Finished | Ending::Stopped => "selected",
        };
        report.line(format!(
            "{how:<15} the best {} on the rows held out was {value:.3}, after epoch {epoch}: {MODEL} holds that model",
            rule.judge.as_ref().map_or_else(String::new, |judge| judge.metric.replace('_', " "))
        ));
        report.figure("best_epoch", epoch);
        report.figure("stopped_early", ended.summary.ending == Ending::NoImprovement);
    }

    fn say_how_to_resume(&self, report: &mut Report, ended: &Ended) {
        let progress = ended.summary.progress;
        report.line(format!(
            "stopped         at step {} of {}, epoch {} of {}; all is saved",
            progress.step, progress.steps, progress.epoch, progress.epochs
        ));
        report.line(format!(
            "continue with   helmholtz train {} --out {} --resume",
            self.kind(),
            self.folder.path().display()
        ));
        if interrupt::requested() {
            report.exit_with(interrupt::STATUS);
        }
    }

    fn say_where(&self, report: &mut Report, pictures: &[&str]) {
        let mut label = "pictures";
        for picture in pictures.iter().chain(&[CURVES]) {
            report.advise(format!("{label:<15} {}", self.folder.file(picture).display()));
            label = "";
        }
        report.advise(format!("next            helmholtz sample {}", self.folder.path().display()));
    }
}
