//! Convolutions of a VAE of images: in front of the encoder's linear layers, and transposed behind the decoder's.

use super::VaeError;
use crate::Setting;
use crate::autodiff::{Activation, Sliding, Var};
use crate::nn::{Conv2d, ConvTranspose2d, Initialiser, check_width};
use crate::random::Seed;
use crate::store::{Parameter, Snapshot, Store};

/// Convolutions of images: layers of 4 × 4 taps that halve an image, rounded down, and as many transposed ones that double it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Convolutions {
    /// Pixels of a row, `[height, width]`, of one channel.
    pub image: [usize; 2],
    /// The channels that each of the encoder's layers makes, from the image on; the decoder's have them in the other order.
    pub channels: Vec<usize>,
}

const KERNEL: [usize; 2] = [4, 4];
const SLIDING: Sliding = Sliding { stride: [2, 2], padding: [1, 1] };

impl Convolutions {
    /// The pixels before each layer, and after the last.
    fn sizes(&self) -> Vec<[usize; 2]> {
        let halves = std::iter::successors(Some(self.image), |size| Some(size.map(|pixels| pixels / 2)));
        halves.take(self.channels.len() + 1).collect()
    }

    /// The values of an image after the last layer.
    pub fn features(&self) -> usize {
        let [height, width] = self.image.map(|pixels| pixels >> self.channels.len().min(63));
        height * width * self.channels.last().copied().unwrap_or(1)
    }

    /// # Errors
    /// Where there is no layer, one is empty or absurd, or there are more of them than an image can be halved.
    pub(super) fn check(&self, visible: usize) -> Result<(), Setting> {
        let [height, width] = self.image;
        let what = "the number of pixels of an image that is convolved";
        Setting::check(
            height.checked_mul(width) == Some(visible),
            what,
            height.saturating_mul(width),
            "that of a row",
        )?;
        Setting::check(!self.channels.is_empty(), "the number of convolutions", 0, "at least 1")?;
        self.channels.iter().try_for_each(|&width| check_width("the channels of a convolution", width))?;
        let smallest = height.min(width);
        let most = (usize::BITS - 1).saturating_sub(smallest.max(1).leading_zeros());
        let fits = self.channels.len() <= most as usize;
        let wanted = "as often as the image can be halved";
        Setting::check(fits, "the number of convolutions", self.channels.len(), wanted)
    }

    /// Those that the tensors of a snapshot say, each name with `prefix` before it: `None` without any.
    pub(super) fn of(snapshot: &Snapshot, prefix: &str, said: Option<&String>) -> Result<Option<Self>, VaeError> {
        let mut channels = Vec::new();
        loop {
            let name = format!("{prefix}encoder_conv.{}.weight", 2 * channels.len());
            if !snapshot.contains(&name) {
                break;
            }
            channels.push(snapshot.shape(&name)?.first().copied().unwrap_or(0));
        }
        if channels.is_empty() {
            return Ok(None);
        }
        let pixels = snapshot.shape(&format!("{prefix}{BIAS}"))?.iter().product::<usize>();
        let side = pixels.isqrt();
        let image = match said {
            Some(text) => text.split_once('x').and_then(|(h, w)| Some([h.parse().ok()?, w.parse().ok()?])),
            None => (side * side == pixels).then_some([side; 2]),
        };
        let Some(image) = image else {
            let given = said.cloned().unwrap_or_else(|| format!("that of {pixels} values"));
            return Err(Setting::new("the shape of the images", given, "HEIGHTxWIDTH").into());
        };
        let found = Convolutions { image, channels };
        found.check(pixels)?;
        Ok(Some(found))
    }
}

/// The decoder's bias of each pixel, `[height · width]`.
const BIAS: &str = "decoder_conv.bias";

/// Where the parameters of the convolutions are.
#[derive(Clone, Debug)]
pub(super) struct ImageNetwork {
    shape: Convolutions,
    activation: Activation,
    /// `encoder_conv.0`, `encoder_conv.2`, …
    encoder: Vec<Conv2d>,
    /// `decoder_conv.0`, `decoder_conv.2`, …, the last one linear.
    decoder: Vec<ConvTranspose2d>,
    /// `decoder_conv.bias` `[height · width]`, added last.
    bias: Parameter,
}

impl ImageNetwork {
    pub(super) fn new(store: &mut Store, shape: &Convolutions, activation: Activation, seed: Seed) -> Self {
        let start = (Initialiser::before(activation), seed);
        let made = [&[1], &shape.channels[..]].concat();
        let encoder = made.windows(2).enumerate().map(|(index, pair)| {
            Conv2d::new(store, &format!("encoder_conv.{}", 2 * index), [pair[0], pair[1]], KERNEL, SLIDING, start)
        });
        let encoder = encoder.collect();
        let layers = made.windows(2).zip(shape.sizes()).rev().enumerate();
        let decoder = layers.map(|(index, (pair, size))| {
            let sliding = (SLIDING, size.map(|pixels| pixels % 2));
            let name = format!("decoder_conv.{}", 2 * index);
            ConvTranspose2d::new(store, &name, [pair[1], pair[0]], KERNEL, sliding, start)
        });
        let decoder = decoder.collect();
        let bias = store.add(BIAS, &[shape.image[0] * shape.image[1]]);
        ImageNetwork { shape: shape.clone(), activation, encoder, decoder, bias }
    }

