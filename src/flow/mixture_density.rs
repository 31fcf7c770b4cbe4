//! The log-density of independent mixtures of normal distributions, one for each component of a row, and its derivative, each in
//! one pass over the numbers of the mixtures.
//!
//! Of component d, with logits l, means m and unbounded log-deviations r of its K normal distributions, s = c tanh(r / c) and
//! z = (u − m) e^(−s), the log-density is LSE_k(l − s − ½z²) − LSE_k(l) − ½ ln 2π. With responsibilities ρ and weights π, the
//! softmaxes of both, its slopes are ρ − π, ρ z e^(−s) and ρ (z² − 1) (1 − tanh²(r / c)), and by u minus those by the means.

use crate::autodiff::{Operation, Shape, Var, View};
use crate::kernels::elementwise;
use crate::parallel::{chunks_mut, for_each};
use crate::tensor::AlignedVec;
use std::cell::RefCell;
use std::sync::Arc;

/// Bound c of a log-deviation: no normal distribution becomes a spike of infinite density.
pub(super) const LOG_DEVIATION_BOUND: f32 = 7.0;
/// ½ ln 2π
const HALF_LOG_TWO_PI: f64 = 0.918_938_533_204_672_8;
/// Groups of the numbers of a mixture: the logits, the means, the unbounded log-deviations, `[3, width, components]`.
pub(super) const GROUPS: usize = 3;
/// Normal distributions that a task goes through: some 30 µs.
const TASK: usize = 1 << 14;

/// ln p(u) `[n]` of u `[n, width]` and the mixtures `[n, 3 · width · components]`.
#[derive(Debug)]
pub(super) struct MixtureDensity {
    components: usize,
    /// One for all derivatives of this one: those by u and by the mixtures share what it gives.
    slopes: Arc<Slopes>,
}

/// The slopes of Σ g ln p(u) by the mixtures: operands u, the mixtures, g `[n]`.
#[derive(Debug)]
struct Slopes {
    components: usize,
}

impl MixtureDensity {
    /// Of mixtures of so many normal distributions, at least one.
    pub(super) fn new(components: usize) -> Self {
        MixtureDensity { components, slopes: Arc::new(Slopes { components }) }
    }
}

fn check(components: usize, operands: &[Shape]) -> Result<(usize, usize), String> {
    match (&*operands[0], &*operands[1]) {
        ([n, width], [same, numbers]) if n == same && *numbers == GROUPS * width * components => Ok((*n, *width)),
        (u, mixtures) => {
            Err(format!("u {u:?}, mixtures {mixtures:?}: wanted [n, width], [n, 3 · width · {components}]"))
        }
    }
}

/// A row and its mixtures.
#[derive(Clone, Copy)]
struct Row<'a> {
    u: &'a [f32],
    logits: &'a [f32],
    means: &'a [f32],
    raw: &'a [f32],
    components: usize,
}

