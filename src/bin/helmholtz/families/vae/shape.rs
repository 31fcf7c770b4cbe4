//! The shapes of variational autoencoders: those of the literature, those that no memory holds, and shapes in words.

use crate::cli::{Failure, size};
use crate::run::{Widths, widths};
use clap::ValueEnum;
use helmholtz::autodiff::Activation;
use helmholtz::vae::{ClassesBy, Convolutions, Labels, Posterior, Prior, VaeConfig};

/// Shapes of the literature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Architecture {
    /// one hidden layer of 400 rectified units, 20 latent dimensions
    Plain,
    /// two hidden layers of 200 tanh units, 50 latent dimensions (Burda et al. 2016)
    Burda,
    /// one hidden layer of 500 softplus units, 50 latent dimensions: for labels (Kingma et al. 2014)
    M2,
}

impl Architecture {
    /// The widths of the encoder's hidden layers.
    pub fn hidden(self) -> Widths {
        Widths(match self {
            Architecture::Plain => vec![400],
            Architecture::Burda => vec![200, 200],
            Architecture::M2 => vec![500],
        })
    }

    /// Latent dimensions.
    pub fn latent(self) -> usize {
        match self {
            Architecture::Plain => 20,
            Architecture::Burda | Architecture::M2 => 50,
        }
    }

    /// The activation of hidden layers.
    pub fn activation(self) -> Activation {
        match self {
            Architecture::Plain => Activation::Relu,
            Architecture::Burda => Activation::Tanh,
            Architecture::M2 => Activation::Softplus,
        }
    }
}

/// Refuses a shape with an empty layer or with layers that no memory holds, and batches of `batch` examples with `draws`
/// each that none does.
pub fn check(config: &VaeConfig, batch: usize, draws: usize) -> Result<(), Failure> {
    let (outside, convolved) = check_convolutions(config)?;
    let inputs = widths::check(&config.encoder, outside)?;
    widths::check(&config.decoder.iter().rev().copied().collect::<Vec<_>>(), outside)?;
    size::check("latent", config.latent, inputs.max(config.visible))?;
    for (option, steps, units) in of_steps(config) {
        size::check(option, steps, 1)?;
        size::check_product(&[(option, units), (option, steps)], 4 * (inputs + 3 * config.latent))?;
    }
    // What a step keeps of a draw: the decoder's layers and their derivatives.
    let kept = 2 * (config.visible + convolved + config.decoder.iter().sum::<usize>() + config.latent);
    size::check_product(&[("batch", batch), ("importance-samples", draws)], kept)
}

/// The values that the linear layers see of a row, and those that convolutions make of it: refuses channels that no memory holds, and more layers
/// than an image can be halved.
fn check_convolutions(config: &VaeConfig) -> Result<(usize, usize), Failure> {
    let Some(Convolutions { image, channels }) = &config.convolutions else { return Ok((config.visible, 0)) };
    let [mut height, mut width] = *image;
    let (mut inputs, mut made) = (1, 0);
    for &channels in channels {
        (height, width) = (height / 2, width / 2);
        if height * width == 0 {
            let [height, width] = image;
            return Err(Failure::new(format!(
                "--conv: a layer halves an image, and one of {height} × {width} has not that many halves"
            )));
        }
        size::check("conv", channels, 16 * inputs + 4 * height * width)?;
        made += channels * height * width;
        inputs = channels;
    }
    Ok((height * width * inputs, made))
}

/// Rows without a label whose classes are in memory at a time, at the most: a few pieces of a batch.
const ROWS_OF_CLASSES: usize = 100;

/// Refuses so many classes that the decoder is run for, of each row without a label, that no memory holds.
pub fn check_classes(config: &VaeConfig, classes_by: ClassesBy, draws: usize) -> Result<(), Failure> {
    let Some(labels) = &config.labels else { return Ok(()) };
    let kept = 2 * (config.visible + config.decoder.iter().sum::<usize>() + config.latent);
    let evaluated = classes_by.evaluated(labels.classes).max(1);
    let option = if evaluated == labels.classes { "classes" } else { "classes-by" };
    size::check_product(&[("importance-samples", draws), (option, evaluated)], kept * ROWS_OF_CLASSES)
}

/// The option, the steps and the units of each distribution that is a flow.
fn of_steps(config: &VaeConfig) -> impl Iterator<Item = (&'static str, usize, usize)> {
    let posterior = match config.posterior {
        Posterior::Gaussian => None,
        Posterior::Iaf { steps, units } => Some(("posterior", steps, units)),
    };
    let prior = match config.prior {
        Prior::Normal => None,
        Prior::Flow { steps, units } => Some(("prior", steps, units)),
    };
    posterior.into_iter().chain(prior)
}

/// The layers in words: `784-400-20-400-784`.
pub fn layers(config: &VaeConfig) -> String {
    let (outside, own) = ([config.visible], config.convolutions.as_ref());
    let hidden = widths::layers(&[&config.encoder, &[config.latent], &config.decoder]);
    match own {
        None => widths::layers(&[&outside, &config.encoder, &[config.latent], &config.decoder, &outside]),
        Some(Convolutions { image: [height, width], channels }) => {
            let up = channels.iter().rev().map(|channels| format!("c{channels}-")).collect::<String>();
            let down = channels.iter().map(|channels| format!("-c{channels}")).collect::<String>();
            format!("{height}×{width}{down}-{hidden}-{up}{height}×{width}")
        }
    }
}

/// The distributions of the latent variable where these are not the usual ones, and classes: `, posterior iaf:2:256, 10 classes`.
pub fn besides(config: &VaeConfig) -> String {
    let mut words = String::new();
    if config.posterior != Posterior::Gaussian {
        words += &format!(", posterior {}", config.posterior);
    }
    if config.prior != Prior::Normal {
        words += &format!(", prior {}", config.prior);
    }
    if config.masks.is_some() {
        words += ", whose encoder sees masks";
    }
    if let Some(Labels { classes, posterior, classifier, named }) = &config.labels {
        let layers = widths::layers(&[&[config.visible], classifier, &[*classes]]);
        let what = if *named { "classes" } else { "clusters" };
        words += &format!(", {classes} {what} by a classifier {layers}, {posterior}");
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let wild = |steps, units| {
            let config = VaeConfig { posterior: Posterior::Iaf { steps, units }, ..VaeConfig::new(64, 2) };
            check(&config, 1, 1).unwrap_err().to_string()
        };
        let many = VaeConfig { labels: Some(Labels::new(30_000)), ..VaeConfig::new(64, 2) };
        assert!(check_classes(&many, ClassesBy::Auto, 1).is_ok());
        let said = check_classes(&many, ClassesBy::Enumerate, 1).unwrap_err().to_string();
        assert!(said.starts_with("--classes is 30000"), "{said}");
        for said in [wild(0, 4), wild(2, 0), wild(2, usize::MAX), wild(1 << 20, 1 << 20)] {
            assert!(said.starts_with("--posterior is"), "{said}");
        }
    }
}
