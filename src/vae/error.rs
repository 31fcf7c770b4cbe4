//! Errors of a variational autoencoder's shape, recipe or data.

use crate::Setting;
use crate::data::Unsuitable;
use crate::store::SnapshotError;
use crate::train::ModelError;
use std::fmt;

/// The error of a variational autoencoder that could not be made, trained or evaluated.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum VaeError {
    /// A setting out of its range.
    Setting(Setting),
    /// Data that does not suit the model.
    Unsuitable(Unsuitable),
    /// A label that is of no class of the model.
    Label {
        /// The label.
        label: u16,
        /// The classes of the model.
        classes: usize,
    },
    /// Labels or classes where the model knows none.
    NoClasses,
    /// A model of what is hidden given the rest, where one of whole rows is needed.
    Completes,
    /// A model of rows given classes, where one of rows alone is needed.
    GivenClasses,
    /// Another number of latent dimensions than a picture of them needs.
    Latent {
        /// Those of the model.
        given: usize,
        /// Those needed.
        wanted: usize,
    },
    /// Arrays that are not a variational autoencoder's.
    Snapshot(SnapshotError),
}

impl VaeError {
    pub(super) fn setting(name: &'static str, given: impl fmt::Display, wanted: &'static str) -> Self {
        VaeError::Setting(Setting::new(name, given, wanted))
    }

    /// What usually helps, in one line, where there is something to say.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            VaeError::Unsuitable(error) => error.hint(),
            _ => None,
        }
    }
}

impl fmt::Display for VaeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VaeError::Setting(error) => error.fmt(f),
            VaeError::Unsuitable(error) => error.fmt(f),
            VaeError::Label { label, classes } => {
                write!(f, "a row has the label {label}, and the model knows classes from 0 to {}", classes - 1)
            }
            VaeError::NoClasses => f.write_str("the model knows no classes"),
            VaeError::Completes => f.write_str(
                "the model is one of what is hidden given the rest: it gives whole rows no likelihood, and has none to draw",
            ),
            VaeError::GivenClasses => {
                f.write_str("the model is one of rows given their class: this needs a class")
            }
            VaeError::Latent { given, wanted } => {
                write!(
                    f,
                    "the picture of the latent plane needs {wanted} latent dimensions, the model has {given}"
                )
            }
            VaeError::Snapshot(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for VaeError {}

impl ModelError for VaeError {
    fn hint(&self) -> Option<&'static str> {
        VaeError::hint(self)
    }
}

impl From<SnapshotError> for VaeError {
    fn from(error: SnapshotError) -> Self {
        VaeError::Snapshot(error)
    }
}

impl From<Setting> for VaeError {
    fn from(setting: Setting) -> Self {
        VaeError::Setting(setting)
    }
}

impl From<Unsuitable> for VaeError {
    fn from(error: Unsuitable) -> Self {
        VaeError::Unsuitable(error)
    }
}
