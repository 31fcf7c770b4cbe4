//! The shape of a variational autoencoder: how many layers, how wide, and what the decoder's numbers mean.

use super::VaeError;
use crate::autodiff::Activation;
use crate::store::Snapshot;
use std::fmt;
use std::str::FromStr;

/// The density p(x | z), the decoder's outputs being y(z), `[visible]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Likelihood {
    /// Independent bits with logits y. Grey levels in [0, 1] train it by the cross-entropy, but have no likelihood.
    #[default]
    Bernoulli,
    /// N(y, I): noise of variance 1, in the data's own units. On pixels scaled to [0, 1] that is more than the data vary,
    /// and the best such model ignores z: keep the [raw scale](crate::data::Scale::Raw).
    Gaussian,
    /// N(y, e^ρ I) with one learned number ρ, the parameter `observation_log_variance`.
    GaussianLearned,
}

impl Likelihood {
    /// All of them.
    pub const ALL: [Likelihood; 3] = [Likelihood::Bernoulli, Likelihood::Gaussian, Likelihood::GaussianLearned];

    /// The smallest and largest number it is defined for.
    pub fn support(self) -> [f32; 2] {
        match self {
            Likelihood::Bernoulli => [0.0, 1.0],
            Likelihood::Gaussian | Likelihood::GaussianLearned => [f32::NEG_INFINITY, f32::INFINITY],
        }
    }
}

impl fmt::Display for Likelihood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Likelihood::Bernoulli => "bernoulli",
            Likelihood::Gaussian => "gaussian",
            Likelihood::GaussianLearned => "gaussian-learned",
        })
    }
}

impl FromStr for Likelihood {
    type Err = VaeError;
    fn from_str(name: &str) -> Result<Self, VaeError> {
        let wanted = "bernoulli, gaussian or gaussian-learned";
        let found = Likelihood::ALL.into_iter().find(|likelihood| likelihood.to_string() == name);
        found.ok_or_else(|| VaeError::setting("the likelihood", name, wanted))
    }
}

/// The shape of a variational autoencoder.
///
/// ```
/// use helmholtz::vae::{Vae, VaeConfig};
/// use helmholtz::Seed;
/// let config = VaeConfig { encoder: vec![400], decoder: vec![400], ..VaeConfig::new(784, 20) };
/// assert_eq!(Vae::new(config, Seed(1))?.store().count(), 784 * 400 + 400 + 2 * 8020 + 8400 + 400 * 784 + 784);
/// # Ok::<(), helmholtz::vae::VaeError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct VaeConfig {
    /// Values of a row.
    pub visible: usize,
    /// Latent dimensions.
    pub latent: usize,
    /// Widths of the encoder's hidden layers, from the data on; none for a linear encoder.
    pub encoder: Vec<usize>,
    /// Widths of the decoder's hidden layers, from the latent variable on; none for a linear decoder.
    pub decoder: Vec<usize>,
    /// The activation at the end of each hidden layer.
    pub activation: Activation,
    /// The density that the decoder's outputs are parameters of.
    pub likelihood: Likelihood,
}

/// Most units of a layer: so that no product of two of them overflows.
const WIDEST: usize = 1 << 24;

impl VaeConfig {
    /// One hidden layer of 200 rectified units on either side, and bits.
    pub fn new(visible: usize, latent: usize) -> Self {
        VaeConfig {
            visible,
            latent,
            encoder: vec![200],
            decoder: vec![200],
            activation: Activation::Relu,
            likelihood: Likelihood::Bernoulli,
        }
    }

    /// Checks every width.
    ///
    /// # Errors
    /// Names the first one that is 0 or absurd, and an activation that is none.
    pub fn check(&self) -> Result<(), VaeError> {
        let widths = |name, widths: &[usize]| match widths.iter().find(|&&width| width == 0 || width > WIDEST) {
            Some(&width) => Err(VaeError::setting(name, width, "from 1 to 16777216")),
            None => Ok(()),
        };
        widths("the number of values a row", &[self.visible])?;
        widths("the number of latent dimensions", &[self.latent])?;
        widths("the width of an encoder layer", &self.encoder)?;
        widths("the width of a decoder layer", &self.decoder)?;
        match self.activation {
            Activation::LeakyRelu(slope) if !(slope >= 0.0 && slope.is_finite()) => {
                Err(VaeError::setting("the slope of the activation", slope, "0 or a positive number"))
            }
            _ => Ok(()),
        }
    }

    /// Activation and likelihood, which no tensor says, as metadata.
    pub(super) fn save(&self, snapshot: &mut Snapshot) {
        snapshot.set(ACTIVATION, self.activation);
        snapshot.set(LIKELIHOOD, self.likelihood);
    }

