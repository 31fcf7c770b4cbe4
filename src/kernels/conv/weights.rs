//! The gradient by the kernel: sums of outer products of pixels' channels.
//!
//! Of one row of the kernel, what a pixel of y meets are neighbouring floats of x, tap after tap and in each channel after channel: the rows of a tile.
//! Where a part of these taps falls on padding, pixels are summed tap by tap.

use super::Convolution;
use super::axis::{Axis, Reach};
use crate::kernels::gemm::product::{PARALLEL_FROM, Shared};
use crate::kernels::gemm::scratch::{give_back, take};
use crate::kernels::gemm::tile::prefetch;
use crate::parallel::tasks_apart;
use crate::simd::{Isa, Simd, Vectorised, dispatch_on};
use std::ops::Range;

/// Floats of x and y that tiles pass over before the next ones: 512 KB of L2.
const PASSED: usize = 1 << 17;
/// Rows of a row of taps that a task has: a multiple of every tile's.
const ROWS: usize = 48;
/// Prefetch distance along y, in pixels.
const AHEAD: usize = 6;

/// The gradient by the kernel.
pub(super) struct Weights<'a> {
    pub(super) isa: Isa,
    pub(super) batch: usize,
    pub(super) sizes: &'a Convolution,
    /// `[batch, height, width, in]`.
    pub(super) x: &'a [f32],
    /// `[batch, height, width, out]`.
    pub(super) y: &'a [f32],
}

impl Weights<'_> {
    /// Writes the gradient, `[out, in, height, width]`.
    pub(super) fn run(&self, w: &mut [f32]) {
        let [ci, co] = self.sizes.channels;
        let [kh, kw] = self.sizes.kernel;
        if w.is_empty() {
            return;
        }
        // Columns in whole vectors: of channels that fill none there is a copy that does.
        let lanes = if self.isa == Isa::Avx512 { 16 } else { 8 };
        let wide = co.next_multiple_of(lanes);
        let pixels = self.batch * self.sizes.output[0] * self.sizes.output[1];
        let (sums, padded) = (kh * kw * ci * wide, if wide == co { 0 } else { pixels * wide });
        let mut scratch = take();
        if scratch.len() < sums + padded {
            scratch.resize(sums + padded);
        }
        let (found, rest) = scratch.split_at_mut(sums);
        let y = if wide == co {
            self.y
        } else {
            let padded = &mut rest[..padded];
            for (out, y) in padded.chunks_exact_mut(wide).zip(self.y.chunks_exact(co)) {
                out[..co].copy_from_slice(y);
                out[co..].fill(0.0);
            }
            padded
        };
        let out = Shared(found.as_mut_ptr());
        let groups = (kw * ci).div_ceil(ROWS);
        let task = |index: usize| {
            let (ky, group) = (index / groups, index % groups);
            let rows = group * ROWS..((group + 1) * ROWS).min(kw * ci);
            dispatch_on(self.isa, Task { weights: self, y, wide, ky, rows, out: out.at(0) });
        };
        if self.batch * self.sizes.multiply_adds() >= PARALLEL_FROM {
            tasks_apart(kh * groups, &task);
        } else {
            (0..kh * groups).for_each(task);
        }
        let taps = kh * kw;
        for (tap, found) in found.chunks_exact(ci * wide).enumerate() {
            for (input, found) in found.chunks_exact(wide).enumerate() {
                for (output, &sum) in found[..co].iter().enumerate() {
                    w[(output * ci + input) * taps + tap] = sum;
                }
            }
        }
        give_back(scratch);
    }
}

/// Some rows of the sums of one row of taps.
struct Task<'a> {
    weights: &'a Weights<'a>,
    /// `[batch, height, width, wide]`.
    y: &'a [f32],
    wide: usize,
    ky: usize,
    /// Of `[taps, in]`.
    rows: Range<usize>,
    /// `[height, taps, in, wide]`.
    out: *mut f32,
}

impl Vectorised for Task<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        if const { matches!(S::ISA, Isa::Avx512) } {
            self.on::<S, 12>(simd);
        } else {
            self.on::<S, 6>(simd);
        }
    }
}

/// The pixels that a tile passes over: lines of neighbours, of several images.
#[derive(Clone, Copy)]
struct Pass<'a> {
    x: *const f32,
    y: *const f32,
    /// Floats from an image to the next, from a line to the next, and from a pixel to the next, of x and of y.
    images: [usize; 2],
    lines: [usize; 2],
    pixels: [usize; 2],
    /// So many of each.
    counts: [usize; 3],
    lifetime: std::marker::PhantomData<&'a f32>,
}

