//! `helmholtz interpolate`: from one example to another through the latent space.

use super::loaded::Loaded;
use crate::cli::{Failure, Globals, Report, Task, counted, size};
use crate::input::{RowChoice, data};
use crate::run::INTERPOLATION;
use clap::Args;
use std::path::PathBuf;

/// Draw the way from one example to another through the latent space of a variational autoencoder
#[derive(Args)]
#[command(after_help = "\
Example:
  helmholtz interpolate runs/vae-digits --from 3 --to 8 --steps 12")]
pub struct Interpolate {
    /// A run folder or a .safetensors file
    #[arg(value_name = "RUN|MODEL")]
    model: PathBuf,
    #[command(flatten)]
    rows: RowChoice,
    /// The row to start from; the first is 0
    #[arg(long, value_name = "ROW", default_value_t = 0)]
    from: usize,
    /// The row to end at
    #[arg(long, value_name = "ROW", default_value_t = 1)]
    to: usize,
    /// Images on the way, those of both ends included
    #[arg(long, value_name = "N", default_value_t = 10)]
    steps: usize,
    /// The picture [default: interpolation.png, in the run folder if there is one]
    #[arg(long, value_name = "FILE.png")]
    out: Option<PathBuf>,
}

impl Task for Interpolate {
    fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        let loaded = Loaded::open(&self.model, globals)?;
        let autoencoder = loaded.asked(loaded.model.autoencoder("interpolate"))?;
        let out = loaded.origin.destination(self.out.as_deref(), INTERPOLATION)?;
        let width = loaded.model.width();
        if loaded.origin.canvas().is_table() {
            return Err(Failure::new(
                "the rows are lines of a table: between two of them there is no image to look at",
            )
            .about(loaded.origin.file.display())
            .hint("helmholtz encode writes their codes, reconstruct draws what the model makes of them"));
        }
        size::check("steps", self.steps, width)?;
        if self.steps == 1 {
            return Err(Failure::new("--steps is 1, but both ends are images on the way: at least 2"));
        }
        let rows = loaded.origin.rows(&self.rows)?;
        let (count, mut ends) = (rows.rows.len(), Vec::new());
        for (option, row) in [("from", self.from), ("to", self.to)] {
            if row >= count {
                let last = count - 1;
                let why = format!("--{option} is {row}, but the last of {count} rows is {last}");
                return Err(Failure::new(why).about(&rows.name));
            }
            ends.extend(data::values_for(&rows.rows.subset(row..row + 1), width, &rows.name)?);
        }
        let images = autoencoder.interpolate(&ends, self.steps);
        loaded.origin.canvas().lines(&images, self.steps).save(&out)?;

        let mut report = loaded.report(&out);
        let (steps, from, to) = (counted(self.steps, "step"), self.from, self.to);
        report.line(format!("{steps} from row {from} to row {to} in {}", out.display()));
        rows.report(&mut report);
        report.figure("steps", self.steps);
        Ok(report)
    }
}
