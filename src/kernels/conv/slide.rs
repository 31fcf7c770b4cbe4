//! A kernel that slides over images, forwards or transposed: see [`Axis`].

use super::axis::{Axis, Reach};
use super::narrow::{MOST_NARROW, Narrow};
use super::{Epilogue, Output};
use crate::kernels::gemm::pack::{Pack, Panel, block_of};
use crate::kernels::gemm::product::{PARALLEL_FROM, Shared};
use crate::kernels::gemm::scratch::{give_back, take};
use crate::kernels::gemm::task::copy;
use crate::kernels::gemm::tile::{ColumnPanel, Finish, LARGEST, RowPanel, Side, TileShape, reading};
use crate::kernels::gemm::{Activation, MatrixRef};
use crate::parallel::{chunks_mut, for_each_apart, tasks_apart};
use crate::simd::{Isa, Simd, Vectorised, dispatch_on};
use std::ops::Range;

/// Depth of a row of taps up to which all rows that a pixel meets are put together first.
const SHALLOW: usize = 64;
/// Floats of a block of images that a task lays out: 512 KB of L2.
const LAID_OUT: usize = 1 << 17;
/// Tasks there should be.
const TASKS: usize = 24;

/// A convolution or a transposed one.
pub(super) struct Slide<'a> {
    pub(super) isa: Isa,
    pub(super) batch: usize,
    /// Height and width.
    pub(super) axes: [Axis; 2],
    /// Channels that are summed over, and that are made.
    pub(super) channels: [usize; 2],
    /// The distances of weights along these.
    pub(super) strides: [usize; 2],
    /// `[batch, height, width, channels]`.
    pub(super) x: &'a [f32],
    pub(super) w: &'a [f32],
    pub(super) epilogue: Epilogue<'a>,
}

/// How the work is cut: blocks of images by rows of the output.
#[derive(Clone, Copy)]
struct Cuts {
    blocks: usize,
    /// Output rows of a task.
    rows: usize,
    groups: usize,
    /// Floats that a task lays out at most.
    room: usize,
}

