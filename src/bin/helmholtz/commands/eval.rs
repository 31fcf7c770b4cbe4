//! `helmholtz eval`: the log-likelihood of a trained model.

use super::loaded::Loaded;
use crate::cli::{Failure, Globals, Report, Task, counted};
use crate::contract::{Detail, ScoreAsk, ScoreOptions};
use crate::input::{RowChoice, npy};
use crate::run::{Choice, Estimating};
use clap::Args;
use helmholtz::Seed;
use std::path::PathBuf;
use std::time::Instant;

/// Log-likelihood of a trained model on the test split
#[derive(Args)]
#[command(after_help = "\
Examples:
  helmholtz eval runs/rbm-digits
  helmholtz eval runs/rbm-digits --ais 1000,10000     more chains and temperatures: a smaller error
  helmholtz eval runs/rbm-digits --out rows.npy           the log-likelihood of each row
  helmholtz eval model.safetensors MNIST/ --binarize sample
  helmholtz eval runs/vae-digits --samples 5000           more importance samples: a tighter bound
  helmholtz eval runs/vae-digits --simulated              how tight it is, on data of the model's own")]
pub struct Eval {
    /// A run folder or a .safetensors file
    #[arg(value_name = "RUN|MODEL")]
    model: PathBuf,
    #[command(flatten)]
    rows: RowChoice,
    #[command(flatten)]
    options: ScoreOptions,
    /// Also the log-likelihood of each row, as a file of f64 numbers
    #[arg(long, value_name = "FILE.npy", conflicts_with = "noise")]
    out: Option<PathBuf>,
}

impl Task for Eval {
    fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        let loaded = Loaded::open(&self.model, globals)?;
        let origin = &loaded.origin;
        let scorer = loaded.asked(loaded.model.scorer())?;
        origin.refuse_foreign(&*loaded.model, self.options.given(), scorer.options())?;
        let out = self.out.as_deref().map(|out| origin.destination(Some(out), "rows.npy")).transpose()?;
        let rows = origin.rows(&self.rows)?;
        let seed = Seed(globals.seed.or_else(|| origin.settings.saved("seed")).unwrap_or(1));
        let estimating = Estimating::begin(&globals.console(), "the log-likelihood");
        let ask = ScoreAsk {
            options: &self.options,
            rows: &rows,
            seed,
            detail: if out.is_some() { Detail::EachRow } else { Detail::Mean },
            work: estimating.work(),
        };
        let begun = Instant::now();
        let mut report = Report::new();
        let each = scorer.score(&ask, &mut report)?;
        drop(estimating);
        report.figure("model", loaded.model.kind());
        report.figure("seed", seed.0);
        rows.report(&mut report);
        report.figure("binarize", Choice(rows.binarize).to_string());
        report.figure("seconds", begun.elapsed().as_secs_f64());
        if let (Some(out), Some(each)) = (out, each) {
            npy::save(&out, &npy::of_doubles(&each))?;
            let rows = counted(each.len(), "row");
            report.line(format!("each row        the log-likelihoods of {rows} are in {}", out.display()));
            report.figure("out", out.display().to_string());
        }
        Ok(report)
    }
}