impl Task<'_> {
    /// Passes over some images after others, so that what tiles read stays in L2.
    #[inline(always)]
    fn on<S: Simd, const TALL: usize>(self, simd: S) {
        let Weights { batch, sizes, .. } = *self.weights;
        let [of_x, _] = sizes.sizes();
        let of_y = sizes.output[0] * sizes.output[1] * self.wide;
        let at_once = (PASSED / (of_x + of_y)).clamp(1, 16);
        let rows = self.rows.len();
        // SAFETY: a task's rows are its own.
        let out = unsafe {
            let first =
                self.out.add((self.ky * sizes.kernel[1] * sizes.channels[0] + self.rows.start) * self.wide);
            std::slice::from_raw_parts_mut(first, rows * self.wide)
        };
        out.fill(0.0);
        for first in (0..batch).step_by(at_once) {
            self.images::<S, TALL>(simd, first..(first + at_once).min(batch), out);
        }
    }

    #[inline(always)]
    fn images<S: Simd, const TALL: usize>(&self, simd: S, images: Range<usize>, out: &mut [f32]) {
        let sizes = self.weights.sizes;
        let [ci, _] = sizes.channels;
        let [axis_y, axis_x] = [0, 1].map(|axis| sizes.axis(axis, false));
        let lines = outputs_of(&axis_y, self.ky);
        if lines.is_empty() {
            return;
        }
        // Pixels that meet all of a row of taps, and for each tap those besides that meet it.
        let all = (0..axis_x.output).filter(|&at| axis_x.reach(at).count == axis_x.kernel);
        let whole = all.clone().next().map_or(0..0, |first| first..first + all.count());
        self.pass::<S, TALL>(simd, &images, (&lines, whole.clone()), self.rows.clone(), out);
        for tap in self.rows.start / ci..self.rows.end.div_ceil(ci) {
            let rows = (tap * ci).max(self.rows.start)..((tap + 1) * ci).min(self.rows.end);
            let meets = outputs_of(&axis_x, tap);
            let before = meets.start..meets.end.min(whole.start.max(meets.start));
            let after = meets.start.max(if whole.is_empty() { before.end } else { whole.end })..meets.end;
            for pixels in [before, after] {
                self.pass::<S, TALL>(simd, &images, (&lines, pixels), rows.clone(), out);
            }
        }
    }

    /// Adds what pixels `[lines, columns]` of images give to `rows` of the sums.
    #[inline(always)]
    fn pass<S: Simd, const TALL: usize>(
        &self,
        simd: S,
        images: &Range<usize>,
        (lines, columns): (&Range<usize>, Range<usize>),
        rows: Range<usize>,
        out: &mut [f32],
    ) {
        if columns.is_empty() || rows.is_empty() {
            return;
        }
        let sizes = self.weights.sizes;
        let ci = sizes.channels[0];
        let ([_, width], [sy, sx], [py, px]) = (sizes.input, sizes.stride, sizes.padding);
        let [of_x, _] = sizes.sizes();
        let (line, wide) = (width * ci, self.wide);
        let of_y = sizes.output[0] * sizes.output[1] * wide;
        // The first pixel's place; of taps before the image's edge the rows make up for it.
        let x = images.start * of_x + (lines.start * sy + self.ky - py) * line;
        let x = (x + columns.start * sx * ci + rows.start) as isize - (px * ci) as isize;
        let y = images.start * of_y + (lines.start * sizes.output[1] + columns.start) * wide;
        let mut pass = Pass {
            x: self.weights.x.as_ptr().wrapping_offset(x),
            y: self.y[y..].as_ptr(),
            images: [of_x, of_y],
            lines: [sy * line, sizes.output[1] * wide],
            pixels: [sx * ci, wide],
            counts: [images.len(), lines.len(), columns.len()],
            lifetime: std::marker::PhantomData,
        };
        if columns.len() < lines.len() {
            // The innermost loop is the longer one.
            std::mem::swap(&mut pass.lines, &mut pass.pixels);
            pass.counts.swap(1, 2);
        }
        let last = pass.counts.map(|count| count - 1);
        let reach = last[0] * of_x + last[1] * pass.lines[0] + last[2] * pass.pixels[0] + rows.len();
        assert!(x >= 0 && x as usize + reach <= self.weights.x.len());
        // A panel of columns after another, so that their part of y stays in L1 from one tile to the next.
        let mut column = 0;
        while column < wide {
            let two = column + 2 * S::LANES <= wide;
            let mut row = rows.start - self.rows.start;
            let end = rows.end - self.rows.start;
            while row < end {
                let first = row + self.rows.start - rows.start;
                let here = Pass { x: pass.x.wrapping_add(first), y: pass.y.wrapping_add(column), ..pass };
                macro_rules! tiles {
                    ($rows:expr) => {{
                        let out = out[row * wide..][..$rows * wide].as_mut_ptr().wrapping_add(column);
                        // SAFETY: what the pass reads of x is within it by the assertion, of y as these are its pixels; the rows of `out` are there.
                        unsafe {
                            if two {
                                Tile::<{ $rows }, 2>::new(here, out, wide).called(simd);
                            } else {
                                Tile::<{ $rows }, 1>::new(here, out, wide).called(simd);
                            }
                        }
                        row += $rows;
                    }};
                }
                match end - row {
                    // Sixteen are two of eight, as four are too few to hide what a sum takes.
                    left if left >= TALL && (TALL < 12 || left != 16) => tiles!(TALL),
                    8.. if TALL == 12 => tiles!(8),
                    4.. => tiles!(4),
                    2.. => tiles!(2),
                    _ => tiles!(1),
                }
            }
            column += if two { 2 * S::LANES } else { S::LANES };
        }
    }
}

