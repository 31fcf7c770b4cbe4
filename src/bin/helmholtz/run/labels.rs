//! Labels in a training run: whose they are, and how many of them are kept.

use super::session::Session;
use crate::cli::Failure;
use crate::input::LabelSource;
use helmholtz::data::Dataset;

/// What stands for no labels in settings.
const NONE: &str = "false";

impl Session {
    /// Settles whose labels the rows have, and gives them to the rows; `None` where there are none. Asks for `usual` where the command says
    /// nothing.
    pub fn settle_labels(
        &mut self,
        given: Option<LabelSource>,
        usual: bool,
    ) -> Result<Option<LabelSource>, Failure> {
        let default = if usual { LabelSource::Own.to_string() } else { NONE.to_owned() };
        let settled = self.settings.settle("labels", given.map(|source| source.to_string()), default)?;
        if settled == NONE {
            return Ok(None);
        }
        let source = settled.parse().unwrap_or(LabelSource::Own);
        let labelled = source.of(&self.data)?;
        if source != LabelSource::Own {
            let hash = format!("{:016x}", labelled.fingerprint());
            self.settings.settle("labels-fingerprint", Some(hash.clone()), hash)?;
        }
        let of = |rows: &Dataset<'static>| {
            let labels: Vec<_> = (0..rows.len()).map(|row| labelled.label(rows.original_row(row))).collect();
            rows.with_some_labels(&labels)
        };
        self.train = of(&self.train)?;
        self.validation = self.validation.as_ref().map(of).transpose()?;
        self.data = labelled;
        Ok(Some(source))
    }

    /// Hides all labels of training rows but so many.
    pub fn keep_labels(&mut self, count: usize) -> Result<(), Failure> {
        self.train = self.train.keep_labels(count, self.training.seed).map_err(|error| {
            Failure::from(error).hint("--labelled wants no more labels than training rows have")
        })?;
        Ok(())
    }
}
