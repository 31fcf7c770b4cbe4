//! `helmholtz sample`: draws of a trained model.

use super::loaded::Loaded;
use crate::cli::{Failure, Globals, Report, Task, counted, size};
use crate::contract::{Draws, FileFormat, Numbers, SampleAsk, SampleOptions};
use crate::input::{RowChoice, data, npy};
use crate::pictures::{Raster, table};
use clap::Args;
use std::path::PathBuf;
use std::time::Instant;

/// Draw samples: of an RBM each from its own chain, exactly where it is small enough; of a VAE from the prior
#[derive(Args)]
#[command(after_help = "\
Examples:
  helmholtz sample runs/rbm-digits
  helmholtz sample runs/rbm-digits --count 10000 --out draws.npy
  helmholtz sample runs/rbm-digits --from-data --steps 10
  helmholtz sample runs/mnist --tempering auto            where chains are slow to leave a mode
  helmholtz sample runs/vae-digits --observation drawn    bits instead of their probabilities")]
pub struct Sample {
    /// A run folder or a .safetensors file
    #[arg(value_name = "RUN|MODEL")]
    model: PathBuf,
    /// How many draws
    #[arg(long, default_value_t = 100, value_name = "N")]
    count: usize,
    #[command(flatten)]
    options: SampleOptions,
    /// FILE.png, a picture, or FILE.npy, the numbers [default: samples.png, in the run folder if there is one]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Draws that a picture shows at the most: a hundred by a hundred.
const MOST_PICTURES: usize = 10_000;
/// Rows of data that stand beside the draws of a table at the most.
const MOST_POINTS: usize = 2000;

impl Task for Sample {
    fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        let loaded = Loaded::open(&self.model, globals)?;
        let origin = &loaded.origin;
        let sampler = loaded.asked(loaded.model.sampler())?;
        origin.refuse_foreign(&*loaded.model, self.options.given(), sampler.options())?;
        let (count, width) = (self.count, loaded.model.width());
        size::check("count", count, width)?;
        let (out, format) = origin.picture_or_numbers(self.out.as_deref(), "samples.png")?;
        if format == FileFormat::Png && count > MOST_PICTURES {
            return Err(Failure::new(format!("--count is {count}, but a picture holds {MOST_PICTURES}"))
                .hint("--out FILE.npy takes as many as you like"));
        }
        let begun = Instant::now();
        let ask = SampleAsk { options: &self.options, count, format, seed: globals.seed(), origin };
        let draws = sampler.sample(&ask)?;
        let seconds = begun.elapsed().as_secs_f64();
        match (format, &draws.numbers) {
            (FileFormat::Png, _) => picture(&loaded, &draws, globals).save(&out)?,
            (FileFormat::Npy, Numbers::Bits(bits)) => npy::save(&out, &npy::of_bits(count, width, bits))?,
            (FileFormat::Npy, Numbers::Floats(numbers)) => {
                npy::save(&out, &npy::of_floats(count, width, numbers))?
            }
        }
        let mut report = loaded.report(&out);
        report.line(format!("{} ({}) in {}", counted(count, "sample"), draws.method, out.display()));
        for warning in draws.warnings {
            report.warn(warning);
        }
        for (name, value) in draws.figures {
            report.figure(&name, value);
        }
        report.figure("count", count);
        report.figure("method", draws.method);
        report.figure("seconds", seconds);
        report.figure("samples_per_second", count as f64 / seconds.max(1e-9));
        Ok(report)
    }
}

/// A picture of draws: images, or over the rows that the model was trained on where these are lines of a table.
fn picture(loaded: &Loaded, draws: &Draws, globals: &Globals) -> Raster {
    let (origin, width) = (&loaded.origin, loaded.model.width());
    if !origin.canvas().is_table() {
        return origin.canvas().square(&draws.levels).raster();
    }
    let data = origin.rows(&RowChoice::test(None)).and_then(|rows| {
        let count = rows.rows.len().min(MOST_POINTS);
        data::values_for(&rows.first(count), width, &rows.name)
    });
    let data = data.unwrap_or_else(|failure| {
        globals.console().note(format!("the draws alone are pictured: {failure}"));
        Vec::new()
    });
    table::pairs(&draws.levels, &data, width)
}