/// The outputs that meet a tap: neighbours.
fn outputs_of(axis: &Axis, tap: usize) -> Range<usize> {
    let meets = |&at: &usize| {
        let Reach { tap: first, count, .. } = axis.reach(at);
        (first..first + count).contains(&tap)
    };
    let start = (0..axis.output).find(meets).unwrap_or(0);
    start..start + (start..axis.output).take_while(meets).count()
}

/// A tile: adds to `ROWS` × `COLS` vectors of sums, `stride` apart, the products of as many floats of x with vectors of y over all pixels of a pass.
struct Tile<'a, const ROWS: usize, const COLS: usize> {
    pass: Pass<'a>,
    out: *mut f32,
    stride: usize,
}

impl<'a, const ROWS: usize, const COLS: usize> Tile<'a, ROWS, COLS> {
    /// # Safety
    /// Both are there for every pixel, and `out` holds the sums.
    unsafe fn new(pass: Pass<'a>, out: *mut f32, stride: usize) -> Self {
        Tile { pass, out, stride }
    }

    /// Runs it in a function of its own: inlined, what the loops around it keep in registers takes those of its sums, which are then stored from
    /// line to line.
    #[inline(never)]
    fn called<S: Simd>(self, simd: S) {
        simd.run(self);
    }
}

impl<const ROWS: usize, const COLS: usize> Vectorised for Tile<'_, ROWS, COLS> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        // SAFETY: who made it has vouched for that.
        unsafe { tile::<S, ROWS, COLS>(simd, self.pass, self.out, self.stride) }
    }
}

/// The sums of a [`Tile`].
///
/// # Safety
/// As there.
#[inline(always)]
unsafe fn tile<S: Simd, const ROWS: usize, const COLS: usize>(simd: S, pass: Pass, out: *mut f32, stride: usize) {
    let mut sums = [[simd.splat(0.0); COLS]; ROWS];
    let [images, lines, pixels] = pass.counts;
    for image in 0..images {
        for line in 0..lines {
            let mut x = pass.x.wrapping_add(image * pass.images[0] + line * pass.lines[0]);
            let mut y = pass.y.wrapping_add(image * pass.images[1] + line * pass.lines[1]);
            for _ in 0..pixels {
                // SAFETY: the caller's promise.
                unsafe {
                    let mut vectors = [simd.splat(0.0); COLS];
                    for column in 0..COLS {
                        vectors[column] = simd.load(y.add(column * S::LANES));
                        prefetch(y.wrapping_add(AHEAD * pass.pixels[1] + column * S::LANES));
                    }
                    // Written out: a loop of so many rows is unrolled too late for the sums to stay in registers.
                    macro_rules! rows {
                        ($($row:literal)*) => {
                            $(if $row < ROWS {
                                let x = simd.splat(*x.add($row));
                                sums[$row][0] = simd.mul_add(x, vectors[0], sums[$row][0]);
                                if COLS > 1 {
                                    sums[$row][1] = simd.mul_add(x, vectors[1], sums[$row][1]);
                                }
                            })*
                        };
                    }
                    rows!(0 1 2 3 4 5 6 7 8 9 10 11);
                }
                x = x.wrapping_add(pass.pixels[0]);
                y = y.wrapping_add(pass.pixels[1]);
            }
        }
    }
    macro_rules! rows {
        ($($row:literal)*) => {
            $(if $row < ROWS {
                // SAFETY: the caller's promise.
                unsafe {
                    let place = out.add($row * stride);
                    simd.store(place, simd.add(simd.load(place), sums[$row][0]));
                    if COLS > 1 {
                        let place = place.add(S::LANES);
                        simd.store(place, simd.add(simd.load(place), sums[$row][1]));
                    }
                }
            })*
        };
    }
    rows!(0 1 2 3 4 5 6 7 8 9 10 11);
}
