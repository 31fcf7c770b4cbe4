//! Draws of a variational autoencoder: z from the prior, x from p(x | z).

use crate::cli::Failure;
use crate::contract::{Draws, FileFormat, Numbers, Observation, SampleAsk, Sampler};
use helmholtz::vae::{self, Likelihood, Vae};

impl Sampler for Vae {
    fn options(&self) -> &'static [&'static str] {
        &["observation", "mean"]
    }

    fn sample(&self, ask: &SampleAsk<'_>) -> Result<Draws, Failure> {
        let usual = match ask.format {
            FileFormat::Png if !ask.origin.canvas().is_table() => Observation::Mean,
            FileFormat::Png | FileFormat::Npy => Observation::Drawn,
        };
        let observation = if ask.options.mean { Some(Observation::Mean) } else { ask.options.observation };
        let (observation, words) = match observation.unwrap_or(usual) {
            Observation::Mean => (vae::Observation::Mean, "means of p(x | z)"),
            Observation::Drawn => (vae::Observation::Drawn, "draws from p(x | z)"),
        };
        let mut draws = Draws::of_floats(
            Vae::sample(self, ask.count, observation, ask.seed),
            format!("{words}, z from the prior"),
        );
        if self.config().likelihood == Likelihood::Bernoulli && observation == vae::Observation::Drawn {
            draws.numbers = Numbers::of_bits(&draws.levels);
        }
        Ok(draws)
    }
}
