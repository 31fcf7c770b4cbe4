//! Vector functions, the same bits on every instruction set.
//!
//! They use separately rounded arithmetic, integer operations, comparisons and selections of the token, nothing
//! fused and nothing approximate. Each file opens with its method and its largest error in units in the last place
//! (ULP) over all 2³² floats. A NaN comes back as it is. The polynomials are weighted minimax fits (Lawson's
//! iteration) whose coefficients were rounded to `f32` one after the other, the rest being fitted anew each time.

mod decay;
mod exp;
mod ln;
mod sigmoid;
mod softplus;
mod tanh;

#[cfg(test)]
mod accuracy;

pub use decay::decay;
pub use exp::exp;
pub use ln::ln;
pub use sigmoid::sigmoid;
pub use softplus::softplus;
pub use tanh::tanh;

use super::Simd;

/// c₀ + c₁x + c₂x² + … by Horner's rule.
#[inline(always)]
pub(crate) fn polynomial<S: Simd, const N: usize>(simd: S, x: S::F32, coefficients: [f32; N]) -> S::F32 {
    let mut sum = simd.splat(coefficients[N - 1]);
    for power in (0..N - 1).rev() {
        sum = simd.add(simd.mul(sum, x), simd.splat(coefficients[power]));
    }
    sum
}

/// |x|.
#[inline(always)]
fn abs<S: Simd>(simd: S, x: S::F32) -> S::F32 {
    simd.from_bits(simd.and(simd.to_bits(x), simd.splat_u32(0x7fff_ffff)))
}

/// `x` where it is NaN, else `value`.
#[inline(always)]
fn keep_nan<S: Simd>(simd: S, x: S::F32, value: S::F32) -> S::F32 {
    simd.select(simd.equal(x, x), value, x)
}
