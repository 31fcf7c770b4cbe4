//! `helmholtz bench`: how fast this machine is, against its own multiply-add peak measured in the same run.

use crate::bench::{gemm, gibbs, random};
use crate::cli::{Failure, Globals, OneOf, Report, Subcommand, Table, Task};
use crate::registry::FAMILIES;
use clap::Args;

/// Measure this machine: samplers, training, matrix products, random numbers
#[derive(Args)]
#[command(after_help = "\
The peak is that of the multiply-add (FMA) units: threads times the rate of one core that touches
nothing but registers, measured in the same run. A sampler that looks sums up instead of
multiplying can pass it.

Examples:
  helmholtz bench gibbs --visible 784 --hidden 500 --chains 1024
  helmholtz bench rbm --threads 1
  helmholtz bench vae --architecture burda --importance-samples 50 --batch 100
  helmholtz bench gemm --size 1024 --json")]
pub struct Bench {
    #[command(subcommand)]
    subject: OneOf<Subjects>,
}

/// Parts of the engine, and the training of the families that have a bench.
struct Subjects;

impl Table for Subjects {
    fn subcommands() -> Vec<Subcommand> {
        let parts = [gibbs::SUBCOMMAND, gemm::SUBCOMMAND, random::SUBCOMMAND];
        parts.into_iter().chain(FAMILIES.iter().filter_map(|family| family.bench)).collect()
    }
}

impl Task for Bench {
    fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        self.subject.run(globals)
    }
}