impl Slide<'_> {
    /// Writes the images that are made, `[batch, height, width, channels]`.
    pub(super) fn run(&self, y: &mut [f32]) {
        let [rows, columns] = self.axes.map(|axis| axis.output);
        if y.is_empty() || rows * columns == 0 {
            return;
        }
        let mut scratch = take();
        let shape = TileShape::of(self.isa);
        let narrow = self.channels[1] <= MOST_NARROW;
        // Few channels have a panel each, and vectors of images.
        let (images, width) = if narrow { (shape.lanes, 1) } else { (shape.rows, shape.columns) };
        let cuts = self.cuts(images);
        let panels = self.channels[1].div_ceil(width);
        let slot = self.depth() * width;
        let merged = self.axes[0].kernel * SHALLOW * images;
        let parallel = self.is_parallel();
        let threads = if parallel { rayon::current_num_threads() } else { 1 };
        let room = cuts.room + merged;
        if scratch.len() < room * threads + panels * slot {
            scratch.resize(room * threads + panels * slot);
        }
        let (rooms, rest) = scratch.split_at_mut(room * threads);
        let weights = &mut rest[..panels * slot];
        let pack = |panel: usize, out: &mut [f32]| {
            let made = block_of(&(0..self.channels[1]), panel, width);
            let width = if narrow { 1 } else { shape.panel(Side::Columns, made.len()) };
            self.pack(made, width, out);
        };
        if slot > 0 && parallel {
            for_each_apart(chunks_mut(weights, slot), pack);
        } else if slot > 0 {
            weights.chunks_exact_mut(slot).enumerate().for_each(|(panel, out)| pack(panel, out));
        }
        let (weights, y, rooms) = (&*weights, Shared(y.as_mut_ptr()), Shared(rooms.as_mut_ptr()));
        let task = |index: usize| {
            let thread = if parallel { rayon::current_thread_index().unwrap_or(0) } else { 0 };
            // SAFETY: there is a room for each thread of the pool, and a thread does one task of a convolution at a time, since tasks wait for
            // nothing.
            let room = unsafe { std::slice::from_raw_parts_mut(rooms.at(thread * room), room) };
            let rows = block_of(&(0..rows), index % cuts.groups, cuts.rows);
            let block = index / cuts.groups;
            dispatch_on(
                self.isa,
                Task {
                    slide: self,
                    images: block * images..((block + 1) * images).min(self.batch),
                    narrow,
                    rows,
                    weights,
                    slot,
                    room,
                    laid_out: cuts.room,
                    y: y.at(0),
                },
            );
        };
        if parallel {
            tasks_apart(cuts.blocks * cuts.groups, &task);
        } else {
            (0..cuts.blocks * cuts.groups).for_each(task);
        }
        give_back(scratch);
    }

    /// Rows of a packed panel of weights: taps by channels.
    pub(super) fn depth(&self) -> usize {
        self.axes[0].kernel * self.axes[1].kernel * self.channels[0]
    }

    pub(super) fn is_parallel(&self) -> bool {
        let pixels = self.axes.iter().map(|axis| axis.input.min(axis.output)).product::<usize>();
        self.batch * pixels * self.depth() * self.channels[1] >= PARALLEL_FROM
    }

    /// The cuts for blocks of so many images.
    fn cuts(&self, images: usize) -> Cuts {
        let blocks = self.batch.div_ceil(images);
        let line = self.axes[1].input * self.channels[0] * images;
        let all = self.axes[0].output;
        let mut groups = TASKS.div_ceil(blocks).min(all);
        loop {
            let rows = all.div_ceil(groups);
            let groups_there_are = all.div_ceil(rows);
            let of_groups = (0..groups_there_are).map(|group| self.lines(&block_of(&(0..all), group, rows)).len());
            let room = of_groups.max().unwrap_or(0) * line;
            if room <= LAID_OUT || rows == 1 {
                return Cuts { blocks, rows, groups: groups_there_are, room };
            }
            groups = (2 * groups).min(all);
        }
    }

    /// The lines of the input that rows of the output meet.
    fn lines(&self, rows: &Range<usize>) -> Range<usize> {
        let reaches = rows.clone().map(|row| self.axes[0].reach(row)).filter(|reach| reach.count > 0);
        let lines = reaches.map(|Reach { input, count, .. }| input..input + count);
        lines.reduce(|a, b| a.start.min(b.start)..a.end.max(b.end)).unwrap_or(0..0)
    }

    /// Rows of packed weights before those of two phases.
    pub(super) fn base(&self, [py, px]: [usize; 2]) -> usize {
        let [y, x] = &self.axes;
        (y.taps_before(py) * x.kernel + y.taps(py) * x.taps_before(px)) * self.channels[0]
    }

    /// Writes the weights of the channels `made`, phase after phase and in each tap after tap in the order of the pixels that they meet,
    /// `[depth, width]`, missing channels as zeros.
    fn pack(&self, made: Range<usize>, width: usize, out: &mut [f32]) {
        let [y, x] = &self.axes;
        let mut rows = out.chunks_exact_mut(width);
        for (py, px) in (0..y.phases()).flat_map(|py| (0..x.phases()).map(move |px| (py, px))) {
            for (ty, tx) in (0..y.taps(py)).flat_map(|ty| (0..x.taps(px)).map(move |tx| (ty, tx))) {
                let tap = y.place(py, ty) * x.kernel + x.place(px, tx);
                for summed in 0..self.channels[0] {
                    let Some(row) = rows.next() else { return };
                    let first = tap + summed * self.strides[0];
                    let weights = made.clone().map(|made| self.w[first + made * self.strides[1]]);
                    row.fill(0.0);
                    row.iter_mut().zip(weights).for_each(|(out, weight)| *out = weight);
                }
            }
        }
    }
}

/// Some rows of the output of a block of images.
struct Task<'a> {
    slide: &'a Slide<'a>,
    images: Range<usize>,
    /// Whether vectors are of images, and not of channels.
    narrow: bool,
    rows: Range<usize>,
    /// Panels, `slot` floats apart.
    weights: &'a [f32],
    slot: usize,
    /// For the images, and after `laid_out` floats for rows of taps that are put together.
    room: &'a mut [f32],
    laid_out: usize,
    y: *mut f32,
}

/// Where a task's tiles are.
struct Place {
    height: usize,
    images: usize,
    /// First line that is laid out.
    line: usize,
}

impl Vectorised for Task<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        // Asked in constants, so that no tile is compiled for an instruction set that has another.
        if const { matches!(S::ISA, Isa::Portable) } {
            self.on::<S, 6, 4, 2, 1>(simd);
        } else if const { matches!(S::ISA, Isa::Avx2) } {
            self.on::<S, 6, 4, 2, 2>(simd);
        } else {
            self.on::<S, 12, 8, 4, 2>(simd);
        }
    }
}

