//! Increasing maps of each component, the pieces of flows.

use super::Var;
use crate::autodiff::op::Op;
use crate::autodiff::ops::Bijection;
use crate::kernels::rational_quadratic::{Direction, Spline};

impl<'t> Var<'t> {
    #[track_caller]
    fn bijection(self, bijection: Bijection, parameters: Self) -> Self {
        self.tape.push(Op::Bijection(bijection), &[self, parameters])
    }

    /// x eˢ + t of this x `[n, d]`: `[n, d + 1]` with Σ s over the row in the last column. `parameters` `[n, 2 d]` are the d
    /// log-scales s of a row, then its shifts t.
    ///
    /// # Panics
    /// When the shapes differ from these, and where it is differentiated twice.
    #[track_caller]
    pub fn affine_transform(self, parameters: Self) -> Self {
        self.bijection(Bijection::Affine(Direction::Forward), parameters)
    }

    /// The inverse of [`affine_transform`](Self::affine_transform), (y − t) e⁻ˢ of this y `[n, d]`: `[n, d + 1]` with −Σ s over the
    /// row in the last column.
    ///
    /// # Panics
    /// As for `affine_transform`.
    #[track_caller]
    pub fn affine_inverse(self, parameters: Self) -> Self {
        self.bijection(Bijection::Affine(Direction::Inverse), parameters)
    }

    /// Monotonic rational-quadratic splines (Durkan et al. 2019) of this x `[n, d]`: `[n, d + 1]` with Σ ln slope over the row in
    /// the last column. `parameters` `[n, d (3 bins − 1)]` are, for each component, `bins` widths, `bins` heights and
    /// `bins` − 1 inner slopes, all unconstrained; zeros are the identity, which it also is outside of [−`bound`, `bound`].
    ///
    /// # Panics
    /// When the shapes differ from these, there are no bins or more than 32, or `bound` is not positive; and where it is
    /// differentiated twice.
    #[track_caller]
    pub fn rational_quadratic(self, parameters: Self, bins: usize, bound: f32) -> Self {
        let spline = Spline { bins, bound };
        self.bijection(Bijection::RationalQuadratic(spline, Direction::Forward), parameters)
    }

    /// The inverse of [`rational_quadratic`](Self::rational_quadratic), of this y `[n, d]`: `[n, d + 1]` with −Σ ln slope over the row
    /// in the last column.
    ///
    /// # Panics
    /// As for `rational_quadratic`.
    #[track_caller]
    pub fn rational_quadratic_inverse(self, parameters: Self, bins: usize, bound: f32) -> Self {
        let spline = Spline { bins, bound };
        self.bijection(Bijection::RationalQuadratic(spline, Direction::Inverse), parameters)
    }
}
