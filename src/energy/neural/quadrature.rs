//! log Z of one or two dimensions by the midpoint rule on a grid of u.
//!
//! A smooth function that has fallen to nothing at the ends of an interval is summed by equal steps with an error that falls
//! faster than any power of the step (Trefethen & Weideman 2014). So the interval, which is wider than the rows that are to be
//! scored, is widened until the outermost eighth of it holds nothing, then the step is halved until the sum has stood still
//! twice, or the grid is as fine as it may be; by how much the sum last moved is its error, an estimate.
//!
//! A peak between the points moves no sum. Where the rows are the density is known without a grid, and a row sees what the grid does
//! not: its density times a cell is above 1, which no density that the grid resolves can be; or it holds a hundredth of the whole,
//! and the nearest point less than 1/e of what it does. Then the step is halved on, and if the finest grid is no better, the error is
//! not known.

use super::field::Field;
use super::{NeuralEnergy, ROWS};
use rayon::prelude::*;

/// Points along an axis to begin with.
const POINTS: usize = 128;
/// Points in all at the most, for each dimension: 2²² of the plane.
const MOST: [usize; 2] = [1 << 16, 2048];
/// The half-width to begin with, in deviations of the confinement's normal distribution: what is outside is below 10⁻⁸.
const REACH: f64 = 6.0;
/// The width of the interval in widths of the rows: they are not in its outermost eighth.
const BEYOND: f64 = 1.25;
/// The largest share of the whole in the outermost eighth.
const OUTSIDE: f64 = 1e-8;
/// Widenings by a half at the most.
const WIDENINGS: usize = 12;
/// The sum stands still when it moves by less, nats.
const STILL: f64 = 1e-5;
/// The largest share of the whole in the cell of a row, nats, whatever the nearest point says.
const IMPOSSIBLE: f64 = 0.0;
/// The largest one where the nearest point holds less by [`UNSEEN`] nats: ln 1/100.
const NOTICEABLE: f64 = -4.605;
/// See [`NOTICEABLE`].
const UNSEEN: f64 = 1.0;

/// ∫ e^(−E(x)) dx.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Quadrature {
    /// Its logarithm, nats.
    pub(super) log_z: f64,
    /// By how much halving the step last moved it, nats; infinite where that was not tried, or a row sees more than the grid.
    pub(super) error: f64,
    /// Points along an axis.
    pub(super) points: usize,
}

impl NeuralEnergy {
    /// Whether there is a grid for a model of this width.
    pub(super) fn has_grid(&self) -> bool {
        self.width() <= MOST.len() && self.config.confinement > 0.0
    }

    /// log Z with at most `most` points along an axis, and what is known of its error. `rows`, `[rows, width]`, are within.
    pub(super) fn quadrature(&self, rows: &[f32], most: Option<usize>) -> Quadrature {
        let most = most.unwrap_or(MOST[self.width() - 1]);
        let u = self.standardised(rows);
        let farthest = u.iter().fold(0.0f32, |farthest, u| farthest.max(u.abs()));
        let reach = REACH * f64::from(self.base_deviation());
        let (mut reach, mut points) = (reach.max(BEYOND * f64::from(farthest)), POINTS.min(most));
        let (mut sum, mut outside) = self.sum(reach, points);
        for _ in 0..WIDENINGS {
            if outside <= OUTSIDE {
                break;
            }
            (reach, points) = (1.5 * reach, (points + points / 2).min(most));
            (sum, outside) = self.sum(reach, points);
        }
        let energies = self.energies_of(&u);
        let sees_more = |sum: f64, points: usize| self.rows_see_more(&u, &energies, sum, reach, points);
        let (mut error, mut before) = (f64::INFINITY, f64::INFINITY);
        let mut unseen = sees_more(sum, points);
        while (unseen || error.max(before) > STILL) && 2 * points <= most {
            points *= 2;
            let (finer, _) = self.sum(reach, points);
            (before, error, sum) = (error, (finer - sum).abs(), finer);
            unseen = sees_more(sum, points);
        }
        let units: f64 = self.config.scale.iter().map(|&s| f64::from(s).ln()).sum();
        let error = if unseen { f64::INFINITY } else { error + outside };
        Quadrature { log_z: sum + units, error, points }
    }

