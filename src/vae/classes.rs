//! Classes on the tape: which of them a row is taken with, and the expectation over those of rows without a label.
//!
//! With ℓ(x, y) the bound on ln p(x | y) that z alone leaves, q(y | x) and p(y):
//!
//! - a row with the label y has ln p(x, y) ≥ ℓ(x, y) + ln p(y), and −ln q(y | x) beside it, weighted by α, so that the classifier learns;
//! - a row without one has ln p(x) ≥ Σ_y q(y | x) ℓ(x, y) − KL(q(y | x) ‖ p(y)).
//!
//! The divergence is a sum of C terms without a decoder, and is always exact, whatever is done about the first sum. Its derivative with respect to
//! q has the terms ∂q(y | x) ℓ(x, y), which need ℓ of all classes. As Σ_y ∂q(y | x) = 0, any number b may be subtracted from all of them, and
//! for the k most probable classes T and one drawn from the rest, r, with the probability q(r) / (1 − Σ_T q),
//!
//! Σ_T ∂q(y) (ℓ(y) − b) + (1 − Σ_T q) (ℓ(r) − b) ∂ ln q(r)
//!
//! has the mean Σ_y ∂q(y) ℓ(y) where b does not depend on r (Liu et al. 2019). Here b = Σ_T q ℓ / Σ_T q. Subtracted from the drawn one alone it
//! would leave −b Σ_{y ∉ T} ∂q(y).

use super::ClassesBy;
use super::classification::best_of;
use super::network::Network;
use super::objective::{Pass, bound_of};
use super::recipe::Bound;
use crate::autodiff::{Operation, Shape, Tape, Var, View};
use std::sync::Arc;

/// The classes that rows are taken with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Classes<'t> {
    /// Some classes of each row, by their numbers `[m, batch]`.
    Of(Var<'t>),
    /// Shares of the classes `[batch, C]`, as if they were one.
    Shares(Var<'t>),
}

impl<'t> Classes<'t> {
    /// What a layer with these weights `[C, width]` adds for them: `[m, batch, width]`.
    pub(super) fn rows_of(self, weights: Var<'t>) -> Var<'t> {
        let width = weights.shape()[1];
        match self {
            Classes::Of(numbers) => {
                let [m, batch] = [numbers.shape()[0], numbers.shape()[1]];
                weights.gather(numbers.reshape([m * batch])).reshape([m, batch, width])
            }
            Classes::Shares(shares) => shares.matmul(weights).reshape([1, shares.shape()[0], width]),
        }
    }
}

/// All classes of each of so many rows. Their weights are gathered row by row: sums over the rows of a class alone, which a single row of
/// weights for all of them would ask for, are slower than scattered ones.
fn all_classes<'t>(tape: &'t Tape<'t>, classes: usize, batch: usize) -> Classes<'t> {
    let numbers: Vec<f32> = (0..classes * batch).map(|place| (place / batch) as f32).collect();
    Classes::Of(tape.constant([classes, batch], &numbers))
}

/// The k most probable classes of each row, and one of the rest: operands probabilities `[batch, C]` and, where one is drawn, uniform
/// numbers `[batch]`; the result is their numbers, `[k + 1, batch]`, or `[k, batch]` where none is drawn.
#[derive(Clone, Copy, Debug)]
struct Choice {
    top: usize,
}

impl Choice {
    /// The classes of one row, the most probable first; of equals the one with the smaller number.
    fn of_row(self, probabilities: &[f32], uniform: Option<f32>, mut put: impl FnMut(usize, usize)) {
        let mut taken = [usize::MAX; 32];
        let mut rest: Vec<usize>;
        let top: &[usize] = if self.top <= taken.len() {
            for place in 0..self.top {
                let free = |class: &usize| !taken[..place].contains(class);
                let best = best_of(probabilities, (0..probabilities.len()).filter(free));
                taken[place] = best.expect("no more classes than there are");
            }
            &taken[..self.top]
        } else {
            rest = (0..probabilities.len()).collect();
            rest.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]).then(a.cmp(&b)));
            &rest[..self.top]
        };
        top.iter().enumerate().for_each(|(place, &class)| put(place, class));
        let Some(uniform) = uniform else { return };
        let others = || (0..probabilities.len()).filter(|class| !top.contains(class));
        let mass: f64 = others().map(|class| f64::from(probabilities[class])).sum();
        let mut left = mass * f64::from(uniform);
        let mut drawn = None;
        for class in others() {
            // Where rounding leaves something over, the last class that has a probability.
            if drawn.is_none() || probabilities[class] > 0.0 {
                drawn = Some(class);
            }
            left -= f64::from(probabilities[class]);
            if left < 0.0 {
                break;
            }
        }
        put(self.top, drawn.expect("a class is left"));
    }
}

