//! The options that training any model has.

use super::folder::Existing;
use crate::cli::counted;
use crate::input::Binarize;
use clap::Args;
use helmholtz::data::Holdout;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The options that training any model has.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// What to learn: digits, bars:N, a density like gaussians8, a folder with MNIST's four files (.gz or not), an IDX file or
    /// a .npy
    #[arg(value_name = "DATA")]
    pub data: Option<String>,

    /// Folder of the run [default: runs/MODEL-DATA, or the next such name that is free]
    #[arg(long, value_name = "RUN", help_heading = "Run")]
    pub out: Option<PathBuf>,
    /// Continue the run in the folder; its settings need not be repeated
    #[arg(long, help_heading = "Run")]
    resume: bool,
    /// Replace the run in the folder
    #[arg(long, conflicts_with = "resume", help_heading = "Run")]
    overwrite: bool,
    /// Start from the model of another run or of a file instead of at random; its data and how they are read are the defaults
    #[arg(long, value_name = "RUN|MODEL", conflicts_with = "resume", help_heading = "Run")]
    pub init: Option<PathBuf>,
    /// Train so many times, with the seeds from --seed up, in RUN/seed-1 and so on, and report mean and spread
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000), help_heading = "Run")]
    pub seeds: Option<u64>,
    /// Stop on purpose after so many epochs, as if interrupted; --resume continues
    #[arg(long, value_name = "EPOCHS", help_heading = "Run")]
    pub stop_after: Option<u64>,
    /// Evaluate every so many epochs [default: about 50 times a run]
    #[arg(long, value_name = "EPOCHS", help_heading = "Run")]
    pub evaluate_every: Option<u64>,

    /// Passes over the training data; with --resume another number stretches the schedule
    #[arg(long, value_name = "N", conflicts_with = "steps", help_heading = "Training")]
    pub epochs: Option<u64>,
    /// Updates to make, instead of --epochs
    #[arg(long, value_name = "N", help_heading = "Training")]
    pub steps: Option<u64>,
    /// Examples of an update
    #[arg(long, value_name = "N", help_heading = "Training")]
    pub batch: Option<usize>,
    /// Training rows to hold out, to be monitored and scored instead of test rows: a number, or a part like 0.1 [default: 0, and
    /// 0.1 with --early-stop]
    #[arg(long, value_name = "ROWS", help_heading = "Training")]
    pub validation: Option<Validation>,
    /// Stop when so many evaluations in a row bring no better figure on the rows held out
    #[arg(long, value_name = "EVALUATIONS", help_heading = "Training")]
    pub early_stop: Option<u64>,

    /// How grey levels become 0 and 1
    #[arg(long, value_enum, value_name = "HOW", help_heading = "Data")]
    pub binarize: Option<Binarize>,
    /// Learn the complement of the data, 1 − x
    #[arg(long, help_heading = "Data")]
    pub flip: bool,
}

impl Options {
    /// The fate of a run that is already in the folder.
    pub fn existing(&self) -> Existing {
        match (self.resume, self.overwrite) {
            (true, _) => Existing::Resume,
            (false, true) => Existing::Overwrite,
            (false, false) => Existing::Keep,
        }
    }

    /// The same for one of several runs that differ in the seed: in this folder, and resumed where it was `begun`.
    pub fn of_one(&self, out: PathBuf, begun: bool) -> Self {
        Options { out: Some(out), resume: begun, seeds: None, ..self.clone() }
    }

    /// The length asked for, if any.
    pub fn length(&self) -> Option<Length> {
        self.steps.map(Length::Steps).or(self.epochs.map(Length::Epochs))
    }
}

/// How long a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// Passes over the training data.
    Epochs(u64),
    /// Updates.
    Steps(u64),
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Length::Epochs(number) => f.write_str(&counted(*number, "epoch")),
            Length::Steps(number) => f.write_str(&counted(*number, "step")),
        }
    }
}

impl FromStr for Length {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no length of a run");
        let (number, unit) = text.split_once(' ').ok_or_else(wrong)?;
        let number = number.parse().map_err(|_| wrong())?;
        match unit {
            "epoch" | "epochs" => Ok(Length::Epochs(number)),
            "step" | "steps" => Ok(Length::Steps(number)),
            _ => Err(wrong()),
        }
    }
}

/// How many training rows are held out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Validation(Option<Holdout>);

impl Validation {
    /// None are.
    pub const NONE: Validation = Validation(None);
    /// A tenth.
    pub const TENTH: Validation = Validation(Some(Holdout::Fraction(0.1)));

    /// How many, if any.
    pub fn holdout(self) -> Option<Holdout> {
        self.0
    }
}

impl fmt::Display for Validation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("0"),
            Some(Holdout::Fraction(fraction)) => write!(f, "{fraction:?}"),
            Some(Holdout::Count(count)) => write!(f, "{count}"),
        }
    }
}

impl FromStr for Validation {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "neither a number of rows nor a part like 0.1".to_owned();
        if let Ok(count) = text.parse() {
            return Ok(Validation((count > 0).then_some(Holdout::Count(count))));
        }
        let fraction: f64 = text.parse().map_err(|_| wrong())?;
        if (0.0..1.0).contains(&fraction) {
            return Ok(Validation((fraction > 0.0).then_some(Holdout::Fraction(fraction))));
        }
        Err(wrong())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_holdouts_are_read_as_they_are_printed() {
        for length in [Length::Epochs(3), Length::Epochs(1), Length::Steps(1), Length::Steps(7)] {
            assert_eq!(length.to_string().parse(), Ok(length));
        }
        for text in ["0", "100", "0.1"] {
            assert_eq!(text.parse::<Validation>().unwrap().to_string(), text);
        }
        for text in ["1.5", "-1", "NaN", "ten"] {
            assert!(text.parse::<Validation>().is_err(), "{text}");
        }
    }
}