impl Task<'_> {
    #[inline(always)]
    fn on<S: Simd, const TALL: usize, const MIDDLE: usize, const SHORT: usize, const COLS: usize>(self, simd: S) {
        let Task { slide, images, narrow, rows, weights, slot, room, laid_out, y } = self;
        let shape = const { TileShape::of(S::ISA) };
        let [axis_y, axis_x] = &slide.axes;
        let [summed, made] = slide.channels;
        let height = if narrow { S::LANES } else { shape.panel(Side::Rows, images.len()) };
        let lines = slide.lines(&rows);
        let (line, values) = (axis_x.input * summed, axis_y.input * axis_x.input * summed);
        let (laid_out, merged) = room.split_at_mut(laid_out);
        let panel = Panel {
            matrix: MatrixRef::row_major(slide.x, slide.batch, values),
            line: images.start,
            present: images.len(),
            width: height,
            depth: lines.start * line,
            deep: lines.len() * line,
        };
        simd.run(Pack { panel, out: laid_out });
        if narrow {
            let narrow = Narrow { slide, images, rows, line: lines.start, laid_out, weights, y };
            return simd.run(narrow);
        }
        let place = Place { height, images: images.len(), line: lines.start };
        let image = axis_y.output * axis_x.output * made;
        let out = y.wrapping_add(images.start * image);
        for (index, first) in (0..made).step_by(shape.columns).enumerate() {
            let tiles = Tiles {
                slide,
                place: &place,
                images: laid_out.as_ptr(),
                weights: weights[index * slot..][..slot].as_ptr(),
                columns: first..(first + shape.columns).min(made),
                out,
                stride: image,
            };
            for py in 0..axis_y.phases() {
                for px in 0..axis_x.phases() {
                    // SAFETY: the images are laid out from the first line on that these rows meet; a task's rows are its own.
                    unsafe {
                        tiles.phases::<S, TALL, MIDDLE, SHORT, COLS>(simd, &rows, [py, px], merged);
                    }
                }
            }
        }
    }
}

/// The tiles of one panel of weights.
struct Tiles<'a> {
    slide: &'a Slide<'a>,
    place: &'a Place,
    /// `[pixels, channels, height]`.
    images: *const f32,
    /// `[depth, width]`.
    weights: *const f32,
    columns: Range<usize>,
    /// The output of the first image.
    out: *mut f32,
    /// Its distance to that of the next.
    stride: usize,
}

/// A product that is added to one pixel of the images.
#[derive(Clone, Copy)]
struct Part {
    row: usize,
    column: usize,
    deep: usize,
    /// Whether it is the first one and the last one of its pixel.
    first: bool,
    last: bool,
}

