//! The options of every command.

use super::console::{Chatter, Console, Format, Warnings};
use clap::Args;
use helmholtz::Seed;

/// The options of every command.
#[derive(Args, Clone, Debug)]
pub struct Globals {
    /// Names the random numbers: the same seed gives the same result on any number of threads [default: 1]
    #[arg(long, global = true, value_name = "N", help_heading = "Everywhere")]
    pub seed: Option<u64>,
    /// Worker threads [default: all cores]
    #[arg(long, global = true, value_name = "N", help_heading = "Everywhere")]
    pub threads: Option<usize>,
    /// No progress, no advice: only results and errors
    #[arg(long, short, global = true, help_heading = "Everywhere")]
    quiet: bool,
    /// Print exactly one JSON object instead of text
    #[arg(long, global = true, help_heading = "Everywhere")]
    json: bool,
    #[arg(skip)]
    warnings: Warnings,
}

impl Globals {
    /// The seed given, else 1.
    pub fn seed(&self) -> Seed {
        Seed(self.seed.unwrap_or(1))
    }

    /// The same with another seed.
    pub fn with_seed(&self, seed: u64) -> Self {
        Globals { seed: Some(seed), ..self.clone() }
    }

    /// Where to say things.
    pub fn console(&self) -> Console {
        Console {
            format: if self.json { Format::Json } else { Format::Lines },
            chatter: if self.quiet { Chatter::Quiet } else { Chatter::Full },
            warnings: self.warnings.clone(),
        }
    }
}
