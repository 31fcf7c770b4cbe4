//! Increasing maps of each component, whose parameters a network gives: value and log-determinant in one pass, and the
//! derivatives of both in another.
//!
//! Of x `[n, d]` and parameters `[n, d p]` the result is `[n, d + 1]`: the values, and in the last column Σ ln |slope| over the
//! row. One tensor, so that what both have in common is computed once.

use super::broadcast::{in_blocks, rows_of_a_block};
use crate::autodiff::op::Op;
use crate::autodiff::{Operation, Shape, Var, View};
use crate::kernels::affine::{affine, affine_derivatives};
use crate::kernels::rational_quadratic::{
    Direction, MOST_BINS, Spline, derivatives, derivatives_reference, reference, transform,
};

/// An increasing map of each component.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::autodiff) enum Bijection {
    /// x eˢ + t, or its inverse; parameters are all log-scales s of a row, then all shifts t.
    Affine(Direction),
    /// A monotonic rational-quadratic spline, or its inverse; parameters lie together component by component.
    RationalQuadratic(Spline, Direction),
}

/// The derivatives of a bijection's result times g: operands x `[n, d]`, parameters `[n, d p]`, g `[n, d + 1]`; the result is
/// `[n, d + d p]`, those by x before those by the parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::autodiff) struct BijectionGradient(Bijection);

/// Components that are computed at a time.
const CHUNK: usize = 32;
/// Components of a wide row that are differentiated at a time.
const LONG: usize = 256;
/// Parameters of a component at the most.
const MOST: usize = 3 * MOST_BINS - 1;

/// Rows of a bijection's operands.
#[derive(Clone, Copy)]
struct Rows<'a> {
    bijection: Bijection,
    x: &'a [f32],
    parameters: &'a [f32],
    width: usize,
}

/// The sum of some numbers, every eighth of them on its own, so that additions need not wait for one another.
fn sum_of(values: &[f32]) -> f64 {
    let mut sums = [0.0f64; 8];
    let (eights, rest) = values.as_chunks::<8>();
    for eight in eights {
        sums.iter_mut().zip(eight).for_each(|(sum, &value)| *sum += f64::from(value));
    }
    sums.iter_mut().zip(rest).for_each(|(sum, &value)| *sum += f64::from(value));
    sums.iter().sum()
}

impl Bijection {
    /// Parameters of a component.
    fn parameters(self) -> usize {
        match self {
            Bijection::Affine(_) => 2,
            Bijection::RationalQuadratic(spline, _) => spline.parameters(),
        }
    }

    fn check(self, x: Shape, parameters: Shape) -> Result<[usize; 2], String> {
        if let Bijection::RationalQuadratic(spline, _) = self {
            spline.check()?;
        }
        let each = self.parameters();
        match (&*x, &*parameters) {
            (&[n, d], &[same, wide]) if n == same && wide == d * each && d > 0 => Ok([n, d]),
            _ => Err(format!("x {x} with parameters {parameters}: wanted [n, d], [n, {each} d]")),
        }
    }

    /// The parameters of component `column` of a row, from those of the row.
    fn of_component(self, row: &[f64], column: usize) -> Vec<f64> {
        match self {
            Bijection::Affine(_) => vec![row[column], row[row.len() / 2 + column]],
            Bijection::RationalQuadratic(..) => {
                let each = self.parameters();
                row[column * each..][..each].to_vec()
            }
        }
    }
}

impl<'a> Rows<'a> {
    /// The rows that begin with row `first`.
    fn from(self, first: usize) -> Self {
        let each = self.width * self.bijection.parameters();
        Rows { x: &self.x[first * self.width..], parameters: &self.parameters[first * each..], ..self }
    }

