//! Packing: panels of `width` rows of a matrix, stored `[depth][row of the panel]`, missing rows as zeros.

use super::MatrixRef;
use super::tile::TileShape;
use wide::f32x4;

/// Rows `first..first + count` and columns `depth..depth + deep` of a matrix, as panels of `width` rows.
#[derive(Clone, Copy)]
pub(super) struct Panels<'a> {
    pub(super) matrix: MatrixRef<'a>,
    pub(super) first: usize,
    pub(super) count: usize,
    pub(super) depth: usize,
    pub(super) deep: usize,
    pub(super) width: usize,
}

/// Packs the panels from number `panel` on into `out`, as many as fit.
pub(super) fn pack_group(panels: Panels, panel: usize, shape: &TileShape, out: &mut [f32]) {
    let Panels { matrix, first, count, depth, deep, width } = panels;
    for (index, out) in out.chunks_mut((width * deep).max(1)).enumerate() {
        let row = (panel + index) * width;
        let present = (count - row).min(width);
        // The last row panel may be packed lower, for a lower tile.
        let width = if width == shape.rows { shape.height(present) } else { width };
        let start = (first + row) * matrix.row_stride + depth * matrix.col_stride;
        let source = Source {
            values: &matrix.values[start.min(matrix.values.len())..],
            row_stride: matrix.row_stride,
            depth_stride: matrix.col_stride,
        };
        source.pack(present, width, &mut out[..width * deep]);
    }
}

struct Source<'a> {
    values: &'a [f32],
    row_stride: usize,
    depth_stride: usize,
}

impl Source<'_> {
    fn pack(&self, present: usize, width: usize, out: &mut [f32]) {
        if present < width {
            out.fill(0.0);
        }
        if self.row_stride != 1 {
            self.transpose(present, width, out);
            return;
        }
        match (present == width, width) {
            (true, 32) => self.copy::<32>(out),
            (true, 16) => self.copy::<16>(out),
            (true, 12) => self.copy::<12>(out),
            (true, 8) => self.copy::<8>(out),
            (true, 6) => self.copy::<6>(out),
            (true, 4) => self.copy::<4>(out),
            _ => {
                for (p, out) in out.chunks_exact_mut(width).enumerate() {
                    out[..present].copy_from_slice(&self.values[p * self.depth_stride..][..present]);
                }
            }
        }
    }

    /// The rows of a panel lie side by side in memory.
    fn copy<const WIDTH: usize>(&self, out: &mut [f32]) {
        for (p, out) in out.as_chunks_mut::<WIDTH>().0.iter_mut().enumerate() {
            out.copy_from_slice(&self.values[p * self.depth_stride..][..WIDTH]);
        }
    }

    /// The rows of a panel lie apart: four after four, over stretches of the depth that stay in L1.
    fn transpose(&self, present: usize, width: usize, out: &mut [f32]) {
        const STRETCH: usize = 32;
        for (stretch, out) in out.chunks_mut(width * STRETCH).enumerate() {
            let values = &self.values[stretch * STRETCH * self.depth_stride..];
            let fours = if self.depth_stride == 1 { present - present % 4 } else { 0 };
            for row in (0..fours).step_by(4) {
                transpose_four(std::array::from_fn(|i| &values[(row + i) * self.row_stride..]), row, width, out);
            }
            for row in fours..present {
                let values = &values[row * self.row_stride..];
                for (p, out) in out.chunks_exact_mut(width).enumerate() {
                    out[row] = values[p * self.depth_stride];
                }
            }
        }
    }
}

/// Four contiguous rows into columns `column..column + 4` of `out`, `[depth][width]`: squares of 4 × 4 in registers.
fn transpose_four(rows: [&[f32]; 4], column: usize, width: usize, out: &mut [f32]) {
    let deep = out.len() / width;
    let rows = rows.map(|row| &row[..deep]);
    let squares = rows.map(|row| row.as_chunks::<4>().0);
    for p in 0..deep / 4 {
        let square = f32x4::transpose(squares.map(|row| f32x4::new(row[p])));
        for (out, values) in out[p * 4 * width..].chunks_exact_mut(width).zip(square) {
            out[column..column + 4].copy_from_slice(&values.to_array());
        }
    }
    for p in deep - deep % 4..deep {
        for (i, row) in rows.iter().enumerate() {
            out[p * width + column + i] = row[p];
        }
    }
}