    /// The features `[n, channels · height · width]`, in PyTorch's order, of images `[n, visible]`.
    pub(super) fn encode<'t>(&self, x: Var<'t>) -> Var<'t> {
        let ([height, width], n) = (self.shape.image, x.shape()[0]);
        let first = x.reshape([n, height, width, 1]);
        let last = self.encoder.iter().fold(first, |h, layer| layer.apply(h, self.activation));
        last.transpose(&[0, 3, 1, 2]).reshape([n, self.shape.features()])
    }

    /// Images `[n, visible]` of features `[n, channels · height · width]`, before their activation.
    pub(super) fn decode<'t>(&self, features: Var<'t>) -> Var<'t> {
        let n = features.shape()[0];
        let layers = self.decoder.len();
        let [height, width] = self.shape.sizes()[layers];
        let channels = self.shape.channels[layers - 1];
        let first = features.activation(self.activation).reshape([n, channels, height, width]);
        let last = self.decoder.iter().enumerate().fold(first.transpose(&[0, 2, 3, 1]), |h, (index, layer)| {
            layer.apply(h, if index + 1 < layers { self.activation } else { Activation::Identity })
        });
        let [height, width] = self.shape.image;
        last.reshape([n, height * width]) + features.tape().parameter(self.bias)
    }

    /// The bias of each pixel.
    pub(super) fn output_bias(&self) -> Parameter {
        self.bias
    }

    pub(super) fn encoder_parameters(&self) -> impl Iterator<Item = Parameter> + '_ {
        self.encoder.iter().flat_map(|layer| [layer.weight, layer.bias])
    }

    pub(super) fn decoder_parameters(&self) -> impl Iterator<Item = Parameter> + '_ {
        self.decoder.iter().flat_map(|layer| [layer.weight, layer.bias]).chain([self.bias])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autodiff::check_parameter_gradients;
    use crate::data::{Binarization, Dataset};
    use crate::train::{Fit, Training};
    use crate::vae::objective::objective;
    use crate::vae::{Bound, ImportanceSampling, LabelPosterior, Labels, MaskInput, Vae, VaeConfig, VaeRecipe};

    fn config(image: [usize; 2], channels: &[usize]) -> VaeConfig {
        let convolutions = Some(Convolutions { image, channels: channels.to_vec() });
        let (encoder, decoder) = (vec![6], vec![5]);
        VaeConfig {
            convolutions,
            encoder,
            decoder,
            activation: Activation::Tanh,
            ..VaeConfig::new(image[0] * image[1], 2)
        }
    }

    /// Of odd sizes too, and with linear layers left out.
    #[test]
    fn gradients_are_those_of_the_bounds() {
        for (image, channels, hidden) in
            [([4, 6], vec![2], true), ([5, 7], vec![2, 3], true), ([4, 4], vec![3], false)]
        {
            let mut own = config(image, &channels);
            if !hidden {
                (own.encoder, own.decoder) = (Vec::new(), Vec::new());
            }
            let visible = own.visible;
            let vae = Vae::new(own, Seed(3)).unwrap();
            let x: Vec<f32> = (0..3 * visible).map(|place| f32::from(u8::from(place * 5 % 7 < 3))).collect();
            for bound in [Bound::Elbo, Bound::ImportanceWeighted] {
                check_parameter_gradients(&vae.store, |tape| {
                    let inputs = [
                        tape.input_with("x", [3, visible], &x),
                        tape.input_with(
                            "noise",
                            [2, 3, 2],
                            &[0.3, -1.0, 0.8, 0.1, -0.4, 1.2, 0.6, -0.9, 0.2, 0.5, -0.7, 1.1],
                        ),
                        tape.input_with("beta", [], &[0.7]),
                    ];
                    objective(&vae.network, bound, inputs, None, Default::default())
                })
                .unwrap_or_else(|error| panic!("{image:?} {bound:?}: {error}"));
            }
        }
    }

    /// A model of images is trained, read back, and judged as its own draws say; what does not fit is named.
    #[test]
    fn a_model_of_images_is_one_of_rows() {
        let data = Dataset::digits().train().binarized(Binarization::Sample);
        let training = Training { steps: Some(60), batch: 50, ..Training::default() };
        for labels in [None, Some(Labels { posterior: LabelPosterior::Conditional, ..Labels::new(10) })] {
            let with_labels = labels.is_some();
            let masks = if with_labels { None } else { Some(MaskInput::Means) };
            let mut vae = Vae::new(VaeConfig { labels, masks, ..config([8, 8], &[4, 3]) }, Seed(4)).unwrap();
            let sampling = ImportanceSampling { samples: 16, ..ImportanceSampling::default() };
            let rows = Dataset::digits().test().binarized(Binarization::Threshold);
            let before = vae.log_likelihood(&rows, &sampling).unwrap().value;
            vae.fit(&data, &VaeRecipe::default(), &training).unwrap();
            let after = vae.log_likelihood(&rows, &sampling).unwrap().value;
            assert!(after > before + 5.0, "{before} {after}");
            assert_eq!(Vae::from_snapshot(&vae.to_snapshot()).unwrap(), vae);
        }
        let said = |config: VaeConfig| config.check().unwrap_err().to_string();
        let good = config([8, 8], &[4, 3]);
        assert_eq!(good.check(), Ok(()));
        let of = |image, channels: &[usize]| Some(Convolutions { image, channels: channels.to_vec() });
        assert!(
            said(VaeConfig { convolutions: of([8, 9], &[4]), ..good.clone() })
                .contains("is 72, but must be that of a row")
        );
        assert!(
            said(VaeConfig { convolutions: of([8, 8], &[]), ..good.clone() })
                .contains("the number of convolutions is 0")
        );
        assert!(
            said(VaeConfig { convolutions: of([8, 8], &[1; 4]), ..good.clone() })
                .contains("is 4, but must be as often")
        );
        assert!(said(VaeConfig { convolutions: of([8, 8], &[0]), ..good.clone() }).contains("channels"));
        assert!(said(VaeConfig { masks: Some(MaskInput::Weights), ..good }).contains("means"));
    }
}
