//! Cells of the grid that hold a peak between their points, cut finer one by one.
//!
//! A grid of the plane has four million points and still none on a peak a thousandth wide. The rows that see more than the grid
//! say where to look: their cells are halved along each axis, again and again, until a cell's own sum stands still and its rows
//! see no more than its points do. A cell that changed hands on to its neighbours how fine it was cut, so that a ridge is
//! followed for as long as it holds anything. A peak on which no row lies stays unseen.
//!
//! The cells are those of the grid before the finest, each of which the finest one has halved: so both sums of all other
//! cells are known by subtraction. How far they are apart, with how far each finer cell moved last, is the error.

use super::NeuralEnergy;
use super::field::Field;
use super::quadrature::{AXES, Grid, Rows, STILL};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Parts of a cell along an axis at the most, for each dimension: on the line steps are near the distance of two f32.
const PARTS: [usize; AXES] = [1 << 13, 1 << 8];
/// Points in all at the most: four times those of the finest grid of the plane. That is enough for hundreds of spots as narrow as
/// a part, or for a ridge across the plane that is some thirty parts of a cell wide or wider.
const POINTS: usize = 1 << 24;
/// A cell stands still when it moves by less than this part of the whole.
const CELL_STILL: f64 = STILL / 64.0;

/// The sums whose cells are cut finer.
pub(super) struct Base<'a> {
    /// The grid before the finest.
    pub(super) grid: Grid,
    /// ln of its sum, and of that of the finest grid.
    pub(super) sums: [f64; 2],
    /// All rows.
    pub(super) rows: &'a Rows,
    /// The network.
    pub(super) field: &'a Field,
}

/// ln of a sum over cells of many sizes.
pub(super) struct Refined {
    pub(super) log_sum: f64,
    /// By how much halving the cells last moved it, nats; infinite where a row still sees more, or the points were used up.
    pub(super) error: f64,
}

type Cell = [usize; AXES];

/// The parts of the sum, as shares of that over the finest grid.
struct Shares {
    /// The cells that are not cut finer, by the grid before the finest and by the finest.
    others: [f64; 2],
    /// The cells that are.
    cut: f64,
    /// By how much these moved last.
    moved: f64,
}

impl Shares {
    fn total(&self) -> f64 {
        self.others[1] + self.cut
    }
}

/// A cell cut finer.
struct Cut {
    parts: usize,
    sum: f64,
    /// With half as many parts.
    before: f64,
    /// Whether a row sees more all the same.
    unseen: bool,
    /// Points that it took.
    points: usize,
}

impl NeuralEnergy {
    /// The sum with the cells of the rows `unseen` cut finer, and those beside them for as long as that changes anything.
    pub(super) fn refined(&self, base: &Base<'_>, unseen: &[usize]) -> Refined {
        let cell_of = |row: usize| base.grid.cell_of(base.rows.row(row));
        let mut rows_of: BTreeMap<Cell, Vec<usize>> = BTreeMap::new();
        (0..base.rows.len()).for_each(|row| rows_of.entry(cell_of(row)).or_default().push(row));
        let mut met: BTreeSet<Cell> = unseen.iter().map(|&row| cell_of(row)).collect();
        let mut queue: VecDeque<(Cell, usize)> = met.iter().map(|&cell| (cell, 1)).collect();

        let scale = base.sums[1];
        let mut shares = Shares { others: [(base.sums[0] - scale).exp(), 1.0], cut: 0.0, moved: 0.0 };
        let (mut points, mut known) = (0, true);
        while let Some((cell, at_least)) = queue.pop_front() {
            let [one, two] = [1, 2].map(|parts| self.share(base, cell, parts));
            shares.others = [shares.others[0] - one, shares.others[1] - two];
            let rows = base.rows.of(rows_of.get(&cell).map_or(&[], Vec::as_slice));
            let cut = self.cut(base, cell, (at_least, two), &rows, shares.total());
            points += cut.points;
            known &= !cut.unseen && points <= POINTS;
            if !known {
                break;
            }
            shares.cut += cut.sum;
            shares.moved += (cut.sum - cut.before).abs();
            if (cut.sum - two).abs() > CELL_STILL * shares.total() {
                let around = neighbours(cell, self.width(), base.grid.points);
                queue.extend(around.filter(|&beside| met.insert(beside)).map(|beside| (beside, cut.parts)));
            }
        }
        let total = shares.total();
        let error = ((shares.others[1] - shares.others[0]).abs() + shares.moved) / total;
        let known = known && total > 0.0 && total.is_finite();
        Refined { log_sum: scale + total.ln(), error: if known { error } else { f64::INFINITY } }
    }

    /// The sum over a cell in so many parts along each axis, as a share of that over the finest grid.
    fn share(&self, base: &Base<'_>, cell: Cell, parts: usize) -> f64 {
        (self.sum(base.field, base.grid.within(cell, parts)).0 - base.sums[1]).exp()
    }

    /// Cuts a cell, whose `rows` are given, into `at_least` so many parts, from two, which have this sum, on. The rest of the sum
    /// is `others`.
    fn cut(&self, base: &Base<'_>, cell: Cell, (at_least, two): (usize, f64), rows: &Rows, others: f64) -> Cut {
        let width = self.width();
        let mut cut = Cut { parts: 2, sum: two, before: f64::INFINITY, unseen: true, points: 0 };
        while cut.parts < PARTS[width - 1] && cut.points <= POINTS {
            let parts = 2 * cut.parts;
            (cut.parts, cut.before, cut.sum) = (parts, cut.sum, self.share(base, cell, parts));
            cut.points += parts.pow(width as u32);
            let total = others + cut.sum;
            let log_sum = base.sums[1] + total.ln();
            cut.unseen = !self.rows_that_see_more(rows, log_sum, base.grid.within(cell, parts)).is_empty();
            if parts >= at_least && !cut.unseen && (cut.sum - cut.before).abs() <= CELL_STILL * total {
                break;
            }
        }
        cut
    }
}

/// The cells around one, corners included.
fn neighbours(cell: Cell, width: usize, points: usize) -> impl Iterator<Item = Cell> {
    let along = move |axis: usize| match axis < width {
        true => cell[axis].saturating_sub(1)..=(cell[axis] + 1).min(points - 1),
        false => 0..=0,
    };
    along(0).flat_map(move |x| along(1).map(move |y| [x, y])).filter(move |other| *other != cell)
}
