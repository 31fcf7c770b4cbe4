//! Products with few columns, as dot products: a tile as wide as a vector would be zeros for the most part.
//!
//! The elements of rows and columns lie side by side along the depth, so that a vector holds some of one line: sums run along the
//! lanes and are added up at the end.

use super::product::Shared;
use super::tile::activate;
use super::{Activation, Epilogue, MatrixRef, Output};
use crate::parallel::tasks_apart;
use crate::simd::Isa;
use crate::simd::{Simd, Vectorised, dispatch_on};

/// Most columns of a narrow product.
const COLUMNS: usize = 4;
/// Least depth of one: below, the sums of the lanes take longest.
const DEPTH: usize = 16;
/// Lanes that sums are folded to before they are added up.
const EIGHT: usize = 8;
/// Rows that a task multiplies.
const ROWS: usize = 256;

/// Whether a product `[m, k] × [k, n]` is narrow, with elements side by side along the depth.
/// Rows have no say in it: a row has the same bits in any company.
pub(super) fn is_narrow(a: MatrixRef, b: MatrixRef) -> bool {
    (1..=COLUMNS).contains(&b.cols) && a.cols >= DEPTH && a.col_stride == 1 && b.row_stride == 1
}

/// Writes a narrow product to c `[m, n]`.
pub(super) fn narrow_product(
    isa: Isa,
    a: MatrixRef,
    b: MatrixRef,
    c: &mut [f32],
    epilogue: Epilogue,
    parallel: bool,
) {
    let (rows, n) = (a.rows, b.cols);
    let c = Shared(c.as_mut_ptr());
    let task = |index: usize| {
        let first = index * ROWS;
        let count = ROWS.min(rows - first);
        // SAFETY: a task's rows are its own, and lie within the output.
        let out = unsafe { std::slice::from_raw_parts_mut(c.at(first * n), count * n) };
        let a = MatrixRef { values: &a.values[first * a.row_stride..], rows: count, ..a };
        dispatch_on(isa, Narrow { a, b, out, epilogue });
    };
    let count = rows.div_ceil(ROWS);
    if parallel { tasks_apart(count, &task) } else { (0..count).for_each(task) }
}

/// Some rows of the product.
struct Narrow<'a> {
    a: MatrixRef<'a>,
    b: MatrixRef<'a>,
    out: &'a mut [f32],
    epilogue: Epilogue<'a>,
}

impl Vectorised for Narrow<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        match self.b.cols {
            1 => self.stretches::<S, 8, 1>(simd),
            2 => self.stretches::<S, 4, 2>(simd),
            3 => self.stretches::<S, 4, 3>(simd),
            _ => self.stretches::<S, 2, 4>(simd),
        }
        self.activate(simd);
    }
}

