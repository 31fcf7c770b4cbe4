//! Triangular systems on the tape: rows x with M x = y, for the inverse of a linear map.

use crate::autodiff::{Operation, Shape, Var, View};
use crate::parallel::{chunks, chunks_mut, for_each};
use std::sync::Arc;

/// Rows that a task solves.
const ROWS: usize = 16;

/// Which triangle of a matrix is read; the rest of it is taken for zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Triangle {
    /// The diagonal and what is below it.
    Lower,
    /// The diagonal and what is above it.
    Upper,
}

impl Triangle {
    fn other(self) -> Self {
        match self {
            Triangle::Lower => Triangle::Upper,
            Triangle::Upper => Triangle::Lower,
        }
    }

    /// Ones where the triangle is, the diagonal included, `[width, width]`.
    fn mask(self, width: usize) -> Vec<f32> {
        let inside = |place: usize| match self {
            Triangle::Lower => place % width <= place / width,
            Triangle::Upper => place % width >= place / width,
        };
        (0..width * width).map(|place| f32::from(u8::from(inside(place)))).collect()
    }
}

/// Rows x `[n, width]` with M x = y for each row y `[n, width]`, M `[width, width]` being triangular with no zero on its diagonal.
pub(super) fn solve<'t>(m: Var<'t>, y: Var<'t>, triangle: Triangle) -> Var<'t> {
    y.tape().apply(Arc::new(Solve { triangle }), &[m, y])
}

/// The operation: forward or back substitution, in f64.
#[derive(Debug)]
struct Solve {
    triangle: Triangle,
}

impl Solve {
    /// The solution of a row, in place.
    fn row<T: Copy + Into<f64>>(&self, m: &[T], x: &mut [f64]) {
        let width = x.len();
        let mut one = |i: usize, known: std::ops::Range<usize>| {
            let line = &m[i * width..(i + 1) * width];
            let sum: f64 = known.map(|j| line[j].into() * x[j]).sum();
            x[i] = (x[i] - sum) / line[i].into();
        };
        match self.triangle {
            Triangle::Lower => (0..width).for_each(|i| one(i, 0..i)),
            Triangle::Upper => (0..width).rev().for_each(|i| one(i, i + 1..width)),
        }
    }
}

impl Operation for Solve {
    fn name(&self) -> &'static str {
        "triangular_solve"
    }

    fn shape(&self, operands: &[Shape]) -> Result<Shape, String> {
        match (&*operands[0], &*operands[1]) {
            (&[a, b], &[_, width]) if a == width && b == width => Ok(operands[1]),
            _ => Err(format!("a matrix {} for rows {}", operands[0], operands[1])),
        }
    }

    fn forward(&self, operands: &[View<'_, f32>], out: &mut [f32]) {
        let (m, y, width) = (operands[0].values, operands[1].values, operands[1].shape[1]);
        for_each((chunks_mut(out, ROWS * width.max(1)), chunks(y, ROWS * width.max(1))), |_, (out, y)| {
            let mut x = vec![0.0; width];
            for (out, y) in out.chunks_exact_mut(width).zip(y.chunks_exact(width)) {
                x.iter_mut().zip(y).for_each(|(x, &y)| *x = f64::from(y));
                self.row(m, &mut x);
                out.iter_mut().zip(&x).for_each(|(out, &x)| *out = x as f32);
            }
        });
    }

    fn reference(&self, operands: &[View<'_, f64>], out: &mut [f64]) {
        out.copy_from_slice(operands[1].values);
        let width = operands[1].shape[1];
        out.chunks_exact_mut(width.max(1)).for_each(|x| self.row(operands[0].values, x));
    }

    fn gradient<'t>(&self, wanted: usize, operands: &[Var<'t>], x: Var<'t>, g: Var<'t>) -> Option<Var<'t>> {
        // ∂/∂y solves the transposed system; ∂/∂M = −(∂/∂y) xᵀ inside of the triangle.
        let [m, _] = operands else { return None };
        let of_y = solve(m.t(), g, self.triangle.other());
        if wanted == 1 {
            return Some(of_y);
        }
        let width = x.shape()[1];
        let mask = x.tape().constant([width, width], &self.triangle.mask(width));
        Some(-(of_y.t().matmul(x) * mask))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autodiff::check_gradients;
    use crate::random::Seed;

    #[test]
    fn solutions_solve_and_their_gradients_are_slopes() {
        for (width, rows) in [(1, 2), (2, 3), (5, 4)] {
            let (mut m, mut y) = (vec![0.0f32; width * width], vec![0.0f32; rows * width]);
            Seed(1).lanes("m", width as u64).fill_normal(&mut m);
            Seed(2).lanes("y", width as u64).fill_normal(&mut y);
            // A diagonal from 1 to 2 keeps the system well behaved.
            (0..width).for_each(|i| m[i * width + i] = 1.0 + m[i * width + i].abs().min(1.0));
            for triangle in [Triangle::Lower, Triangle::Upper] {
                let mut x: Vec<f64> = y[..width].iter().map(|&y| f64::from(y)).collect();
                Solve { triangle }.row(&m, &mut x);
                let mask = triangle.mask(width);
                for i in 0..width {
                    let at = |j: usize| f64::from(m[i * width + j] * mask[i * width + j]) * x[j];
                    assert!(((0..width).map(at).sum::<f64>() - f64::from(y[i])).abs() < 1e-12);
                }
                let inputs = [([width, width].into(), m.clone()), ([rows, width].into(), y.clone())];
                check_gradients(&inputs, |_, inputs| solve(inputs[0], inputs[1], triangle)).unwrap();
            }
        }
    }
}
