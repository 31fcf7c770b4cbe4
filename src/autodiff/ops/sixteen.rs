//! Sixteen numbers at a time: as many as the vectors of every instruction set divide, so that sums are made in the same
//! order, and have the same bits, on all of them.

use crate::simd::{Simd, math};

pub(super) const LANES: usize = 16;

/// Sixteen of `values` from `start` on, `beyond` past their end.
#[inline(always)]
pub(super) fn sixteen(values: &[f32], start: usize, beyond: f32) -> [f32; LANES] {
    let values = &values[start..];
    match values.first_chunk() {
        Some(chunk) => *chunk,
        None => {
            let mut chunk = [beyond; LANES];
            chunk[..values.len()].copy_from_slice(values);
            chunk
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

/// `function` of two sixteens.
#[inline(always)]
pub(super) fn apply<S: Simd>(
    simd: S,
    a: [f32; LANES],
    b: [f32; LANES],
    function: impl Fn(S::F32, S::F32) -> S::F32,
) -> [f32; LANES] {
    let mut out = [0.0; LANES];
    for lane in (0..LANES).step_by(S::LANES) {
        // SAFETY: `lane + S::LANES ≤ 16` in all three arrays.
        unsafe {
            let (a, b) = (simd.load(a.as_ptr().add(lane)), simd.load(b.as_ptr().add(lane)));
            simd.store(out.as_mut_ptr().add(lane), function(a, b));
        }
    }
    out
}

/// eˣ.
#[inline(always)]
pub(super) fn exp<S: Simd>(simd: S, x: [f32; LANES]) -> [f32; LANES] {
    apply(simd, x, x, |x, _| math::exp(simd, x))
}

/// Adds the first `count` of `terms`.
#[inline(always)]
pub(super) fn add(sums: &mut [f64; LANES], terms: [f32; LANES], count: usize) {
    if count >= LANES {
        for lane in 0..LANES {
            sums[lane] += f64::from(terms[lane]);
        }
    } else {
        for lane in 0..count {
            sums[lane] += f64::from(terms[lane]);
        }
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
