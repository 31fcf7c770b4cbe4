//! `helmholtz encode`: examples as the hidden layer sees them.

use super::loaded::Loaded;
use crate::cli::{Failure, Globals, Report, Task, counted};
use crate::input::{RowChoice, npy};
use clap::Args;
use std::path::PathBuf;

/// Write the codes of examples: the latent variables of a variational autoencoder, the hidden units of an RBM
#[derive(Args)]
#[command(after_help = "\
The file is of f32. Of a VAE it is [rows, 2 × latent]: a row is the means of q(z | x), then their
log-variances; of an RBM [rows, hidden]: a row is the probabilities p(h = 1 | v).

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

impl Task for Encode {
    fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        let loaded = Loaded::open(&self.model, globals)?;
        let encoder = loaded.asked(loaded.model.encoder())?;
        let out = loaded.origin.destination(self.out.as_deref(), "codes.npy")?;
        let rows = loaded.origin.rows(&self.rows)?;
        let (codes, count) = (encoder.encode(&rows)?, rows.rows.len());
        npy::save(&out, &npy::of_floats(count, codes.columns, &codes.values))?;

        let mut report = loaded.report(&out);
        let examples = counted(count, &format!("{} example", rows.split));
        report.line(format!("{examples} in {}: {} each", out.display(), codes.words));
        rows.report(&mut report);
        report.figure("examples", count);
        report.figure(codes.size.0, codes.size.1);
        Ok(report)
    }
}
