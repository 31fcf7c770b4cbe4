//! Machines on a grid: weights that are multiples of δ = 2⁻ᵏ, so that 16-bit sums are exact.

use super::machine::stride;
use super::{Rbm, RbmError};
use crate::energy::ParameterError;
use crate::kernels::lookup::WINDOW;
use crate::tensor::LANES;
use rayon::prelude::*;

/// Precision of a sweep's sums.
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
    /// The most that a logit can be off by, whatever the inputs: over the units, the larger of the sums of their weights'
    /// upward and downward errors.
    pub largest_logit_error: f64,
}

impl std::fmt::Display for Rounding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "weights are multiples of 2^-{}: root mean square error {:.1e} a weight, {:.1e} the worst unit's logit, which \
             is never off by more than {:.1e}",
            self.bits, self.weight_error, self.logit_error, self.largest_logit_error
        )
    }
}

impl Rbm {
    /// The machine whose weights are rounded to the finest grid 2⁻ᵏ, one for both directions, on which no unit's weights
    /// add up to more than 65,535 steps: the machine that [`Precision::I16`] samples, exactly. Biases stay.
    ///
    /// # Errors
    /// Where the grid is so coarse that it would move a logit by more than 0.1, root mean square.
    pub fn rounded(&self) -> Result<(Rbm, Rounding), RbmError> {
        self.clone().into_rounded()
    }

    /// [`rounded`](Self::rounded) in the machine's own memory.
    ///
    /// # Errors
    /// As for `rounded`.
    pub fn into_rounded(mut self) -> Result<(Rbm, Rounding), RbmError> {
        let rounding = self.grid()?;
        let (step, per_step) = (rounding.step, 1.0 / rounding.step);
        for weights in [&mut self.weights, &mut self.transposed] {
            // 16 KB a task.
            weights.par_chunks_mut(4096).for_each(|weights| {
                for weight in weights {
                    *weight = nearest(*weight * per_step) * step;
                }
            });
        }
        self.step = Some(step);
        Ok((self, rounding))
    }

    /// The grid that [`rounded`](Self::rounded) rounds to; allocates nothing.
    pub(super) fn grid(&self) -> Result<Rounding, RbmError> {
        let rows = || {
            let hidden = self.transposed.par_chunks_exact(stride(self.visible));
            hidden.chain(self.weights.par_chunks_exact(self.hidden)).with_min_len(TASK_ROWS)
        };
        let largest = rows().map(|row| lane_sum(row, f32::abs)).reduce(|| 0.0, f32::max);
        if let Some(&value) = self.weights.iter().find(|weight| !weight.is_finite()) {
            return Err(ParameterError::NonFinite { tensor: "weights", value }.into());
        }
        let step = |bits: i32| 2f32.powi(-bits);
        // Rounding may bring sums a little above the window back into it: the guess is one grid too fine.
        let guess = (f64::from(WINDOW) / f64::from(largest.max(f32::MIN_POSITIVE))).log2().floor() + 1.0;
        let mut bits = guess.min(f64::from(FINEST)) as i32;
        let fits = |bits: i32| {
            let per_step = 1.0 / step(bits);
            rows().all(|row| lane_sum(row, |weight| nearest(weight * per_step).abs()) <= WINDOW as f32)
        };
        while !fits(bits) {
            bits -= 1;
        }
        let (step, per_step) = (step(bits), 1.0 / step(bits));

        // The sum and the largest of the rows' squared errors, and the largest sum of errors of one sign.
        let errors = |weights: &[f32], width: usize| {
            weights
                .par_chunks_exact(width)
                .with_min_len(TASK_ROWS)
                .map(|row| {
                    let error = |weight: f32| f64::from(weight - nearest(weight * per_step) * step);
                    let (mut squares, mut up, mut down) = (0.0, 0.0f64, 0.0f64);
                    for error in row.iter().map(|&weight| error(weight)) {
                        squares += error * error;
                        up += error.max(0.0);
                        down += (-error).max(0.0);
                    }
                    (squares, squares, up.max(down))
                })
                .reduce(|| (0.0, 0.0, 0.0), |a, b| (a.0 + b.0, a.1.max(b.1), a.2.max(b.2)))
        };
        let (all, hidden, most_hidden) = errors(&self.transposed, stride(self.visible));
        let (_, visible, most_visible) = errors(&self.weights, self.hidden);
        let weight_error = (all / (self.visible * self.hidden) as f64).sqrt();
        let logit_error = hidden.max(visible).sqrt();
        if logit_error > LOGIT_ERROR_LIMIT {
            return Err(RbmError::Coarse { logit_error, limit: LOGIT_ERROR_LIMIT });
        }
        Ok(Rounding { bits, step, weight_error, logit_error, largest_logit_error: most_hidden.max(most_visible) })
    }
}

/// Rows of weights that a task takes at least.
const TASK_ROWS: usize = 32;

