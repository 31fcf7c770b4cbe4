//! `helmholtz recall`: stored patterns, corrupted and led back.

use super::loaded::Loaded;
use crate::cli::{Failure, Globals, Report, Task};
use crate::contract::RecallOptions;
use crate::run::RECALL;
use clap::Args;
use std::path::PathBuf;

/// Lead corrupted patterns back to what a Hopfield network has stored
#[derive(Args)]
#[command(after_help = "\
The picture has three lines for every line of patterns: stored, corrupted, recalled.

Examples:
  helmholtz recall runs/hopfield-digits                  a fifth of the pixels flipped
  helmholtz recall runs/hopfield-digits --erase half
  helmholtz recall runs/hopfield-digits --corrupt 0.3 --together")]
pub struct Recall {
    /// A run folder or a .safetensors file
    #[arg(value_name = "RUN|MODEL")]
    model: PathBuf,
    #[command(flatten)]
    options: RecallOptions,
    /// The picture [default: recall.png, in the run folder if there is one]
    #[arg(long, value_name = "FILE.png")]
    out: Option<PathBuf>,
}

impl Task for Recall {
    fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        let loaded = Loaded::open(&self.model, globals)?;
        let recaller = loaded.asked(loaded.model.recaller())?;
        let out = loaded.origin.destination(self.out.as_deref(), RECALL)?;
        let mut report = loaded.report(&out);
        recaller.recall(&self.options, globals.seed(), loaded.origin.image_shape, &out, &mut report)?;
        report.advise(format!("picture         {}", out.display()));
        Ok(report)
    }
}
