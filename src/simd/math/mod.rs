//! Vector functions, the same bits on every instruction set.
//!
//! They use separately rounded arithmetic, integer operations, comparisons and selections of the token, nothing
//! fused and nothing approximate. Each file opens with its method and its largest error in units in the last place
//! (ULP) over all 2³² floats. A NaN comes back as it is. The polynomials are weighted minimax fits (Lawson's
//! iteration) whose coefficients were rounded to `f32` one after the other, the rest being fitted anew each time.

/// An array of N vectors, of which the expression gives number `v`. Written step by step for all of them, the steps of
/// independent vectors stand side by side in the program, which the processor's window of instructions needs.
macro_rules! each {
    ($simd:ident, $v:ident in $n:ident, $vector:expr) => {{
        let mut vectors = [$simd.splat(0.0); $n];
        for $v in 0..$n {
            vectors[$v] = $vector;
        }
        vectors
    }};
}

mod decay;
mod exp;
mod ln;
mod sigmoid;
mod softplus;
mod tanh;

#[cfg(test)]
mod accuracy;

pub use decay::decay;
pub use exp::{exp, exp_minus_magnitude};
pub use ln::ln;
pub use sigmoid::{sigmoid, sigmoids};
pub use softplus::softplus;
pub use tanh::tanh;

use super::Simd;

/// c₀ + c₁x + c₂x² + … by Horner's rule.
#[inline(always)]
pub(crate) fn polynomial<S: Simd, const TERMS: usize>(simd: S, x: S::F32, coefficients: [f32; TERMS]) -> S::F32 {
    let [sum] = polynomials(simd, [x], coefficients);
    sum
}

/// The same of N vectors.
#[inline(always)]
fn polynomials<S: Simd, const N: usize, const TERMS: usize>(
    simd: S,
    x: [S::F32; N],
    coefficients: [f32; TERMS],
) -> [S::F32; N] {
    let mut sum = [simd.splat(coefficients[TERMS - 1]); N];
    for power in (0..TERMS - 1).rev() {
        sum = each!(simd, v in N, simd.add(simd.mul(sum[v], x[v]), simd.splat(coefficients[power])));
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
