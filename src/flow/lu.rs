//! A learned linear map in factors (Kingma & Dhariwal 2018): y = P L U x, with a fixed permutation P, L below a diagonal of ones, and U above
//! one of e^δ. ln |det| = Σ δ, and the inverse solves two triangular systems.

use super::permutation::Permutation;
use super::triangular::{Triangle, solve};
use super::{Transform, Transformed};
use crate::autodiff::{Orientation, Var};
use crate::store::{Parameter, Store};

/// See the [module](self).
#[derive(Clone, Debug)]
pub(super) struct Lu {
    permutation: Permutation,
    width: usize,
    /// L below its diagonal, `[width, width]`; what else is in it has no effect.
    lower: Parameter,
    /// U above its diagonal, `[width, width]`; what else is in it has no effect.
    upper: Parameter,
    /// δ, `[width]`.
    log_diagonal: Parameter,
}

impl Lu {
    /// Adds `{name}.lower`, `{name}.upper` and `{name}.log_diagonal` to the store: the permutation alone.
    pub(super) fn new(store: &mut Store, name: &str, width: usize, permutation: Permutation) -> Self {
        let mut add = |parameter: &str, shape: &[usize]| store.add(&format!("{name}.{parameter}"), shape);
        let (lower, upper) = (add("lower", &[width, width]), add("upper", &[width, width]));
        Lu { permutation, width, lower, upper, log_diagonal: add("log_diagonal", &[width]) }
    }

    /// L and U, `[width, width]`, and δ.
    fn factors<'t>(&self, x: Var<'t>) -> (Var<'t>, Var<'t>, Var<'t>) {
        let (tape, width) = (x.tape(), self.width);
        let mask = |inside: &dyn Fn(usize, usize) -> bool| {
            let ones: Vec<f32> = (0..width * width)
                .map(|place| f32::from(u8::from(inside(place / width, place % width))))
                .collect();
            tape.constant([width, width], &ones)
        };
        let (below, above, diagonal) = (mask(&|i, j| j < i), mask(&|i, j| j > i), mask(&|i, j| i == j));
        let delta = tape.parameter(self.log_diagonal);
        let lower = tape.parameter(self.lower) * below + diagonal;
        let upper = tape.parameter(self.upper) * above + diagonal * delta.exp();
        (lower, upper, delta)
    }
}

impl Transform for Lu {
    fn forward<'t>(&self, x: Var<'t>, _: Option<Var<'t>>) -> Transformed<'t> {
        let (lower, upper, delta) = self.factors(x);
        let (plain, transposed) = (Orientation::Plain, Orientation::Transposed);
        let value = x.matmul_oriented(plain, upper, transposed).matmul_oriented(plain, lower, transposed);
        Transformed { value: self.permutation.of_columns(value), log_determinant: delta.sum() }
    }

    fn inverse<'t>(&self, y: Var<'t>, _: Option<Var<'t>>) -> Option<Transformed<'t>> {
        let (lower, upper, delta) = self.factors(y);
        let value = solve(upper, solve(lower, self.permutation.back(y), Triangle::Lower), Triangle::Upper);
        Some(Transformed { value, log_determinant: -delta.sum() })
    }
}
