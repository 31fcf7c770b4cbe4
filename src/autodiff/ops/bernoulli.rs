//! Bernoulli cross-entropy from logits, and its derivative, each in one pass over the data.

use super::ActivationGradient;
use super::broadcast::{in_blocks, rows_of_a_block};
use super::sixteen::{LANES, OfTwo, add, apply, fold, sixteen, write};
use crate::autodiff::op::Op;
use crate::autodiff::{Activation, Operation, Shape, Var, View};
use crate::simd::{Simd, Vectorised, dispatch, math};

/// Cross-entropy of Bernoulli variables given by logits l, with targets t.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::autodiff) enum Bernoulli {
    /// Σ softplus(l) − t l over the last axis: operands l `[.., n]`, t `[.., n]` with the same last axes.
    CrossEntropy,
    /// (σ(l) − t) g: operands l, t as above and g `[..]`.
    CrossEntropyGradient,
}

/// Rows of logits from row `first` on, and the targets they are repeated over.
#[derive(Clone, Copy)]
struct Rows<'a> {
    logits: &'a [f32],
    targets: &'a [f32],
    width: usize,
    first: usize,
}

impl<'a> Rows<'a> {
    #[inline(always)]
    fn row(&self, row: usize) -> (&'a [f32], &'a [f32]) {
        let (row, width) = (self.first + row, self.width);
        let target = row % (self.targets.len() / width);
        (&self.logits[row * width..][..width], &self.targets[target * width..][..width])
    }
}

/// A logit of which nothing remains but the linear part.
const CERTAIN: f32 = 104.0;

/// Sixteens of a row that are added up in f32, and multiplied, before f64 takes them.
const STRETCH: usize = 8;

/// What becomes of sixteen logits l and targets t of a stretch after the other, with e = e^−|l|: softplus(l) − t l is
/// max(l, 0) − t l + ln(1 + e), and of a product of factors 1 + e, each at most 2, one logarithm is taken. Of e, 1 + e
/// keeps what is above 2⁻²⁴; the rest is added to the sum instead, where it is as good as its logarithm.
#[derive(Clone, Copy)]
struct Surprise<S: Simd> {
    sum: S::F32,
    product: S::F32,
}

impl<S: Simd> Surprise<S> {
    #[inline(always)]
    fn none(simd: S) -> Self {
        Surprise { sum: simd.splat(0.0), product: simd.splat(1.0) }
    }

    #[inline(always)]
    fn of(&mut self, simd: S, l: S::F32, t: S::F32) {
        let one = simd.splat(1.0);
        let e = math::exp_minus_magnitude(simd, l);
        let factor = simd.add(one, e);
        let rest = simd.sub(e, simd.sub(factor, one));
        let linear = simd.sub(simd.max(l, simd.splat(0.0)), simd.mul(t, l));
        self.sum = simd.add(self.sum, simd.add(linear, rest));
        self.product = simd.mul(self.product, factor);
    }

    #[inline(always)]
    fn total(self, simd: S) -> S::F32 {
        simd.add(self.sum, math::ln(simd, self.product))
    }
}

/// (σ(l) − t) g
#[derive(Clone, Copy)]
struct Slope(f32);

impl OfTwo for Slope {
    #[inline(always)]
    fn of<S: Simd>(self, simd: S, l: S::F32, t: S::F32) -> S::F32 {
        simd.mul(simd.sub(math::sigmoid(simd, l), t), simd.splat(self.0))
    }
}

struct CrossEntropy<'a> {
    rows: Rows<'a>,
    out: &'a mut [f32],
}

impl Vectorised for CrossEntropy<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        for (row, out) in self.out.iter_mut().enumerate() {
            let (logits, targets) = self.rows.row(row);
            let mut sums = [0.0; LANES];
            for stretch in (0..logits.len()).step_by(STRETCH * LANES) {
                let end = logits.len().min(stretch + STRETCH * LANES);
                let mut parts = [Surprise::none(simd); 2];
                for start in (stretch..end).step_by(LANES) {
                    let (mut spare, mut other) = ([0.0; LANES], [0.0; LANES]);
                    // Beyond the row is certainty, which is no surprise.
                    let l = sixteen(logits, start, -CERTAIN, &mut spare);
                    let t = sixteen(targets, start, 0.0, &mut other);
                    for part in 0..LANES / S::LANES {
                        // SAFETY: both hold sixteen, of which this is the vector number `part`.
                        unsafe {
                            let l = simd.load(l.as_ptr().add(part * S::LANES));
                            let t = simd.load(t.as_ptr().add(part * S::LANES));
                            parts[part].of(simd, l, t);
                        }
                    }
                }
                let mut totals = [0.0; LANES];
                for part in 0..LANES / S::LANES {
                    // SAFETY: as above.
                    unsafe { simd.store(totals.as_mut_ptr().add(part * S::LANES), parts[part].total(simd)) };
                }
                add(&mut sums, totals, LANES);
            }
            *out = fold(sums, |a, b| a + b) as f32;
        }
    }
}

