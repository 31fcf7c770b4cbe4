//! log Z of one or two dimensions by the midpoint rule on a grid of u.
//!
//! A smooth function that has fallen to nothing at the ends of an interval is summed by equal steps with an error that falls
//! faster than any power of the step (Trefethen & Weideman 2014). So the interval, which is wider than the rows that are to be
//! scored, is widened until the outermost eighth of it holds nothing, then the step is halved until the sum has stood still
//! twice, or the grid is as fine as it may be; by how much the sum last moved is its error, an estimate.
//!
//! A peak between the points moves no sum. Where the rows are the density is known without a grid, and a row sees what the grid does
//! not: its density times a cell is above 1, which no density that the grid resolves can be; or it holds a hundredth of the whole,
//! and the nearest point less than 1/e of what it does. Then the step is halved on, and where the finest grid is no better, the cells
//! of these rows are [cut finer by themselves](super::refinement). If that does not help, the error is not known.

use super::field::Field;
use super::refinement::{Base, Refined};
use super::{NeuralEnergy, ROWS};
use rayon::prelude::*;

/// Points along an axis to begin with.
const POINTS: usize = 128;
/// Dimensions at the most.
pub(super) const AXES: usize = 2;
/// Points along an axis at the most, for each dimension: 2²² of the plane.
const MOST: [usize; AXES] = [1 << 16, 2048];
/// The half-width to begin with, in deviations of the confinement's normal distribution: what is outside is below 10⁻⁸.
const REACH: f64 = 6.0;
/// The width of the interval in widths of the rows: they are not in its outermost eighth.
const BEYOND: f64 = 1.25;
/// The largest share of the whole in the outermost eighth.
const OUTSIDE: f64 = 1e-8;
/// Widenings by a half at the most.
const WIDENINGS: usize = 12;
/// The sum stands still when it moves by less, nats.
pub(super) const STILL: f64 = 1e-5;
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
    /// By how much halving the step last moved it, nats, in all cells or in those that were cut finer; infinite where that was not
    /// tried, or a row sees more than any cell.
    pub(super) error: f64,
    /// Points along an axis.
    pub(super) points: usize,
}

impl NeuralEnergy {
    /// Whether there is a grid for a model of this width.
    pub(super) fn has_grid(&self) -> bool {
        self.width() <= AXES && self.config.confinement > 0.0
    }

    /// log Z with at most `most` points along an axis, and what is known of its error. `rows`, `[rows, width]`, are within. Cells are
    /// cut finer by themselves only where no `most` is set.
    pub(super) fn quadrature(&self, rows: &[f32], most: Option<usize>) -> Quadrature {
        let finest = most.unwrap_or(MOST[self.width() - 1]);
        let u = self.standardised(rows);
        let rows = Rows { energies: self.energies_of(&u), u };
        let field = Field::of_values(self, ROWS);
        let reach = REACH * f64::from(self.base_deviation());
        let (mut reach, mut points) = (reach.max(BEYOND * rows.farthest()), POINTS.min(finest));
        let (mut sum, mut outside) = self.sum(&field, Grid::around(reach, points));
        for _ in 0..WIDENINGS {
            if outside <= OUTSIDE {
                break;
            }
            (reach, points) = (1.5 * reach, (points + points / 2).min(finest));
            (sum, outside) = self.sum(&field, Grid::around(reach, points));
        }
        let (mut error, mut before) = (f64::INFINITY, f64::INFINITY);
        let mut unseen = self.rows_that_see_more(&rows, sum, Grid::around(reach, points));
        while (!unseen.is_empty() || error.max(before) > STILL) && 2 * points <= finest {
            points *= 2;
            let (finer, _) = self.sum(&field, Grid::around(reach, points));
            let sums = [sum, finer];
            (before, error, sum) = (error, (finer - sum).abs(), finer);
            unseen = self.rows_that_see_more(&rows, sum, Grid::around(reach, points));
            if !unseen.is_empty() && 2 * points > finest && most.is_none() {
                let base = Base { grid: Grid::around(reach, points / 2), sums, rows: &rows, field: &field };
                let Refined { log_sum, error } = self.refined(&base, &unseen);
                return self.in_units(log_sum, error + outside, points);
            }
        }
        let error = if unseen.is_empty() { error + outside } else { f64::INFINITY };
        self.in_units(sum, error, points)
    }

    /// ∫ e^(−E) dx from ln of the sum over u.
    fn in_units(&self, log_sum: f64, error: f64, points: usize) -> Quadrature {
        let units: f64 = self.config.scale.iter().map(|&s| f64::from(s).ln()).sum();
        Quadrature { log_z: log_sum + units, error, points }
    }

