//! The register tile, and a task: all tiles of some row panels by some column panels.
//!
//! AVX-512 has 12 × 2 vectors of sums in 32 registers, AVX2 6 × 2 in 16, the portable token 6 × 1. What rows are left over
//! take a tile of two thirds or one third of the height: 128 rows are ten tiles of 12 and one of 8.

use super::Activation;
use crate::simd::{Isa, Kernel, Simd, math};

/// Rows and columns of a full register tile.
#[derive(Clone, Copy)]
pub(super) struct TileShape {
    pub(super) rows: usize,
    pub(super) columns: usize,
}

impl TileShape {
    pub(super) fn of(isa: Isa) -> Self {
        match isa {
            Isa::Portable => TileShape { rows: 6, columns: 8 },
            Isa::Avx2 => TileShape { rows: 6, columns: 16 },
            Isa::Avx512 => TileShape { rows: 12, columns: 32 },
        }
    }

    /// The height of the tile that takes `rows` rows: a third, two thirds or all of the full height.
    pub(super) fn height(&self, rows: usize) -> usize {
        rows.next_multiple_of(self.rows / 3)
    }
}

/// A rectangle of the output, from packed panels.
pub(super) struct Task<'a> {
    pub(super) a: &'a [f32],
    pub(super) b: &'a [f32],
    /// The rectangle's first element; rows are `stride` apart.
    pub(super) c: *mut f32,
    pub(super) stride: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) deep: usize,
    pub(super) scale: f32,
    /// Whether the product is added to what the output holds.
    pub(super) add: bool,
    pub(super) bias: Option<&'a [f32]>,
    pub(super) activation: Activation,
}

/// The most elements a tile has.
const LARGEST: usize = 12 * 32;

impl Kernel for Task<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        match S::ISA {
            Isa::Portable => self.tiles::<S, 6, 4, 2, 1>(simd),
            Isa::Avx2 => self.tiles::<S, 6, 4, 2, 2>(simd),
            Isa::Avx512 => self.tiles::<S, 12, 8, 4, 2>(simd),
        }
    }
}

