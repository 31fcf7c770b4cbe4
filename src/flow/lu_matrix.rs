//! The matrix and the shift of a normalisation and a mixing together, for a few components: P L U (x − c) e^(−s) is A x + b with
//! A = P L U diag(e^(−s)) and b = −A c. One operation makes both, and one its derivatives, so that of a small layer only one product of
//! the rows is left.

use crate::autodiff::{Operation, Shape, Var, View};
use std::sync::Arc;

/// Components at the most: beyond, products on the tape are quicker than loops, and factors would not fit on the stack.
pub(super) const MOST: usize = 16;
/// A matrix of so many, its rows one after the other.
type Square = [f64; MOST * MOST];

/// Of L and U `[width, width]`, δ, c and s `[width]`: `[width, width + 1]`, A with b behind it.
#[derive(Debug)]
pub(super) struct LuMatrix {
    /// Row i of the result is row `order[i]` of L U diag(e^(−s)).
    order: Arc<[usize]>,
    /// One for all operands, so that the tape computes it once.
    gradient: Arc<LuMatrixGradient>,
}

/// The derivatives of a [`LuMatrix`] times g `[width, width + 1]`: `[2 width + 3, width]`, by L and U, then by δ, c and s.
#[derive(Debug)]
struct LuMatrixGradient {
    order: Arc<[usize]>,
}

/// L and U of their parameters, and A before it is permuted, `[width, width]` each at the front.
struct Factors {
    width: usize,
    lower: Square,
    upper: Square,
    matrix: Square,
}

impl Factors {
    fn of<T: Copy + Into<f64>>(operands: &[View<'_, T>]) -> Self {
        let width = operands[2].values.len();
        let number = |operand: usize, place: usize| -> f64 { operands[operand].values[place].into() };
        let (mut lower, mut upper, mut matrix) = ([0.0; MOST * MOST], [0.0; MOST * MOST], [0.0; MOST * MOST]);
        for i in 0..width {
            (0..i).for_each(|j| lower[i * width + j] = number(0, i * width + j));
            lower[i * width + i] = 1.0;
            upper[i * width + i] = number(2, i).exp();
            (i + 1..width).for_each(|j| upper[i * width + j] = number(1, i * width + j));
        }
        for i in 0..width {
            for j in 0..width {
                let sum: f64 = (0..=i.min(j)).map(|k| lower[i * width + k] * upper[k * width + j]).sum();
                matrix[i * width + j] = sum * (-number(4, j)).exp();
            }
        }
        Factors { width, lower, upper, matrix }
    }
}

impl LuMatrix {
    /// With rows in this order, at most [`MOST`].
    pub(super) fn new(order: &[usize]) -> Self {
        assert!(order.len() <= MOST, "{} components, at most {MOST}", order.len());
        let order: Arc<[usize]> = order.into();
        LuMatrix { gradient: Arc::new(LuMatrixGradient { order: Arc::clone(&order) }), order }
    }

    fn evaluate<T: Copy + Into<f64>>(&self, operands: &[View<'_, T>], mut write: impl FnMut(usize, f64)) {
        let Factors { width, matrix, .. } = Factors::of(operands);
        for (i, &from) in self.order.iter().enumerate() {
            let line = &matrix[from * width..(from + 1) * width];
            line.iter().enumerate().for_each(|(j, &a)| write(i * (width + 1) + j, a));
            let shift: f64 = line.iter().zip(operands[3].values).map(|(a, &c)| -a * c.into()).sum();
            write(i * (width + 1) + width, shift);
        }
    }
}

impl LuMatrixGradient {
    fn evaluate<T: Copy + Into<f64>>(&self, operands: &[View<'_, T>], mut write: impl FnMut(usize, f64)) {
        let Factors { width, lower, upper, matrix } = Factors::of(operands);
        let number = |operand: usize, place: usize| -> f64 { operands[operand].values[place].into() };
        let (mut of_product, mut of_c, mut of_s) = ([0.0; MOST * MOST], [0.0; MOST], [0.0; MOST]);
        for (i, &from) in self.order.iter().enumerate() {
            let of_shift = number(5, i * (width + 1) + width);
            for j in 0..width {
                let (a, c) = (matrix[from * width + j], number(3, j));
                let of_a = number(5, i * (width + 1) + j) - of_shift * c;
                of_c[j] -= of_shift * a;
                of_s[j] -= of_a * a;
                of_product[from * width + j] = of_a * (-number(4, j)).exp();
            }
        }
        for i in 0..width {
            for j in 0..width {
                let of_lower: f64 = (j..width).map(|k| of_product[i * width + k] * upper[j * width + k]).sum();
                let of_upper: f64 = (i..width).map(|k| lower[k * width + i] * of_product[k * width + j]).sum();
                write(i * width + j, if j < i { of_lower } else { 0.0 });
                write((width + i) * width + j, if j > i { of_upper } else { 0.0 });
                if i == j {
                    write(2 * width * width + i, of_upper * upper[i * width + i]);
                }
            }
            write((2 * width + 1) * width + i, of_c[i]);
            write((2 * width + 2) * width + i, of_s[i]);
        }
    }
}

impl Operation for LuMatrix {
    fn name(&self) -> &'static str {
        "lu_matrix"
    }

    fn shape(&self, operands: &[Shape]) -> Result<Shape, String> {
        let width = self.order.len();
        let (square, line) = (Shape::from([width, width]), Shape::from([width]));
        let good = operands.len() == 5 && operands[..2] == [square; 2] && operands[2..] == [line; 3];
        if good {
            Ok(Shape::from([width, width + 1]))
        } else {
            Err(format!("factors {operands:?} of {width} components"))
        }
    }

    fn forward(&self, operands: &[View<'_, f32>], out: &mut [f32]) {
        self.evaluate(operands, |place, value| out[place] = value as f32);
    }

    fn reference(&self, operands: &[View<'_, f64>], out: &mut [f64]) {
        self.evaluate(operands, |place, value| out[place] = value);
    }

    fn gradient<'t>(&self, wanted: usize, operands: &[Var<'t>], _: Var<'t>, g: Var<'t>) -> Option<Var<'t>> {
        let of_all = g.tape().apply(Arc::clone(&self.gradient) as Arc<dyn Operation>, &[operands, &[g]].concat());
        let width = self.order.len();
        let (start, rows) =
            [(0, width), (width, width), (2 * width, 1), (2 * width + 1, 1), (2 * width + 2, 1)][wanted];
        Some(of_all.slice(0, start, rows).reshape(operands[wanted].shape()))
    }
}

impl Operation for LuMatrixGradient {
    fn name(&self) -> &'static str {
        "lu_matrix_gradient"
    }

    fn shape(&self, operands: &[Shape]) -> Result<Shape, String> {
        let width = self.order.len();
        match operands.last() {
            Some(&g) if g == Shape::from([width, width + 1]) => Ok(Shape::from([2 * width + 3, width])),
            _ => Err(format!("factors and a gradient {operands:?} of {width} components")),
        }
    }

    fn forward(&self, operands: &[View<'_, f32>], out: &mut [f32]) {
        self.evaluate(operands, |place, value| out[place] = value as f32);
    }

    fn reference(&self, operands: &[View<'_, f64>], out: &mut [f64]) {
        self.evaluate(operands, |place, value| out[place] = value);
    }
}