    /// Whether a row of `u` `[rows, width]`, with `energies` `[rows]`, has a density that the grid cannot have seen.
    fn rows_see_more(&self, u: &[f32], energies: &[f64], sum: f64, reach: f64, points: usize) -> bool {
        let (width, cell) = (self.width(), 2.0 * reach / points as f64);
        let share = |energy: f64| width as f64 * cell.ln() - energy - sum;
        let noticed = |energy: &f64| share(*energy) > NOTICEABLE;
        if !energies.iter().any(noticed) {
            return false;
        }
        let nearest = |&u: &f32| ((((f64::from(u) + reach) / cell).floor() + 0.5) * cell - reach) as f32;
        let rows = energies.iter().zip(u.chunks_exact(width)).filter(|(energy, _)| noticed(energy));
        let (of_rows, places): (Vec<f64>, Vec<&[f32]>) = rows.unzip();
        let of_points = self.energies_of(&places.concat().iter().map(nearest).collect::<Vec<f32>>());
        of_rows.iter().zip(of_points).any(|(&row, point)| share(row) > IMPOSSIBLE || point - row > UNSEEN)
    }

    /// ln of the sum over the cells of [−reach, reach]ᵈ, and what part of it the outermost eighth holds.
    fn sum(&self, reach: f64, points: usize) -> (f64, f64) {
        let (width, cell) = (self.width(), 2.0 * reach / points as f64);
        let at = |index: usize| ((index as f64 + 0.5) * cell - reach) as f32;
        let count = points.pow(width as u32);
        let field = Field::of_values(self, ROWS);
        // The largest of a piece, the sum of e^(−E − largest), and its part outside.
        let piece = |field: &mut Field, first: usize| {
            let rows = ROWS.min(count - first);
            let u = field.input_mut();
            for row in 0..rows {
                let mut index = first + row;
                for u in &mut u[row * width..(row + 1) * width] {
                    *u = at(index % points);
                    index /= points;
                }
            }
            let mut places = [0.0; MOST.len() * ROWS];
            places[..rows * width].copy_from_slice(&u[..rows * width]);
            field.run(&self.store);
            let mut total = Total::NONE;
            for (u, &f) in places.chunks_exact(width).zip(&field.values()[..rows]) {
                let is_outside = u.iter().any(|&u| f64::from(u).abs() > 0.875 * reach);
                let weight =
                    Total { largest: -self.energy_at(u, f, 1.0), sum: 1.0, outside: f64::from(is_outside) };
                total = total.and(weight);
            }
            total
        };
        let totals: Vec<Total> = (0..count.div_ceil(ROWS))
            .into_par_iter()
            .map_init(|| field.clone(), |f, p| piece(f, p * ROWS))
            .collect();
        let total = totals.into_iter().fold(Total::NONE, Total::and);
        (total.largest + total.sum.ln() + width as f64 * cell.ln(), total.outside / total.sum)
    }
}

/// A sum of exponentials, scaled by the largest.
#[derive(Clone, Copy)]
struct Total {
    largest: f64,
    sum: f64,
    outside: f64,
}

impl Total {
    const NONE: Total = Total { largest: f64::NEG_INFINITY, sum: 0.0, outside: 0.0 };

    fn and(self, other: Total) -> Total {
        if other.largest == f64::NEG_INFINITY {
            return self;
        }
        let largest = self.largest.max(other.largest);
        let [own, others] = [self, other].map(|total| (total.largest - largest).exp());
        Total {
            largest,
            sum: own * self.sum + others * other.sum,
            outside: own * self.outside + others * other.outside,
        }
    }
}
