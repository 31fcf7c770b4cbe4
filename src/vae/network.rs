//! Encoder and decoder.
//!
//! - q(z | x) = N(μ(x), diag e^s(x)): hidden layers h = f(W x + b) from the data on, then μ = W h + b and s = W h + b, the
//!   log-variance, each from the last of them;
//! - z = μ + e^(s/2) ε with ε from N(0, I);
//! - p(x | z) with parameters y(z): hidden layers from the latent variable on, then y = W h + b.
//!
//! s is kept within [−20, 10]. Without a bound a few steps with too high a rate make e^s overflow, and then everything is
//! NaN. Above 10 nothing sensible is lost, as the divergence never rewards a posterior that is wider than the prior, whose s
//! is 0; −20 is a standard deviation of 4.5 · 10⁻⁵, narrower than pixels on a scale of 255 call for. Within the bounds a
//! clamp changes no number, so that foreign parameters keep their meaning; where it bites, its derivative is 0.

use super::config::{Likelihood, OBSERVATION, VaeConfig};
use crate::autodiff::{Activation, Var};
use crate::nn::{Initialiser, Linear, Mlp};
use crate::random::Seed;
use crate::store::{Parameter, Store};

/// Bounds of every log-variance.
const LOG_VARIANCE: [f32; 2] = [-20.0, 10.0];

/// Where the parameters of encoder and decoder are in the store.
#[derive(Clone, Debug)]
pub(super) struct Network {
    /// `encoder.0`, `encoder.2`, …, as in PyTorch's `Sequential(Linear, f, Linear, f, …)`.
    trunk: Vec<Linear>,
    activation: Activation,
    /// `mean`.
    mean: Linear,
    /// `log_variance`.
    log_variance: Linear,
    /// `decoder.0`, `decoder.2`, …, the last one linear.
    decoder: Mlp,
    /// `observation_log_variance` `[1]`.
    observation: Option<Parameter>,
    likelihood: Likelihood,
}

/// The parameters of q(z | x).
#[derive(Clone, Copy, Debug)]
pub(super) struct Posterior<'t> {
    /// μ `[batch, latent]`.
    pub(super) mean: Var<'t>,
    /// s `[batch, latent]`.
    pub(super) log_variance: Var<'t>,
}

impl Network {
    /// Adds the parameters to `store`: those of the encoder first.
    pub(super) fn new(store: &mut Store, config: &VaeConfig, seed: Seed) -> Self {
        let &VaeConfig { visible, latent, activation, .. } = config;
        let initialiser = Initialiser::before(activation);
        let mut width = visible;
        let trunk = config.encoder.iter().enumerate().map(|(index, &wider)| {
            let inputs = std::mem::replace(&mut width, wider);
            Linear::new(store, &format!("encoder.{}", 2 * index), inputs, wider, initialiser, seed)
        });
        let trunk = trunk.collect();
        let [mean, log_variance] = ["mean", "log_variance"]
            .map(|name| Linear::new(store, name, width, latent, Initialiser::GlorotUniform, seed));
        let sizes = [&[latent], &config.decoder[..], &[visible]].concat();
        let decoder = Mlp::new(store, "decoder", &sizes, activation, initialiser, seed);
        let learned = config.likelihood == Likelihood::GaussianLearned;
        let observation = learned.then(|| store.add(OBSERVATION, &[1]));
        Network { trunk, activation, mean, log_variance, decoder, observation, likelihood: config.likelihood }
    }

    /// q(z | x) for x `[batch, visible]`.
    pub(super) fn encode<'t>(&self, x: Var<'t>) -> Posterior<'t> {
        let h = self.trunk.iter().fold(x, |h, layer| layer.apply(h, self.activation));
        let ([low, high], linear) = (LOG_VARIANCE, Activation::Identity);
        Posterior {
            mean: self.mean.apply(h, linear),
            log_variance: self.log_variance.apply(h, linear).clamp(low, high),
        }
    }

    /// y(z) for z `[.., latent]`: `[.., visible]`.
    pub(super) fn decode<'t>(&self, z: Var<'t>) -> Var<'t> {
        let shape = z.shape();
        let (axes, latent) = (shape.len(), shape[shape.len() - 1]);
        let y = self.decoder.apply(z.reshape([shape.elements() / latent, latent]));
        y.reshape(shape.with(axes - 1, y.shape()[1]))
    }

    /// ln p(x | z) `[..]` for x `[batch, visible]` and y(z) `[.., batch, visible]`.
    pub(super) fn log_likelihood<'t>(&self, x: Var<'t>, y: Var<'t>) -> Var<'t> {
        match self.likelihood {
            Likelihood::Bernoulli => -y.bernoulli_cross_entropy(x),
            Likelihood::Gaussian => x.gaussian_log_density(y, x.tape().scalar(0.0)),
            Likelihood::GaussianLearned => x.gaussian_log_density(y, self.noise(x)),
        }
    }

    fn noise<'t>(&self, on: Var<'t>) -> Var<'t> {
        let [low, high] = LOG_VARIANCE;
        let parameter = self.observation.expect("a parameter of this likelihood");
        on.tape().parameter(parameter).clamp(low, high)
    }

    /// The variance of x given z, where there is one.
    pub(super) fn noise_variance(&self, store: &Store) -> Option<f32> {
        let [low, high] = LOG_VARIANCE;
        match self.likelihood {
            Likelihood::Bernoulli => None,
            Likelihood::Gaussian => Some(1.0),
            Likelihood::GaussianLearned => {
                self.observation.map(|parameter| store.get(parameter)[0].clamp(low, high).exp())
            }
        }
    }

    /// The parameters θ of p(x | z).
    pub(super) fn decoder_parameters(&self) -> Vec<Parameter> {
        let layers = self.decoder.layers().iter().flat_map(|layer| [layer.weight, layer.bias]);
        layers.chain(self.observation).collect()
    }

    /// The parameters φ of q(z | x).
    pub(super) fn encoder_parameters(&self) -> Vec<Parameter> {
        self.trunk
            .iter()
            .chain([&self.mean, &self.log_variance])
            .flat_map(|layer| [layer.weight, layer.bias])
            .collect()
    }

    /// The bias of the decoder's last layer, `[visible]`.
    pub(super) fn output_bias(&self) -> Parameter {
        self.decoder.layers().last().expect("a decoder has a layer").bias
    }
}