    /// Log-scales and shifts of `count` components from `first` on.
    fn scales_and_shifts(&self, first: usize, count: usize) -> [[f32; CHUNK]; 2] {
        let (mut both, width) = ([[0.0; CHUNK]; 2], self.width);
        let (mut row, mut column) = (first / width, first % width);
        for place in 0..count {
            both[0][place] = self.parameters[2 * width * row + column];
            both[1][place] = self.parameters[2 * width * row + width + column];
            column += 1;
            if column == width {
                (row, column) = (row + 1, 0);
            }
        }
        both
    }

    /// The rows' results, `[rows, width + 1]`.
    fn evaluate(&self, out: &mut [f32]) {
        match self.bijection {
            Bijection::Affine(direction) if self.width >= CHUNK => self.evaluate_wide(direction, out),
            _ => self.evaluate_in_chunks(out),
        }
    }

    /// Of wide affine rows: one row after the other, where it lies.
    fn evaluate_wide(&self, direction: Direction, out: &mut [f32]) {
        let width = self.width;
        let rows = self.x.chunks_exact(width).zip(self.parameters.chunks_exact(2 * width));
        for (out, (x, parameters)) in out.chunks_exact_mut(width + 1).zip(rows) {
            let ((s, t), (y, log_slope)) = (parameters.split_at(width), out.split_at_mut(width));
            affine(direction, x, s, t, y);
            let sum = sum_of(s);
            log_slope[0] = (if direction == Direction::Forward { sum } else { -sum }) as f32;
        }
    }

    /// Of any rows: so many components at a time, whichever row they are of.
    fn evaluate_in_chunks(&self, out: &mut [f32]) {
        let (width, total) = (self.width, out.len() / (self.width + 1) * self.width);
        let (mut row, mut column, mut sum) = (0, 0, 0.0f64);
        for first in (0..total).step_by(CHUNK) {
            let count = CHUNK.min(total - first);
            let (mut y, mut log_slopes) = ([0.0; CHUNK], [0.0; CHUNK]);
            let x = &self.x[first..first + count];
            match self.bijection {
                Bijection::Affine(direction) => {
                    let [s, t] = self.scales_and_shifts(first, count);
                    affine(direction, x, &s[..count], &t[..count], &mut y[..count]);
                    log_slopes = if direction == Direction::Forward { s } else { s.map(|s| -s) };
                }
                Bijection::RationalQuadratic(spline, direction) => {
                    let each = spline.parameters();
                    let own = &self.parameters[first * each..][..count * each];
                    transform(spline, direction, x, own, &mut y[..count], &mut log_slopes[..count]);
                }
            }
            for place in 0..count {
                out[row * (width + 1) + column] = y[place];
                sum += f64::from(log_slopes[place]);
                column += 1;
                if column == width {
                    out[row * (width + 1) + width] = sum as f32;
                    (row, column, sum) = (row + 1, 0, 0.0);
                }
            }
        }
    }

    /// The derivatives of the rows' results times `gradient` `[rows, width + 1]`, `[rows, width + width p]`.
    fn differentiate(&self, gradient: &[f32], out: &mut [f32]) {
        match self.bijection {
            Bijection::Affine(direction) if self.width >= CHUNK => {
                self.differentiate_wide(direction, gradient, out)
            }
            _ => self.differentiate_in_chunks(gradient, out),
        }
    }

    /// As [`evaluate_wide`](Self::evaluate_wide).
    fn differentiate_wide(&self, direction: Direction, gradient: &[f32], out: &mut [f32]) {
        let width = self.width;
        let rows = self.x.chunks_exact(width).zip(self.parameters.chunks_exact(2 * width));
        let rows = rows.zip(gradient.chunks_exact(width + 1));
        for (out, ((x, parameters), gradient)) in out.chunks_exact_mut(3 * width).zip(rows) {
            let (s, t) = parameters.split_at(width);
            let (of_x, of_parameters) = out.split_at_mut(width);
            let (of_s, of_t) = of_parameters.split_at_mut(width);
            let of_log = [gradient[width]; LONG];
            for first in (0..width).step_by(LONG) {
                let own = first..width.min(first + LONG);
                affine_derivatives(
                    direction,
                    [&x[own.clone()], &s[own.clone()], &t[own.clone()]],
                    [&gradient[own.clone()], &of_log[..own.len()]],
                    [&mut of_x[own.clone()], &mut of_s[own.clone()], &mut of_t[own]],
                );
            }
        }
    }

