//! `eval`: how rows are scored.

use crate::cli::{Failure, Report};
use crate::input::{Annealing, Rows, Sums};
use clap::Args;
use helmholtz::Seed;
use helmholtz::sampling::{Estimate, Work};
use std::path::PathBuf;

const RBM: &str = "Restricted Boltzmann machines";
const VAE: &str = "Variational autoencoders";
const CONDITIONAL: &str = "Models given labels";

/// The options of `eval` that only some families have.
#[derive(Args, Debug, Default)]
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
    /// Importance samples for each example [default: 500; of a model with classes 500 over these, but at least 50, for each class]
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
    /// Also p(y | x) of each row by Bayes' theorem, as a file of f64 numbers [rows, classes]
    #[arg(long, value_name = "FILE.npy", conflicts_with = "noise", help_heading = CONDITIONAL)]
    pub posteriors: Option<PathBuf>,
}

impl ScoreOptions {
    /// The names of those that were given.
    pub fn given(&self) -> impl Iterator<Item = &'static str> {
        let ScoreOptions { ais, exact_up_to, precision, samples, simulated, noise, posteriors } = self;
        let given = [
            ais.map(|_| "ais"),
            exact_up_to.map(|_| "exact-up-to"),
            precision.map(|_| "precision"),
            samples.map(|_| "samples"),
            simulated.then_some("simulated"),
            noise.as_ref().map(|_| "noise"),
            posteriors.as_ref().map(|_| "posteriors"),
        ];
        given.into_iter().flatten()
    }
}

/// Rows to score, and how.
pub struct ScoreAsk<'a> {
    /// The options that were given.
    pub options: &'a ScoreOptions,
    /// The rows.
    pub rows: &'a Rows,
    /// The seed of the run.
    pub seed: Seed,
    /// Is told how far a long estimate is.
    pub work: &'a Work,
}

/// The log-likelihood of rows under a model.
#[derive(Clone, Debug)]
pub struct Scored {
    /// The log-likelihood.
    pub estimate: Estimate,
    /// The conservative one beside it, of the same rows, where there is one.
    pub conservative: Option<Estimate>,
    /// ln p(x) of each row, `[rows]`, nats: its mean is the estimate. The conservative figure is that of the same rows, all of them
    /// less the difference of the two: it is another estimate of log Z.
    pub rows: Vec<f64>,
}

impl Scored {
    /// A figure with nothing beside it.
    pub fn alone(rows: Vec<f64>, estimate: Estimate) -> Self {
        Scored { estimate, conservative: None, rows }
    }
}

/// How far above a lower bound the truth may lie, on average over rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slack {
    /// Nats.
    pub gap: f64,
    /// Its standard error.
    pub error: f64,
}

/// A model with a likelihood.
pub trait Scorer {
    /// Those of [`ScoreOptions`] that it answers to.
    fn options(&self) -> &'static [&'static str] {
        &[]
    }

    /// The log-likelihood of the rows.
    ///
    /// # Errors
    /// Where the rows do not fit the model, or have no likelihood under it.
    fn score(&self, ask: &ScoreAsk<'_>) -> Result<Scored, Failure>;

    /// Reports the log-likelihood of the rows, and what else there is to say of them; `None` where something else was asked for, or
    /// is all that there is.
    ///
    /// # Errors
    /// As [`score`](Self::score).
    fn report(&self, ask: &ScoreAsk<'_>, report: &mut Report) -> Result<Option<Scored>, Failure>;

    /// Where the log-likelihood is a lower bound: how far above it the truth may lie, estimated on data of the model's own, of
    /// which both bounds are known. Data unlike the model's own may lie further above. `None` where nothing says so.
    fn slack(&self, _: &ScoreAsk<'_>) -> Result<Option<Slack>, Failure> {
        Ok(None)
    }
}
