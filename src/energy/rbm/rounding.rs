//! Machines on a grid: weights that are multiples of δ = 2⁻ᵏ, so that 16-bit sums are exact.

use super::{Rbm, RbmError, stride};
use crate::kernels::lookup::{FixedTables, WINDOW, Weights};
use crate::simd::Isa;

/// What a sweep computes its sums in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Precision {
    /// 32-bit floats.
    #[default]
    F32,
    /// 16-bit fixed point: exact for machines made by [`Rbm::rounded`], about twice as fast.
    I16,
}

/// The finest grid tried: beyond it f32 biases would not be exact either.
const FINEST: i32 = 20;

/// The largest predicted logit error accepted, root mean square: it moves a probability by at most a fortieth.
const LOGIT_ERROR_LIMIT: f64 = 0.1;

/// How coarse a grid a machine was rounded to, and what that does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rounding {
    /// k: the grid's step is 2⁻ᵏ.
    pub bits: i32,
    /// δ = 2⁻ᵏ.
    pub step: f32,
    /// Root mean square of the weights' rounding errors.
    pub weight_error: f64,
    /// The root of the sum of squared rounding errors of the worst unit's weights: what its logit is off by where all
    /// its inputs are on and the errors independent; less otherwise.
    pub logit_error: f64,
}

impl std::fmt::Display for Rounding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "weights are multiples of 2^-{}: root mean square error {:.1e} a weight, at most {:.1e} a logit",
            self.bits, self.weight_error, self.logit_error
        )
    }
}

impl Rbm {
    /// The machine whose weights are rounded to the finest grid 2⁻ᵏ, one for both directions, on which no unit's weights
    /// add up to more than 65,535 steps: the machine that [`Precision::I16`] samples, exactly. Biases stay.
    ///
    /// # Errors
    /// Where the grid is so coarse that it would move a logit by more than 0.1.
    pub fn rounded(&self) -> Result<(Rbm, Rounding), RbmError> {
        let unit_sum = |step: f32| {
            let steps = |weight: &f32| (weight / step).round_ties_even().abs() as f64;
            let hidden = self.transposed.chunks_exact(stride(self.visible)).map(|row| row.iter().map(steps).sum());
            let visible = self.weights.chunks_exact(self.hidden).map(|row| row.iter().map(steps).sum());
            hidden.chain(visible).fold(0.0, f64::max)
        };
        let step = |bits: i32| 2f32.powi(-bits);
        // Rounding moves a sum by at most half a step a weight, so the guess is off by little.
        let largest = unit_sum(step(FINEST)) * f64::from(step(FINEST));
        let mut bits =
            (f64::from(WINDOW) / largest.max(f64::MIN_POSITIVE)).log2().floor().min(f64::from(FINEST)) as i32;
        while unit_sum(step(bits)) > f64::from(WINDOW) {
            bits -= 1;
        }
        let step = step(bits);
        let mut rounded = self.clone();
        for weights in [&mut rounded.weights, &mut rounded.transposed] {
            weights.iter_mut().for_each(|weight| *weight = (*weight / step).round_ties_even() * step);
        }
        rounded.step = Some(step);

        let error = |(a, b): (&f32, &f32)| (f64::from(*a) - f64::from(*b)).powi(2);
        let row_errors = |own: &[f32], other: &[f32], width: usize| -> Vec<f64> {
            let rows = own.chunks_exact(width).zip(other.chunks_exact(width));
            rows.map(|(own, other)| own.iter().zip(other).map(error).sum()).collect()
        };
        let hidden = row_errors(&self.transposed, &rounded.transposed, stride(self.visible));
        let visible = row_errors(&self.weights, &rounded.weights, self.hidden);
        let weight_error = (hidden.iter().sum::<f64>() / (self.visible * self.hidden) as f64).sqrt();
        let logit_error = hidden.into_iter().chain(visible).fold(0.0, f64::max).sqrt();
        if logit_error > LOGIT_ERROR_LIMIT {
            return Err(RbmError::Coarse { logit_error, limit: LOGIT_ERROR_LIMIT });
        }
        Ok((rounded, Rounding { bits, step, weight_error, logit_error }))
    }
}

/// The 16-bit tables of both directions of a rounded machine.
#[derive(Clone, Debug)]
pub(super) struct FixedPoint {
    towards_hidden: FixedTables,
    towards_visible: FixedTables,
}

impl FixedPoint {
    pub(super) fn new() -> Self {
        Self::with_isa(Isa::current())
    }

    pub(super) fn with_isa(isa: Isa) -> Self {
        FixedPoint { towards_hidden: FixedTables::with_isa(isa), towards_visible: FixedTables::with_isa(isa) }
    }

