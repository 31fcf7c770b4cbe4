//! Log-likelihoods and divergences, each in one pass. In nats.

use super::Var;
use crate::autodiff::op::Op;
use crate::autodiff::ops::{Bernoulli, Gaussian};

impl<'t> Var<'t> {
    /// −Σ (t ln p + (1 − t) ln(1 − p)) over the last axis, with p = σ(l) for these logits l `[.., n]` and targets t in
    /// [0, 1] that have the logits' last axes: `[batch, n]` for logits `[k, batch, n]`. The result is `[..]`. Computed as
    /// Σ softplus(l) − t l, which no logit makes infinite.
    ///
    /// # Panics
    /// When the targets have other last axes.
    #[track_caller]
    pub fn bernoulli_cross_entropy(self, targets: Self) -> Self {
        self.tape.push(Op::Bernoulli(Bernoulli::CrossEntropy), &[self, targets])
    }

    /// ln N(x; μ, e^s) summed over the last axis, of this x. All three are repeated to a common shape `[.., n]`; the
    /// result is `[..]`.
    ///
    /// # Panics
    /// When the shapes do not go together, or all are scalars.
    #[track_caller]
    pub fn gaussian_log_density(self, mean: Self, log_variance: Self) -> Self {
        self.tape.push(Op::Gaussian(Gaussian::LogDensity), &[self, mean, log_variance])
    }

    /// KL(N(μ, e^s) ‖ N(0, 1)) summed over the last axis, of this mean μ. Both are repeated to a common shape `[.., n]`;
    /// the result is `[..]` (Kingma & Welling 2014, appendix B).
    ///
    /// # Panics
    /// When the shapes do not go together, or both are scalars.
    #[track_caller]
    pub fn gaussian_kl(self, log_variance: Self) -> Self {
        self.tape.push(Op::Gaussian(Gaussian::Kl), &[self, log_variance])
    }

    /// A draw μ + e^(s/2) ε from N(μ, e^s), of this mean μ, from standard normal noise ε: with noise `[k, batch, d]` and
    /// μ, s `[batch, d]`, k draws each (Kingma & Welling 2014).
    ///
    /// # Panics
    /// When the shapes do not go together.
    #[track_caller]
    pub fn reparameterise(self, log_variance: Self, noise: Self) -> Self {
        self.tape.push(Op::Gaussian(Gaussian::Reparameterise), &[self, log_variance, noise])
    }
}
