//! Sixteen numbers at a time: as many as the vectors of every instruction set divide, so that sums are made in the same
//! order, and have the same bits, on all of them.

use crate::simd::{Simd, math};

pub(super) const LANES: usize = 16;

/// Sixteen of `values` from `start` on: those in place, or a copy in `spare` with `beyond` past their end.
#[inline(always)]
pub(super) fn sixteen<'a>(
    values: &'a [f32],
    start: usize,
    beyond: f32,
    spare: &'a mut [f32; LANES],
) -> &'a [f32; LANES] {
    let values = &values[start..];
    match values.first_chunk() {
        Some(chunk) => chunk,
        None => {
            *spare = [beyond; LANES];
            spare[..values.len()].copy_from_slice(values);
            spare
        }
    }
}

/// Writes as many of `values` as `out` has room for from `start` on.
#[inline(always)]
pub(super) fn write(values: [f32; LANES], out: &mut [f32], start: usize) {
    let out = &mut out[start..];
    match out.first_chunk_mut() {
        Some(chunk) => *chunk = values,
        None => out.copy_from_slice(&values[..out.len()]),
    }
}

/// A function of two vectors. A closure would do but for `#[inline(always)]`, without which it may become a call to code
/// that is compiled for no instruction set.
pub(super) trait OfTwo: Copy {
    fn of<S: Simd>(self, simd: S, a: S::F32, b: S::F32) -> S::F32;
}

/// `function` of two sixteens.
#[inline(always)]
pub(super) fn apply<S: Simd>(simd: S, a: &[f32; LANES], b: &[f32; LANES], function: impl OfTwo) -> [f32; LANES] {
    let mut out = [0.0; LANES];
    for lane in (0..LANES).step_by(S::LANES) {
        // SAFETY: `lane + S::LANES ≤ 16` in all three arrays.
        unsafe {
            let (a, b) = (simd.load(a.as_ptr().add(lane)), simd.load(b.as_ptr().add(lane)));
            simd.store(out.as_mut_ptr().add(lane), function.of(simd, a, b));
        }
    }
    out
}

/// eˣ.
#[inline(always)]
pub(super) fn exp<S: Simd>(simd: S, x: &[f32; LANES]) -> [f32; LANES] {
    let mut out = [0.0; LANES];
    for lane in (0..LANES).step_by(S::LANES) {
        // SAFETY: `lane + S::LANES ≤ 16` in both arrays.
        unsafe { simd.store(out.as_mut_ptr().add(lane), math::exp(simd, simd.load(x.as_ptr().add(lane)))) };
    }
    out
}

/// Adds the first `count` of `terms`, without a branch that would keep the sums out of registers.
#[inline(always)]
pub(super) fn add(sums: &mut [f64; LANES], mut terms: [f32; LANES], count: usize) {
    for lane in 0..LANES {
        terms[lane] = if lane < count { terms[lane] } else { 0.0 };
    }
    for lane in 0..LANES {
        sums[lane] += f64::from(terms[lane]);
    }
}

/// All sixteen as one, by pairs: 16 to 8, 4, 2, 1.
#[inline(always)]
pub(super) fn fold<T: Copy>(mut lanes: [T; LANES], join: impl Fn(T, T) -> T) -> T {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] = join(lanes[lane], lanes[lane + width]);
        }
        width /= 2;
    }
    lanes[0]
}