    /// As [`evaluate_in_chunks`](Self::evaluate_in_chunks).
    fn differentiate_in_chunks(&self, gradient: &[f32], out: &mut [f32]) {
        let (width, each) = (self.width, self.bijection.parameters());
        let line = width * (1 + each);
        let total = out.len() / line * width;
        for first in (0..total).step_by(CHUNK) {
            let count = CHUNK.min(total - first);
            let (mut of_y, mut of_log) = ([0.0; CHUNK], [0.0; CHUNK]);
            let (mut of_x, mut of_parameters) = ([0.0; CHUNK], [0.0; CHUNK * MOST]);
            let place = |index: usize| ((first + index) / width, (first + index) % width);
            for index in 0..count {
                let (row, column) = place(index);
                of_y[index] = gradient[row * (width + 1) + column];
                of_log[index] = gradient[row * (width + 1) + width];
            }
            let x = &self.x[first..first + count];
            match self.bijection {
                Bijection::Affine(direction) => {
                    let [s, t] = self.scales_and_shifts(first, count);
                    let (of_s, of_t) = of_parameters[..2 * count].split_at_mut(count);
                    let operands = [x, &s[..count], &t[..count]];
                    let gradient = [&of_y[..count], &of_log[..count]];
                    affine_derivatives(direction, operands, gradient, [&mut of_x[..count], of_s, of_t]);
                    for index in 0..count {
                        let (row, column) = place(index);
                        out[row * line + width + column] = of_parameters[index];
                        out[row * line + 2 * width + column] = of_parameters[count + index];
                    }
                }
                Bijection::RationalQuadratic(spline, direction) => {
                    let own = &self.parameters[first * each..][..count * each];
                    let (of_y, of_log) = (&of_y[..count], &of_log[..count]);
                    let of_own = &mut of_parameters[..count * each];
                    derivatives(spline, direction, x, own, of_y, of_log, &mut of_x[..count], of_own);
                    for index in 0..count {
                        let (row, column) = place(index);
                        let target = row * line + width + column * each;
                        out[target..target + each].copy_from_slice(&of_own[index * each..][..each]);
                    }
                }
            }
            for index in 0..count {
                let (row, column) = place(index);
                out[row * line + column] = of_x[index];
            }
        }
    }
}

impl Operation for Bijection {
    fn name(&self) -> &'static str {
        match self {
            Bijection::Affine(Direction::Forward) => "affine_transform",
            Bijection::Affine(Direction::Inverse) => "affine_inverse",
            Bijection::RationalQuadratic(_, Direction::Forward) => "rational_quadratic",
            Bijection::RationalQuadratic(_, Direction::Inverse) => "rational_quadratic_inverse",
        }
    }

    fn shape(&self, operands: &[Shape]) -> Result<Shape, String> {
        let [n, d] = self.check(operands[0], operands[1])?;
        Ok(Shape::from([n, d + 1]))
    }

    fn forward(&self, operands: &[View<'_, f32>], out: &mut [f32]) {
        let width = operands[0].shape[1];
        let rows = Rows { bijection: *self, x: operands[0].values, parameters: operands[1].values, width };
        let line = width + 1;
        in_blocks(rows_of_a_block(line * self.parameters()) * line, out, &|start, out| {
            rows.from(start / line).evaluate(out);
        });
    }

    fn reference(&self, operands: &[View<'_, f64>], out: &mut [f64]) {
        let (width, each) = (operands[0].shape[1], self.parameters());
        for (row, out) in out.chunks_exact_mut(width + 1).enumerate() {
            out[width] = 0.0;
            let parameters = &operands[1].values[row * width * each..][..width * each];
            for column in 0..width {
                let (x, own) = (operands[0].values[row * width + column], self.of_component(parameters, column));
                let (value, log_slope) = match *self {
                    Bijection::Affine(Direction::Forward) => (x * own[0].exp() + own[1], own[0]),
                    Bijection::Affine(Direction::Inverse) => ((x - own[1]) * (-own[0]).exp(), -own[0]),
                    Bijection::RationalQuadratic(spline, direction) => reference(spline, direction, x, &own),
                };
                out[column] = value;
                out[width] += log_slope;
            }
        }
    }

    fn gradient<'t>(&self, wanted: usize, operands: &[Var<'t>], _: Var<'t>, g: Var<'t>) -> Option<Var<'t>> {
        let (x, parameters) = (operands[0], operands[1]);
        let both = g.tape().push(Op::BijectionGradient(BijectionGradient(*self)), &[x, parameters, g]);
        let width = x.shape()[1];
        let start = if wanted == 0 { 0 } else { width };
        Some(both.slice(1, start, operands[wanted].shape()[1]))
    }
}

