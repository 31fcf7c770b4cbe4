//! `helmholtz train`: a subcommand for each family.

use crate::cli::{Failure, Globals, OneOf, Report, Subcommand, Table, Task};
use crate::registry::FAMILIES;
use clap::Args;

/// Train a model
#[derive(Args)]
pub struct Train {
    #[command(subcommand)]
    family: OneOf<Families>,
}

/// The families, all of which can be trained.
struct Families;

impl Table for Families {
    fn subcommands() -> Vec<Subcommand> {
        FAMILIES.iter().map(|family| family.train).collect()
    }
}

impl Task for Train {
    fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        self.family.run(globals)
    }
}