impl<'a> Row<'a> {
    fn of(components: usize, operands: &[View<'a, f32>], row: usize) -> Self {
        let width = operands[0].shape[1];
        let each = width * components;
        let numbers = &operands[1].values[row * GROUPS * each..][..GROUPS * each];
        let [logits, means, raw] = [0, 1, 2].map(|group| &numbers[group * each..(group + 1) * each]);
        Row { u: &operands[0].values[row * width..][..width], logits, means, raw, components }
    }

    /// tanh(r / c), e^(−s) and z of each normal distribution, and the exponentials of its term and of its logit, less the largest of
    /// the component's, all `[width · components]`. `visit` is told of each component the largest term and logit.
    fn evaluate(&self, into: [&mut [f32]; 5], mut visit: impl FnMut(usize, [f32; 2])) {
        let [tanh, inverse, z, terms, weights] = into;
        for (tanh, raw) in tanh.iter_mut().zip(self.raw) {
            *tanh = raw * LOG_DEVIATION_BOUND.recip();
        }
        elementwise::tanh(tanh);
        for (inverse, tanh) in inverse.iter_mut().zip(&*tanh) {
            *inverse = -LOG_DEVIATION_BOUND * tanh;
        }
        elementwise::exp(inverse);
        for (component, u) in self.u.iter().enumerate() {
            let own = component * self.components..(component + 1) * self.components;
            let (mut largest_term, mut largest_logit) = (f32::NEG_INFINITY, f32::NEG_INFINITY);
            for k in own.clone() {
                z[k] = (u - self.means[k]) * inverse[k];
                terms[k] = self.logits[k] - LOG_DEVIATION_BOUND * tanh[k] - 0.5 * z[k] * z[k];
                largest_term = largest_term.max(terms[k]);
                largest_logit = largest_logit.max(self.logits[k]);
            }
            // Where all terms are minus infinity, so is their sum.
            let subtracted = if largest_term == f32::NEG_INFINITY { 0.0 } else { largest_term };
            for k in own {
                terms[k] -= subtracted;
                weights[k] = self.logits[k] - largest_logit;
            }
            visit(component, [subtracted, largest_logit]);
        }
        elementwise::exp(terms);
        elementwise::exp(weights);
    }
}

/// Runs `body` with `length` numbers of this thread, which hold anything.
fn with_numbers<T>(length: usize, body: impl FnOnce(&mut [f32]) -> T) -> T {
    thread_local! {
        static NUMBERS: RefCell<AlignedVec<f32>> = const { RefCell::new(AlignedVec::new()) };
    }
    NUMBERS.with_borrow_mut(|numbers| {
        if numbers.len() < length {
            numbers.resize(length);
        }
        body(&mut numbers[..length])
    })
}

/// The parts of `values`, `each` long.
fn parts<const N: usize>(values: &mut [f32], each: usize) -> [&mut [f32]; N] {
    let mut rest = values;
    std::array::from_fn(|_| {
        let (part, after) = std::mem::take(&mut rest).split_at_mut(each);
        rest = after;
        part
    })
}

/// Rows of a task.
fn rows_of_a_task(width: usize, components: usize) -> usize {
    (TASK / (width * components).max(1)).max(1)
}

impl Operation for MixtureDensity {
    fn name(&self) -> &'static str {
        "mixture_log_density"
    }

    fn shape(&self, operands: &[Shape]) -> Result<Shape, String> {
        check(self.components, operands).map(|(n, _)| Shape::from(n))
    }

    fn forward(&self, operands: &[View<'_, f32>], out: &mut [f32]) {
        let width = operands[0].shape[1];
        let each = width * self.components;
        let rows = rows_of_a_task(width, self.components);
        for_each(chunks_mut(out, rows), |task, out| {
            with_numbers(5 * each + width, |numbers| {
                let (numbers, ratios) = numbers.split_at_mut(5 * each);
                for (row, out) in out.iter_mut().enumerate() {
                    let row = Row::of(self.components, operands, task * rows + row);
                    let [tanh, inverse, z, terms, weights] = parts(numbers, each);
                    let mut total = width as f64 * -HALF_LOG_TWO_PI;
                    let into = [tanh, inverse, z, &mut *terms, &mut *weights];
                    row.evaluate(into, |_, [term, logit]| total += f64::from(term) - f64::from(logit));
                    let sums = terms.chunks_exact(self.components).zip(weights.chunks_exact(self.components));
                    for (ratio, (terms, weights)) in ratios.iter_mut().zip(sums) {
                        *ratio = terms.iter().sum::<f32>() / weights.iter().sum::<f32>();
                    }
                    elementwise::ln(ratios);
                    *out = (total + ratios.iter().copied().map(f64::from).sum::<f64>()) as f32;
                }
            });
        });
    }

    fn reference(&self, operands: &[View<'_, f64>], out: &mut [f64]) {
        let (width, components) = (operands[0].shape[1], self.components);
        let (each, c) = (width * components, f64::from(LOG_DEVIATION_BOUND));
        for (row, out) in out.iter_mut().enumerate() {
            let mixtures = &operands[1].values[row * GROUPS * each..][..GROUPS * each];
            *out = 0.0;
            for component in 0..width {
                let u = operands[0].values[row * width + component];
                let (mut density, mut sum) = (0.0, 0.0);
                for k in component * components..(component + 1) * components {
                    let [weight, mean, s] =
                        [mixtures[k].exp(), mixtures[each + k], c * (mixtures[2 * each + k] / c).tanh()];
                    let z = (u - mean) * (-s).exp();
                    density += weight * (-0.5 * z * z - s - HALF_LOG_TWO_PI).exp();
                    sum += weight;
                }
                *out += (density / sum).ln();
            }
        }
    }

    fn gradient<'t>(&self, wanted: usize, operands: &[Var<'t>], _: Var<'t>, g: Var<'t>) -> Option<Var<'t>> {
        let (u, mixtures) = (operands[0], operands[1]);
        let slopes = g.tape().apply(Arc::clone(&self.slopes) as Arc<dyn Operation>, &[u, mixtures, g]);
        let (rows, width) = (u.shape()[0], u.shape()[1]);
        let each = width * self.components;
        Some(match wanted {
            0 => -slopes.slice(1, each, each).reshape([rows, width, self.components]).sum_axis(2),
            _ => slopes,
        })
    }
}

