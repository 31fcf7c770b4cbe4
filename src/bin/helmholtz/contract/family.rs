//! A family of models: a row of the registry.

use super::model::Model;
use crate::cli::{Failure, Subcommand};
use helmholtz::store::Snapshot;

/// A family of models: a row of the registry.
pub struct Family {
    /// Its name in files and on the command line.
    pub kind: &'static str,
    /// A tensor that only its files hold, by which a file without a kind is known.
    pub marker: Option<&'static str>,
    /// The tensors of its files in words: the hint where a file cannot be read.
    pub tensors: &'static str,
    /// Reads the model of a file or a checkpoint.
    pub open: fn(&Snapshot) -> Result<Box<dyn Model>, Failure>,
    /// `train KIND`.
    pub train: Subcommand,
    /// `bench KIND`, where there is one.
    pub bench: Option<Subcommand>,
}
