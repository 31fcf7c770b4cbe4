//! Encoder and decoder.
//!
//! - q(z | x) = N(μ(x), diag e^s(x)): hidden layers h = f(W x + b) from the data on, then μ = W h + b and s = W h + b, the
//!   log-variance, each from the last of them;
//! - z = μ + e^(s/2) ε with ε from N(0, I);
//! - p(x | z) with parameters y(z): hidden layers from the latent variable on, then y = W h + b.
//!
//! Of images, convolutions may stand before the encoder's layers, and transposed ones after the decoder's.
//!
//! Where the posterior is an inverse autoregressive flow, μ + e^(s/2) ε is z₀, and steps that also read h take it to z: with J = ∂z/∂z₀,
//! ln q(z | x) = ln N(z₀; μ, e^s) − ln |det J|. Where the prior is a flow, steps take z to u: ln p(z) = ln N(u; 0, I) + ln |det ∂u/∂z|.
//!
//! Where the model knows classes y, the first layer of the decoder, and that of the encoder of a [conditional](super::LabelPosterior) posterior, has a row
//! of weights for each class: f(W h + b + w_y), which is what a layer of h and a one for the class among zeros is, W h being computed once
//! for all classes. q(y | x) has a network of its own.
//!
//! s is kept within [−20, 10]. Without a bound a few steps with too high a rate make e^s overflow, and then everything is
//! NaN. Above 10 nothing sensible is lost, as the divergence never rewards a posterior that is wider than the prior, whose s
//! is 0; −20 is a standard deviation of 4.5 · 10⁻⁵, narrower than pixels on a scale of 255 call for. Within the bounds a
//! clamp changes no number, so that foreign parameters keep their meaning; where it bites, its derivative is 0.

use super::classes::Classes;
use super::config::{DEVIATION, Likelihood, MASK, MEAN, MaskInput, OBSERVATION, VaeConfig};
use super::images::ImageNetwork;
use super::latent::{Posterior, Prior};
use super::{Convolutions, LabelPosterior};
use crate::autodiff::{Activation, Tape, Var};
use crate::flow::{Steps, StepsShape, Transformed};
use crate::nn::{Initialiser, Linear, Mlp};
use crate::random::Seed;
use crate::store::{Parameter, Store};

/// The array of ln p(y).
pub(super) const LABEL_LOG_PRIOR: &str = "label_log_prior";

/// Bounds of every log-variance.
const LOG_VARIANCE: [f32; 2] = [-20.0, 10.0];
/// Bounds of the log-variance of the noise of columns that have variance 1: a hundredth of a deviation at the least.
const OF_COLUMNS: [f32; 2] = [-9.21, 10.0];

/// Where the parameters of encoder and decoder are in the store.
#[derive(Clone, Debug)]
pub(super) struct Network {
    /// What stands before `encoder` and after `decoder`.
    images: Option<ImageNetwork>,
    /// `encoder.0`, `encoder.2`, …, as in PyTorch's `Sequential(Linear, f, Linear, f, …)`.
    trunk: Vec<Linear>,
    activation: Activation,
    /// `mean`.
    mean: Linear,
    /// `log_variance`.
    log_variance: Linear,
    /// `decoder.0`, `decoder.2`, …, the last one linear.
    decoder: Mlp,
    /// `observation_log_variance` `[1]`, or `[visible]`.
    observation: Option<Parameter>,
    /// `data_mean` and `data_deviation` `[visible]`, of columns that are standardised: set, not learned.
    columns: Option<[Parameter; 2]>,
    /// `encoder_mask.weight` `[units, visible]`, of [`MaskInput::Weights`].
    mask: Option<Parameter>,
    /// `data_mean` `[visible]`, of [`MaskInput::Means`] where columns are not standardised: set, not learned.
    stand_in: Option<Parameter>,
    likelihood: Likelihood,
    /// From z₀ to z, `posterior.0.0.weight` and on.
    posterior: Option<Steps>,
    /// From z to u, `prior.0.0.weight` and on.
    prior: Option<Steps>,
    /// What the model knows of classes.
    labels: Option<LabelNetwork>,
}

/// The parameters that classes have.
#[derive(Clone, Debug)]
struct LabelNetwork {
    /// `classifier.0`, `classifier.2`, …, the last one linear: ln q(y | x) but for a number.
    classifier: Mlp,
    /// `encoder_label.weight` `[classes, units]`, of a conditional posterior.
    encoder: Option<Parameter>,
    /// `decoder_label.weight` `[classes, units]`.
    decoder: Parameter,
    /// `label_log_prior` `[classes]`, ln p(y): set, not learned.
    log_prior: Parameter,
}