    /// The shape of the model whose tensors and metadata these are, each name with `prefix` before it. Without metadata the
    /// activation is taken for a rectifier, and the likelihood for that of bits, or of learned noise where there is such a
    /// parameter.
    pub(super) fn of(snapshot: &Snapshot, prefix: &str) -> Result<Self, VaeError> {
        let axis = |name: &str, axis: usize| -> Result<usize, VaeError> {
            let name = format!("{prefix}{name}");
            let shape = snapshot.shape(&name)?;
            let wanted = "a matrix [out, in] of at least 1 × 1";
            let given = || VaeError::setting("the shape of a weight", format!("{shape:?}"), wanted);
            if shape.len() == 2 && !shape.contains(&0) { Ok(shape[axis]) } else { Err(given()) }
        };
        // Two thin matrices that do not fit would ask for a huge one between them.
        let fits = |name: &str, wanted: usize| match axis(name, 1)? {
            inputs if inputs == wanted => Ok(()),
            inputs => {
                let given = format!("{inputs} in {name}, where the layer before gives {wanted}");
                Err(VaeError::setting("the number of inputs of a layer", given, "the same"))
            }
        };
        let layers = |side: &str, mut width: usize| -> Result<Vec<usize>, VaeError> {
            let names = (0..).map(|layer| format!("{side}.{}.weight", 2 * layer));
            let there = names.take_while(|name| snapshot.contains(&format!("{prefix}{name}")));
            let outputs = there.map(|name| {
                fits(&name, width)?;
                width = axis(&name, 0)?;
                Ok(width)
            });
            outputs.collect()
        };
        let first = if snapshot.contains(&format!("{prefix}encoder.0.weight")) {
            "encoder.0.weight"
        } else {
            "mean.weight"
        };
        let (visible, latent) = (axis(first, 1)?, axis("mean.weight", 0)?);
        let (encoder, mut decoder) = (layers("encoder", visible)?, layers("decoder", latent)?);
        fits("mean.weight", *encoder.last().unwrap_or(&visible))?;
        // The decoder's last layer is as wide as the data; one that is missing is named when the tensors are read.
        if let Some(outputs) = decoder.pop().filter(|outputs| *outputs != visible) {
            return Err(VaeError::setting(
                "the number of values the decoder gives",
                outputs,
                "that of the encoder",
            ));
        }
        let learned = snapshot.contains(&format!("{prefix}{OBSERVATION}"));
        let guess = if learned { Likelihood::GaussianLearned } else { Likelihood::Bernoulli };
        let likelihood = snapshot.metadata.get(LIKELIHOOD).map_or(Ok(guess), |name| name.parse())?;
        let activation =
            snapshot.metadata.get(ACTIVATION).map_or(Ok(Activation::Relu), |name| activation(name))?;
        let config = VaeConfig { visible, latent, encoder, decoder, activation, likelihood };
        config.check()?;
        Ok(config)
    }
}

/// The parameter of [`Likelihood::GaussianLearned`].
pub(super) const OBSERVATION: &str = "observation_log_variance";
const ACTIVATION: &str = "vae.activation";
const LIKELIHOOD: &str = "vae.likelihood";

fn activation(name: &str) -> Result<Activation, VaeError> {
    let wanted = "identity, relu, leaky-relu:SLOPE, tanh, sigmoid or softplus";
    name.parse().map_err(|_| VaeError::setting("the activation", name, wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back() {
        let leaky = Activation::LeakyRelu(0.01);
        for given in [leaky, Activation::Identity, Activation::Tanh, Activation::Sigmoid, Activation::Softplus] {
            assert_eq!(activation(&given.to_string()), Ok(given));
        }
        for likelihood in Likelihood::ALL {
            assert_eq!(likelihood.to_string().parse(), Ok(likelihood));
        }
        assert_eq!(
            "poisson".parse::<Likelihood>().unwrap_err().to_string(),
            "the likelihood is poisson, but must be bernoulli, gaussian or gaussian-learned"
        );
        assert!(activation("relu6").is_err() && activation("leaky-relu:x").is_err());
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let good = VaeConfig::new(64, 2);
        assert_eq!(good.check(), Ok(()));
        let said = |config: VaeConfig| config.check().unwrap_err().to_string();
        assert_eq!(
            said(VaeConfig { latent: 0, ..good.clone() }),
            "the number of latent dimensions is 0, but must be from 1 to 16777216"
        );
        assert!(
            said(VaeConfig { decoder: vec![3, 0], ..good.clone() })
                .starts_with("the width of a decoder layer is 0")
        );
        assert!(said(VaeConfig { activation: Activation::LeakyRelu(f32::NAN), ..good }).contains("slope"));
    }
}