impl Operation for Choice {
    fn name(&self) -> &'static str {
        "choose_classes"
    }

    fn shape(&self, operands: &[Shape]) -> Result<Shape, String> {
        let probabilities = operands[0];
        match operands {
            [_] if self.top <= probabilities[1] => Ok(Shape::from([self.top, probabilities[0]])),
            [_, uniform] if self.top < probabilities[1] && uniform.elements() == probabilities[0] => {
                Ok(Shape::from([self.top + 1, probabilities[0]]))
            }
            _ => Err(format!("{} most probable classes of probabilities {probabilities}", self.top)),
        }
    }

    fn forward(&self, operands: &[View<'_, f32>], out: &mut [f32]) {
        let [batch, classes] = [operands[0].shape[0], operands[0].shape[1]];
        for (row, probabilities) in operands[0].values.chunks_exact(classes).enumerate() {
            let uniform = operands.get(1).map(|view| view.values[row]);
            self.of_row(probabilities, uniform, |place, class| out[place * batch + row] = class as f32);
        }
    }

    fn gradient<'t>(&self, _: usize, _: &[Var<'t>], _: Var<'t>, _: Var<'t>) -> Option<Var<'t>> {
        None
    }
}

/// The most probable class of each row of probabilities, or of what orders as they do, `[batch, C]`: `[1, batch]`.
pub(super) fn most_probable(probabilities: Var<'_>) -> Var<'_> {
    probabilities.tape().apply(Arc::new(Choice { top: 1 }), &[probabilities])
}

/// What rows without labels are given beside their values and their noise.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unlabelled<'t> {
    /// x `[batch, visible]`.
    pub(super) x: Var<'t>,
    /// ε `[k, batch, latent]`: the same for all classes of a row.
    pub(super) noise: Var<'t>,
    /// β.
    pub(super) beta: Var<'t>,
    /// A scalar: the part of its derivatives that q(y | x) is given.
    pub(super) followed: Option<Var<'t>>,
    /// A scalar.
    pub(super) temperature: Option<Var<'t>>,
    /// Uniform numbers in [0, 1), `[batch, n]`: one of a row where a class is drawn, C where shares of classes are.
    pub(super) uniform: Option<Var<'t>>,
}