/// The parameters of q(z | x).
#[derive(Clone, Copy, Debug)]
pub(super) struct Encoded<'t> {
    /// μ `[batch, latent]`.
    pub(super) mean: Var<'t>,
    /// s `[batch, latent]`.
    pub(super) log_variance: Var<'t>,
    /// What the steps read of x: the last hidden layer, or x itself `[batch, features]`.
    pub(super) features: Var<'t>,
}

/// What the encoder is shown of rows.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shown<'t> {
    /// 1 where a value is hidden from it, else 0, `[batch, visible]`.
    pub(super) hidden: Option<Var<'t>>,
    /// What each hidden unit is multiplied by, layer after layer: 0 where it is dropped, `[batch, units]`.
    pub(super) kept: Option<Var<'t>>,
}

impl Network {
    /// Adds the parameters to `store`: those of the encoder first.
    pub(super) fn new(store: &mut Store, config: &VaeConfig, seed: Seed) -> Self {
        let &VaeConfig { visible, latent, activation, .. } = config;
        let initialiser = Initialiser::before(activation);
        let images = config.convolutions.as_ref().map(|shape| ImageNetwork::new(store, shape, activation, seed));
        let outside = config.convolutions.as_ref().map_or(visible, Convolutions::features);
        let mut width = outside;
        let trunk = config.encoder.iter().enumerate().map(|(index, &wider)| {
            let inputs = std::mem::replace(&mut width, wider);
            Linear::new(store, &format!("encoder.{}", 2 * index), inputs, wider, initialiser, seed)
        });
        let trunk = trunk.collect();
        let [mean, log_variance] = ["mean", "log_variance"]
            .map(|name| Linear::new(store, name, width, latent, Initialiser::GlorotUniform, seed));
        let sizes = [&[latent], &config.decoder[..], &[outside]].concat();
        let decoder = Mlp::new(store, "decoder", &sizes, activation, initialiser, seed);
        let observation = match config.likelihood {
            Likelihood::Bernoulli | Likelihood::Gaussian => None,
            Likelihood::GaussianLearned => Some(store.add(OBSERVATION, &[1])),
            Likelihood::GaussianColumns => Some(store.add(OBSERVATION, &[visible])),
        };
        let columns = (config.likelihood == Likelihood::GaussianColumns).then(|| {
            let [mean, deviation] = [MEAN, DEVIATION].map(|name| store.add(name, &[visible]));
            store.get_mut(deviation).fill(1.0);
            [mean, deviation]
        });
        let mut chain = |name: &str, context, steps, units| {
            Steps::new(store, name, StepsShape { width: latent, context, steps, units, activation }, seed)
        };
        let posterior = match config.posterior {
            Posterior::Gaussian => None,
            Posterior::Iaf { steps, units } => Some(chain("posterior", width, steps, units)),
        };
        let prior = match config.prior {
            Prior::Normal => None,
            Prior::Flow { steps, units } => Some(chain("prior", 0, steps, units)),
        };
        let labels = config.labels.as_ref().map(|labels| {
            // Zeros: at first classes make no difference, and what differs between them later is what labels or the classifier say. Rows drawn at
            // random would tell the classifier which class a row likes best before any label does.
            let mut rows = |name: &str, units: usize| store.add(name, &[labels.classes, units]);
            let reads = labels.posterior == LabelPosterior::Conditional;
            let encoder =
                config.encoder.first().filter(|_| reads).map(|&units| rows("encoder_label.weight", units));
            let decoder = rows("decoder_label.weight", *config.decoder.first().unwrap_or(&outside));
            let sizes = [&[visible], &labels.classifier[..], &[labels.classes]].concat();
            let classifier = Mlp::new(store, "classifier", &sizes, activation, initialiser, seed);
            let log_prior = store.add(LABEL_LOG_PRIOR, &[labels.classes]);
            store.get_mut(log_prior).fill(-(labels.classes as f32).ln());
            LabelNetwork { classifier, encoder, decoder, log_prior }
        });
        // Zeros: at first a mask makes no difference.
        let units = config.encoder.first().filter(|_| config.masks == Some(MaskInput::Weights));
        let mask = units.map(|&units| store.add(MASK, &[units, visible]));
        let reads_means = config.masks == Some(MaskInput::Means) && columns.is_none();
        let stand_in = reads_means.then(|| store.add(MEAN, &[visible]));
        let likelihood = config.likelihood;
        Network {
            images,
            trunk,
            activation,
            mean,
            log_variance,
            decoder,
            observation,
            columns,
            mask,
            stand_in,
            likelihood,
            posterior,
            prior,
            labels,
        }
    }

