//! Stochastic gradient descent with momentum.

use super::WEIGHT_DECAY;
use crate::Setting;
use crate::simd::{Simd, Vectorised};

/// Momentum: the share of the steps before that a step of gradient descent keeps, in [0, 1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Momentum {
    /// The share μ of the velocity (Polyak 1964): u ← μu + g, θ ← θ − rate · u. Plain gradient descent at 0.
    HeavyBall(f64),
    /// The same, with the gradient taken where the velocity leads (Nesterov 1983), in the form of Sutskever et al. 2013:
    /// u ← μu + g, θ ← θ − rate · (g + μu).
    Nesterov(f64),
}

/// Stochastic gradient descent with momentum, and the decay of weights beside it (SGDW, Loshchilov & Hutter 2019):
/// each step also takes rate · λθ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    /// Momentum.
    pub momentum: Momentum,
    /// Weight decay λ ≥ 0.
    pub weight_decay: f64,
}

impl Default for Sgd {
    /// The share 0.9 of the velocity, no decay.
    fn default() -> Self {
        Sgd { momentum: Momentum::HeavyBall(0.9), weight_decay: 0.0 }
    }
}

impl Sgd {
    pub(super) fn check(&self) -> Result<(), Setting> {
        let (Momentum::HeavyBall(share) | Momentum::Nesterov(share)) = self.momentum;
        Setting::fraction("the momentum", share)?;
        Setting::not_negative(WEIGHT_DECAY, self.weight_decay)
    }

    pub(super) fn factors(&self, rate: f32) -> SgdFactors {
        let (share, mix) = match self.momentum {
            Momentum::HeavyBall(share) => (share, [0.0, 1.0]),
            Momentum::Nesterov(share) => (share, [1.0, share as f32]),
        };
        let shrink = (1.0 - f64::from(rate) * self.weight_decay) as f32;
        SgdFactors { share: share as f32, mix, rate, shrink }
    }
}

/// The numbers of one step.
#[derive(Clone, Copy, Debug)]
pub(super) struct SgdFactors {
    /// μ.
    share: f32,
    /// The parts of the gradient and of the velocity in the direction.
    mix: [f32; 2],
    rate: f32,
    /// 1 − rate · λ.
    shrink: f32,
}

/// One step of a block; all slices have one length, a multiple of 16.
pub(super) struct SgdBlock<'a> {
    pub(super) values: &'a mut [f32],
    pub(super) gradients: &'a [f32],
    pub(super) velocity: &'a mut [f32],
    /// What gradients are multiplied by first.
    pub(super) scale: f32,
    pub(super) factors: SgdFactors,
}

impl Vectorised for SgdBlock<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let length = self.values.len();
        let lengths = [self.gradients.len(), self.velocity.len()];
        assert!(lengths == [length; 2] && length.is_multiple_of(S::LANES), "a block of parameters");
        let SgdFactors { share, mix, rate, shrink } = self.factors;
        let [share, of_gradient, of_velocity] = [share, mix[0], mix[1]].map(|x| simd.splat(x));
        let (rate, shrink, shortened) = (simd.splat(rate), simd.splat(shrink), simd.splat(self.scale));
        for start in (0..length).step_by(S::LANES) {
            // SAFETY: all slices have `length` values, a multiple of a vector, as asserted.
            unsafe {
                let gradient = simd.mul(simd.load(self.gradients.as_ptr().add(start)), shortened);
                let velocity = simd.load(self.velocity.as_ptr().add(start));
                let velocity = simd.add(simd.mul(share, velocity), gradient);
                simd.store(self.velocity.as_mut_ptr().add(start), velocity);
                let direction = simd.add(simd.mul(of_gradient, gradient), simd.mul(of_velocity, velocity));
                let value = simd.mul(simd.load(self.values.as_ptr().add(start)), shrink);
                simd.store(self.values.as_mut_ptr().add(start), simd.sub(value, simd.mul(rate, direction)));
            }
        }
    }
}
