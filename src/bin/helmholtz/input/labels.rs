//! Labels on the command line: the data's own, or those of a file.

use super::data;
use crate::cli::Failure;
use helmholtz::data::{DataError, Dataset, labels_in};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Where labels come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabelSource {
    /// The data.
    Own,
    /// A file.
    File(PathBuf),
}

/// What stands for the data's own labels in settings: the option without a value.
const OWN: &str = "true";

impl fmt::Display for LabelSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LabelSource::Own => f.write_str(OWN),
            LabelSource::File(path) => path.display().fmt(f),
        }
    }
}

impl FromStr for LabelSource {
    type Err = std::convert::Infallible;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(if text == OWN { LabelSource::Own } else { LabelSource::File(text.into()) })
    }
}

impl LabelSource {
    /// What `--labels` or `--labels FILE` says, the file by its whole path.
    pub fn given(option: &Option<Option<PathBuf>>) -> Result<Option<Self>, Failure> {
        match option {
            None => Ok(None),
            Some(None) => Ok(Some(LabelSource::Own)),
            Some(Some(path)) => {
                let text = path.display().to_string();
                if path.is_dir() || matches!(Dataset::built_in(&text), Ok(Some(_))) {
                    return Err(Failure::new(format!("--labels {text}: that is data, no file of labels"))
                        .hint("name the data before --labels"));
                }
                let whole = std::path::absolute(path).unwrap_or_else(|_| path.clone());
                Ok(Some(LabelSource::File(whole)))
            }
        }
    }

    /// The data with these labels. A file has one for each row, or one for each training row: then test rows keep their own.
    pub fn of(&self, data: &Dataset<'static>) -> Result<Dataset<'static>, Failure> {
        match self {
            LabelSource::Own if data.has_labels() => Ok(data.clone()),
            LabelSource::Own => Err(Failure::new("--labels: the data have none")
                .about(data.name())
                .hint("--labels FILE names a file of them: IDX, .npy, or text, one a line")),
            LabelSource::File(path) => of_file(path, data),
        }
    }
}

fn of_file(path: &Path, data: &Dataset<'static>) -> Result<Dataset<'static>, Failure> {
    let unread = |fault: String| {
        Failure::new(fault)
            .hint("a file of labels is IDX or .npy of one axis, whole numbers, or text of one a line")
    };
    let file = data::labels(path).map_err(|failure| unread(failure.to_string()))?;
    let labels = labels_in(&file).map_err(|error| unread(error.to_string()))?;
    if labels.iter().all(Option::is_none) {
        return Err(Failure::new("no row has a label").about(path.display()));
    }
    let (all, train) = (data.len(), data.train().len());
    let labels = match labels.len() {
        count if count == all => labels,
        count if count == train => {
            let own = (train..all).map(|row| data.label(row));
            labels.into_iter().chain(own).collect()
        }
        count => {
            let rows =
                if train == all { format!("{all} rows") } else { format!("{all} rows, {train} for training") };
            return Err(
                Failure::new(format!("{count} labels, and {} has {rows}", data.name())).about(path.display())
            );
        }
    };
    data.with_some_labels(&labels).map_err(|error: DataError| error.into())
}