    /// q(z | x) for x `[batch, visible]`, or q(z | x, y) where the posterior reads classes; with classes μ and s have an axis of them in
    /// front, of length 1 where the posterior does not. All of x is shown.
    pub(super) fn encode<'t>(&self, x: Var<'t>, classes: Option<Classes<'t>>) -> Encoded<'t> {
        self.encode_what_is_shown(x, classes, Shown::default())
    }

    /// The same of x of which values may be hidden: these read as the columns' means, or as zeros, where the columns are not standardised, if the mask
    /// has weights.
    pub(super) fn encode_what_is_shown<'t>(
        &self,
        x: Var<'t>,
        classes: Option<Classes<'t>>,
        shown: Shown<'t>,
    ) -> Encoded<'t> {
        let x = self.standardised(x);
        let x = shown.hidden.map_or(x, |hidden| {
            let shown = x * (1.0 - hidden);
            self.stand_in.map_or(shown, |means| shown + hidden * x.tape().parameter(means))
        });
        let x = self.images.as_ref().map_or(x, |images| images.encode(x));
        let (batch, mut layers) = (x.shape()[0], self.trunk.iter());
        let mut first_unit = 0;
        let mut kept = |h: Var<'t>| {
            let units = h.shape()[1];
            first_unit += units;
            shown.kept.map_or(h, |kept| h * kept.slice(1, first_unit - units, units))
        };
        let read = self.labels.as_ref().and_then(|labels| labels.encoder);
        let first = match (read, classes) {
            (Some(weights), Some(classes)) => {
                let layer = layers.next().expect("a hidden layer, where the posterior reads classes");
                let rows = classes.rows_of(x.tape().parameter(weights));
                as_matrix((layer.apply(x, Activation::Identity) + rows).activation(self.activation))
            }
            _ => match (self.mask, shown.hidden) {
                (Some(weights), Some(hidden)) => {
                    let layer = layers.next().expect("a hidden layer, where the encoder sees masks");
                    let of_mask = hidden.matmul(x.tape().parameter(weights).t());
                    kept((layer.apply(x, Activation::Identity) + of_mask).activation(self.activation))
                }
                _ => x,
            },
        };
        let h = layers.fold(first, |h, layer| kept(layer.apply(h, self.activation)));
        let ([low, high], linear) = (LOG_VARIANCE, Activation::Identity);
        let by_class = |values: Var<'t>| match classes {
            None => values,
            Some(_) => {
                let [rows, latent] = [values.shape()[0], values.shape()[1]];
                values.reshape([rows / batch, batch, latent])
            }
        };
        Encoded {
            mean: by_class(self.mean.apply(h, linear)),
            log_variance: by_class(self.log_variance.apply(h, linear).clamp(low, high)),
            features: h,
        }
    }

    /// ln q(y | x) for x `[batch, visible]`: `[batch, classes]`.
    pub(super) fn classify<'t>(&self, x: Var<'t>) -> Var<'t> {
        self.of_labels().classifier.apply(x).log_softmax(1)
    }

    /// ln p(y) `[classes]`.
    pub(super) fn label_log_prior<'t>(&self, tape: &'t Tape<'t>) -> Var<'t> {
        tape.parameter(self.of_labels().log_prior)
    }

    /// Where ln p(y) is.
    pub(super) fn label_prior_parameter(&self) -> Option<Parameter> {
        self.labels.as_ref().map(|labels| labels.log_prior)
    }

    fn of_labels(&self) -> &LabelNetwork {
        self.labels.as_ref().expect("a model that knows classes")
    }

    /// Whether KL(q(z | x) ‖ p(z)) has a closed form: both are normal distributions.
    pub(super) fn is_closed(&self) -> bool {
        self.posterior.is_none() && self.prior.is_none()
    }

    /// The steps from z₀ to z, where there are some.
    pub(super) fn posterior(&self) -> Option<&Steps> {
        self.posterior.as_ref()
    }

    /// The steps from z to u, where there are some.
    pub(super) fn prior(&self) -> Option<&Steps> {
        self.prior.as_ref()
    }

    /// z of z₀ `[.., batch, latent]`, and ln |det ∂z/∂z₀| `[.., batch]`.
    pub(super) fn after_steps<'t>(&self, first: Var<'t>, encoded: &Encoded<'t>) -> Transformed<'t> {
        through(self.posterior.as_ref(), first, Some(encoded.features))
    }

    /// u of z `[.., latent]`, and ln |det ∂u/∂z| `[..]`.
    pub(super) fn to_base<'t>(&self, z: Var<'t>) -> Transformed<'t> {
        through(self.prior.as_ref(), z, None)
    }

    /// y(z) for z `[.., latent]`: `[.., visible]`; with classes, of which a row has m, for z `[.., m or 1, batch, latent]`: `[.., m, batch, visible]`.
    pub(super) fn decode<'t>(&self, z: Var<'t>, classes: Option<Classes<'t>>) -> Var<'t> {
        let y = self.decode_linearly(z, classes);
        let Some(images) = &self.images else { return y };
        let (shape, of_images) = (y.shape(), images.decode(as_matrix(y)));
        of_images.reshape(shape.with(shape.len() - 1, of_images.shape()[1]))
    }

    /// The same but for the convolutions.
    fn decode_linearly<'t>(&self, z: Var<'t>, classes: Option<Classes<'t>>) -> Var<'t> {
        let shape = z.shape();
        let (axes, latent) = (shape.len(), shape[shape.len() - 1]);
        let (first, rest) = self.decoder.layers().split_first().expect("a decoder has a layer");
        let z = z.reshape([shape.elements() / latent, latent]);
        let Some(classes) = classes else {
            let y = self.decoder.apply(z);
            return y.reshape(shape.with(axes - 1, y.shape()[1]));
        };
        let rows = classes.rows_of(z.tape().parameter(self.of_labels().decoder));
        let sums = first.apply(z, Activation::Identity);
        let sums = sums.reshape(shape.with(axes - 1, sums.shape()[1])) + rows;
        let Some((last, before)) = rest.split_last() else { return sums };
        let h = as_matrix(sums.activation(self.activation));
        let y = before.iter().fold(h, |h, layer| layer.apply(h, self.activation));
        let y = last.apply(y, Activation::Identity);
        y.reshape(sums.shape().with(sums.shape().len() - 1, y.shape()[1]))
    }

    /// Columns of mean 0 and deviation 1, where the model standardises them.
    fn standardised<'t>(&self, x: Var<'t>) -> Var<'t> {
        let Some(columns) = self.columns else { return x };
        let [mean, deviation] = columns.map(|parameter| x.tape().parameter(parameter));
        (x - mean) / deviation
    }

    /// ln p(x | z) `[..]` for x `[batch, visible]` and y(z) `[.., batch, visible]`; of the values that count alone, where `counts`
    /// `[batch, visible]` says so by ones among zeros.
    pub(super) fn log_likelihood<'t>(&self, x: Var<'t>, y: Var<'t>, counts: Option<Var<'t>>) -> Var<'t> {
        let (x, tape) = (self.standardised(x), x.tape());
        let noise = match self.likelihood {
            Likelihood::Bernoulli | Likelihood::Gaussian => tape.scalar(0.0),
            Likelihood::GaussianLearned => self.noise(x, LOG_VARIANCE),
            Likelihood::GaussianColumns => self.noise(x, OF_COLUMNS),
        };
        // ln of the density of x, which is that of its standardised columns by their deviations.
        let logs = self.columns.map(|[_, deviation]| tape.parameter(deviation).ln());
        let Some(counts) = counts else {
            let log_density = match self.likelihood {
                Likelihood::Bernoulli => -y.bernoulli_cross_entropy(x),
                _ => x.gaussian_log_density(y, noise),
            };
            return logs.map_or(log_density, |logs| log_density - logs.sum());
        };
        // A value that does not count is one of the even odds, or of a standard normal distribution at its mean, whatever x, z and the
        // parameters are; what each of these adds is taken off again.
        let others = (1.0 - counts).sum_axis(1);
        match self.likelihood {
            Likelihood::Bernoulli => others * std::f32::consts::LN_2 - (y * counts).bernoulli_cross_entropy(x),
            _ => {
                let of_all = (x * counts).gaussian_log_density(y * counts, noise * counts);
                let half_log_two_pi = 0.918_938_5;
                let of_those = of_all + others * half_log_two_pi;
                logs.map_or(of_those, |logs| of_those - (counts * logs).sum_axis(1))
            }
        }
    }

    fn noise<'t>(&self, on: Var<'t>, [low, high]: [f32; 2]) -> Var<'t> {
        let parameter = self.observation.expect("a parameter of this likelihood");
        on.tape().parameter(parameter).clamp(low, high)
    }

    /// The variance of x given z, where it is one for all columns.
    pub(super) fn noise_variance(&self, store: &Store) -> Option<f32> {
        let [low, high] = LOG_VARIANCE;
        match self.likelihood {
            Likelihood::Bernoulli | Likelihood::GaussianColumns => None,
            Likelihood::Gaussian => Some(1.0),
            Likelihood::GaussianLearned => {
                self.observation.map(|parameter| store.get(parameter)[0].clamp(low, high).exp())
            }
        }
    }

    /// The standard deviation of each column of x given z, `[width]`, where there is one.
    pub(super) fn noise_deviations(&self, store: &Store, width: usize) -> Option<Vec<f32>> {
        let ([low, high], Some(parameter)) = (OF_COLUMNS, self.observation) else {
            return self.noise_variance(store).map(|variance| vec![variance.sqrt(); width]);
        };
        match self.columns {
            None => self.noise_variance(store).map(|variance| vec![variance.sqrt(); width]),
            Some([_, deviation]) => {
                let own = store.get(parameter).iter().map(|s| (0.5 * s.clamp(low, high)).exp());
                Some(own.zip(store.get(deviation)).map(|(own, deviation)| own * deviation).collect())
            }
        }
    }

    /// Where mean and deviation of the columns are, where these are standardised.
    pub(super) fn columns(&self) -> Option<[Parameter; 2]> {
        self.columns
    }

    /// Where the means are that hidden values read as, where it has some.
    pub(super) fn stand_in(&self) -> Option<Parameter> {
        self.stand_in
    }

    /// Hidden units of the encoder.
    pub(super) fn encoder_units(&self, store: &Store) -> usize {
        self.trunk.iter().map(|layer| store.get(layer.bias).len()).sum()
    }

    /// The parameters θ of p(x | z) and p(z).
    pub(super) fn decoder_parameters(&self) -> Vec<Parameter> {
        let layers = self.decoder.layers().iter().flat_map(|layer| [layer.weight, layer.bias]);
        let layers = layers.chain(self.images.iter().flat_map(ImageNetwork::decoder_parameters));
        let prior = self.prior.iter().flat_map(Steps::parameters).copied();
        let of_classes = self.labels.iter().map(|labels| labels.decoder);
        layers.chain(self.observation).chain(prior).chain(of_classes).collect()
    }

    /// The parameters φ of q(z | x) and of q(y | x).
    pub(super) fn encoder_parameters(&self) -> Vec<Parameter> {
        self.trunk
            .iter()
            .chain([&self.mean, &self.log_variance])
            .flat_map(|layer| [layer.weight, layer.bias])
            .chain(self.posterior.iter().flat_map(Steps::parameters).copied())
            .chain(self.labels.iter().flat_map(LabelNetwork::of_the_posterior))
            .chain(self.mask)
            .chain(self.images.iter().flat_map(ImageNetwork::encoder_parameters))
            .collect()
    }

    /// The bias of the decoder's last layer, `[visible]`.
    pub(super) fn output_bias(&self) -> Parameter {
        if let Some(images) = &self.images {
            return images.output_bias();
        }
        self.decoder.layers().last().expect("a decoder has a layer").bias
    }
}

