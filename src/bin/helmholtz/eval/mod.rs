//! `helmholtz eval`: the log-likelihood of a trained model.

mod boltzmann;
mod rbm;

use crate::annealing::Annealing;
use crate::console::Report;
use crate::data::{self, Binarize};
use crate::failure::Failure;
use crate::globals::Globals;
use crate::model::{Loaded, Model};
use crate::settings::Choice;
use clap::{Args, ValueEnum};
use helmholtz::Seed;
use helmholtz::data::Dataset;
use std::path::PathBuf;
use std::time::Instant;

/// Log-likelihood of a trained model on the test split
#[derive(Args)]
#[command(after_help = "\
Examples:
  helmholtz eval runs/rbm-digits
  helmholtz eval runs/rbm-digits --rescore 1000,10000     more chains and temperatures: a smaller error
  helmholtz eval model.safetensors MNIST/ --binarize sample")]
pub struct Eval {
    /// A run folder or a .safetensors file
    #[arg(value_name = "RUN|MODEL")]
    model: PathBuf,
    /// Data; of a single file all rows are the test split [default: what the model was trained on]
    data: Option<String>,
    /// Which rows
    #[arg(long, value_enum, default_value_t = Split::Test)]
    split: Split,
    /// How grey levels become 0 and 1 [default: as in training]
    #[arg(long, value_enum, value_name = "HOW")]
    binarize: Option<Binarize>,
    /// Chains and temperatures of annealed importance sampling; reverse annealing takes as many temperatures
    /// [default: for an RBM until the Monte Carlo error is 0.1 nats or the budget ends, else 128,2000]
    #[arg(long, value_name = "CHAINS,TEMPERATURES")]
    rescore: Option<Annealing>,
    #[command(flatten)]
    rbm: rbm::Options,
}

/// The rows that a model is judged by.
struct Rows {
    rows: Dataset<'static>,
    /// What the data is called.
    name: String,
    /// Which part of the data they are: `test` or `train`.
    split: &'static str,
    /// Names the random numbers of the estimate.
    seed: Seed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Split {
    /// the rows for testing
    Test,
    /// the rows for training, those held out included
    Train,
}

impl Eval {
    /// Estimates and reports.
    pub fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        let loaded = Loaded::open(&self.model, globals.console())?;
        let reading = loaded.reading(self.binarize);
        let name = loaded.data_name(self.data.as_deref())?;
        let data = reading.of(&data::open(&name)?);
        let (rows, split) = match self.split {
            Split::Test => (data.test(), "test"),
            Split::Train => (data.train(), "train"),
        };
        let seed = globals.seed.or_else(|| loaded.settings.saved("seed")).unwrap_or(1);
        let rows = Rows { rows, name, split, seed: Seed(seed) };
        let begun = Instant::now();
        let mut report = Report::new();
        match &loaded.model {
            Model::Rbm(rbm) => self.rbm.eval(rbm, self.rescore, &rows, &mut report)?,
            Model::Boltzmann(machine) => boltzmann::eval(machine, self.rescore, &rows, &mut report)?,
            Model::Hopfield(_) => {
                return Err(Failure::new("a Hopfield network has no likelihood")
                    .about(loaded.file.display())
                    .hint("helmholtz recall says how well it remembers"));
            }
        }
        report.figure("model", loaded.model.kind());
        report.figure("data", rows.name);
        report.figure("binarize", Choice(reading.binarize).to_string());
        report.figure("seconds", begun.elapsed().as_secs_f64());
        Ok(report)
    }
}
