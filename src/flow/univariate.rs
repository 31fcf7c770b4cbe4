//! The increasing function that a single component goes through, given its parameters: affine, or a spline.

use super::bounded_scales::BoundedScales;
use super::{TransformKind, Transformed};
use crate::autodiff::Var;

/// Bound c of a log-scale s = c tanh(r / c), r being the network's: a component is stretched or shrunk by at most e^c ≈ 20 in a layer, so
/// that neither a wild parameter nor a row far out becomes an infinity.
pub(super) const LOG_SCALE_BOUND: f32 = 3.0;

impl TransformKind {
    /// Parameters of a component.
    pub(super) fn parameters(self) -> usize {
        match self {
            TransformKind::Affine => 2,
            TransformKind::Spline { bins, .. } => 3 * bins - 1,
        }
    }

    /// y and Σ ln ∂y/∂x of x `[n, d]`, the parameters being `[n, d · parameters]`: of an affine one all log-scales, then all shifts; of
    /// a spline component by component. Zeros are the identity.
    pub(super) fn forward<'t>(self, x: Var<'t>, parameters: Var<'t>) -> Transformed<'t> {
        split(match self {
            TransformKind::Affine => x.affine_transform(BoundedScales::apply(parameters)),
            TransformKind::Spline { bins, bound } => x.rational_quadratic(parameters, bins, bound),
        })
    }

    /// x and Σ ln ∂x/∂y of y `[n, d]`, with the parameters of [`forward`](Self::forward).
    pub(super) fn inverse<'t>(self, y: Var<'t>, parameters: Var<'t>) -> Transformed<'t> {
        split(match self {
            TransformKind::Affine => y.affine_inverse(BoundedScales::apply(parameters)),
            TransformKind::Spline { bins, bound } => y.rational_quadratic_inverse(parameters, bins, bound),
        })
    }
}

/// Values `[n, d]`, and the log-determinant that stands in the column behind them.
fn split(both: Var<'_>) -> Transformed<'_> {
    let (rows, width) = (both.shape()[0], both.shape()[1] - 1);
    let log_determinant = both.slice(1, width, 1).reshape([rows]);
    Transformed { value: both.slice(1, 0, width), log_determinant }
}