impl LabelNetwork {
    /// The parameters of q(y | x), and those that classes have in q(z | x, y).
    fn of_the_posterior(&self) -> impl Iterator<Item = Parameter> + '_ {
        let classifier = self.classifier.layers().iter().flat_map(|layer| [layer.weight, layer.bias]);
        classifier.chain(self.encoder)
    }
}

/// Numbers `[.., width]` as rows `[n, width]`.
fn as_matrix(values: Var<'_>) -> Var<'_> {
    let shape = values.shape();
    let width = shape[shape.len() - 1];
    values.reshape([shape.elements() / width, width])
}

/// Rows `[.., width]` after steps, where there are some, and ln |det| `[..]`: the context `[n, context]` is that of every n-th row.
fn through<'t>(steps: Option<&Steps>, rows: Var<'t>, context: Option<Var<'t>>) -> Transformed<'t> {
    let Some(steps) = steps else {
        return Transformed { value: rows, log_determinant: rows.tape().scalar(0.0) };
    };
    let shape = rows.shape();
    let (last, width) = (shape.len() - 1, shape[shape.len() - 1]);
    let after = steps.forward(rows.reshape([shape.elements() / width, width]), context);
    Transformed {
        value: after.value.reshape(shape),
        log_determinant: after.log_determinant.reshape(shape.without(last)),
    }
}
