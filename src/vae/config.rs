//! The shape of a variational autoencoder: how many layers, how wide, and what the decoder's numbers mean.

use super::{Convolutions, LabelPosterior, Labels, Posterior, Prior, VaeError};
use crate::Setting;
use crate::autodiff::Activation;
use crate::nn::{activation_in, check_activation, check_width, layers_in, widths_in};
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
    /// N(m + d y, diag d² e^ρ), with a learned number ρ for each column, the parameter `observation_log_variance` `[visible]`, in which no noise
    /// is below a hundredth of the column's own deviation. m and d, `data_mean` and `data_deviation`, are those of the rows it is
    /// trained on: columns of any units.
    GaussianColumns,
}

impl Likelihood {
    /// All of them.
    pub const ALL: [Likelihood; 4] =
        [Likelihood::Bernoulli, Likelihood::Gaussian, Likelihood::GaussianLearned, Likelihood::GaussianColumns];

    /// The smallest and largest number it is defined for.
    pub fn support(self) -> [f32; 2] {
        match self {
            Likelihood::Bernoulli => [0.0, 1.0],
            _ => [f32::NEG_INFINITY, f32::INFINITY],
        }
    }
}

impl fmt::Display for Likelihood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Likelihood::Bernoulli => "bernoulli",
            Likelihood::Gaussian => "gaussian",
            Likelihood::GaussianLearned => "gaussian-learned",
            Likelihood::GaussianColumns => "gaussian-columns",
        })
    }
}

impl FromStr for Likelihood {
    type Err = Setting;
    fn from_str(name: &str) -> Result<Self, Setting> {
        let wanted = "bernoulli, gaussian, gaussian-learned or gaussian-columns";
        let found = Likelihood::ALL.into_iter().find(|likelihood| likelihood.to_string() == name);
        found.ok_or_else(|| Setting::new("the likelihood", name, wanted))
    }
}

/// How an encoder is told which values of a row are hidden from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MaskInput {
    /// A hidden value reads as the mean of its column in training, `data_mean` `[visible]`. No bit is that but in a column of one value, so of bits
    /// this tells all of the mask and costs nothing; of real numbers it tells what filling in by means tells.
    Means,
    /// A hidden value reads as 0, as the mean where columns are standardised, and has a row of weights, `encoder_mask.weight`
    /// `[units, visible]`, beside those of the first layer: two more products of that size a step.
    Weights,
}

/// The name that [`FromStr`] reads.
impl fmt::Display for MaskInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MaskInput::Means => "means",
            MaskInput::Weights => "weights",
        })
    }
}

impl FromStr for MaskInput {
    type Err = Setting;
    fn from_str(name: &str) -> Result<Self, Setting> {
        match name {
            "means" => Ok(MaskInput::Means),
            "weights" => Ok(MaskInput::Weights),
            _ => Err(Setting::new("the way the encoder is told a mask", name, "means or weights")),
        }
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
    /// Convolutions before the encoder's layers and after the decoder's, of images.
    pub convolutions: Option<Convolutions>,
    /// Widths of the encoder's hidden layers, from the data on; none for a linear encoder.
    pub encoder: Vec<usize>,
    /// Widths of the decoder's hidden layers, from the latent variable on; none for a linear decoder.
    pub decoder: Vec<usize>,
    /// The activation at the end of each hidden layer.
    pub activation: Activation,
    /// The density that the decoder's outputs are parameters of.
    pub likelihood: Likelihood,
    /// The family of q(z | x).
    pub posterior: Posterior,
    /// The family of p(z).
    pub prior: Prior,
    /// The classes that it knows, if any: then it is a model of p(x | y, z).
    pub labels: Option<Labels>,
    /// How the encoder is told which values of a row are hidden from it, if at all: then rows may have missing values.
    pub masks: Option<MaskInput>,
    /// Whether q(z | what is shown) stands for p(z): a model of what is hidden given the rest, as [`MaskLoss::Hidden`](super::MaskLoss) trains
    /// it. It gives whole rows no likelihood, and its draws of p(z) mean nothing.
    pub completes: bool,
}

impl VaeConfig {
    /// One hidden layer of 200 rectified units on either side, bits, and normal distributions of the latent variable.
    pub fn new(visible: usize, latent: usize) -> Self {
        VaeConfig {
            visible,
            latent,
            convolutions: None,
            encoder: vec![200],
            decoder: vec![200],
            activation: Activation::Relu,
            likelihood: Likelihood::Bernoulli,
            posterior: Posterior::Gaussian,
            prior: Prior::Normal,
            labels: None,
            masks: None,
            completes: false,
        }
    }

