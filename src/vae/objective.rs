//! What is maximised, recorded on a tape. With zᵢ = μ + e^(s/2) εᵢ for i = 1 … k:
//!
//! - the ELBO, (1/k) Σᵢ ln p(x | zᵢ) − β KL(q(z | x) ‖ p(z)), with the divergence ½ Σ (e^s + μ² − 1 − s) in closed form;
//! - the importance-weighted bound, ln (1/k) Σᵢ wᵢ with ln wᵢ = ln p(x | zᵢ) + β (ln p(zᵢ) − ln q(zᵢ | x)).
//!
//! The gradient of the latter is Σᵢ w̃ᵢ ∇ ln wᵢ with the normalised weights w̃ᵢ = wᵢ / Σⱼ wⱼ. In the encoder's part, the
//! derivative of ln q(zᵢ | x) for zᵢ held fixed has mean zero without weights, but not with them, and its noise does not fall
//! with k; reparameterised a second time (Tucker et al. 2019) it becomes Σᵢ w̃ᵢ² (∂ ln wᵢ / ∂zᵢ) ∇zᵢ.

use super::network::{Network, Posterior};
use super::recipe::Bound;
use crate::autodiff::{Tape, Var};

/// The sizes of a recorded pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Size {
    /// Draws k of each example's latent variable.
    pub(super) draws: usize,
    /// Examples.
    pub(super) batch: usize,
    pub(super) visible: usize,
    pub(super) latent: usize,
}

/// The names of inputs and outputs.
pub(super) const X: &str = "x";
pub(super) const NOISE: &str = "noise";
pub(super) const BETA: &str = "beta";
pub(super) const BOUND: &str = "bound";

/// A pass from examples to draws of their latent variables, and on to the examples' likelihood.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pass<'t> {
    /// x `[batch, visible]`.
    pub(super) x: Var<'t>,
    /// q(z | x).
    pub(super) posterior: Posterior<'t>,
    /// z `[k, batch, latent]`.
    z: Var<'t>,
    /// ln p(x | z) `[k, batch]`.
    pub(super) log_likelihood: Var<'t>,
}

impl<'t> Pass<'t> {
    /// From the inputs `x` `[batch, visible]` and `noise` `[k, batch, latent]`.
    pub(super) fn record(tape: &'t Tape<'t>, network: &Network, size: Size) -> Self {
        let x = tape.input(X, [size.batch, size.visible]);
        let noise = tape.input(NOISE, [size.draws, size.batch, size.latent]);
        let q = network.encode(x);
        Self::through(network, x, q, q.mean.reparameterise(q.log_variance, noise))
    }

    fn through(network: &Network, x: Var<'t>, posterior: Posterior<'t>, z: Var<'t>) -> Self {
        Pass { x, posterior, z, log_likelihood: network.log_likelihood(x, network.decode(z)) }
    }

    /// The same pass, from draws and a posterior that no derivative reaches the encoder through.
    fn cut(&self, network: &Network) -> Self {
        let Posterior { mean, log_variance } = self.posterior;
        let q = Posterior { mean: mean.stop_gradient(), log_variance: log_variance.stop_gradient() };
        Self::through(network, self.x, q, self.z.stop_gradient())
    }

    /// KL(q(z | x) ‖ p(z)) `[batch]`.
    pub(super) fn divergence(&self) -> Var<'t> {
        self.posterior.mean.gaussian_kl(self.posterior.log_variance)
    }

    /// ln p(z) − ln q(z | x) `[k, batch]`.
    pub(super) fn log_prior_ratio(&self) -> Var<'t> {
        let (zero, q) = (self.z.tape().scalar(0.0), self.posterior);
        self.z.gaussian_log_density(zero, zero) - self.z.gaussian_log_density(q.mean, q.log_variance)
    }
}

/// Records the bound, an output that is its mean over the batch, and gives a scalar whose negative gradient climbs it. One
/// more input is `beta`.
pub(super) fn record<'t>(tape: &'t Tape<'t>, network: &Network, bound: Bound, size: Size) -> Var<'t> {
    let beta = tape.input_with(BETA, [], &[1.0]);
    let pass = Pass::record(tape, network, size);
    let (value, loss) = match bound {
        Bound::Elbo => {
            let elbo = (pass.log_likelihood.mean_axis(0) - beta * pass.divergence()).mean();
            (elbo, -elbo)
        }
        Bound::ImportanceWeighted => {
            let bound = log_mean_exp(pass.log_likelihood + beta * pass.log_prior_ratio()).mean();
            (bound, -bound)
        }
        Bound::DoublyReparameterised => doubly_reparameterised(&pass, network, beta),
    };
    tape.output(BOUND, value);
    loss
}

/// ln of the mean of e^w over the first axis: `[k, batch]` to `[batch]`.
fn log_mean_exp(log_weights: Var<'_>) -> Var<'_> {
    log_weights.logsumexp(0) - (log_weights.shape()[0] as f32).ln()
}

/// The bound, and a scalar whose negative gradient is Σᵢ w̃ᵢ ∂ ln wᵢ / ∂θ for the decoder and Σᵢ w̃ᵢ² (∂ ln wᵢ / ∂zᵢ) ∂zᵢ / ∂φ for
/// the encoder.
fn doubly_reparameterised<'t>(pass: &Pass<'t>, network: &Network, beta: Var<'t>) -> (Var<'t>, Var<'t>) {
    let cut = pass.cut(network);
    let log_w = cut.log_likelihood + beta * cut.log_prior_ratio();
    let w = log_w.softmax(0).stop_gradient();
    let batch = log_w.shape()[1] as f32;
    let for_decoder = (w * log_w).sum() * (-1.0 / batch);
    // w̃ ∂ ln w / ∂z, times w̃ once more. The reverse pass through the decoder is the one its own gradient takes.
    let by_z = cut.z.tape().gradient(for_decoder, &[cut.z])[0].stop_gradient();
    let for_encoder = (by_z * w.reshape(w.shape().and(1)) * pass.z).sum();
    (log_mean_exp(log_w).mean(), for_decoder + for_encoder)
}