impl Task<'_> {
    #[inline(always)]
    fn tiles<S: Simd, const TALL: usize, const MIDDLE: usize, const SHORT: usize, const COLS: usize>(
        self,
        simd: S,
    ) {
        let shape = TileShape { rows: TALL, columns: COLS * S::LANES };
        let mut spare = [0.0f32; LARGEST];
        // A row panel, 12 · 512 · 4 bytes = 24 KB, stays in L1 while the column panels stream past it from L2.
        for row in (0..self.rows).step_by(TALL) {
            let rows = (self.rows - row).min(TALL);
            let height = shape.height(rows);
            let a = &self.a[row * self.deep..][..height * self.deep];
            for column in (0..self.columns).step_by(shape.columns) {
                let columns = (self.columns - column).min(shape.columns);
                let b = &self.b[column * self.deep..][..shape.columns * self.deep];
                let c = self.c.wrapping_add(row * self.stride + column);
                // A tile that reaches beyond the rectangle goes through a spare one.
                let inside = rows == height && columns == shape.columns;
                let (out, stride) = if inside { (c, self.stride) } else { (spare.as_mut_ptr(), shape.columns) };
                // SAFETY: `out` holds `height` rows of COLS vectors: the rectangle does or the spare tile does. The
                // panels are as long as the slices above, and `c` holds `rows × columns` of this task's rectangle.
                unsafe {
                    if !inside && self.add {
                        copy(c, self.stride, out, stride, rows, columns);
                    }
                    let (a, b) = (a.as_ptr(), b.as_ptr());
                    if height == TALL {
                        self.tile::<S, TALL, COLS>(simd, a, b, out, stride);
                    } else if height == MIDDLE {
                        self.tile::<S, MIDDLE, COLS>(simd, a, b, out, stride);
                    } else {
                        self.tile::<S, SHORT, COLS>(simd, a, b, out, stride);
                    }
                    if self.bias.is_some() || self.activation != Activation::Identity {
                        self.finish::<S, COLS>(simd, out, stride, height, column, columns);
                    }
                    if !inside {
                        copy(out, stride, c, self.stride, rows, columns);
                    }
                }
            }
        }
    }

    /// `out [+]= scale · a b` for one tile.
    ///
    /// # Safety
    /// `a` holds `[deep][ROWS]`, `b` `[deep][COLS · LANES]`, and `out` ROWS rows of COLS vectors, `stride` apart.
    #[inline(always)]
    #[allow(clippy::needless_range_loop)] // With iterators the compiler leaves the tall tile's sums in memory.
    unsafe fn tile<S: Simd, const ROWS: usize, const COLS: usize>(
        &self,
        simd: S,
        a: *const f32,
        b: *const f32,
        out: *mut f32,
        stride: usize,
    ) {
        for row in 0..ROWS {
            for column in 0..COLS {
                prefetch(out.wrapping_add(row * stride + column * S::LANES));
            }
        }
        let mut sums = [[simd.splat(0.0); COLS]; ROWS];
        for p in 0..self.deep {
            // SAFETY: the caller's promise covers row `p` of both panels.
            unsafe {
                let b: [S::F32; COLS] =
                    std::array::from_fn(|column| simd.load(b.add((p * COLS + column) * S::LANES)));
                for row in 0..ROWS {
                    let a = simd.splat(*a.add(p * ROWS + row));
                    for column in 0..COLS {
                        sums[row][column] = simd.mul_add(a, b[column], sums[row][column]);
                    }
                }
            }
        }
        let scale = simd.splat(self.scale);
        for row in 0..ROWS {
            for column in 0..COLS {
                let value = simd.mul(sums[row][column], scale);
                // SAFETY: the caller's promise covers this vector of `out`.
                unsafe {
                    let place = out.add(row * stride + column * S::LANES);
                    let value = if self.add { simd.add(simd.load(place), value) } else { value };
                    simd.store(place, value);
                }
            }
        }
    }

    /// Bias and activation over a tile that has just been written and is still in L1.
    ///
    /// # Safety
    /// `out` holds `rows` rows of COLS vectors, `stride` apart.
    #[inline(always)]
    unsafe fn finish<S: Simd, const COLS: usize>(
        &self,
        simd: S,
        out: *mut f32,
        stride: usize,
        rows: usize,
        column: usize,
        columns: usize,
    ) {
        let mut bias = [0.0; 32];
        if let Some(values) = self.bias {
            bias[..columns].copy_from_slice(&values[column..][..columns]);
        }
        for vector in 0..COLS {
            // SAFETY: COLS vectors are at most 32 floats; the caller's promise covers `out`.
            unsafe {
                let bias = simd.load(bias.as_ptr().add(vector * S::LANES));
                for row in 0..rows {
                    let place = out.add(row * stride + vector * S::LANES);
                    let value = simd.add(simd.load(place), bias);
                    simd.store(place, activate(simd, self.activation, value));
                }
            }
        }
    }
}

#[inline(always)]
fn activate<S: Simd>(simd: S, activation: Activation, x: S::F32) -> S::F32 {
    match activation {
        Activation::Identity => x,
        Activation::Sigmoid => math::sigmoid(simd, x),
        Activation::Tanh => math::tanh(simd, x),
        Activation::Relu => simd.max(simd.splat(0.0), x),
        Activation::Softplus => math::softplus(simd, x),
    }
}

/// Asks for the cache line of the output before the sums that go there are ready.
#[inline(always)]
fn prefetch(line: *const f32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint, which touches no memory and is part of the baseline of x86-64.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(line.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = line;
}

/// Copies `rows` × `columns` floats between two strided places.
///
/// # Safety
/// Both hold that many, and they do not overlap.
unsafe fn copy(from: *const f32, from_stride: usize, to: *mut f32, to_stride: usize, rows: usize, columns: usize) {
    for row in 0..rows {
        // SAFETY: the caller's promise covers each row.
        unsafe { std::ptr::copy_nonoverlapping(from.add(row * from_stride), to.add(row * to_stride), columns) };
    }
}
