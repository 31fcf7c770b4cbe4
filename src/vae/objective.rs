//! The bounds that are maximised, recorded on a tape. With zᵢ = μ + e^(s/2) εᵢ for i = 1 … k:
//!
//! - the ELBO, (1/k) Σᵢ ln p(x | zᵢ) − β KL(q(z | x) ‖ p(z)), with the divergence ½ Σ (e^s + μ² − 1 − s) in closed form, or as the mean of
//!   ln q(zᵢ | x) − ln p(zᵢ) where one of the two is a flow;
//! - the importance-weighted bound, ln (1/k) Σᵢ wᵢ with ln wᵢ = ln p(x | zᵢ) + β (ln p(zᵢ) − ln q(zᵢ | x)).
//!
//! The gradient of the latter is Σᵢ w̃ᵢ ∇ ln wᵢ with the normalised weights w̃ᵢ = wᵢ / Σⱼ wⱼ. In the encoder's part,
//! −β Σᵢ w̃ᵢ ∂ ln q(zᵢ | x) / ∂φ for zᵢ held fixed has mean zero without weights, but not with them, and its noise does not fall
//! with k. Reparameterised a second time (Tucker et al. 2019),
//!
//! E[w̃ᵢ ∂ ln q(zᵢ | x) / ∂φ] = E[(∂w̃ᵢ / ∂zᵢ) ∂zᵢ / ∂φ] with ∂w̃ᵢ / ∂zᵢ = (w̃ᵢ − w̃ᵢ²) ∂ ln wᵢ / ∂zᵢ,
//!
//! so that the encoder's gradient has the mean of Σᵢ [w̃ᵢ − β (w̃ᵢ − w̃ᵢ²)] (∂ ln wᵢ / ∂zᵢ) ∂zᵢ / ∂φ, whatever β.

use super::classes::Classes;
use super::network::{Encoded, Network, Shown};
use super::recipe::Bound;
use crate::autodiff::Var;
use crate::flow::Transformed;

/// The names of a program's inputs.
pub(super) const X: &str = "x";
pub(super) const NOISE: &str = "noise";
pub(super) const BETA: &str = "beta";

/// What of rows is shown to the encoder, and what of them counts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sight<'t> {
    /// What q(z | x) is shown.
    pub(super) shown: Shown<'t>,
    /// 1 where the likelihood of a value counts, else 0, `[batch, visible]`; all of them unless told.
    pub(super) counts: Option<Var<'t>>,
    /// 1 where a value is hidden, `[batch, visible]`, from the encoder whose q(z | x) stands for p(z): that of rows of which a part is given.
    pub(super) given: Option<Var<'t>>,
}

/// A pass from examples to draws of their latent variables, and on to the examples' likelihood.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pass<'t> {
    /// x `[batch, visible]`.
    x: Var<'t>,
    /// ε `[k, batch, latent]`.
    noise: Var<'t>,
    /// q(z | x).
    pub(super) encoded: Encoded<'t>,
    /// z `[k, batch, latent]`, and ln |det ∂z/∂z₀| `[k, batch]`.
    z: Transformed<'t>,
    /// ln p(x | z) `[k, batch]`.
    pub(super) log_likelihood: Var<'t>,
    /// What counts of x.
    counts: Option<Var<'t>>,
    /// The normal distribution that stands for p(z), given a part of x.
    prior: Option<Encoded<'t>>,
}

impl<'t> Pass<'t> {
    /// From examples x `[batch, visible]` and standard normal noise ε `[k, batch, latent]`. With classes, of which a row has m, everything below
    /// has an axis of these before that of the batch, of length 1 where they make no difference.
    pub(super) fn new(network: &Network, x: Var<'t>, noise: Var<'t>, classes: Option<Classes<'t>>) -> Self {
        Pass::with_sight(network, [x, noise], classes, Sight::default())
    }

    /// The same of rows of which not all is shown, or counts.
    pub(super) fn with_sight(
        network: &Network,
        [x, noise]: [Var<'t>; 2],
        classes: Option<Classes<'t>>,
        sight: Sight<'t>,
    ) -> Self {
        let encoded = network.encode_what_is_shown(x, classes, sight.shown);
        let prior = sight.given.map(|hidden| {
            network.encode_what_is_shown(x, classes, Shown { hidden: Some(hidden), ..Shown::default() })
        });
        let [k, batch, latent] = [noise.shape()[0], noise.shape()[1], noise.shape()[2]];
        let noise = if classes.is_some() { noise.reshape([k, 1, batch, latent]) } else { noise };
        let first = encoded.mean.reparameterise(encoded.log_variance, noise);
        let z = network.after_steps(first, &encoded);
        let y = network.decode(z.value, classes);
        let log_likelihood = network.log_likelihood(x, y, sight.counts);
        Pass { x, noise, encoded, z, log_likelihood, counts: sight.counts, prior }
    }

    /// z `[k, batch, latent]`.
    pub(super) fn z(&self) -> Var<'t> {
        self.z.value
    }

