//! Packing: panels of `width` lines of an operand, stored `[depth][line of the panel]`, missing lines as zeros.

use super::MatrixRef;
use super::tile::prefetch;
use crate::simd::{Kernel, Simd};
use std::ops::Range;
use wide::f32x4;

/// How far ahead the cache lines of a line are asked for.
const AHEAD: usize = 48;

/// The lines of a panel and the part of the depth to pack.
#[derive(Clone, Copy)]
pub(super) struct Panel<'a> {
    /// The operand, `[lines, depth]`.
    pub(super) matrix: MatrixRef<'a>,
    pub(super) line: usize,
    /// Lines there are, at most `width`.
    pub(super) present: usize,
    pub(super) width: usize,
    pub(super) depth: usize,
    pub(super) deep: usize,
}

impl<'a> Panel<'a> {
    /// The elements from the panel's first on. Panics where its last lies beyond the matrix.
    #[inline(always)]
    pub(super) fn values(&self) -> &'a [f32] {
        let MatrixRef { values, row_stride, col_stride, .. } = self.matrix;
        if self.present == 0 || self.deep == 0 {
            return &[];
        }
        let start = self.line * row_stride + self.depth * col_stride;
        let length = (self.present - 1) * row_stride + (self.deep - 1) * col_stride + 1;
        &values[start..start + length]
    }

    /// Writes the panel to `out`, `[deep][width]`.
    #[inline(always)]
    pub(super) fn pack<S: Simd>(&self, simd: S, out: &mut [f32]) {
        let out = &mut out[..self.deep * self.width];
        if self.present < self.width {
            out.fill(0.0);
        }
        let MatrixRef { row_stride: line_stride, col_stride: depth_stride, .. } = self.matrix;
        if line_stride == 1 {
            self.copy(simd, out);
            return;
        }
        let source = Source { values: self.values(), line_stride, depth_stride };
        let eights = if depth_stride == 1 { self.present - self.present % 8 } else { 0 };
        let fours = if depth_stride == 1 { self.present - self.present % 4 } else { 0 };
        // Sixteen floats of a line are one cache line; the panel's part of the output stays in L1.
        for (part, out) in out.chunks_mut(16 * self.width).enumerate() {
            let depth = part * 16;
            for line in 0..self.present {
                prefetch(source.values.as_ptr().wrapping_add(line * line_stride + (depth + AHEAD) * depth_stride));
            }
            for line in (0..eights).step_by(8) {
                source.eight(simd, line, depth, self.width, out);
            }
            if fours > eights {
                source.four(eights, depth, self.width, out);
            }
            for line in fours..self.present {
                for (p, out) in out.chunks_exact_mut(self.width).enumerate() {
                    out[line] = source.at(line, depth + p);
                }
            }
        }
    }

    /// The lines lie side by side in memory.
    #[inline(always)]
    fn copy<S: Simd>(&self, simd: S, out: &mut [f32]) {
        let (values, stride) = (self.values(), self.matrix.col_stride);
        match (self.present == self.width, self.width) {
            (true, 32) => copy::<S, 32>(simd, values, stride, out),
            (true, 16) => copy::<S, 16>(simd, values, stride, out),
            (true, 8) => copy::<S, 8>(simd, values, stride, out),
            (true, 12) => copy::<S, 12>(simd, values, stride, out),
            (true, 6) => copy::<S, 6>(simd, values, stride, out),
            (true, 4) => copy::<S, 4>(simd, values, stride, out),
            _ => {
                for (p, out) in out.chunks_exact_mut(self.width).enumerate() {
                    out[..self.present].copy_from_slice(&values[p * stride..][..self.present]);
                }
            }
        }
    }
}

#[inline(always)]
fn copy<S: Simd, const WIDTH: usize>(_compiled_for: S, values: &[f32], stride: usize, out: &mut [f32]) {
    for (p, out) in out.as_chunks_mut::<WIDTH>().0.iter_mut().enumerate() {
        out.copy_from_slice(&values[p * stride..][..WIDTH]);
    }
}

/// Lines that lie apart.
#[derive(Clone, Copy)]
struct Source<'a> {
    values: &'a [f32],
    line_stride: usize,
    depth_stride: usize,
}

impl Source<'_> {
    #[inline(always)]
    fn at(&self, line: usize, depth: usize) -> f32 {
        self.values[line * self.line_stride + depth * self.depth_stride]
    }

    /// Lines `line..line + 8`, each contiguous, from `depth` on into as many rows of `width` as `out` has.
    #[inline(always)]
    fn eight<S: Simd>(&self, simd: S, line: usize, depth: usize, width: usize, out: &mut [f32]) {
        let deep = out.len() / width;
        let first = line * self.line_stride + depth;
        let squares = deep / 8;
        assert!(first + 7 * self.line_stride + deep <= self.values.len() && line + 8 <= width);
        for square in 0..squares {
            // SAFETY: eight lines of eight floats at `first + 8 · square` lie before `deep` floats of the last line, which
            // was checked, and rows `8 · square..` of `out` have eight columns at `line`.
            unsafe {
                let from = self.values.as_ptr().add(first + 8 * square);
                let to = out.as_mut_ptr().add(8 * square * width + line);
                simd.transpose_tile(from, self.line_stride, to, width);
            }
        }
        for p in squares * 8..deep {
            for i in 0..8 {
                out[p * width + line + i] = self.values[first + i * self.line_stride + p];
            }
        }
    }

    /// The same with four lines: squares of 4 × 4.
    #[inline(always)]
    fn four(&self, line: usize, depth: usize, width: usize, out: &mut [f32]) {
        let deep = out.len() / width;
        let lines: [&[f32]; 4] =
            std::array::from_fn(|i| &self.values[(line + i) * self.line_stride + depth..][..deep]);
        let squares = lines.map(|values| values.as_chunks::<4>().0);
        for p in 0..deep / 4 {
            let square = f32x4::transpose(squares.map(|values| f32x4::new(values[p])));
            for (out, values) in out[p * 4 * width..].chunks_exact_mut(width).zip(square) {
                out[line..line + 4].copy_from_slice(&values.to_array());
            }
        }
        for p in deep - deep % 4..deep {
            for (i, values) in lines.iter().enumerate() {
                out[p * width + line + i] = values[p];
            }
        }
    }
}

/// A panel as a task.
pub(super) struct Pack<'a> {
    pub(super) panel: Panel<'a>,
    pub(super) out: &'a mut [f32],
}

impl Kernel for Pack<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        self.panel.pack(simd, self.out);
    }
}

/// The part of `range` that block number `index` of `length` covers.
pub(super) fn block_of(range: &Range<usize>, index: usize, length: usize) -> Range<usize> {
    let start = (range.start + index * length).min(range.end);
    start..(start + length).min(range.end)
}
