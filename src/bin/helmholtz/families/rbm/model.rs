//! An RBM as commands see it.

use super::bench::Bench;
use super::train::Train;
use crate::cli::{Failure, Report, Subcommand};
use crate::contract::{Encoder, Family, Inpainter, Model, Sampler, Scorer};
use helmholtz::rbm::Rbm;

/// The name of the family.
pub const KIND: &str = "rbm";

/// The row of the registry.
pub const FAMILY: Family = Family {
    kind: KIND,
    marker: None,
    tensors: "an RBM has the tensors weights [visible, hidden], visible_bias and hidden_bias, all f32",
    open: |snapshot| Ok(Box::new(Rbm::from_checkpoint(snapshot)?)),
    train: Subcommand::of::<Train>(KIND),
    bench: Some(Subcommand::of::<Bench>(KIND)),
};

impl Model for Rbm {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn width(&self) -> usize {
        self.visible()
    }

    fn parameters(&self) -> usize {
        self.visible() * self.hidden() + self.visible() + self.hidden()
    }

    fn describe(&self, report: &mut Report) {
        let (visible, hidden) = (self.visible(), self.hidden());
        report.line(format!("model           RBM of {visible} visible and {hidden} hidden units"));
        report.figure("visible", visible);
        report.figure("hidden", hidden);
    }

    fn scorer(&self) -> Result<&dyn Scorer, Failure> {
        Ok(self)
    }

    fn sampler(&self) -> Result<&dyn Sampler, Failure> {
        Ok(self)
    }

    fn inpainter(&self) -> Result<&dyn Inpainter, Failure> {
        Ok(self)
    }

    fn encoder(&self) -> Result<&dyn Encoder, Failure> {
        Ok(self)
    }
}
