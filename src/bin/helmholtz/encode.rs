//! `helmholtz encode`: where examples are in the latent space.

use crate::console::Report;
use crate::counted::counted;
use crate::data;
use crate::failure::Failure;
use crate::globals::Globals;
use crate::model::Loaded;
use crate::npy;
use crate::row_choice::RowChoice;
use clap::Args;
use helmholtz::storage::write_atomic;
use std::path::PathBuf;

/// Write the latent codes of examples: what a variational autoencoder knows of each
#[derive(Args)]
#[command(after_help = "\
The file is [rows, 2 × latent] of f32: a row is the means of q(z | x), then their log-variances.

Example:
  helmholtz encode runs/vae-digits --out codes.npy
  python3 -c 'import numpy; print(numpy.load(\"codes.npy\").shape)'")]
pub struct Encode {
    /// A run folder or a .safetensors file
    #[arg(value_name = "RUN|MODEL")]
    model: PathBuf,
    #[command(flatten)]
    rows: RowChoice,
    /// The file [default: codes.npy, in the run folder if there is one]
    #[arg(long, value_name = "FILE.npy")]
    out: Option<PathBuf>,
}

/// Rows that are read at a time.
const BLOCK: usize = 4096;

impl Encode {
    /// Encodes and writes the file.
    pub fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        let loaded = Loaded::open(&self.model, globals.console())?;
        let vae = loaded.vae("encode")?;
        let out = loaded.picture_path(self.out.as_deref(), "codes.npy");
        if out.extension().is_none_or(|extension| extension != "npy") {
            return Err(Failure::new("--out must end in .npy").about(out.display()));
        }
        let rows = self.rows.open(&loaded)?;
        let (count, latent) = (rows.rows.len(), vae.config().latent);
        let mut codes = Vec::with_capacity(count * 2 * latent);
        for first in (0..count).step_by(BLOCK) {
            let block = rows.rows.subset(first..count.min(first + BLOCK));
            let encoded = vae.encode(&data::values_for(&block, vae.config().visible, &rows.name)?);
            let pairs = encoded.means.chunks_exact(latent).zip(encoded.log_variances.chunks_exact(latent));
            pairs.for_each(|(means, log_variances)| {
                codes.extend_from_slice(means);
                codes.extend_from_slice(log_variances);
            });
        }
        let file = npy::of_floats(count, 2 * latent, &codes);
        write_atomic(&out, |writer| writer.write_all(&file))?;

        let mut report = Report::new();
        report.line(format!(
            "{} in {}: {latent} means and {latent} log-variances each",
            counted(count, &format!("{} example", rows.split)),
            out.display()
        ));
        report.figure("model", loaded.model.kind());
        report.figure("data", rows.name);
        report.figure("split", rows.split);
        report.figure("examples", count);
        report.figure("latent", latent);
        report.figure("out", out.display().to_string());
        Ok(report)
    }
}
