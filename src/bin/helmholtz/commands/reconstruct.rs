//! `helmholtz reconstruct`: examples, and what the model makes of them.

use super::loaded::Loaded;
use crate::cli::{Failure, Globals, Report, Task, counted, size};
use crate::contract::FileFormat;
use crate::input::{RowChoice, data, npy};
use crate::run::RECONSTRUCTIONS;
use clap::Args;
use std::path::PathBuf;

/// Draw examples, and below them what a variational autoencoder makes of each
#[derive(Args)]
#[command(after_help = "\
Examples:
  helmholtz reconstruct runs/vae-digits
  helmholtz reconstruct runs/vae-digits --count 8 --split train --out few.png")]
pub struct Reconstruct {
    /// A run folder or a .safetensors file
    #[arg(value_name = "RUN|MODEL")]
    model: PathBuf,
    #[command(flatten)]
    rows: RowChoice,
    /// How many examples, the first ones
    #[arg(long, default_value_t = 32, value_name = "N")]
    count: usize,
    /// FILE.png, the picture, or FILE.npy, what the model makes of the examples as numbers [default: reconstructions.png, in the
    /// run folder if there is one]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Task for Reconstruct {
    fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        let loaded = Loaded::open(&self.model, globals)?;
        let autoencoder = loaded.asked(loaded.model.autoencoder("reconstruct"))?;
        let (out, format) = loaded.origin.picture_or_numbers(self.out.as_deref(), RECONSTRUCTIONS)?;
        let width = loaded.model.width();
        size::check("count", self.count, width)?;
        let rows = loaded.origin.rows(&self.rows)?;
        let originals = data::values_for(&rows.first(self.count), width, &rows.name)?;
        let reconstructed = autoencoder.reconstruct(&originals);
        match format {
            FileFormat::Png => loaded.origin.canvas().beside_originals(&originals, &reconstructed).save(&out)?,
            FileFormat::Npy => npy::save(&out, &npy::of_floats(originals.len() / width, width, &reconstructed))?,
        }

        let differences = originals.iter().zip(&reconstructed).map(|(x, y)| f64::from(x - y).powi(2));
        let squared_error = differences.sum::<f64>() / originals.len() as f64;
        let count = originals.len() / width;
        let mut report = loaded.report(&out);
        report.line(format!("{} reconstructed in {}", counted(count, "example"), out.display()));
        report.line(format!("mean squared difference of a value: {squared_error:.4}"));
        rows.report(&mut report);
        report.figure("count", count);
        report.figure("squared_error", squared_error);
        Ok(report)
    }
}
