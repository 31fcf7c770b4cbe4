//! Draws of a variational autoencoder: z from the prior, x from p(x | z).

use super::{Draws, FileFormat, Numbers};
use clap::{Args, ValueEnum};
use helmholtz::Seed;
use helmholtz::vae::{self, Likelihood, Vae};

/// The options that only a variational autoencoder has.
#[derive(Args, Debug)]
#[group(skip)]
pub struct Options {
    /// What is given of p(x | z) [default: its mean in a picture, a draw in a file of numbers]
    #[arg(long, value_enum, value_name = "WHAT", help_heading = "Variational autoencoders")]
    observation: Option<Observation>,
    /// Short for --observation mean
    #[arg(long, conflicts_with = "observation", help_heading = "Variational autoencoders")]
    mean: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Observation {
    /// its mean: of bits their probabilities
    Mean,
    /// a draw from it: bits, or the mean with noise
    Drawn,
}

impl Options {
    /// The name of one of them that was given.
    pub fn given(&self) -> Option<&'static str> {
        self.observation.map(|_| "observation").or(self.mean.then_some("mean"))
    }

    /// `count` draws of `vae`, for a file of this format.
    pub(super) fn draw(&self, vae: &Vae, count: usize, format: FileFormat, seed: Seed) -> Draws {
        let usual = match format {
            FileFormat::Png => Observation::Mean,
            FileFormat::Npy => Observation::Drawn,
        };
        let (observation, words) =
            match self.observation.unwrap_or(if self.mean { Observation::Mean } else { usual }) {
                Observation::Mean => (vae::Observation::Mean, "means of p(x | z)"),
                Observation::Drawn => (vae::Observation::Drawn, "draws from p(x | z)"),
            };
        let levels = vae.sample(count, observation, seed);
        let bits = vae.config().likelihood == Likelihood::Bernoulli && observation == vae::Observation::Drawn;
        let numbers = match bits {
            true => Numbers::Bits(levels.iter().map(|bit| *bit as u8).collect()),
            false => Numbers::Floats(levels.clone()),
        };
        Draws { numbers, levels, method: format!("{words}, z from the prior") }
    }
}
