//! The end of a run of any model: the model file, pictures and a report.

use super::curves;
use super::diagnosis;
use super::estimating::Estimating;
use super::folder::{CURVES, MODEL, STEP};
use super::progress_bar::thousands;
use super::session::{Ended, Session};
use super::standing::{Scoring, Standing};
use crate::cli::interrupt::LastWords;
use crate::cli::{Console, Failure, Report, counted, interrupt};
use helmholtz::data::Dataset;
use helmholtz::sampling::Work;
use helmholtz::storage;
use helmholtz::store::Snapshot;
use helmholtz::train::Ending;
use serde_json::{Map, Value};

/// A model at the end of a run.
pub trait Trained {
    /// Its parameters, as the model file holds them; the session adds the metadata.
    fn snapshot(&self, session: &Session) -> Snapshot;

    /// Its size in words: `64 visible × 128 hidden units`.
    fn size(&self) -> String;

    /// Whether it gives whole rows a likelihood and has draws: else it is asked to complete them.
    fn is_of_whole_rows(&self) -> bool {
        true
    }

    /// Draws its pictures into the folder of the run and names the files, the one to look at first in front.
    fn draw_pictures(&self, session: &Session) -> Result<&'static [&'static str], Failure>;

    /// Says how good it is, of the rows of [`Session::judged_by`] most likely, and tells `work` how far it is.
    fn judge(&self, session: &Session, work: &Work, report: &mut Report) -> Result<(), Failure>;
}

impl Session {
    /// Writes the model, the pictures and the last `run.json`, and reports.
    pub fn conclude(&self, ended: &Ended, trained: &dyn Trained, console: Console) -> Result<Report, Failure> {
        let mut snapshot = trained.snapshot(self);
        snapshot.metadata.extend(self.metadata());
        snapshot.metadata.insert(STEP.to_owned(), ended.summary.progress.step.to_string());
        storage::save(&self.folder.file(MODEL), &snapshot)?;
        curves::save(&ended.table, &self.folder.file(CURVES))?;
        let pictures = trained.draw_pictures(self)?;

        let mut report = Report::new();
        self.say_what_was_done(&mut report, ended, &trained.size());
        if ended.summary.ending == Ending::Stopped {
            self.say_how_to_resume(&mut report, ended);
            return self.end(report, Standing::Stopped);
        }
        self.say_which_is_kept(&mut report, ended);
        for warning in diagnosis::of(ended, self) {
            report.warn(warning);
        }
        self.write_run_json(&Standing::Trained(Scoring::Open), &report.figures())?;
        let unscored = || -> Report {
            let mut report = report.clone();
            self.say_that_it_is_not_scored(&mut report);
            report
        };
        let note = format!("\ntrained, not scored: {} scores", self.resume());
        let ending = interrupt::end_with(LastWords { note, report: unscored().text(&console) });
        // From here on Ctrl-C ends the program; one that came before, while the model was written, does so as well.
        if interrupt::requested() {
            drop(ending);
            return self.end(unscored(), Standing::Trained(Scoring::Open));
        }
        if console.tells_progress_in_lines() {
            console.note("estimating the log-likelihood …");
        }
        let estimating = Estimating::begin(&console, "the log-likelihood");
        trained.judge(self, estimating.work(), &mut report)?;
        drop(estimating);
        drop(ending);
        self.say_where(&mut report, pictures, trained.is_of_whole_rows());
        self.end(report, Standing::Finished)
    }

    /// The last of the report, and of `run.json`.
    fn end(&self, mut report: Report, standing: Standing) -> Result<Report, Failure> {
        report.figure("status", standing.word());
        self.write_run_json(&standing, &report.figures())?;
        interrupt::unwatch();
        Ok(report)
    }

    /// The command that goes on with the run.
    fn resume(&self) -> String {
        format!("helmholtz train {} --out {} --resume", self.kind(), self.folder.path().display())
    }

    fn say_that_it_is_not_scored(&self, report: &mut Report) {
        report.line("status          trained, not scored; all is saved");
        report.line(format!("score with      {}", self.resume()));
        report.figure("status", Standing::Trained(Scoring::Open).word());
        report.figure("version", env!("CARGO_PKG_VERSION"));
        report.exit_with(interrupt::STATUS);
    }

    /// The rows that a finished model is judged by, and what they are: the rows held out where there are some, so that runs
    /// can be compared before any test row is looked at; else the test split, else those trained on.
    pub fn judged_by(&self) -> (Dataset<'static>, &'static str) {
        match &self.validation {
            Some(validation) => (validation.clone(), "validation"),
            None if self.data.has_test_split() => (self.data.test(), "test"),
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
        let pace = match ended.examples {
            0 => "before".to_owned(),
            _ => format!("in {:.1} s ({} samples/s)", ended.seconds, thousands(rate)),
        };
        report.line(format!(
            "trained         {size} on {}, {} {pace}",
            self.data.name(),
            counted(progress.epoch, "epoch"),
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
        report.line(format!("continue with   {}", self.resume()));
        if interrupt::requested() {
            report.exit_with(interrupt::STATUS);
        }
    }

    fn say_where(&self, report: &mut Report, pictures: &[&str], whole_rows: bool) {
        let [scores, next] = if whole_rows { ["eval", "sample"] } else { ["inpaint", "inpaint"] };
        let mut label = "pictures";
        for picture in pictures.iter().chain(&[CURVES]) {
            report.advise(format!("{label:<15} {}", self.folder.file(picture).display()));
            label = "";
        }
        if self.validation.is_some() && self.data.has_test_split() {
            report.advise(format!(
                "test rows       helmholtz {scores} {} scores them",
                self.folder.path().display()
            ));
        }
        // Of bars and stripes there are no others.
        if self.validation.is_none() && !self.data.has_test_split() && !self.data.name().starts_with("bars:") {
            report.advise(
                "rows            all were trained on, and none is left to judge by: --validation 0.1 holds some out",
            );
        }
        report.advise(format!("next            helmholtz {next} {}", self.folder.path().display()));
    }
}
