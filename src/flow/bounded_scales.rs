//! The parameters of affine maps as a network gives them: raw log-scales r, which become s = c tanh(r / c), before shifts.

use super::univariate::LOG_SCALE_BOUND;
use crate::autodiff::{Operation, Shape, Var, View};
use crate::kernels::elementwise;
use std::sync::Arc;

/// Of r and t `[n, 2 d]`: s and t, `[n, 2 d]`. One operation, as slices of narrow rows would take longer than the hyperbolic tangents.
#[derive(Debug)]
pub(super) struct BoundedScales;

/// The derivatives times g: operands s and t, g, `[n, 2 d]` each.
#[derive(Debug)]
struct BoundedScalesGradient;

impl BoundedScales {
    /// s and t of raw parameters `[n, 2 d]`.
    pub(super) fn apply(parameters: Var<'_>) -> Var<'_> {
        parameters.tape().apply(Arc::new(BoundedScales), &[parameters])
    }
}

fn check(operands: &[Shape]) -> Result<Shape, String> {
    let same = operands.iter().all(|shape| *shape == operands[0]);
    match &*operands[0] {
        [_, both] if same && both.is_multiple_of(2) => Ok(operands[0]),
        _ => Err(format!("parameters {operands:?}: wanted log-scales and as many shifts")),
    }
}

impl Operation for BoundedScales {
    fn name(&self) -> &'static str {
        "bounded_scales"
    }

    fn shape(&self, operands: &[Shape]) -> Result<Shape, String> {
        check(operands)
    }

    fn forward(&self, operands: &[View<'_, f32>], out: &mut [f32]) {
        let View { values, shape } = operands[0];
        let both = shape[1];
        // Of wide rows a row's scales at a time, of narrow ones all numbers: then the shifts' tangents are thrown away.
        if both >= 32 {
            for (out, values) in out.chunks_exact_mut(both).zip(values.chunks_exact(both)) {
                let (scales, shifts) = out.split_at_mut(both / 2);
                scales.iter_mut().zip(values).for_each(|(s, r)| *s = r / LOG_SCALE_BOUND);
                elementwise::tanh(scales);
                scales.iter_mut().for_each(|s| *s *= LOG_SCALE_BOUND);
                shifts.copy_from_slice(&values[both / 2..]);
            }
            return;
        }
        out.iter_mut().zip(values).for_each(|(s, r)| *s = r / LOG_SCALE_BOUND);
        elementwise::tanh(out);
        for (out, values) in out.chunks_exact_mut(both.max(1)).zip(values.chunks_exact(both.max(1))) {
            for place in 0..both {
                out[place] = if place < both / 2 { out[place] * LOG_SCALE_BOUND } else { values[place] };
            }
        }
    }

    fn reference(&self, operands: &[View<'_, f64>], out: &mut [f64]) {
        let (View { values, shape }, bound) = (operands[0], f64::from(LOG_SCALE_BOUND));
        for (place, (out, &value)) in out.iter_mut().zip(values).enumerate() {
            *out = if place % shape[1] < shape[1] / 2 { bound * (value / bound).tanh() } else { value };
        }
    }

    fn gradient<'t>(&self, _: usize, _: &[Var<'t>], result: Var<'t>, g: Var<'t>) -> Option<Var<'t>> {
        Some(g.tape().apply(Arc::new(BoundedScalesGradient), &[result, g]))
    }
}

/// g (1 − (s / c)²), or g of a shift.
fn slope<T: Copy + Into<f64>>(s: T, g: T) -> f64 {
    let share = s.into() / f64::from(LOG_SCALE_BOUND);
    g.into() * (1.0 - share * share)
}

impl Operation for BoundedScalesGradient {
    fn name(&self) -> &'static str {
        "bounded_scales_gradient"
    }

    fn shape(&self, operands: &[Shape]) -> Result<Shape, String> {
        check(operands)
    }

    fn forward(&self, operands: &[View<'_, f32>], out: &mut [f32]) {
        let (both, g) = (operands[0].shape[1].max(1), operands[1].values);
        let rows = out.chunks_exact_mut(both).zip(operands[0].values.chunks_exact(both)).zip(g.chunks_exact(both));
        for ((out, s), g) in rows {
            for place in 0..both {
                out[place] = if place < both / 2 { slope(s[place], g[place]) as f32 } else { g[place] };
            }
        }
    }

    fn reference(&self, operands: &[View<'_, f64>], out: &mut [f64]) {
        let both = operands[0].shape[1];
        for (place, out) in out.iter_mut().enumerate() {
            let (s, g) = (operands[0].values[place], operands[1].values[place]);
            *out = if place % both < both / 2 { slope(s, g) } else { g };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autodiff::check_gradients;
    use crate::flow::reference::normal;
    use crate::random::Seed;

    #[test]
    fn scales_are_bounded_and_their_slopes_are_slopes() {
        for (rows, both) in [(3, 2), (2, 6), (2, 34)] {
            let raw = normal(rows * both, 2.0, Seed(1));
            check_gradients(&[([rows, both].into(), raw.clone())], |_, inputs| BoundedScales::apply(inputs[0]))
                .unwrap();
            let (mut got, shape) = (vec![0.0; rows * both], Shape::from([rows, both]));
            BoundedScales.forward(&[View { values: &raw, shape }], &mut got);
            for (place, (&got, &raw)) in got.iter().zip(&raw).enumerate() {
                let wanted = if place % both < both / 2 { 3.0 * (raw / 3.0).tanh() } else { raw };
                assert!((got - wanted).abs() < 1e-6, "{got} {wanted}");
            }
        }
    }
}
