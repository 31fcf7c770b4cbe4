//! A Boltzmann machine as commands see it.

use super::train::Train;
use crate::cli::{Failure, Report, Subcommand};
use crate::contract::{Family, Inpainter, Model, Sampler, Scorer};
use helmholtz::energy::boltzmann::BoltzmannMachine;

/// The name of the family.
pub const KIND: &str = "boltzmann";

/// The row of the registry.
pub const FAMILY: Family = Family {
    kind: KIND,
    marker: None,
    tensors: "a Boltzmann machine has the tensors weights [units, units] and bias [units], both f32",
    open: |snapshot| Ok(Box::new(BoltzmannMachine::from_snapshot(snapshot)?)),
    train: Subcommand::of::<Train>(KIND),
    bench: None,
};

impl Model for BoltzmannMachine {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn width(&self) -> usize {
        self.visible()
    }

    fn parameters(&self) -> usize {
        self.len() * (self.len() + 1) / 2
    }

    fn describe(&self, report: &mut Report) {
        let (visible, hidden, units) = (self.visible(), self.hidden(), self.units());
        report.line(format!(
            "model           Boltzmann machine of {visible} visible and {hidden} hidden {units} units"
        ));
        report.figure("visible", visible);
        report.figure("hidden", hidden);
        report.figure("units", units.to_string());
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
}
