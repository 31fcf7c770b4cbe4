//! Packing: panels of `width` lines of an operand, stored `[depth][line of the panel]`, missing lines as zeros.

use super::MatrixRef;
use super::tile::prefetch;
use crate::simd::{Isa, Simd, Vectorised, transpose_four};
use std::ops::Range;

/// Prefetch distance along a line, in floats.
const AHEAD: usize = 48;

/// The lines of a panel and the part of the depth to pack.
#[derive(Clone, Copy)]
pub(in crate::kernels) struct Panel<'a> {
    /// The operand, `[lines, depth]`.
    pub(in crate::kernels) matrix: MatrixRef<'a>,
    pub(in crate::kernels) line: usize,
    /// Lines there are, at most `width`.
    pub(in crate::kernels) present: usize,
    pub(in crate::kernels) width: usize,
    pub(in crate::kernels) depth: usize,
    pub(in crate::kernels) deep: usize,
}

impl<'a> Panel<'a> {
    /// The elements from the panel's first on. Panics where its last lies beyond the matrix.
    #[inline(always)]
    pub(in crate::kernels) fn values(&self) -> &'a [f32] {
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
    pub(in crate::kernels) fn pack<S: Simd>(&self, simd: S, out: &mut [f32]) {
        let out = &mut out[..self.deep * self.width];
        if self.present < self.width {
            out.fill(0.0);
        }
        let MatrixRef { row_stride: line_stride, col_stride: depth_stride, .. } = self.matrix;
        if line_stride == 1 {
            self.copy(simd, out);
            return;
        }
        let source = Source { values: self.values(), line_stride, width: self.width };
        match self.present.min(self.deep) {
            8.. if depth_stride == 1 && !matches!(S::ISA, Isa::Portable) => {
                source.squares::<S, 8>(simd, self.present, self.deep, out)
            }
            4.. if depth_stride == 1 => source.squares::<S, 4>(simd, self.present, self.deep, out),
            _ => {
                for (p, out) in out.chunks_exact_mut(self.width).enumerate() {
                    for (line, out) in out[..self.present].iter_mut().enumerate() {
                        *out = source.values[line * line_stride + p * depth_stride];
                    }
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
    /// Of the packed panel.
    width: usize,
}

impl Source<'_> {
    /// Contiguous lines, in squares of `SIDE` × `SIDE` transposed in registers. The last ones overlap those before them.
    #[inline(always)]
    fn squares<S: Simd, const SIDE: usize>(&self, simd: S, lines: usize, deep: usize, out: &mut [f32]) {
        assert!((SIDE..=self.width).contains(&lines) && deep >= SIDE && out.len() >= deep * self.width);
        assert!((lines - 1) * self.line_stride + deep <= self.values.len());
        // Sixteen floats of a line are one cache line; the panel's part of the output stays in L1.
        for part in (0..deep).step_by(16) {
            for line in 0..lines {
                let ahead = line * self.line_stride + part + AHEAD;
                prefetch(self.values.as_ptr().wrapping_add(ahead));
            }
            for line in (0..lines).step_by(SIDE) {
                let line = line.min(lines - SIDE);
                for p in (part..deep.min(part + 16)).step_by(SIDE) {
                    let p = p.min(deep - SIDE);
                    // SAFETY: SIDE lines from `line` on and SIDE floats of each from `p` on are there, and as much room in
                    // the rows of `out`, by the assertions.
                    unsafe {
                        let from = self.values.as_ptr().add(line * self.line_stride + p);
                        let to = out.as_mut_ptr().add(p * self.width + line);
                        if SIDE == 8 {
                            simd.transpose_tile(from, self.line_stride, to, self.width);
                        } else {
                            transpose_four(from, self.line_stride, to, self.width);
                        }
                    }
                }
            }
        }
    }
}

/// A panel as a task.
pub(in crate::kernels) struct Pack<'a> {
    pub(in crate::kernels) panel: Panel<'a>,
    pub(in crate::kernels) out: &'a mut [f32],
}

impl Vectorised for Pack<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        self.panel.pack(simd, self.out);
    }
}

/// The part of `range` that block number `index` of `length` covers.
#[inline]
pub(in crate::kernels) fn block_of(range: &Range<usize>, index: usize, length: usize) -> Range<usize> {
    let start = (range.start + index * length).min(range.end);
    start..(start + length).min(range.end)
}
