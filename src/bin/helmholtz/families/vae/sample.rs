//! Draws of a variational autoencoder: z from the prior, x from p(x | z).

use crate::cli::Failure;
use crate::contract::{Draws, FileFormat, Numbers, Observation, SampleAsk, Sampler};
use helmholtz::vae::{self, Likelihood, Vae};

impl Sampler for Vae {
    fn options(&self) -> &'static [&'static str] {
        match self.classes() {
            0 => &["observation", "mean"],
            _ => &["observation", "mean", "class"],
        }
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
        let (values, given) = match (self.classes(), ask.options.class) {
            (0, _) => (Vae::sample(self, ask.count, observation, ask.seed), String::new()),
            (classes, None) => (
                Vae::sample(self, ask.count, observation, ask.seed),
                format!(", given the {classes} classes in turn"),
            ),
            (classes, Some(class)) if usize::from(class) >= classes => {
                return Err(Failure::new(format!("--class is {class}, but the model knows 0 to {}", classes - 1)));
            }
            (_, Some(class)) => (
                self.sample_given(&vec![class; ask.count], observation, ask.seed)?,
                format!(", given class {class}"),
            ),
        };
        let mut draws = Draws::of_floats(values, format!("{words}, z from the prior{given}"));
        if self.data_likelihood() == Likelihood::Bernoulli && observation == vae::Observation::Drawn {
            draws.numbers = Numbers::of_bits(&draws.levels);
        }
        Ok(draws)
    }
}