    /// Checks every width.
    ///
    /// # Errors
    /// Names the first one that is 0 or absurd, and an activation that is none.
    pub fn check(&self) -> Result<(), Setting> {
        check_width("the number of values a row", self.visible)?;
        check_width("the number of latent dimensions", self.latent)?;
        self.encoder.iter().try_for_each(|&width| check_width("the width of an encoder layer", width))?;
        self.decoder.iter().try_for_each(|&width| check_width("the width of a decoder layer", width))?;
        if let Some(convolutions) = &self.convolutions {
            convolutions.check(self.visible)?;
            let weights = self.masks == Some(MaskInput::Weights);
            Setting::check(!weights, "the mask of an encoder with convolutions", "weights", "means")?;
        }
        self.posterior.check()?;
        self.prior.check()?;
        if let Some(labels) = &self.labels {
            labels.check()?;
            let reads = labels.posterior == LabelPosterior::Conditional && self.encoder.is_empty();
            let wanted = "independent where the encoder has no hidden layer";
            Setting::check(!reads, "the posterior of labels", labels.posterior, wanted)?;
        }
        if let Some(input) = self.masks {
            let layers = self.encoder.len();
            Setting::check(
                layers > 0 || input == MaskInput::Means,
                "the number of hidden layers of an encoder with weights for masks",
                layers,
                "at least 1",
            )?;
            let classes = self.labels.as_ref().map_or(0, |labels| labels.classes);
            Setting::check(
                classes == 0,
                "the number of classes of a model whose encoder sees masks",
                classes,
                "0",
            )?;
        }
        if self.completes {
            let normal = (self.posterior, self.prior) == (Posterior::Gaussian, Prior::Normal);
            let fits = normal && self.masks.is_some();
            let wanted = "normal, by an encoder that sees masks";
            Setting::check(fits, "the distribution of z given a part of a row", "another", wanted)?;
        }
        check_activation(self.activation)
    }

    /// What no tensor says, as metadata, each key with `before` in front.
    pub(super) fn save(&self, before: &str, snapshot: &mut Snapshot) {
        snapshot.set(&format!("{before}{ACTIVATION}"), self.activation);
        snapshot.set(&format!("{before}{LIKELIHOOD}"), self.likelihood);
        snapshot.set(&format!("{before}{POSTERIOR}"), self.posterior);
        snapshot.set(&format!("{before}{PRIOR}"), self.prior);
        if self.completes {
            snapshot.set(&format!("{before}{COMPLETES}"), true);
        }
        if let Some(input) = self.masks {
            snapshot.set(&format!("{before}{MASKS}"), input);
        }
        if let Some(Convolutions { image: [height, width], .. }) = self.convolutions {
            snapshot.set(&format!("{before}{IMAGE}"), format!("{height}x{width}"));
        }
        if let Some(labels) = &self.labels {
            snapshot.set(&format!("{before}{NAMED}"), labels.named);
        }
    }