/// The nearest whole number, ties to even, of one below 2²² in size: f32 has no bits left for its fraction beside
/// 1.5 · 2²³. Unlike `round_ties_even` it needs no instruction that the oldest x86-64 lacks.
#[inline]
fn nearest(x: f32) -> f32 {
    const SHIFT: f32 = 12_582_912.0;
    (x + SHIFT) - SHIFT
}

/// The sum of a row's values, in sixteen lanes.
#[inline]
fn lane_sum(row: &[f32], value: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let (chunks, rest) = row.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, &weight) in lanes.iter_mut().zip(chunk) {
            *lane += value(weight);
        }
    }
    lanes.iter().sum::<f32>() + rest.iter().map(|&weight| value(weight)).sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::super::reference::machine;
    use super::super::tabulated::Tabulated;
    use super::*;
    use crate::kernels::lookup::{self, BitsRef, FixedRows, FixedTables, Rows, Weights};
    use crate::random::Seed;
    use crate::simd::Isa;
    use crate::tensor::BitMatrix;

    /// The 16-bit sums of `input` for each hidden unit `[hidden][row]`, from tables kept whole, or tile by tile.
    fn fixed_sums(rbm: &Rbm, isa: Isa, step: f32, input: &BitMatrix) -> [Vec<f32>; 2] {
        let rows = Rows { isa, ..rbm.hidden_rows() };
        let mut tables = FixedTables::with_isa(isa);
        tables.build(rows.values, [rows.outputs, rows.inputs], rows.stride, step);
        [Weights::Fixed(&tables), Weights::FixedRows(FixedRows { rows, step })].map(|weights| sums(weights, input))
    }

    fn sums(weights: Weights<'_>, input: &BitMatrix) -> Vec<f32> {
        let stride = input.blocks() * LANES;
        let mut out = vec![0.0; weights.outputs() * stride];
        lookup::sums(weights, BitsRef::from(input), &mut out, stride);
        out
    }

    #[test]
    fn sixteen_bit_sums_are_the_rounded_machines_f32_sums() {
        for (visible, hidden, scale) in [(1, 1, 1.0), (5, 3, 2.0), (33, 47, 0.3), (100, 70, 3.0), (784, 500, 0.2)]
        {
            let rbm = machine(visible, hidden, scale, 1);
            let (rounded, report) = rbm.rounded().expect("fine enough");
            let input = BitMatrix::from_fn(70, visible, |r, u| (r * 7 + u * 5 + r * u) % 3 != 0);
            for isa in Isa::ALL.into_iter().filter(|isa| isa.is_supported()) {
                let want = sums(Weights::Rows(Rows { isa, ..rounded.hidden_rows() }), &input);
                // The machine before it was rounded is rounded on the way.
                for rbm in [&rounded, &rbm] {
                    for got in fixed_sums(rbm, isa, report.step, &input) {
                        assert!(got == want, "{isa}, 2^-{}, {visible} × {hidden}", report.bits);
                    }
                }
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
                for out in fixed_sums(&rounded, isa, report.step, &input) {
                    for row in 0..8 {
                        let want: f32 = (0..3).filter(|unit| row >> unit & 1 == 1).map(|unit| weights[unit]).sum();
                        assert_eq!(out[row], want, "{isa}, state {row}");
                    }
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
            let mut tile_by_tile = [float.clone(), fixed.clone()];
            float.gibbs(&rounded, 5);
            fixed.gibbs(&rounded, 5);
            for chains in &mut tile_by_tile {
                chains.tables = Tabulated::tile_by_tile();
                chains.gibbs(&rounded, 5);
            }
            for other in [&fixed, &tile_by_tile[0], &tile_by_tile[1]] {
                assert_eq!(float.visible(), other.visible());
                assert_eq!(float.hidden(), other.hidden());
            }
        }
    }

    #[test]
    fn no_logit_is_off_by_more_than_the_bound_and_some_by_more_than_the_root_mean_square() {
        let rbm = machine(12, 9, 2.0, 8);
        let (rounded, report) = rbm.rounded().expect("fine enough");
        let mut largest = 0.0f64;
        let error = |index: usize| f64::from(rbm.weights[index] - rounded.weights[index]);
        for state in 0..1usize << 12 {
            for unit in 0..9 {
                let on = (0..12).filter(|input| state >> input & 1 == 1);
                largest = largest.max(on.map(|input| error(input * 9 + unit)).sum::<f64>().abs());
            }
        }
        for state in 0..1usize << 9 {
            for input in 0..12 {
                let on = (0..9).filter(|unit| state >> unit & 1 == 1);
                largest = largest.max(on.map(|unit| error(input * 9 + unit)).sum::<f64>().abs());
            }
        }
        assert!(largest > report.logit_error, "{largest} {report}");
        assert!((largest - report.largest_logit_error).abs() < 1e-9 * largest, "{largest} {report}");
    }

    #[test]
    fn coarse_grids_are_refused() {
        let refused = machine(400, 400, 60.0, 5).rounded();
        assert!(matches!(refused, Err(RbmError::Coarse { .. })), "{refused:?}");
    }
}
