//! A vector with operators, so that formulas read as they are printed.

use crate::simd::{Simd, math};
use std::ops::{Add, Div, Mul, Neg, Sub};

/// A vector of a token's lanes.
#[derive(Clone, Copy)]
pub(crate) struct Vector<S: Simd> {
    simd: S,
    lanes: S::F32,
}

impl<S: Simd> Vector<S> {
    /// All lanes `x`.
    #[inline(always)]
    pub(crate) fn splat(simd: S, x: f32) -> Self {
        Vector { simd, lanes: simd.splat(x) }
    }

    /// Of up to as many values as there are lanes, zeros behind them.
    #[inline(always)]
    pub(crate) fn load(simd: S, values: &[f32]) -> Self {
        let mut lanes = [0.0; 16];
        lanes[..values.len()].copy_from_slice(values);
        Self::of(simd, &lanes)
    }

    /// Of the first of sixteen values.
    #[inline(always)]
    pub(crate) fn of(simd: S, values: &[f32; 16]) -> Self {
        // SAFETY: sixteen floats, and no vector has more.
        Vector { simd, lanes: unsafe { simd.load(values.as_ptr()) } }
    }

    /// The lanes, zeros behind them.
    #[inline(always)]
    pub(crate) fn values(self) -> [f32; 16] {
        let mut values = [0.0; 16];
        // SAFETY: as above.
        unsafe { self.simd.store(values.as_mut_ptr(), self.lanes) };
        values
    }

    /// Writes the first lanes.
    #[inline(always)]
    pub(crate) fn store(self, values: &mut [f32]) {
        values.copy_from_slice(&self.values()[..values.len()]);
    }

    /// The same number in all lanes.
    #[inline(always)]
    pub(crate) fn all(self, x: f32) -> Self {
        Self::splat(self.simd, x)
    }

    /// `least` where this is less, or NaN, `most` where it is more.
    #[inline(always)]
    pub(crate) fn clamp(self, least: Self, most: Self) -> Self {
        let simd = self.simd;
        Vector { simd, lanes: simd.max(simd.min(self.lanes, most.lanes), least.lanes) }
    }

    /// The larger of the two.
    #[inline(always)]
    pub(crate) fn max(self, other: Self) -> Self {
        Vector { simd: self.simd, lanes: self.simd.max(self.lanes, other.lanes) }
    }

    /// `a` where this is less than `bound`, else, and where either is NaN, `b`.
    #[inline(always)]
    pub(crate) fn if_less(self, bound: Self, a: Self, b: Self) -> Self {
        let simd = self.simd;
        Vector { simd, lanes: simd.select(simd.less(self.lanes, bound.lanes), a.lanes, b.lanes) }
    }

    /// `a` where this equals `other`, else `b`.
    #[inline(always)]
    pub(crate) fn if_equal(self, other: Self, a: Self, b: Self) -> Self {
        let simd = self.simd;
        Vector { simd, lanes: simd.select(simd.equal(self.lanes, other.lanes), a.lanes, b.lanes) }
    }

    /// √x.
    #[inline(always)]
    pub(crate) fn sqrt(self) -> Self {
        Vector { simd: self.simd, lanes: self.simd.sqrt(self.lanes) }
    }

    /// eˣ.
    #[inline(always)]
    pub(crate) fn exp(self) -> Self {
        Vector { simd: self.simd, lanes: math::exp(self.simd, self.lanes) }
    }

    /// ln x.
    #[inline(always)]
    pub(crate) fn ln(self) -> Self {
        Vector { simd: self.simd, lanes: math::ln(self.simd, self.lanes) }
    }

    /// ln(1 + eˣ).
    #[inline(always)]
    pub(crate) fn softplus(self) -> Self {
        Vector { simd: self.simd, lanes: math::softplus(self.simd, self.lanes) }
    }

    /// 1 / (1 + e⁻ˣ).
    #[inline(always)]
    pub(crate) fn sigmoid(self) -> Self {
        Vector { simd: self.simd, lanes: math::sigmoid(self.simd, self.lanes) }
    }
}

impl<S: Simd> Add for Vector<S> {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        Vector { simd: self.simd, lanes: self.simd.add(self.lanes, other.lanes) }
    }
}

impl<S: Simd> Sub for Vector<S> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        Vector { simd: self.simd, lanes: self.simd.sub(self.lanes, other.lanes) }
    }
}

impl<S: Simd> Mul for Vector<S> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        Vector { simd: self.simd, lanes: self.simd.mul(self.lanes, other.lanes) }
    }
}

impl<S: Simd> Div for Vector<S> {
    type Output = Self;
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        Vector { simd: self.simd, lanes: self.simd.div(self.lanes, other.lanes) }
    }
}

impl<S: Simd> Mul<Vector<S>> for f32 {
    type Output = Vector<S>;
    #[inline(always)]
    fn mul(self, vector: Vector<S>) -> Vector<S> {
        vector.all(self) * vector
    }
}

impl<S: Simd> Neg for Vector<S> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        self.all(0.0) - self
    }
}