    /// # Panics
    /// Where the machine is not rounded.
    #[track_caller]
    pub(super) fn tabulate(&mut self, rbm: &Rbm) {
        let step = rbm.step.expect("16-bit sweeps want a machine made by Rbm::rounded");
        self.towards_hidden.build(&rbm.transposed, [rbm.hidden, rbm.visible], stride(rbm.visible), step);
        self.towards_visible.build(&rbm.weights, [rbm.visible, rbm.hidden], rbm.hidden, step);
    }

    /// Towards hidden units, then towards visible ones.
    pub(super) fn weights(&self) -> (Weights<'_>, Weights<'_>) {
        (Weights::Fixed(&self.towards_hidden), Weights::Fixed(&self.towards_visible))
    }
}

#[cfg(test)]
mod tests {
    use super::super::reference::machine;
    use super::*;
    use crate::kernels::lookup::{self, BitsRef, Rows};
    use crate::random::Seed;
    use crate::tensor::{BitMatrix, LANES};

    #[test]
    fn sixteen_bit_sums_are_the_rounded_machines_f32_sums() {
        for (visible, hidden, scale) in [(1, 1, 1.0), (5, 3, 2.0), (33, 47, 0.3), (100, 70, 3.0), (784, 500, 0.2)]
        {
            let (rounded, report) = machine(visible, hidden, scale, 1).rounded().expect("fine enough");
            let input = BitMatrix::from_fn(70, visible, |r, u| (r * 7 + u * 5 + r * u) % 3 != 0);
            let stride = input.blocks() * LANES;
            let sums = |weights: Weights<'_>| {
                let mut out = vec![0.0; hidden * stride];
                lookup::sums(weights, BitsRef::from(&input), &mut out, stride);
                out
            };
            for isa in Isa::ALL.into_iter().filter(|isa| isa.is_supported()) {
                let rows = Rows {
                    isa,
                    values: &rounded.transposed,
                    outputs: hidden,
                    inputs: visible,
                    stride: super::stride(visible),
                };
                let mut fixed = FixedPoint::with_isa(isa);
                fixed.tabulate(&rounded);
                assert_eq!(sums(Weights::Rows(rows)), sums(fixed.weights().0), "{isa}, 2^-{}", report.bits);
            }
        }
    }

    #[test]
    fn the_edges_of_the_window_are_reached_without_wrapping() {
        // 65,535 steps on one side, and on both.
        for weights in [[21_845.0f32; 3], [-21_845.0; 3], [32_767.0, -32_767.0, 1.0]] {
            let weights: Vec<f32> = weights.iter().map(|w| w * 2f32.powi(-14)).collect();
            let rbm = Rbm::from_parameters(3, 1, &weights, &[0.0; 3], &[0.0]).expect("finite numbers");
            let (rounded, report) = rbm.rounded().expect("on a grid");
            assert_eq!((report.bits, report.weight_error), (14, 0.0));
            let input = BitMatrix::from_fn(8, 3, |row, unit| row >> unit & 1 == 1);
            for isa in Isa::ALL.into_iter().filter(|isa| isa.is_supported()) {
                let mut fixed = FixedPoint::with_isa(isa);
                fixed.tabulate(&rounded);
                let mut out = vec![0.0; LANES];
                lookup::sums(fixed.weights().0, BitsRef::from(&input), &mut out, LANES);
                for row in 0..8 {
                    let want: f32 = (0..3).filter(|unit| row >> unit & 1 == 1).map(|unit| weights[unit]).sum();
                    assert_eq!(out[row], want, "{isa}, state {row}");
                }
            }
        }
    }

    #[test]
    fn a_grid_one_finer_would_overflow() {
        for seed in 0..20 {
            let rbm = machine(40, 30, 0.5, seed);
            let (_, report) = rbm.rounded().expect("fine enough");
            let steps = |w: &f32| f64::from((w / (report.step / 2.0)).round_ties_even().abs());
            let rows = rbm.weights.chunks_exact(30).chain(rbm.transposed.chunks_exact(stride(40)));
            let largest = rows.map(|row| row.iter().map(steps).sum::<f64>()).fold(0.0, f64::max);
            assert!(largest > f64::from(WINDOW), "2^-{} is not the finest grid", report.bits);
        }
    }

    #[test]
    fn sixteen_bit_chains_are_the_rounded_machines_f32_chains() {
        let (rounded, _) = machine(130, 77, 0.6, 4).rounded().expect("fine enough");
        for chains in [1, 30, 600] {
            let mut float = rounded.chains(chains, Seed(1));
            let mut fixed = float.clone();
            fixed.set_precision(Precision::I16);
            float.gibbs(&rounded, 5);
            fixed.gibbs(&rounded, 5);
            assert_eq!(float.visible(), fixed.visible());
            assert_eq!(float.hidden(), fixed.hidden());
        }
    }

    #[test]
    fn coarse_grids_are_refused() {
        let refused = machine(400, 400, 60.0, 5).rounded();
        assert!(matches!(refused, Err(RbmError::Coarse { .. })), "{refused:?}");
    }
}
