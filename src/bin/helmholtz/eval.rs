//! `helmholtz eval`: the log-likelihood of a trained model.

use crate::console::Report;
use crate::data::{self, Binarize};
use crate::failure::Failure;
use crate::globals::Globals;
use crate::likelihood::{self, Annealing};
use crate::model::{Loaded, Model};
use crate::precision::Sums;
use crate::settings::Choice;
use clap::{Args, ValueEnum};
use helmholtz::Seed;
use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Instant;

/// Units of the smaller layer that are enumerated unless told otherwise, and the most that are.
const EXACT_UP_TO: usize = 20;
const AT_MOST: usize = 25;

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
    /// [default: until the Monte Carlo error is 0.1 nats or the budget ends]
    #[arg(long, value_name = "CHAINS,TEMPERATURES")]
    rescore: Option<Annealing>,
    /// Sum all states where the smaller layer has no more units than this; at most 25
    #[arg(long, value_name = "UNITS", default_value_t = EXACT_UP_TO)]
    exact_up_to: usize,
    /// i16: the figure of the machine whose weights are rounded for 16-bit sums, the one that sample --precision i16
    /// draws from
    #[arg(long, value_enum, default_value_t = Sums::F32)]
    precision: Sums,
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
        if self.exact_up_to > AT_MOST {
            return Err(Failure::new(format!(
                "--exact-up-to {}: at most {AT_MOST} units are enumerated",
                self.exact_up_to
            )));
        }
        let loaded = Loaded::open(&self.model, globals.console())?;
        let reading = loaded.reading(self.binarize);
        let name = loaded.data_name(self.data.as_deref())?;
        let data = reading.of(&data::open(&name)?);
        let rows = match self.split {
            Split::Test => data.test(),
            Split::Train => data.train(),
        };
        let split = match self.split {
            Split::Test => "test",
            Split::Train => "train",
        };
        let seed = globals.seed.or_else(|| loaded.settings.saved("seed")).unwrap_or(1);
        let scoring = likelihood::scoring(self.rescore, Seed(seed), self.exact_up_to);
        let Model::Rbm(rbm) = loaded.model;
        let (rbm, rounding) = self.precision.machine(Cow::Owned(rbm))?;
        if let Some(annealing) = self.rescore {
            annealing.check("rescore", rbm.visible() + rbm.hidden())?;
        }
        let begun = Instant::now();
        let score = rbm.score(&rows, &scoring).map_err(|error| {
            Failure::from(error)
                .about(&name)
                .or_hint("is this the data the model was made for? --binarize says how grey levels are read")
        })?;
        let mut report = Report::new();
        likelihood::report(&mut report, &score, split);
        if let Some(rounding) = rounding {
            report.line(format!("rounding        the figures are of the rounded machine: {rounding}"));
            report.figure("rounding_bits", rounding.bits);
            report.figure("rounding_logit_error", rounding.logit_error);
        }
        report.figure("precision", Choice(self.precision).to_string());
        report.figure("model", "rbm");
        report.figure("data", name);
        report.figure("binarize", Choice(reading.binarize).to_string());
        report.figure("seconds", begun.elapsed().as_secs_f64());
        Ok(report)
    }
}