impl Operation for Slopes {
    fn name(&self) -> &'static str {
        "mixture_slopes"
    }

    fn shape(&self, operands: &[Shape]) -> Result<Shape, String> {
        let (n, _) = check(self.components, operands)?;
        match &*operands[2] {
            [same] if *same == n => Ok(operands[1]),
            gradient => Err(format!("u {:?} with a gradient {gradient:?}: wanted [n, width], [n]", operands[0])),
        }
    }

    fn forward(&self, operands: &[View<'_, f32>], out: &mut [f32]) {
        let width = operands[0].shape[1];
        let (components, each) = (self.components, width * self.components);
        let rows = rows_of_a_task(width, components);
        if each == 0 {
            return;
        }
        for_each(chunks_mut(out, rows * GROUPS * each), |task, out| {
            with_numbers(2 * each, |numbers| {
                let [z, terms] = parts(numbers, each);
                for (row, out) in out.chunks_exact_mut(GROUPS * each).enumerate() {
                    let row = task * rows + row;
                    let g = operands[2].values[row];
                    let [logits, means, raw] = parts(out, each);
                    // On the way, weights are in the place of logits, e^(−s) in that of means, tanh(r / c) in that of r.
                    let into = [&mut *raw, &mut *means, &mut *z, &mut *terms, &mut *logits];
                    Row::of(components, operands, row).evaluate(into, |_, _| {});
                    for own in (0..each).step_by(components).map(|first| first..first + components) {
                        let density = terms[own.clone()].iter().sum::<f32>();
                        let weight = logits[own.clone()].iter().sum::<f32>();
                        for k in own {
                            let responsibility = g * (terms[k] / density);
                            logits[k] = responsibility - g * (logits[k] / weight);
                            means[k] *= responsibility * z[k];
                            raw[k] = responsibility * (z[k] * z[k] - 1.0) * (1.0 - raw[k] * raw[k]);
                        }
                    }
                }
            });
        });
    }

    fn reference(&self, operands: &[View<'_, f64>], out: &mut [f64]) {
        let (width, components) = (operands[0].shape[1], self.components);
        let (each, c) = (width * components, f64::from(LOG_DEVIATION_BOUND));
        for (row, out) in out.chunks_exact_mut((GROUPS * each).max(1)).enumerate() {
            let mixtures = &operands[1].values[row * GROUPS * each..][..GROUPS * each];
            let g = operands[2].values[row];
            for component in 0..width {
                let u = operands[0].values[row * width + component];
                let own = component * components..(component + 1) * components;
                let of = |k: usize| {
                    let tanh = (mixtures[2 * each + k] / c).tanh();
                    let (weight, s) = (mixtures[k].exp(), c * tanh);
                    let z = (u - mixtures[each + k]) * (-s).exp();
                    (weight, weight * (-0.5 * z * z - s).exp(), z, s, tanh)
                };
                let weights: f64 = own.clone().map(|k| of(k).0).sum();
                let densities: f64 = own.clone().map(|k| of(k).1).sum();
                for k in own {
                    let (weight, density, z, s, tanh) = of(k);
                    let responsibility = density / densities;
                    out[k] = g * (responsibility - weight / weights);
                    out[each + k] = g * responsibility * z * (-s).exp();
                    out[2 * each + k] = g * responsibility * (z * z - 1.0) * (1.0 - tanh * tanh);
                }
            }
        }
    }
}
