//! The settings of a run: what the command line says, else what the resumed run has, else the default.

use crate::cli::Failure;
use clap::ValueEnum;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

const PREFIX: &str = "setting.";

/// The settings a run was trained with, and those settled for this one.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    saved: BTreeMap<String, String>,
    settled: BTreeMap<String, String>,
}

impl Settings {
    /// The settings in the metadata of a model or a checkpoint; empty for a file of someone else's.
    pub fn saved_in(metadata: &BTreeMap<String, String>) -> Self {
        let saved = metadata
            .iter()
            .filter_map(|(key, value)| Some((key.strip_prefix(PREFIX)?.to_owned(), value.clone())))
            .collect();
        Settings { saved, settled: BTreeMap::new() }
    }

    /// The setting saved under `name`.
    pub fn saved<T: FromStr>(&self, name: &str) -> Option<T> {
        self.saved.get(name)?.parse().ok()
    }

    /// All that was saved, by name, options or not.
    pub fn all_saved(&self) -> &BTreeMap<String, String> {
        &self.saved
    }

    /// The value of a setting that a resumed run cannot change.
    pub fn settle<T>(&mut self, name: &str, given: Option<T>, default: T) -> Result<T, Failure>
    where
        T: fmt::Display + FromStr,
    {
        if let (Some(given), Some(saved)) = (&given, self.saved.get(name))
            && given.to_string() != *saved
        {
            let given = given.to_string();
            return Err(Failure::new(format!(
                "--resume: this run was started with --{name} {saved}, not {given}"
            ))
            .hint("without the option the run continues as it was; for another setting start a new run"));
        }
        self.settle_anew(name, given, default)
    }

    /// The value of a setting that a resumed run may change.
    pub fn settle_anew<T>(&mut self, name: &str, given: Option<T>, default: T) -> Result<T, Failure>
    where
        T: fmt::Display + FromStr,
    {
        let value = match (given, self.saved.get(name)) {
            (Some(given), _) => given,
            (None, Some(saved)) => saved
                .parse()
                .map_err(|_| Failure::new(format!("--resume: the run's --{name} cannot be read: {saved:?}")))?,
            (None, None) => default,
        };
        self.settled.insert(name.to_owned(), value.to_string());
        Ok(value)
    }

    /// [`settle`](Self::settle) for a choice between named values.
    pub fn settle_choice<E: ValueEnum>(&mut self, name: &str, given: Option<E>, default: E) -> Result<E, Failure> {
        self.settle(name, given.map(Choice), Choice(default)).map(|choice| choice.0)
    }

    /// All that has been settled, by name.
    pub fn settled(&self) -> &BTreeMap<String, String> {
        &self.settled
    }

    /// All that was saved, as one would give it on the command line: the data, and options with their values. A length is
    /// `--epochs` or `--steps`, and what says no more than that nothing was asked for is left out.
    pub fn as_given(&self) -> Vec<String> {
        let option = |(name, value): (&String, &String)| match (name.as_str(), value.as_str()) {
            ("length", length) => match length.split_once(' ') {
                Some((number, "step" | "steps")) => Some(format!("--steps {number}")),
                Some((number, _)) => Some(format!("--epochs {number}")),
                None => None,
            },
            ("data", data) => Some(data.to_owned()),
            (_, "false") | ("chain-count" | "early-stop" | "validation", "0") => None,
            (flag, "true") => Some(format!("--{flag}")),
            (name, value) => Some(format!("--{name} {value}")),
        };
        self.saved.iter().filter_map(option).collect()
    }

    /// Puts what has been settled into the metadata of a model or a checkpoint.
    pub fn write(&self, metadata: &mut BTreeMap<String, String>) {
        for (name, value) in &self.settled {
            metadata.insert(format!("{PREFIX}{name}"), value.clone());
        }
    }
}

/// A named value of the command line, read and printed by that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice<E>(pub E);

impl<E: ValueEnum> fmt::Display for Choice<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.to_possible_value() {
            Some(value) => f.write_str(value.get_name()),
            None => Ok(()),
        }
    }
}

impl<E: ValueEnum> FromStr for Choice<E> {
    type Err = String;
    fn from_str(name: &str) -> Result<Self, String> {
        E::from_str(name, false).map(Choice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved(name: &str, value: &str) -> Settings {
        Settings::saved_in(&BTreeMap::from([(format!("setting.{name}"), value.to_owned())]))
    }

    #[test]
    fn given_beats_default_and_must_equal_saved() {
        assert_eq!(Settings::default().settle("batch", None, 64).unwrap(), 64);
        assert_eq!(Settings::default().settle("batch", Some(10), 64).unwrap(), 10);
        assert_eq!(saved("batch", "10").settle("batch", None, 64).unwrap(), 10);
        assert_eq!(saved("batch", "10").settle("batch", Some(10), 64).unwrap(), 10);
        assert!(saved("batch", "10").settle("batch", Some(11), 64).is_err());
        assert!(saved("batch", "ten").settle("batch", None, 64).is_err());
        assert_eq!(saved("epochs", "10").settle_anew("epochs", Some(11), 64).unwrap(), 11);
    }

    #[test]
    fn what_was_saved_is_told_as_one_would_give_it() {
        for (name, value, said) in [
            ("length", "1 epoch", Some("--epochs 1")),
            ("length", "700 steps", Some("--steps 700")),
            ("data", "bars:3", Some("bars:3")),
            ("flip", "true", Some("--flip")),
            ("flip", "false", None),
            ("chain-count", "0", None),
            ("chain-count", "64", Some("--chain-count 64")),
            ("momentum", "0", Some("--momentum 0")),
        ] {
            assert_eq!(saved(name, value).as_given(), said.into_iter().collect::<Vec<_>>(), "{name} {value}");
        }
    }

    #[test]
    fn floats_survive() {
        let mut settings = Settings::default();
        settings.settle("learning-rate", Some(0.1f32 / 3.0), 0.0).unwrap();
        let mut metadata = BTreeMap::new();
        settings.write(&mut metadata);
        let rate: Option<f32> = Settings::saved_in(&metadata).saved("learning-rate");
        assert_eq!(rate, Some(0.1 / 3.0));
    }
}
