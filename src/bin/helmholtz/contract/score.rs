//! `eval`: how rows are scored.

use crate::cli::{Failure, Report};
use crate::input::{Annealing, Rows, Sums};
use clap::Args;
use helmholtz::Seed;
use helmholtz::sampling::Work;
use std::path::PathBuf;

const RBM: &str = "Restricted Boltzmann machines";
const VAE: &str = "Variational autoencoders";

/// The options of `eval` that only some families have.
#[derive(Args, Debug)]
#[group(skip)]
pub struct ScoreOptions {
    /// Chains and temperatures of annealed importance sampling; reverse annealing takes as many temperatures
    /// [default: for an RBM until the Monte Carlo error is 0.1 nats or the budget ends, for a neural energy 128,1000, else
    /// 128,2000]
    #[arg(long, alias = "rescore", value_name = "CHAINS,TEMPERATURES", help_heading = "Energy-based models")]
    pub ais: Option<Annealing>,
    /// Sum all states where the smaller layer has no more units than this; at most 25 [default: 20]
    #[arg(long, value_name = "UNITS", help_heading = RBM)]
    pub exact_up_to: Option<usize>,
    /// i16: the figure of the machine whose weights are rounded for 16-bit sums, the one that sample --precision i16
    /// draws from [default: f32]
    #[arg(long, value_enum, help_heading = RBM)]
    pub precision: Option<Sums>,
    /// Importance samples for each example [default: 500]
    #[arg(long, value_name = "N", help_heading = VAE)]
    pub samples: Option<usize>,
    /// Also the log-likelihood of data that the model itself draws, bounded from both sides: they meet where the figures
    /// can be trusted
    #[arg(long, help_heading = VAE)]
    pub simulated: bool,
    /// Only the ELBO, with exactly this noise: standard normal numbers [rows, latent], a draw for each row. Another program
    /// with the same weights must get the same figure
    #[arg(long, value_name = "FILE.npy", conflicts_with_all = ["samples", "simulated"], help_heading = VAE)]
    pub noise: Option<PathBuf>,
}

impl ScoreOptions {
    /// The names of those that were given.
    pub fn given(&self) -> impl Iterator<Item = &'static str> {
        let ScoreOptions { ais, exact_up_to, precision, samples, simulated, noise } = self;
        let given = [
            ais.map(|_| "ais"),
            exact_up_to.map(|_| "exact-up-to"),
            precision.map(|_| "precision"),
            samples.map(|_| "samples"),
            simulated.then_some("simulated"),
            noise.as_ref().map(|_| "noise"),
        ];
        given.into_iter().flatten()
    }
}

/// How much is wanted besides the mean over the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Nothing.
    Mean,
    /// The log-likelihood of each row.
    EachRow,
}

/// Rows to score, and how.
pub struct ScoreAsk<'a> {
    /// The options that were given.
    pub options: &'a ScoreOptions,
    /// The rows.
    pub rows: &'a Rows,
    /// The seed of the run.
    pub seed: Seed,
    /// How much is wanted.
    pub detail: Detail,
    /// Is told how far a long estimate is.
    pub work: &'a Work,
}

impl ScoreAsk<'_> {
    /// The log-likelihoods of rows, nats, where they are wanted.
    pub fn each_row(&self, of: impl FnOnce() -> Result<Vec<f64>, Failure>) -> Result<Option<Vec<f64>>, Failure> {
        (self.detail == Detail::EachRow).then(of).transpose()
    }
}

/// A model with a likelihood.
pub trait Scorer {
    /// Those of [`ScoreOptions`] that it answers to.
    fn options(&self) -> &'static [&'static str] {
        &[]
    }

    /// Reports the log-likelihood of the rows. Where [`Detail::EachRow`] is wanted, the log-likelihood of each, `[rows]`,
    /// nats: their mean is the figure reported.
    ///
    /// # Errors
    /// Where the rows do not fit the model, or there is no figure of each row.
    fn score(&self, ask: &ScoreAsk<'_>, report: &mut Report) -> Result<Option<Vec<f64>>, Failure>;
}
