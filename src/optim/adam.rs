//! Adam, with decoupled weight decay.

use super::WEIGHT_DECAY;
use crate::Setting;
use crate::simd::{Simd, Vectorised};

/// Adam (Kingma & Ba 2015), with the decay of weights beside it as in AdamW (Loshchilov & Hutter 2019).
///
/// With gradient g at step t = 1, 2, …: m ← β₁m + (1 − β₁)g, s ← β₂s + (1 − β₂)g², and
/// θ ← θ − rate · (m̂ / (√ŝ + ε) + λθ), where m̂ = m / (1 − β₁ᵗ) and ŝ = s / (1 − β₂ᵗ).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// β₁: the share of itself that the mean gradient keeps in a step, in [0, 1).
    pub beta1: f64,
    /// β₂: the share of itself that the mean square keeps in a step, in [0, 1).
    pub beta2: f64,
    /// ε > 0: added to the root of the mean square; a gradient that is not large against it moves its parameter by less than
    /// the rate.
    pub epsilon: f64,
    /// Weight decay λ ≥ 0: a step also takes rate · λθ from a parameter θ, biases too; 0 for Adam itself.
    pub weight_decay: f64,
}

impl Default for Adam {
    /// The numbers of Kingma & Ba, without decay.
    fn default() -> Self {
        Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 }
    }
}

impl Adam {
    pub(super) fn check(&self) -> Result<(), Setting> {
        Setting::fraction("Adam's beta1", self.beta1)?;
        Setting::fraction("Adam's beta2", self.beta2)?;
        // Numbers that no gradient reaches must not become 0 / 0.
        Setting::positive("Adam's epsilon", self.epsilon as f32)?;
        Setting::not_negative(WEIGHT_DECAY, self.weight_decay)
    }

    /// The numbers of step t ≥ 1.
    pub(super) fn factors(&self, t: u64, rate: f32) -> AdamFactors {
        let (t, rate) = (t as f64, f64::from(rate));
        AdamFactors {
            keep: [self.beta1 as f32, self.beta2 as f32],
            take: [(1.0 - self.beta1) as f32, (1.0 - self.beta2) as f32],
            rate: (rate / (1.0 - self.beta1.powf(t))) as f32,
            root: (1.0 - self.beta2.powf(t)).sqrt().recip() as f32,
            epsilon: self.epsilon as f32,
            shrink: (1.0 - rate * self.weight_decay) as f32,
        }
    }
}

/// The numbers of one step.
#[derive(Clone, Copy, Debug)]
pub(super) struct AdamFactors {
    /// β₁, β₂.
    keep: [f32; 2],
    /// 1 − β₁, 1 − β₂.
    take: [f32; 2],
    /// rate / (1 − β₁ᵗ).
    rate: f32,
    /// 1 / √(1 − β₂ᵗ).
    root: f32,
    epsilon: f32,
    /// 1 − rate · λ.
    shrink: f32,
}

/// One step of a block; all slices have one length, a multiple of 16.
pub(super) struct AdamBlock<'a> {
    pub(super) values: &'a mut [f32],
    pub(super) gradients: &'a [f32],
    pub(super) first: &'a mut [f32],
    pub(super) second: &'a mut [f32],
    /// What gradients are multiplied by first.
    pub(super) scale: f32,
    pub(super) factors: AdamFactors,
}

impl Vectorised for AdamBlock<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let length = self.values.len();
        let lengths = [self.gradients.len(), self.first.len(), self.second.len()];
        assert!(lengths == [length; 3] && length.is_multiple_of(S::LANES), "a block of parameters");
        let AdamFactors { keep, take, rate, root, epsilon, shrink } = self.factors;
        let (keep, take) = (keep.map(|x| simd.splat(x)), take.map(|x| simd.splat(x)));
        let [rate, root, epsilon, shrink] = [rate, root, epsilon, shrink].map(|x| simd.splat(x));
        let shortened = simd.splat(self.scale);
        for start in (0..length).step_by(S::LANES) {
            // SAFETY: all slices have `length` values, a multiple of a vector, as asserted.
            unsafe {
                let gradient = simd.mul(simd.load(self.gradients.as_ptr().add(start)), shortened);
                let first = simd.load(self.first.as_ptr().add(start));
                let first = simd.add(simd.mul(keep[0], first), simd.mul(take[0], gradient));
                simd.store(self.first.as_mut_ptr().add(start), first);
                let second = simd.load(self.second.as_ptr().add(start));
                let square = simd.mul(gradient, gradient);
                let second = simd.add(simd.mul(keep[1], second), simd.mul(take[1], square));
                simd.store(self.second.as_mut_ptr().add(start), second);
                let scale = simd.add(simd.mul(simd.sqrt(second), root), epsilon);
                let value = simd.mul(simd.load(self.values.as_ptr().add(start)), shrink);
                let value = simd.sub(value, simd.div(simd.mul(rate, first), scale));
                simd.store(self.values.as_mut_ptr().add(start), value);
            }
        }
    }
}
