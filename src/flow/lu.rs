//! A normalisation, and a learned linear map in factors (Kingma & Dhariwal 2018): y = P L U (x − c) e^(−s), with a fixed permutation P, L below
//! a diagonal of ones, and U above one of e^δ. ln |det| = Σ δ − Σ s, and the inverse solves two triangular systems.

use super::act_norm::ActNorm;
use super::lu_matrix::{LuMatrix, MOST};
use super::permutation::Permutation;
use super::triangular::{Triangle, solve};
use super::{Transform, Transformed};
use crate::autodiff::{Activation, Operation, Orientation, Var};
use crate::store::{Parameter, Store};
use std::sync::Arc;

/// See the [module](self).
#[derive(Clone, Debug)]
pub(super) struct Lu {
    norm: ActNorm,
    permutation: Permutation,
    width: usize,
    /// L below its diagonal, `[width, width]`; what else is in it has no effect.
    lower: Parameter,
    /// U above its diagonal, `[width, width]`; what else is in it has no effect.
    upper: Parameter,
    /// δ, `[width]`.
    log_diagonal: Parameter,
    /// All of it as one matrix and shift, of few components.
    matrix: Option<Arc<LuMatrix>>,
}

impl Lu {
    /// Adds `{name}.lower`, `{name}.upper` and `{name}.log_diagonal` to the store: behind `norm` the permutation alone.
    pub(super) fn new(store: &mut Store, name: &str, norm: ActNorm, permutation: Permutation) -> Self {
        let order = permutation.order();
        let (width, matrix) = (order.len(), (order.len() <= MOST).then(|| Arc::new(LuMatrix::new(order))));
        let mut add = |parameter: &str, shape: &[usize]| store.add(&format!("{name}.{parameter}"), shape);
        let (lower, upper) = (add("lower", &[width, width]), add("upper", &[width, width]));
        Lu { norm, permutation, width, lower, upper, log_diagonal: add("log_diagonal", &[width]), matrix }
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
    fn forward<'t>(&self, x: Var<'t>, context: Option<Var<'t>>) -> Transformed<'t> {
        if let Some(matrix) = &self.matrix {
            let [c, s] = self.norm.parameters();
            let operands = [self.lower, self.upper, self.log_diagonal, c, s].map(|own| x.tape().parameter(own));
            let both = x.tape().apply(Arc::clone(matrix) as Arc<dyn Operation>, &operands);
            let (a, b) = (both.slice(1, 0, self.width), both.slice(1, self.width, 1).reshape([self.width]));
            let [_, _, delta, _, s] = operands;
            return Transformed {
                value: x.linear(a, b, Activation::Identity),
                log_determinant: (delta - s).sum(),
            };
        }
        let normalised = self.norm.forward(x, context);
        let (lower, upper, delta) = self.factors(x);
        let (plain, transposed) = (Orientation::Plain, Orientation::Transposed);
        let mixed =
            normalised.value.matmul_oriented(plain, upper, transposed).matmul_oriented(plain, lower, transposed);
        let log_determinant = normalised.log_determinant + delta.sum();
        Transformed { value: self.permutation.of_columns(mixed), log_determinant }
    }

    fn inverse<'t>(&self, y: Var<'t>, context: Option<Var<'t>>) -> Option<Transformed<'t>> {
        let (lower, upper, delta) = self.factors(y);
        let value = solve(upper, solve(lower, self.permutation.back(y), Triangle::Lower), Triangle::Upper);
        let before = self.norm.inverse(value, context)?;
        Some(Transformed { log_determinant: before.log_determinant - delta.sum(), ..before })
    }

    fn begin_with(&self, store: &mut Store, rows: &[f32]) {
        self.norm.begin_with(store, rows);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autodiff::{Program, check_parameter_gradients};
    use crate::flow::reference::normal;
    use crate::random::Seed;

    fn random(width: usize) -> (Store, Lu) {
        let mut store = Store::new();
        let norm = ActNorm::new(&mut store, "norm", width);
        let lu = Lu::new(&mut store, "mixing", norm, Permutation::random(width, Seed(3)));
        for parameter in store.parameters() {
            let start = store.range(parameter).start as u64;
            let values = store.get_mut(parameter);
            values.copy_from_slice(&normal(values.len(), 0.5, Seed(start)));
        }
        (store, lu)
    }

    /// One matrix and shift are the normalisation, the factors and the permutation one after the other, and so are their slopes.
    #[test]
    fn one_matrix_is_all_of_its_factors() {
        for width in [1, 2, 3, 16] {
            let (store, lu) = random(width);
            let apart = Lu { matrix: None, ..lu.clone() };
            let rows = normal(7 * width, 1.0, Seed(9));
            let mut program = Program::record(&store, |tape| {
                let x = tape.input_with("x", [7, width], &rows);
                for (name, lu) in [("one", &lu), ("apart", &apart)] {
                    let after = lu.forward(x, None);
                    tape.output(name, after.value);
                    tape.output(&format!("{name}.log_determinant"), after.log_determinant);
                }
            });
            program.evaluate(&store);
            for (one, apart) in program.output("one").iter().zip(program.output("apart")) {
                // Sums of up to 32 products of numbers about 1.
                assert!((one - apart).abs() < 1e-4 * (1.0 + apart.abs()), "{width}: {one} {apart}");
            }
            let [one, apart] = ["one", "apart"].map(|name| program.scalar(&format!("{name}.log_determinant")));
            assert!((one - apart).abs() < 1e-5, "{width}: {one} {apart}");
        }
        for width in [1, 2, 3] {
            let (store, lu) = random(width);
            check_parameter_gradients(&store, |tape| {
                lu.forward(tape.input_with("x", [2, width], &normal(2 * width, 1.0, Seed(9))), None).value
            })
            .unwrap();
        }
    }
}