    /// KL(q(z | x) ‖ p(z)) `[batch]` of two normal distributions, in closed form.
    pub(super) fn closed_divergence(&self) -> Var<'t> {
        let Encoded { mean, log_variance, .. } = self.encoded;
        let Some(prior) = self.prior else { return mean.gaussian_kl(log_variance) };
        // With z standardised by the prior it is that from a standard normal distribution.
        let mean = (mean - prior.mean) * (prior.log_variance * -0.5).exp();
        mean.gaussian_kl(log_variance - prior.log_variance)
    }

    /// KL(q(z | x) ‖ p(z)) `[batch]`: in closed form where there is one, else the mean over the draws.
    fn divergence(&self, network: &Network) -> Var<'t> {
        if network.is_closed() { self.closed_divergence() } else { -self.log_prior_ratio(network).mean_axis(0) }
    }

    /// ln p(z) − ln q(z | x) = ½ Σ (s + ε² − u²) + ln |det ∂z/∂z₀| + ln |det ∂u/∂z| `[k, batch]`, as (z₀ − μ)² e^(−s) is ε².
    pub(super) fn log_prior_ratio(&self, network: &Network) -> Var<'t> {
        if let Some(prior) = self.prior {
            let z = self.z.value;
            let q = z.gaussian_log_density(self.encoded.mean, self.encoded.log_variance);
            return z.gaussian_log_density(prior.mean, prior.log_variance) - q;
        }
        let u = network.to_base(self.z.value);
        let terms = self.encoded.log_variance + (self.noise.square() - u.value.square());
        let ratio = terms.sum_axis(terms.shape().len() - 1) * 0.5;
        if network.is_closed() { ratio } else { ratio + self.z.log_determinant + u.log_determinant }
    }
}

/// The bound of each example `[batch]`, or with classes `[m, batch]`, but for the doubly reparameterised gradient.
pub(super) fn bound_of<'t>(pass: &Pass<'t>, network: &Network, bound: Bound, beta: Var<'t>) -> Var<'t> {
    match bound {
        Bound::Elbo => pass.log_likelihood.mean_axis(0) - beta * pass.divergence(network),
        Bound::ImportanceWeighted | Bound::DoublyReparameterised => {
            log_mean_exp(pass.log_likelihood + beta * pass.log_prior_ratio(network))
        }
    }
}

/// A loss whose negative gradient climbs the mean bound of examples x `[batch, visible]` with noise ε `[k, batch, latent]` and β a
/// scalar. But for the doubly reparameterised gradient it is the bound's negative.
pub(super) fn objective<'t>(
    network: &Network,
    bound: Bound,
    [x, noise, beta]: [Var<'t>; 3],
    classes: Option<Classes<'t>>,
    sight: Sight<'t>,
) -> Var<'t> {
    let pass = Pass::with_sight(network, [x, noise], classes, sight);
    match bound {
        Bound::Elbo | Bound::ImportanceWeighted => -bound_of(&pass, network, bound, beta).mean(),
        Bound::DoublyReparameterised => doubly_reparameterised(&pass, network, beta, classes),
    }
}

/// ln of the mean of e^w over the first axis: `[k, batch]` to `[batch]`.
fn log_mean_exp(log_weights: Var<'_>) -> Var<'_> {
    log_weights.logsumexp(0) - (log_weights.shape()[0] as f32).ln()
}

/// A loss whose negative gradient is Σᵢ w̃ᵢ ∂ ln wᵢ / ∂θ for the decoder and Σᵢ [(1 − β) w̃ᵢ + β w̃ᵢ²] (∂ ln wᵢ / ∂zᵢ) ∂zᵢ / ∂φ for the
/// encoder, whose q(z | x) is a normal distribution. Its value means nothing.
fn doubly_reparameterised<'t>(
    pass: &Pass<'t>,
    network: &Network,
    beta: Var<'t>,
    classes: Option<Classes<'t>>,
) -> Var<'t> {
    let tape = pass.noise.tape();
    let (mu, s) = (pass.encoded.mean.stop_gradient(), pass.encoded.log_variance.stop_gradient());
    let (z, zero) = (pass.z.value.stop_gradient(), tape.scalar(0.0));
    let u = network.to_base(z);
    let log_prior = u.value.gaussian_log_density(zero, zero) + u.log_determinant;
    let log_ratio = log_prior - z.gaussian_log_density(mu, s);
    let log_w = network.log_likelihood(pass.x, network.decode(z, classes), pass.counts) + beta * log_ratio;
    let w = log_w.softmax(0).stop_gradient();
    let for_decoder = (w * log_w).sum() * (-1.0 / pass.x.shape()[0] as f32);
    // w̃ ∂ ln w / ∂z, times 1 − β + β w̃. The reverse pass through the decoder is the one its own gradient takes.
    let by_z = tape.gradient(for_decoder, &[z])[0].stop_gradient();
    let once_more = (beta * w + (1.0 - beta)).stop_gradient();
    let for_encoder = (by_z * once_more.reshape(w.shape().and(1)) * pass.z.value).sum();
    for_decoder + for_encoder
}
