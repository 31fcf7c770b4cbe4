//! The losses on the tape.

use super::network::Network;
use crate::autodiff::Var;

/// ⟨E⟩_data − ⟨E⟩_model + α (⟨E²⟩_data + ⟨E²⟩_model), a scalar, of u⁺ `[batch, width]` and the chains' u⁻ `[chains, width]`. The chains
/// are inputs: no gradient goes through where they are, which is what makes this the gradient of −ln p (Hinton 2002).
pub(super) fn two_phases<'t>(network: &Network, data: Var<'t>, chains: Var<'t>, regulariser: f32) -> Var<'t> {
    let (positive, negative) = (network.energies(data), network.energies(chains));
    let gap = positive.mean() - negative.mean();
    if regulariser == 0.0 {
        return gap;
    }
    gap + (positive.square().mean() + negative.square().mean()) * regulariser
}

/// ½⟨|σ s(ũ) + ε|²⟩ with ũ = u + σε and s = −∂E/∂u, a scalar, of u and ε, `[batch, width]` each: σ² times the squared distance
/// of s(ũ) from ∂ ln N(ũ; u, σ²) = −(ũ − u)/σ² (Vincent 2011).
pub(super) fn denoising<'t>(network: &Network, data: Var<'t>, noise: Var<'t>, deviation: f32) -> Var<'t> {
    let score = -network.slopes(data + noise * deviation);
    (score * deviation + noise).square().sum_axis(1).mean() * 0.5
}