impl Tiles<'_> {
    /// # Safety
    /// What the rows meet is laid out, and nobody else writes them.
    #[inline(always)]
    unsafe fn phases<S: Simd, const TALL: usize, const MIDDLE: usize, const SHORT: usize, const COLS: usize>(
        &self,
        simd: S,
        rows: &Range<usize>,
        [py, px]: [usize; 2],
        merged: &mut [f32],
    ) {
        let [axis_y, axis_x] = &self.slide.axes;
        let summed = self.slide.channels[0];
        let (taps_y, taps_x) = (axis_y.taps(py), axis_x.taps(px));
        let shape = const { TileShape::of(S::ISA) };
        let (height, width) = (self.place.height, shape.panel(Side::Columns, self.columns.len()));
        let base = self.slide.base([py, px]);
        let shallow = taps_x * summed < SHALLOW;
        // Row after row of taps, so that those in use stay in L1; where rows are shallow, pixel after pixel.
        let passes = if shallow { 1 } else { taps_y.max(1) };
        for pass in 0..passes {
            for row in axis_y.outputs(py).filter(|row| rows.contains(row)) {
                let over = axis_y.reach(row);
                let of_row = over.tap..over.tap + over.count.max(1);
                for column in axis_x.outputs(px) {
                    let along = axis_x.reach(column);
                    let whole = along.count == taps_x && over.count > 0;
                    if shallow && whole {
                        let deep = along.count * summed;
                        // SAFETY: the stretches are laid out, and `merged` has room for all rows of taps.
                        unsafe {
                            for step in 0..over.count {
                                let from = self.pixel(over.input + step, along.input);
                                let to = merged[step * deep * height..][..deep * height].as_mut_ptr();
                                for at in (0..deep * height).step_by(4) {
                                    to.add(at)
                                        .cast::<[f32; 4]>()
                                        .write_unaligned(from.add(at).cast::<[f32; 4]>().read_unaligned());
                                }
                            }
                            let weights = self.weights.add((base + over.tap * deep) * width);
                            let part = Part { row, column, deep: over.count * deep, first: true, last: true };
                            self.tile::<S, TALL, MIDDLE, SHORT, COLS>(simd, merged.as_ptr(), weights, part);
                        }
                        continue;
                    }
                    let taps = if shallow { of_row.clone() } else { pass..pass + 1 };
                    for tap in taps.filter(|tap| of_row.contains(tap) || (over.count == 0 && *tap == 0)) {
                        let deep = if over.count == 0 { 0 } else { along.count * summed };
                        let part = Part {
                            row,
                            column,
                            deep,
                            first: over.count == 0 || tap == of_row.start,
                            last: over.count == 0 || tap + 1 == of_row.end,
                        };
                        // SAFETY: of a depth of 0 nothing is read; else the stretch is laid out, and so are its weights.
                        unsafe {
                            let images = self.pixel(over.input + tap.saturating_sub(over.tap), along.input);
                            let weights =
                                self.weights.wrapping_add((base + (tap * taps_x + along.tap) * summed) * width);
                            self.tile::<S, TALL, MIDDLE, SHORT, COLS>(simd, images, weights, part);
                        }
                    }
                }
            }
        }
    }

    /// Where a pixel is laid out.
    #[inline(always)]
    fn pixel(&self, line: usize, column: usize) -> *const f32 {
        let summed = self.slide.channels[0];
        let pixel = line.wrapping_sub(self.place.line).wrapping_mul(self.slide.axes[1].input).wrapping_add(column);
        self.images.wrapping_add(pixel.wrapping_mul(summed * self.place.height))
    }

    /// One tile: a part of a pixel of all images and of the panel's channels.
    ///
    /// # Safety
    /// `images` holds `[deep][height]`, `weights` `[deep][width]`.
    #[inline(always)]
    unsafe fn tile<S: Simd, const TALL: usize, const MIDDLE: usize, const SHORT: usize, const COLS: usize>(
        &self,
        simd: S,
        images: *const f32,
        weights: *const f32,
        part: Part,
    ) {
        let shape = const { TileShape::of(S::ISA) };
        let (height, present, columns) = (self.place.height, self.columns.len(), self.columns.clone());
        let width = shape.panel(Side::Columns, present);
        let made = self.slide.channels[1];
        let epilogue = &self.slide.epilogue;
        let finish = Finish {
            scale: epilogue.scale,
            add: !part.first || epilogue.output == Output::Accumulate,
            bias: epilogue.bias.filter(|_| part.last),
            activation: if part.last { epilogue.activation } else { Activation::Identity },
        };
        let pixel = (part.row * self.slide.axes[1].output + part.column) * made + columns.start;
        let place = self.out.wrapping_add(pixel);
        let mut spare = [0.0f32; LARGEST];
        let inside = self.place.images == height && present == width;
        let (out, stride) = if inside { (place, self.stride) } else { (spare.as_mut_ptr(), width) };
        let a = RowPanel { first: images, stride: 0 };
        let b = ColumnPanel { first: weights, stride: width, packed: std::ptr::null_mut() };
        // SAFETY: the caller vouches for the panels; `out` is the images' own pixel or a spare tile, and `place` has the pixels of the images that
        // there are.
        unsafe {
            if !inside && finish.add {
                copy(simd, place, self.stride, out, stride, self.place.images, present);
            }
            macro_rules! tile {
                ($cols:expr) => {
                    match (height == TALL, height == MIDDLE) {
                        (true, _) => tile!($cols, TALL),
                        (_, true) => tile!($cols, MIDDLE),
                        _ => tile!($cols, SHORT),
                    }
                };
                ($cols:expr, $rows:expr) => {
                    finish.tile::<S, { $rows }, { $cols }, { reading::PACKED }, false>(
                        simd,
                        part.deep,
                        a,
                        b,
                        out,
                        stride,
                        columns.clone(),
                    )
                };
            }
            if const { COLS == 2 } && width == S::LANES {
                tile!(1)
            } else {
                tile!(COLS)
            }
            if finish.bias.is_some() || finish.activation != Activation::Identity {
                finish.finish(simd, out, stride, height, columns.clone());
            }
            if !inside {
                copy(simd, out, stride, place, self.stride, self.place.images, present);
            }
        }
    }
}
