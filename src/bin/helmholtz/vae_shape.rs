//! The shapes of variational autoencoders: as they are named on the command line, and in words.

use crate::console::Report;
use crate::failure::Failure;
use crate::size;
use clap::ValueEnum;
use helmholtz::autodiff::Activation;
use helmholtz::vae::{Vae, VaeConfig};
use serde_json::json;
use std::fmt;
use std::str::FromStr;

/// Shapes of the literature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Architecture {
    /// one hidden layer of 400 rectified units, 20 latent dimensions
    Plain,
    /// two hidden layers of 200 tanh units, 50 latent dimensions (Burda et al. 2016)
    Burda,
}

impl Architecture {
    /// The widths of the encoder's hidden layers.
    pub fn hidden(self) -> Widths {
        Widths(match self {
            Architecture::Plain => vec![400],
            Architecture::Burda => vec![200, 200],
        })
    }

    /// Latent dimensions.
    pub fn latent(self) -> usize {
        match self {
            Architecture::Plain => 20,
            Architecture::Burda => 50,
        }
    }

    /// What a hidden layer ends with.
    pub fn activation(self) -> Activation {
        match self {
            Architecture::Plain => Activation::Relu,
            Architecture::Burda => Activation::Tanh,
        }
    }
}

/// The widths of the encoder's hidden layers, from the data on; the decoder has them in the other order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Widths(pub Vec<usize>);

impl Widths {
    /// Those of the decoder.
    pub fn reversed(&self) -> Vec<usize> {
        self.0.iter().rev().copied().collect()
    }
}

impl fmt::Display for Widths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { f.write_str("0") } else { f.write_str(&joined(&self.0, ",")) }
    }
}

impl FromStr for Widths {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if matches!(text.trim(), "" | "0") {
            return Ok(Widths(Vec::new()));
        }
        let widths: Result<_, _> = text.split(',').map(|width| width.trim().parse()).collect();
        widths.map(Widths).map_err(|_| "wanted widths like 400 or 200,200, or 0 for no hidden layer")
    }
}

/// Refuses a shape with an empty layer or with layers that no memory holds, and batches of `batch` examples with `draws`
/// each that none does.
pub fn check(config: &VaeConfig, batch: usize, draws: usize) -> Result<(), Failure> {
    let mut inputs = config.visible;
    for &width in &config.encoder {
        size::check("hidden", width, inputs)?;
        inputs = width;
    }
    size::check("latent", config.latent, inputs.max(config.visible))?;
    // What a step keeps of a draw: the decoder's layers and their derivatives.
    let kept = 2 * (config.visible + config.decoder.iter().sum::<usize>() + config.latent);
    size::check_product(&[("batch", batch), ("importance-samples", draws)], kept)
}

/// The layers in words: `784-400-20-400-784`.
pub fn layers(config: &VaeConfig) -> String {
    let outside = [config.visible];
    joined(&[&outside, &config.encoder[..], &[config.latent], &config.decoder[..], &outside].concat(), "-")
}

/// Says how large a model is.
pub fn describe(vae: &Vae, report: &mut Report) {
    let (config, parameters) = (vae.config(), vae.store().count());
    report.line(format!(
        "model           VAE {}: {} latent dimensions, {} units, {} likelihood, {parameters} parameters",
        layers(config),
        config.latent,
        config.activation,
        config.likelihood
    ));
    report.figure("visible", config.visible);
    report.figure("latent", config.latent);
    report.figure("encoder", json!(config.encoder));
    report.figure("decoder", json!(config.decoder));
    report.figure("activation", config.activation.to_string());
    report.figure("likelihood", config.likelihood.to_string());
    report.figure("parameters", parameters);
}

fn joined(numbers: &[usize], separator: &str) -> String {
    numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_read_as_they_are_printed() {
        for text in ["0", "400", "200,100"] {
            assert_eq!(text.parse::<Widths>().unwrap().to_string(), text);
        }
        assert_eq!("".parse(), Ok(Widths(vec![])));
        assert_eq!(" 200, 100".parse::<Widths>().unwrap().reversed(), [100, 200]);
        for wrong in ["x", "-1", "200;100", "200,"] {
            assert!(wrong.parse::<Widths>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_no_memory_holds_is_named() {
        let said = |hidden: &[usize], latent, batch, draws| {
            let config = VaeConfig {
                encoder: hidden.to_vec(),
                decoder: hidden.iter().rev().copied().collect(),
                ..VaeConfig::new(64, latent)
            };
            check(&config, batch, draws).unwrap_err().to_string()
        };
        assert_eq!(said(&[20], 0, 1, 1), "--latent is 0, but must be at least 1");
        assert_eq!(said(&[20, 0], 2, 1, 1), "--hidden is 0, but must be at least 1");
        assert!(said(&[usize::MAX], 2, 1, 1).contains("--hidden is 18446744073709551615"));
        assert!(said(&[], usize::MAX, 1, 1).contains("--latent is"));
        assert!(said(&[20], 2, 64, usize::MAX).contains("--importance-samples is"));
        assert!(said(&[20], 2, 64, 0).contains("--importance-samples is 0"));
    }
}