struct CrossEntropyGradient<'a> {
    rows: Rows<'a>,
    scales: &'a [f32],
    out: &'a mut [f32],
}

impl Vectorised for CrossEntropyGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        for (row, out) in self.out.chunks_exact_mut(self.rows.width).enumerate() {
            let (logits, targets) = self.rows.row(row);
            for start in (0..logits.len()).step_by(LANES) {
                let (mut spare, mut other) = ([0.0; LANES], [0.0; LANES]);
                let l = sixteen(logits, start, 0.0, &mut spare);
                let t = sixteen(targets, start, 0.0, &mut other);
                write(apply(simd, l, t, Slope(self.scales[row])), out, start);
            }
        }
    }
}

/// The rows' shape.
fn check(logits: Shape, targets: Shape) -> Result<Shape, String> {
    let fits = !targets.is_empty() && logits.len() >= targets.len() && logits.ends_with(&targets);
    if !fits {
        return Err(format!("logits {logits} with targets {targets}: wanted targets with the logits' last axes"));
    }
    Ok(Shape::new(&logits[..logits.len() - 1]))
}

/// `var` `[..]` as `[.., 1]`.
fn column(var: Var<'_>) -> Var<'_> {
    var.reshape(var.shape().and(1))
}

impl Operation for Bernoulli {
    fn name(&self) -> &'static str {
        match self {
            Bernoulli::CrossEntropy => "bernoulli_cross_entropy",
            Bernoulli::CrossEntropyGradient => "bernoulli_cross_entropy_gradient",
        }
    }

    fn shape(&self, operands: &[Shape]) -> Result<Shape, String> {
        let rows = check(operands[0], operands[1])?;
        match self {
            Bernoulli::CrossEntropy => Ok(rows),
            Bernoulli::CrossEntropyGradient if operands[2] == rows => Ok(operands[0]),
            Bernoulli::CrossEntropyGradient => {
                Err(format!("logits {} with a gradient {}", operands[0], operands[2]))
            }
        }
    }

    fn forward(&self, operands: &[View<'_, f32>], out: &mut [f32]) {
        let shape = operands[0].shape;
        let width = shape[shape.len() - 1];
        let rows = Rows { logits: operands[0].values, targets: operands[1].values, width, first: 0 };
        if rows.logits.is_empty() {
            return out.fill(0.0);
        }
        match self {
            Bernoulli::CrossEntropy => in_blocks(rows_of_a_block(width), out, &|first, out| {
                dispatch(CrossEntropy { rows: Rows { first, ..rows }, out });
            }),
            Bernoulli::CrossEntropyGradient => in_blocks(rows_of_a_block(width) * width, out, &|start, out| {
                let first = start / width;
                let scales = &operands[2].values[first..];
                dispatch(CrossEntropyGradient { rows: Rows { first, ..rows }, scales, out });
            }),
        }
    }

    fn reference(&self, operands: &[View<'_, f64>], out: &mut [f64]) {
        let shape = operands[0].shape;
        let width = shape[shape.len() - 1];
        let (logits, targets) = (operands[0].values, operands[1].values);
        if let Bernoulli::CrossEntropy = self {
            out.fill(0.0);
        }
        for (element, l) in logits.iter().enumerate() {
            let t = targets[element % targets.len()];
            match self {
                Bernoulli::CrossEntropy => out[element / width] += Activation::Softplus.reference(*l) - t * l,
                Bernoulli::CrossEntropyGradient => {
                    out[element] = (Activation::Sigmoid.reference(*l) - t) * operands[2].values[element / width];
                }
            }
        }
    }

    fn gradient<'t>(&self, wanted: usize, operands: &[Var<'t>], _: Var<'t>, g: Var<'t>) -> Option<Var<'t>> {
        let (logits, targets) = (operands[0], operands[1]);
        let wide = match (self, wanted) {
            (Bernoulli::CrossEntropy, 0) => {
                g.tape().push(Op::Bernoulli(Bernoulli::CrossEntropyGradient), &[logits, targets, g])
            }
            (Bernoulli::CrossEntropy, _) => -(logits * column(g)),
            (Bernoulli::CrossEntropyGradient, 0) => {
                ActivationGradient::apply(Activation::Sigmoid, logits.sigmoid(), g * column(operands[2]))
            }
            (Bernoulli::CrossEntropyGradient, 1) => -(g * column(operands[2])),
            (Bernoulli::CrossEntropyGradient, _) => {
                return Some(((logits.sigmoid() - targets) * g).sum_axis(logits.shape().len() - 1));
            }
        };
        Some(wide.sum_to(operands[wanted].shape()))
    }
}