impl<'t> Unlabelled<'t> {
    /// ℓ(x, y) of the classes a row is taken with, `[m, batch]`.
    fn bound(&self, network: &Network, bound: Bound, classes: Classes<'t>) -> Var<'t> {
        let pass = Pass::new(network, self.x, self.noise, Some(classes));
        bound_of(&pass, network, bound, self.beta)
    }

    /// The same numbers, whose derivatives are passed on in part.
    fn followed_in_part(&self, log_q: Var<'t>) -> Var<'t> {
        let Some(part) = self.followed else { return log_q };
        let still = log_q.stop_gradient();
        still + part * (log_q - still)
    }

    /// Uniform numbers a row that an estimator of so many classes takes.
    pub(super) fn uniforms(by: ClassesBy, classes: usize) -> usize {
        match by.resolved(classes) {
            ClassesBy::TopK(top) if top < classes => 1,
            ClassesBy::Gumbel => classes,
            _ => 0,
        }
    }

    /// A mean over the rows whose value and derivatives have those of Σ_y q(y | x) ℓ(x, y) − β KL(q(y | x) ‖ p(y)) for a mean, but for the
    /// biased estimator.
    pub(super) fn bound_by(&self, network: &Network, bound: Bound, by: ClassesBy) -> Var<'t> {
        let log_q = self.followed_in_part(network.classify(self.x));
        let log_p = network.label_log_prior(self.x.tape());
        let q = log_q.exp();
        let divergence = (q * (log_q - log_p)).sum_axis(1).mean();
        let [batch, classes] = [log_q.shape()[0], log_q.shape()[1]];
        let expectation = match by.resolved(classes) {
            ClassesBy::TopK(top) => self.by_top(network, bound, top.min(classes), log_q),
            ClassesBy::Gumbel => {
                let (uniform, temperature) =
                    (self.uniform.expect("noise"), self.temperature.expect("a temperature"));
                // −ln(−ln u), kept finite: u is a multiple of 2⁻²⁴.
                let tiny = 3e-8;
                let gumbel = -(-(uniform.reshape([batch, classes]) + tiny).ln() + tiny).ln();
                let shares = ((log_q + gumbel) * temperature.reciprocal()).softmax(1);
                self.bound(network, bound, Classes::Shares(shares)).sum_axis(0).mean()
            }
            ClassesBy::Auto | ClassesBy::Enumerate => {
                (q.t() * self.bound(network, bound, all_classes(self.x.tape(), classes, batch))).sum_axis(0).mean()
            }
        };
        expectation - self.beta * divergence
    }

    /// Σ_y q(y | x) ℓ(x, y) by the `top` most probable classes and one of the rest.
    fn by_top(&self, network: &Network, bound: Bound, top: usize, log_q: Var<'t>) -> Var<'t> {
        let tape = self.x.tape();
        let [batch, classes] = [log_q.shape()[0], log_q.shape()[1]];
        let (choice, probabilities) = (Arc::new(Choice { top }), log_q.exp().stop_gradient());
        let drawn = top < classes;
        let chosen = match (drawn, self.uniform) {
            (true, Some(uniform)) => tape.apply(choice, &[probabilities, uniform.reshape([batch])]),
            _ => tape.apply(choice, &[probabilities]),
        };
        let m = chosen.shape()[0];
        let starts: Vec<f32> = (0..batch).map(|row| (row * classes) as f32).collect();
        let places = (chosen + tape.constant([1, batch], &starts)).reshape([m * batch]);
        let log_q = log_q.reshape([batch * classes]).gather(places).reshape([m, batch]);
        let bounds = self.bound(network, bound, Classes::Of(chosen));
        let (q_top, of_top) = (log_q.slice(0, 0, top).exp(), bounds.slice(0, 0, top));
        let mass = q_top.sum_axis(0).stop_gradient();
        let baseline = ((q_top * of_top).sum_axis(0) / mass).stop_gradient();
        let summed = (q_top * (of_top - baseline)).sum_axis(0) + baseline * mass;
        if !drawn {
            return summed.mean();
        }
        let rest = (1.0 - mass).maximum(tape.scalar(0.0));
        let (of_rest, log_q_rest) =
            (bounds.slice(0, top, 1).reshape([batch]), log_q.slice(0, top, 1).reshape([batch]));
        let score = (of_rest.stop_gradient() - baseline) * (log_q_rest - log_q_rest.stop_gradient());
        (summed + rest * (of_rest + score)).mean()
    }
}

/// −ln q(y | x) of labels `[batch, 1]`, a mean over the rows x `[batch, visible]`.
pub(super) fn cross_entropy<'t>(network: &Network, x: Var<'t>, labels: Var<'t>) -> Var<'t> {
    let log_q = network.classify(x);
    let [batch, classes] = [log_q.shape()[0], log_q.shape()[1]];
    let starts: Vec<f32> = (0..batch).map(|row| (row * classes) as f32).collect();
    let places = labels.reshape([batch]) + x.tape().constant([batch], &starts);
    -log_q.reshape([batch * classes]).gather(places).mean()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_probable_come_first_and_one_of_the_rest_is_drawn() {
        let probabilities = [0.1, 0.4, 0.05, 0.4, 0.05];
        let chosen = |top, uniform| {
            let mut chosen = Vec::new();
            Choice { top }.of_row(&probabilities, uniform, |_, class| chosen.push(class));
            chosen
        };
        assert_eq!(chosen(3, None), [1, 3, 0]);
        // The rest are 0, 2 and 4, with half, a quarter and a quarter.
        for (uniform, drawn) in [(0.0, 0), (0.49, 0), (0.51, 2), (0.74, 2), (0.76, 4), (0.999_999, 4)] {
            assert_eq!(chosen(2, Some(uniform)), [1, 3, drawn], "{uniform}");
        }
        // A rest without probability has a class all the same.
        let mut drawn = None;
        Choice { top: 1 }.of_row(&[1.0, 0.0, 0.0], Some(0.5), |place, class| drawn = Some((place, class)));
        assert_eq!(drawn, Some((1, 1)));
        let mut many = Vec::new();
        let rising: Vec<f32> = (0..50).map(|class| class as f32).collect();
        Choice { top: 40 }.of_row(&rising, None, |_, class| many.push(class));
        assert_eq!(many, (10..50).rev().collect::<Vec<_>>());
    }
}
