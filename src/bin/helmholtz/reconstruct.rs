//! `helmholtz reconstruct`: examples, and what the model makes of them.

use crate::console::Report;
use crate::counted::counted;
use crate::data;
use crate::failure::Failure;
use crate::folder::RECONSTRUCTIONS;
use crate::globals::Globals;
use crate::model::Loaded;
use crate::row_choice::RowChoice;
use crate::{picture, size, vae_pictures};
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
    /// The picture [default: reconstructions.png, in the run folder if there is one]
    #[arg(long, value_name = "FILE.png")]
    out: Option<PathBuf>,
}

impl Reconstruct {
    /// Reconstructs and writes the picture.
    pub fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        let loaded = Loaded::open(&self.model, globals.console())?;
        let vae = loaded.vae("reconstruct")?;
        let out = loaded.picture_path(self.out.as_deref(), RECONSTRUCTIONS);
        picture::check_ending(&out)?;
        size::check("count", self.count, vae.config().visible)?;
        let rows = self.rows.open(&loaded)?;
        let count = self.count.min(rows.rows.len());
        let originals = data::values_for(&rows.rows.subset(0..count), vae.config().visible, &rows.name)?;
        let reconstructed = vae.reconstruct(&originals);
        loaded.canvas().pairs(&originals, &reconstructed, vae_pictures::COLUMNS).save(&out)?;

        let differences = originals.iter().zip(&reconstructed).map(|(x, y)| f64::from(x - y).powi(2));
        let squared_error = differences.sum::<f64>() / originals.len() as f64;
        let mut report = Report::new();
        report.line(format!("{} reconstructed in {}", counted(count, "example"), out.display()));
        report.line(format!("mean squared difference of a value: {squared_error:.4}"));
        report.figure("model", loaded.model.kind());
        report.figure("data", rows.name);
        report.figure("split", rows.split);
        report.figure("count", count);
        report.figure("squared_error", squared_error);
        report.figure("out", out.display().to_string());
        Ok(report)
    }
}