impl Narrow<'_> {
    /// `HEIGHT` rows at a time, and then one.
    #[inline(always)]
    fn stretches<S: Simd, const HEIGHT: usize, const WIDTH: usize>(&mut self, simd: S) {
        let whole = self.a.rows - self.a.rows % HEIGHT;
        for row in (0..whole).step_by(HEIGHT) {
            self.rows::<S, HEIGHT, WIDTH>(simd, row);
        }
        for row in whole..self.a.rows {
            self.rows::<S, 1, WIDTH>(simd, row);
        }
    }

    /// The rows from `first` on.
    #[inline(always)]
    #[allow(clippy::needless_range_loop)] // As for the tiles of other products.
    fn rows<S: Simd, const HEIGHT: usize, const WIDTH: usize>(&mut self, simd: S, first: usize) {
        let deep = self.a.cols;
        let (mut lines, mut columns) = ([&[][..]; HEIGHT], [&[][..]; WIDTH]);
        for row in 0..HEIGHT {
            lines[row] = &self.a.values[(first + row) * self.a.row_stride..][..deep];
        }
        for column in 0..WIDTH {
            columns[column] = &self.b.values[column * self.b.col_stride..][..deep];
        }
        let mut sums = [[simd.splat(0.0); WIDTH]; HEIGHT];
        let whole = deep - deep % S::LANES;
        for p in (0..whole).step_by(S::LANES) {
            let mut vectors = [simd.splat(0.0); WIDTH];
            for column in 0..WIDTH {
                // SAFETY: a vector from `p` on lies within the line, which has `deep` numbers.
                vectors[column] = unsafe { simd.load(columns[column].as_ptr().add(p)) };
            }
            for row in 0..HEIGHT {
                // SAFETY: as above.
                let a = unsafe { simd.load(lines[row].as_ptr().add(p)) };
                for column in 0..WIDTH {
                    sums[row][column] = simd.mul_add(a, vectors[column], sums[row][column]);
                }
            }
        }
        // The sums' lanes, eight of them: of a row and a column one line.
        let mut lanes = [0.0f32; 16 * EIGHT];
        for row in 0..HEIGHT {
            for column in 0..WIDTH {
                let line = &mut lanes[(row * WIDTH + column) * EIGHT..];
                eight(simd, sums[row][column], line);
            }
        }
        let mut totals = [0.0f32; 16];
        for group in 0..(HEIGHT * WIDTH).div_ceil(EIGHT) {
            along(simd, &lanes[group * EIGHT * EIGHT..], &mut totals[group * EIGHT..]);
        }
        for row in 0..HEIGHT {
            for column in 0..WIDTH {
                let rest = lines[row][whole..].iter().zip(&columns[column][whole..]);
                let sum = rest.fold(totals[row * WIDTH + column], |sum, (a, b)| sum + a * b);
                let place = (first + row) * WIDTH + column;
                let value = self.epilogue.scale * sum;
                let before = match self.epilogue.output {
                    Output::Overwrite => value,
                    Output::Accumulate => self.out[place] + value,
                };
                self.out[place] = self.epilogue.bias.map_or(before, |bias| before + bias[column]);
            }
        }
    }

    /// The activation of all rows, which lie side by side.
    #[inline(always)]
    fn activate<S: Simd>(&mut self, simd: S) {
        let activation = self.epilogue.activation;
        if activation == Activation::Identity {
            return;
        }
        let mut spare = [0.0; 16];
        for values in self.out.chunks_mut(S::LANES) {
            spare[..values.len()].copy_from_slice(values);
            // SAFETY: no vector is longer than sixteen numbers.
            unsafe {
                let active = activate(simd, activation, simd.load(spare.as_ptr()));
                simd.store(spare.as_mut_ptr(), active);
            }
            values.copy_from_slice(&spare[..values.len()]);
        }
    }
}

/// A vector's lanes, folded to eight.
#[inline(always)]
fn eight<S: Simd>(simd: S, vector: S::F32, out: &mut [f32]) {
    if S::LANES == EIGHT {
        assert!(out.len() >= EIGHT);
        // SAFETY: there is room for a vector.
        unsafe { simd.store(out.as_mut_ptr(), vector) };
        return;
    }
    let mut lanes = [0.0f32; 16];
    // SAFETY: no vector is longer than sixteen numbers.
    unsafe { simd.store(lanes.as_mut_ptr(), vector) };
    for lane in 0..EIGHT {
        out[lane] = lanes[lane] + lanes[EIGHT + lane];
    }
}

/// The sums of eight lines of eight numbers, halves added to halves.
#[inline(always)]
fn along<S: Simd>(simd: S, lines: &[f32], sums: &mut [f32]) {
    let mut columns = [0.0f32; EIGHT * EIGHT];
    assert!(lines.len() >= EIGHT * EIGHT && sums.len() >= EIGHT);
    // SAFETY: both hold eight lines of eight.
    unsafe { simd.transpose_tile(lines.as_ptr(), EIGHT, columns.as_mut_ptr(), EIGHT) };
    let mut half = EIGHT / 2;
    while half > 0 {
        for lane in 0..half * EIGHT {
            columns[lane] += columns[half * EIGHT + lane];
        }
        half /= 2;
    }
    sums[..EIGHT].copy_from_slice(&columns[..EIGHT]);
}