    /// The `rows` that have a density which a grid whose sum is e^`log_sum` cannot have seen.
    pub(super) fn rows_that_see_more(&self, rows: &Rows, log_sum: f64, grid: Grid) -> Vec<usize> {
        let width = self.width();
        let share = |energy: f64| width as f64 * grid.cell.ln() - energy - log_sum;
        let noticed: Vec<usize> =
            (0..rows.energies.len()).filter(|&row| share(rows.energies[row]) > NOTICEABLE).collect();
        if noticed.is_empty() {
            return noticed;
        }
        let nearest = |row: &usize| -> Vec<f32> {
            let cell = grid.cell_of(rows.row(*row));
            cell[..width].iter().enumerate().map(|(axis, &index)| grid.at(axis, index)).collect()
        };
        let of_points = self.energies_of(&noticed.iter().flat_map(nearest).collect::<Vec<f32>>());
        let sees_more =
            |row: usize, point: f64| share(rows.energies[row]) > IMPOSSIBLE || point - rows.energies[row] > UNSEEN;
        let both = noticed.into_iter().zip(of_points);
        both.filter(|&(row, point)| sees_more(row, point)).map(|(row, _)| row).collect()
    }

    /// ln of the sum over the cells of a grid, and what part of it its outermost eighth holds.
    pub(super) fn sum(&self, field: &Field, grid: Grid) -> (f64, f64) {
        let (width, points) = (self.width(), grid.points);
        let count = points.pow(width as u32);
        let half = 0.5 * points as f64 * grid.cell;
        // The largest of a piece, the sum of e^(−E − largest), and its part outside.
        let piece = |field: &mut Field, first: usize| {
            let rows = ROWS.min(count - first);
            let u = field.input_mut();
            for row in 0..rows {
                let mut index = first + row;
                for (axis, u) in u[row * width..(row + 1) * width].iter_mut().enumerate() {
                    *u = grid.at(axis, index % points);
                    index /= points;
                }
            }
            let mut places = [0.0; AXES * ROWS];
            places[..rows * width].copy_from_slice(&u[..rows * width]);
            field.run(&self.store);
            let mut total = Total::NONE;
            for (u, &f) in places.chunks_exact(width).zip(&field.values()[..rows]) {
                let far = |(&u, low): (&f32, f64)| (f64::from(u) - (low + half)).abs() > 0.875 * half;
                let is_outside = u.iter().zip(grid.low).any(far);
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
        (total.largest + total.sum.ln() + width as f64 * grid.cell.ln(), total.outside / total.sum)
    }
}

/// Rows that are to be scored.
pub(super) struct Rows {
    /// `[rows, width]`.
    u: Vec<f32>,
    /// `[rows]`.
    energies: Vec<f64>,
}

impl Rows {
    /// A row, `[width]`.
    pub(super) fn row(&self, row: usize) -> &[f32] {
        let width = self.u.len() / self.energies.len();
        &self.u[row * width..][..width]
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.energies.len()
    }

    /// These of them.
    pub(super) fn of(&self, rows: &[usize]) -> Rows {
        Rows {
            u: rows.iter().flat_map(|&row| self.row(row)).copied().collect(),
            energies: rows.iter().map(|&row| self.energies[row]).collect(),
        }
    }

    fn farthest(&self) -> f64 {
        f64::from(self.u.iter().fold(0.0f32, |farthest, u| farthest.max(u.abs())))
    }
}

/// A square, or an interval, in cells; their middles are the points.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    /// The lowest corner.
    low: [f64; AXES],
    /// The side of a cell.
    cell: f64,
    /// Cells along an axis.
    pub(super) points: usize,
}

impl Grid {
    /// [−reach, reach]ᵈ.
    fn around(reach: f64, points: usize) -> Self {
        Grid { low: [-reach; AXES], cell: 2.0 * reach / points as f64, points }
    }

    /// One of its cells in `points` cells along an axis.
    pub(super) fn within(&self, cell: [usize; AXES], points: usize) -> Self {
        let low = |axis: usize| self.low[axis] + cell[axis] as f64 * self.cell;
        Grid { low: std::array::from_fn(low), cell: self.cell / points as f64, points }
    }

    fn at(&self, axis: usize, index: usize) -> f32 {
        ((index as f64 + 0.5) * self.cell + self.low[axis]) as f32
    }

    /// The cell that holds `u` `[width]`, or the nearest one.
    pub(super) fn cell_of(&self, u: &[f32]) -> [usize; AXES] {
        let mut cell = [0; AXES];
        u.iter().enumerate().for_each(|(axis, &u)| cell[axis] = self.index_of(axis, u));
        cell
    }

    fn index_of(&self, axis: usize, u: f32) -> usize {
        // Below 0 the conversion gives 0.
        (((f64::from(u) - self.low[axis]) / self.cell) as usize).min(self.points - 1)
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
