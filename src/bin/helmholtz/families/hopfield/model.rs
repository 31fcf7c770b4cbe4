//! A Hopfield network as commands see it.

use super::memory::Memory;
use super::train::Train;
use crate::cli::{Failure, Report, Subcommand};
use crate::contract::{Family, Model, Recaller, Sampler, Scorer};

/// The name of the family.
pub const KIND: &str = "hopfield";

/// The row of the registry.
pub const FAMILY: Family = Family {
    kind: KIND,
    marker: None,
    tensors: "a Hopfield network has the tensors weights [units, units], bias [units] and patterns [patterns, units], \
              all f32",
    open: |snapshot| Ok(Box::new(Memory::open(snapshot)?)),
    train: Subcommand::of::<Train>(KIND),
    bench: None,
};

impl Model for Memory {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn width(&self) -> usize {
        self.network.units()
    }

    fn parameters(&self) -> usize {
        let units = self.network.units();
        units * (units + 1) / 2
    }

    fn describe(&self, report: &mut Report) {
        let (units, patterns) = (self.network.units(), self.patterns.rows());
        report.line(format!("model           Hopfield network of {units} units and {patterns} patterns"));
        report.figure("units", units);
        report.figure("patterns", patterns);
    }

    fn scorer(&self) -> Result<&dyn Scorer, Failure> {
        Err(Failure::new("a Hopfield network has no likelihood")
            .hint("helmholtz recall says how well it remembers"))
    }

    fn sampler(&self) -> Result<&dyn Sampler, Failure> {
        Err(Failure::new("a Hopfield network has nothing to draw from: recall ends in a minimum")
            .hint("helmholtz recall leads corrupted patterns back"))
    }

    fn recaller(&self) -> Result<&dyn Recaller, Failure> {
        match self.patterns.rows() {
            0 => Err(Failure::new("the file holds no patterns to recall")),
            _ => Ok(self),
        }
    }
}