    /// The shape of the model whose tensors these are, each name with `prefix` before it, and whose metadata, with `before`. Without metadata the
    /// activation is taken for a rectifier, the likelihood for that of bits, or of learned noise where there is such a
    /// parameter, and the latent variable for normally distributed.
    pub(super) fn of(snapshot: &Snapshot, prefix: &str, before: &str) -> Result<Self, VaeError> {
        let said = |key: &str| snapshot.metadata.get(&format!("{before}{key}"));
        let [encoder, mean, decoder] = ["encoder", "mean", "decoder"].map(|name| format!("{prefix}{name}"));
        let encoder = layers_in(snapshot, &encoder).into_iter().chain([mean.clone()]);
        let mut encoder: Vec<usize> = widths_in::<VaeError>(snapshot, encoder)?;
        let (inputs, latent) = (encoder.remove(0), encoder.pop().unwrap_or(0));
        let convolutions = Convolutions::of(snapshot, prefix, said(IMAGE))?;
        let visible = convolutions.as_ref().map_or(inputs, |own| own.image[0] * own.image[1]);
        let features = convolutions.as_ref().map_or(inputs, Convolutions::features);
        if features != inputs {
            return Err(Setting::new(
                "the number of values the encoder's layers take",
                inputs,
                "that which convolutions give",
            )
            .into());
        }
        let decoder = [mean].into_iter().chain(layers_in(snapshot, &decoder));
        let mut decoder = widths_in::<VaeError>(snapshot, decoder)?.split_off(2);
        // The decoder's last layer is as wide as the data; one that is missing is named when the tensors are read.
        if let Some(outputs) = decoder.pop().filter(|outputs| *outputs != inputs) {
            let wanted = "that of the encoder";
            return Err(Setting::new("the number of values the decoder gives", outputs, wanted).into());
        }
        let learned = snapshot.contains(&format!("{prefix}{OBSERVATION}"));
        let columns = snapshot.contains(&format!("{prefix}{DEVIATION}"));
        let guess = if columns {
            Likelihood::GaussianColumns
        } else if learned {
            Likelihood::GaussianLearned
        } else {
            Likelihood::Bernoulli
        };
        let likelihood = said(LIKELIHOOD).map_or(Ok(guess), |name| name.parse())?;
        let activation = activation_in(snapshot, &format!("{before}{ACTIVATION}"), Activation::Relu)?;
        let posterior = said(POSTERIOR).map_or(Ok(Posterior::Gaussian), |name| name.parse())?;
        let prior = said(PRIOR).map_or(Ok(Prior::Normal), |name| name.parse())?;
        let mut labels = labels_in(snapshot, prefix, visible)?;
        if let Some(labels) = &mut labels {
            labels.named = said(NAMED).is_none_or(|named| named != "false");
        }
        let completes = said(COMPLETES).is_some_and(|completes| completes == "true");
        let weights = snapshot.contains(&format!("{prefix}{MASK}")).then_some(MaskInput::Weights);
        let masks = said(MASKS).map_or(Ok(weights), |name| name.parse().map(Some))?;
        let config = VaeConfig {
            visible,
            latent,
            convolutions,
            encoder,
            decoder,
            activation,
            likelihood,
            posterior,
            prior,
            labels,
            masks,
            completes,
        };
        config.check()?;
        Ok(config)
    }
}

/// What the tensors say of classes: their number is that of the rows of weights in the decoder.
fn labels_in(snapshot: &Snapshot, prefix: &str, visible: usize) -> Result<Option<Labels>, VaeError> {
    let [of_decoder, of_encoder] = ["decoder", "encoder"].map(|name| format!("{prefix}{name}_label.weight"));
    if !snapshot.contains(&of_decoder) {
        return Ok(None);
    }
    let classes = snapshot.shape(&of_decoder)?.first().copied().unwrap_or(0);
    let layers = layers_in(snapshot, &format!("{prefix}classifier"));
    let mut widths = widths_in::<VaeError>(snapshot, layers)?;
    if widths.is_empty() {
        widths = vec![visible, classes];
    }
    let (outputs, inputs) = (widths.pop().unwrap_or(0), widths.remove(0));
    if (inputs, outputs) != (visible, classes) {
        let (given, wanted) = (format!("{inputs} to {outputs}"), "from the values of a row to the classes");
        return Err(Setting::new("the classifier", given, wanted).into());
    }
    let reads = snapshot.contains(&of_encoder);
    let posterior = if reads { LabelPosterior::Conditional } else { LabelPosterior::Independent };
    Ok(Some(Labels { classes, posterior, classifier: widths, named: true }))
}

/// The parameter of [`Likelihood::GaussianLearned`] and [`Likelihood::GaussianColumns`].
pub(super) const OBSERVATION: &str = "observation_log_variance";
/// Of the columns of the data, of [`Likelihood::GaussianColumns`]; the means of [`MaskInput::Means`] too.
pub(super) const MEAN: &str = "data_mean";
pub(super) const DEVIATION: &str = "data_deviation";
/// What the encoder makes of a mask.
pub(super) const MASK: &str = "encoder_mask.weight";
const ACTIVATION: &str = "vae.activation";
const LIKELIHOOD: &str = "vae.likelihood";
const POSTERIOR: &str = "vae.posterior";
const PRIOR: &str = "vae.prior";
const COMPLETES: &str = "vae.completes";
const MASKS: &str = "vae.masks";
const IMAGE: &str = "vae.image";
const NAMED: &str = "vae.labels.named";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back() {
        for likelihood in Likelihood::ALL {
            assert_eq!(likelihood.to_string().parse(), Ok(likelihood));
        }
        for input in [MaskInput::Means, MaskInput::Weights] {
            assert_eq!(input.to_string().parse(), Ok(input));
        }
        assert_eq!(
            "poisson".parse::<Likelihood>().unwrap_err().to_string(),
            "the likelihood is poisson, but must be bernoulli, gaussian, gaussian-learned or gaussian-columns"
        );
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