impl Operation for BijectionGradient {
    fn name(&self) -> &'static str {
        match self.0 {
            Bijection::Affine(_) => "affine_transform_gradient",
            Bijection::RationalQuadratic(..) => "rational_quadratic_gradient",
        }
    }

    fn shape(&self, operands: &[Shape]) -> Result<Shape, String> {
        let [n, d] = self.0.check(operands[0], operands[1])?;
        if operands[2] != Shape::from([n, d + 1]) {
            return Err(format!("x {} with a gradient {}", operands[0], operands[2]));
        }
        Ok(Shape::from([n, d * (1 + self.0.parameters())]))
    }

    fn forward(&self, operands: &[View<'_, f32>], out: &mut [f32]) {
        let (width, each) = (operands[0].shape[1], self.0.parameters());
        let rows = Rows { bijection: self.0, x: operands[0].values, parameters: operands[1].values, width };
        let line = width * (1 + each);
        in_blocks(rows_of_a_block(line) * line, out, &|start, out| {
            let first = start / line;
            rows.from(first).differentiate(&operands[2].values[first * (width + 1)..], out);
        });
    }

    fn reference(&self, operands: &[View<'_, f64>], out: &mut [f64]) {
        let (width, each) = (operands[0].shape[1], self.0.parameters());
        for (row, out) in out.chunks_exact_mut(width * (1 + each)).enumerate() {
            let parameters = &operands[1].values[row * width * each..][..width * each];
            let gradient = &operands[2].values[row * (width + 1)..][..width + 1];
            for column in 0..width {
                let x = operands[0].values[row * width + column];
                let (own, weights) =
                    (self.0.of_component(parameters, column), [gradient[column], gradient[width]]);
                let found = match self.0 {
                    Bijection::Affine(direction) => affine_reference(direction, x, &own, weights),
                    Bijection::RationalQuadratic(spline, direction) => {
                        derivatives_reference(spline, direction, x, &own, weights)
                    }
                };
                out[column] = found[0];
                for (index, found) in found[1..].iter().enumerate() {
                    let place = match self.0 {
                        Bijection::Affine(_) => index * width + column,
                        Bijection::RationalQuadratic(..) => column * each + index,
                    };
                    out[width + place] = *found;
                }
            }
        }
    }
}

/// Derivatives of g_y y + g_l ln slope by x, s and t.
fn affine_reference(direction: Direction, x: f64, own: &[f64], [of_y, of_log]: [f64; 2]) -> Vec<f64> {
    let (s, t) = (own[0], own[1]);
    match direction {
        Direction::Forward => vec![of_y * s.exp(), of_y * x * s.exp() + of_log, of_y],
        Direction::Inverse => {
            let scaled = of_y * (-s).exp();
            vec![scaled, -scaled * (x - t) - of_log, -scaled]
        }
    }
}
