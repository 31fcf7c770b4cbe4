//! The energy on the tape: E(u) = f(u) + ½κ|u|², f being a multilayer perceptron with one output.
//!
//! Its last layer starts at zero: an untrained model is the normal distribution of its confinement, from which chains start
//! with exact draws.

use super::config::{NETWORK, NeuralConfig};
use crate::autodiff::Var;
use crate::nn::{Initialiser, Mlp};
use crate::random::Seed;
use crate::store::Store;

/// Where the parameters of f are in the store.
#[derive(Clone, Debug)]
pub(super) struct Network {
    /// `network.0`, `network.2`, …, as in PyTorch's `Sequential(Linear, activation, …, Linear)`.
    layers: Mlp,
    confinement: f32,
}

impl Network {
    /// Adds the parameters to `store`.
    pub(super) fn new(store: &mut Store, config: &NeuralConfig, seed: Seed) -> Self {
        let initialiser = Initialiser::before(config.activation);
        let sizes = [&[config.width()], &config.hidden[..], &[1]].concat();
        let layers = Mlp::new(store, NETWORK, &sizes, config.activation, initialiser, seed);
        let last = layers.layers().last().expect("a network has a layer").weight;
        store.get_mut(last).fill(0.0);
        Network { layers, confinement: config.confinement }
    }

    /// f(u) `[n]` of u `[n, width]`.
    pub(super) fn output<'t>(&self, u: Var<'t>) -> Var<'t> {
        self.layers.apply(u).reshape([u.shape()[0]])
    }

    /// E(u) `[n]` of u `[n, width]`.
    pub(super) fn energies<'t>(&self, u: Var<'t>) -> Var<'t> {
        let f = self.output(u);
        if self.confinement == 0.0 { f } else { f + u.square().sum_axis(1) * (0.5 * self.confinement) }
    }

    /// ∂E/∂u `[n, width]`: rows do not act on one another, so the slope of the sum holds those of all.
    pub(super) fn slopes<'t>(&self, u: Var<'t>) -> Var<'t> {
        u.tape().gradient(self.energies(u).sum(), &[u])[0]
    }
}
