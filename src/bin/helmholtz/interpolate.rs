//! `helmholtz interpolate`: from one example to another through the latent space.

use crate::console::Report;
use crate::counted::counted;
use crate::data;
use crate::failure::Failure;
use crate::folder::INTERPOLATION;
use crate::globals::Globals;
use crate::model::Loaded;
use crate::row_choice::RowChoice;
use crate::{picture, size, vae_pictures};
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

impl Interpolate {
    /// Interpolates and writes the picture.
    pub fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        let loaded = Loaded::open(&self.model, globals.console())?;
        let vae = loaded.vae("interpolate")?;
        let out = loaded.picture_path(self.out.as_deref(), INTERPOLATION);
        picture::check_ending(&out)?;
        size::check("steps", self.steps, vae.config().visible)?;
        let rows = self.rows.open(&loaded)?;
        let mut originals = Vec::new();
        for (option, row) in [("from", self.from), ("to", self.to)] {
            let count = rows.rows.len();
            if row >= count {
                return Err(Failure::new(format!(
                    "--{option} is {row}, but the last of {count} rows is {}",
                    count - 1
                ))
                .about(&rows.name));
            }
            let example = rows.rows.subset(row..row + 1);
            originals.extend(data::values_for(&example, vae.config().visible, &rows.name)?);
        }
        vae_pictures::interpolations(vae, loaded.canvas(), &originals, self.steps).save(&out)?;

        let mut report = Report::new();
        report.line(format!(
            "{} from row {} to row {} in {}",
            counted(self.steps, "step"),
            self.from,
            self.to,
            out.display()
        ));
        report.figure("model", loaded.model.kind());
        report.figure("data", rows.name);
        report.figure("split", rows.split);
        report.figure("steps", self.steps);
        report.figure("out", out.display().to_string());
        Ok(report)
    }
}
