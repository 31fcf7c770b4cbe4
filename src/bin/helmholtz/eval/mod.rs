//! `helmholtz eval`: the log-likelihood of a trained model.

mod boltzmann;
mod neural;
mod rbm;
mod vae;

use crate::annealing::Annealing;
use crate::console::Report;
use crate::failure::Failure;
use crate::globals::Globals;
use crate::model::{Loaded, Model};
use crate::row_choice::RowChoice;
use crate::settings::Choice;
use clap::Args;
use helmholtz::Seed;
use std::path::PathBuf;
use std::time::Instant;

/// Log-likelihood of a trained model on the test split
#[derive(Args)]
#[command(after_help = "\
Examples:
  helmholtz eval runs/rbm-digits
  helmholtz eval runs/rbm-digits --rescore 1000,10000     more chains and temperatures: a smaller error
  helmholtz eval model.safetensors MNIST/ --binarize sample
  helmholtz eval runs/vae-digits --samples 5000           more importance samples: a tighter bound
  helmholtz eval runs/vae-digits --simulated              how tight it is, on data of the model's own")]
pub struct Eval {
    /// A run folder or a .safetensors file
    #[arg(value_name = "RUN|MODEL")]
    model: PathBuf,
    #[command(flatten)]
    rows: RowChoice,
    /// Chains and temperatures of annealed importance sampling; reverse annealing takes as many temperatures
    /// [default: for an RBM until the Monte Carlo error is 0.1 nats or the budget ends, for a neural energy 128,1000, else
    /// 128,2000]
    #[arg(long, value_name = "CHAINS,TEMPERATURES", help_heading = "Energy-based models")]
    rescore: Option<Annealing>,
    #[command(flatten)]
    rbm: rbm::Options,
    #[command(flatten)]
    vae: vae::Options,
}

impl Eval {
    /// Estimates and reports.
    pub fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        let loaded = Loaded::open(&self.model, globals.console())?;
        let rows = self.rows.open(&loaded)?;
        let seed = Seed(globals.seed.or_else(|| loaded.settings.saved("seed")).unwrap_or(1));
        let begun = Instant::now();
        let mut report = Report::new();
        match &loaded.model {
            Model::Rbm(rbm) => {
                loaded.refuse_option(self.vae.given())?;
                self.rbm.eval(rbm, self.rescore, &rows, seed, &mut report)?;
            }
            Model::Boltzmann(machine) => {
                loaded.refuse_option(self.vae.given().or(self.rbm.given()))?;
                boltzmann::eval(machine, self.rescore, &rows, seed, &mut report)?;
            }
            Model::Hopfield(_) => {
                return Err(Failure::new("a Hopfield network has no likelihood")
                    .about(loaded.file.display())
                    .hint("helmholtz recall says how well it remembers"));
            }
            Model::Vae(vae) => {
                loaded.refuse_option(self.rescore.map(|_| "rescore").or(self.rbm.given()))?;
                self.vae.eval(vae, &rows, seed, &mut report)?;
            }
            Model::Neural(energy) => {
                loaded.refuse_option(self.vae.given().or(self.rbm.given()))?;
                neural::eval(energy, self.rescore, &rows, seed, &mut report)?;
            }
        }
        report.figure("model", loaded.model.kind());
        report.figure("data", rows.name);
        report.figure("binarize", Choice(rows.binarize).to_string());
        report.figure("seconds", begun.elapsed().as_secs_f64());
        Ok(report)
    }
}
