//! The product, and how it is cut: blocks of the packed operand, blocks of the depth, and tasks.

use super::narrow::{is_narrow, narrow_product};
use super::pack::{Pack, Panel, block_of};
use super::scratch::{give_back, take};
use super::task::Task;
use super::tile::{Side, TileShape};
use super::{Epilogue, MatrixRef};
use crate::parallel::{chunks_mut, for_each_apart, tasks_apart};
use crate::simd::{Isa, dispatch_on};
use std::ops::Range;

/// Deepest block. A row panel takes 12 · 512 · 4 bytes = 24 KB of L1, and a task's own panels at most 96 KB of L2. The
/// product is read and written once per 512 multiply-adds.
pub(super) const DEPTH: usize = 512;
/// Lines of the operand that is packed first, at a time.
const LINES: usize = 2048;
/// Floats packed at a time, 1 MB, unless one block of the depth takes more.
pub(super) const PACKED: usize = 1 << 18;
/// Floats that one thread packs in a row: some 4 µs.
const PACK_TASK: usize = 1 << 14;

/// Multiply-adds below which one thread does it all. So few are mostly narrow, and take 30 µs: three times what waking another
/// one costs.
pub(in crate::kernels) const PARALLEL_FROM: usize = 3 << 18;

/// `c = activation(scale · a b [+ c] + bias)` with a `[m, k]`, b `[k, n]`, c `[m, n]` row-major; any of them may be 0.
///
/// Each element differs from the exact one by at most about (k + 3) ε (|a| |b| + |c| + |bias|) before the activation,
/// ε = 2⁻²⁴. Large products run on the current rayon pool; the bits do not depend on its threads.
///
/// # Panics
/// Where the shapes do not fit.
#[track_caller]
pub fn gemm(a: MatrixRef, b: MatrixRef, c: &mut [f32], epilogue: Epilogue) {
    gemm_on(Isa::current(), a, b, c, epilogue);
}

#[track_caller]
pub(super) fn gemm_on(isa: Isa, a: MatrixRef, b: MatrixRef, c: &mut [f32], epilogue: Epilogue) {
    let (m, n, k) = (a.rows, b.cols, a.cols);
    assert_eq!(k, b.rows, "the product of {m} × {k} and {} × {n} matrices", b.rows);
    assert_eq!(c.len(), m * n, "a {m} × {k} by {k} × {n} product into {} values", c.len());
    if let Some(bias) = epilogue.bias {
        assert_eq!(bias.len(), n, "a bias of {} values for a {m} × {n} product", bias.len());
    }
    if m == 0 || n == 0 {
        return;
    }
    let parallel = m * n * k >= PARALLEL_FROM;
    if is_narrow(a, b) {
        return narrow_product(isa, a, b, c, epilogue, parallel);
    }
    // A column is also a row: so its elements lie side by side, as the vectors of a tile want them.
    let (a, b) = if n == 1 && epilogue.bias.is_none() { (b.transposed(), a.transposed()) } else { (a, b) };
    Product { isa, a, b, epilogue, parallel }.run(c);
}

/// One product: see [`gemm`](super::gemm).
pub(super) struct Product<'a> {
    pub(super) isa: Isa,
    /// `[m, k]`.
    pub(super) a: MatrixRef<'a>,
    /// `[k, n]`.
    pub(super) b: MatrixRef<'a>,
    pub(super) epilogue: Epilogue<'a>,
    pub(super) parallel: bool,
}

/// A pointer to the output, of which each task writes a rectangle of its own, or to the rooms, of which each thread has its
/// own.
#[derive(Clone, Copy)]
pub(in crate::kernels) struct Shared(pub(in crate::kernels) *mut f32);
// SAFETY: rectangles and rooms are disjoint.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    pub(in crate::kernels) fn at(self, offset: usize) -> *mut f32 {
        self.0.wrapping_add(offset)
    }
}

/// `length` cut into the fewest equal pieces of at most `limit`: the length of a piece.
pub(super) fn even_piece(length: usize, limit: usize) -> usize {
    length.div_ceil(length.div_ceil(limit).max(1)).max(1)
}

/// The operand that is packed first, a stretch of it.
struct Stretch {
    side: Side,
    /// Lines of the operand.
    lines: Range<usize>,
    /// Panels that there is room for.
    panels: usize,
    depth: Range<usize>,
    /// Length of a block of the depth.
    block: usize,
}

/// Partition of the other operand's lines into tasks: pieces of `group` units, and at the end pieces of one, so that
/// the threads finish together.
#[derive(Clone, Copy)]
struct Cuts {
    /// Lines of a unit.
    unit: usize,
    units: usize,
    group: usize,
    groups: usize,
}

impl Cuts {
    /// A unit is a row panel or one vector of columns. A group of columns is one panel: on AVX2 it may stay in L1. Where blocks
    /// are shallow it is two, which share what a step from tile to tile costs.
    fn of(shape: TileShape, side: Side, lines: usize, block: usize, parallel: bool) -> Self {
        let (unit, group) = match side {
            Side::Rows => (shape.rows, 48 / shape.rows),
            Side::Columns => {
                let panels = if block < 128 { 2 } else { 1 };
                (shape.lanes, panels * shape.columns / shape.lanes)
            }
        };
        let units = lines.div_ceil(unit);
        let groups = if parallel { units.saturating_sub(group) / group } else { units.div_ceil(group) };
        Cuts { unit, units, group, groups }
    }

    /// Pieces of one unit.
    fn singles(self) -> usize {
        self.units.saturating_sub(self.groups * self.group)
    }

    /// Lines of piece number `index`, which may reach beyond the last.
    fn piece(self, index: usize) -> Range<usize> {
        let units = match index.checked_sub(self.groups) {
            None => index * self.group..(index + 1) * self.group,
            Some(single) => self.groups * self.group + single..self.groups * self.group + single + 1,
        };
        units.start * self.unit..units.end * self.unit
    }
}

impl Product<'_> {
    /// Writes the product, `[m, n]`.
    pub(super) fn run(&self, c: &mut [f32]) {
        let (m, n, k) = (self.a.rows, self.b.cols, self.a.cols);
        let shape = TileShape::of(self.isa);
        let side = if m <= n { Side::Rows } else { Side::Columns };
        let packed = self.operand(side);
        let block = even_piece(k, DEPTH);
        let lines = even_piece(packed.rows, LINES);
        let panels = lines.div_ceil(shape.width(side));
        let layer = panels * shape.width(side) * block;
        let blocks = (PACKED / layer).clamp(1, k.div_ceil(block).max(1));
        let other = side.other();
        let cuts = Cuts::of(shape, other, self.operand(other).rows, block, self.parallel);
        let room = (cuts.group * cuts.unit).next_multiple_of(shape.width(other)) * block;
        let threads = if self.parallel { rayon::current_num_threads() } else { 1 };

        let mut scratch = take();
        if scratch.len() < layer * blocks + room * threads {
            scratch.resize(layer * blocks + room * threads);
        }
        let (rooms, panels_packed) = scratch.split_at_mut(room * threads);
        let (c, rooms) = (Shared(c.as_mut_ptr()), Shared(rooms.as_mut_ptr()));
        for first in (0..packed.rows).step_by(lines) {
            let lines = first..(first + lines).min(packed.rows);
            for index in 0..k.div_ceil(block * blocks).max(1) {
                let depth = block_of(&(0..k), index, block * blocks);
                let stretch = Stretch { side, lines: lines.clone(), panels, depth, block };
                self.pack(&stretch, panels_packed);
                self.multiply(&stretch, panels_packed, cuts, rooms, room, c);
            }
        }
        give_back(scratch);
    }

    /// `[lines, depth]`: a column panel is a row panel of the transpose.
    fn operand(&self, side: Side) -> MatrixRef<'_> {
        match side {
            Side::Rows => self.a,
            Side::Columns => self.b.transposed(),
        }
    }

    /// Packs a stretch: block after block of the depth, panel after panel, each in room for a full one.
    fn pack(&self, stretch: &Stretch, out: &mut [f32]) {
        let shape = TileShape::of(self.isa);
        let width = shape.width(stretch.side);
        let slot = width * stretch.block;
        let slots = stretch.panels * stretch.depth.len().div_ceil(stretch.block);
        let group = (PACK_TASK / slot).max(1);
        let pack = |index: usize, out: &mut [f32]| {
            for (offset, out) in out.chunks_mut(slot).enumerate() {
                let index = index * group + offset;
                let depth = block_of(&stretch.depth, index / stretch.panels, stretch.block);
                let lines = block_of(&stretch.lines, index % stretch.panels, width);
                if lines.is_empty() {
                    continue;
                }
                let panel = Panel {
                    matrix: self.operand(stretch.side),
                    line: lines.start,
                    present: lines.len(),
                    width: shape.panel(stretch.side, lines.len()),
                    depth: depth.start,
                    deep: depth.len(),
                };
                dispatch_on(self.isa, Pack { panel, out });
            }
        };
        let out = &mut out[..slots * slot];
        if self.parallel {
            for_each_apart(chunks_mut(out, slot * group), pack);
        } else {
            pack(0, out);
        }
    }

    /// All tiles of a stretch, in tasks: a piece of the other operand each by all of the stretch, or by half of it where the
    /// piece is a single unit. `rooms` has `room` floats for each thread.
    fn multiply(&self, stretch: &Stretch, packed: &[f32], cuts: Cuts, rooms: Shared, room: usize, c: Shared) {
        let width = TileShape::of(self.isa).width(stretch.side);
        let panels = 0..stretch.panels;
        let half = if stretch.panels >= 4 { stretch.panels.div_ceil(2) } else { stretch.panels };
        let halves = stretch.panels.div_ceil(half);
        let all = self.operand(stretch.side.other()).rows;
        let task = |index: usize| {
            let (piece, panels) = match index.checked_sub(cuts.groups) {
                None => (index, panels.clone()),
                Some(rest) => (cuts.groups + rest / halves, block_of(&panels, rest % halves, half)),
            };
            let own = cuts.piece(piece);
            let own = own.start..own.end.min(all);
            let first = panels.start * width;
            let ours = block_of(&stretch.lines, 0, panels.end * width);
            let ours = (ours.start + first).min(ours.end)..ours.end;
            let (rows, columns) = match stretch.side {
                Side::Rows => (ours, own),
                Side::Columns => (own, ours),
            };
            let thread = if self.parallel { rayon::current_thread_index().unwrap_or(0) } else { 0 };
            // SAFETY: there is a room for each thread of the pool, and a thread does one task of a product at a time, since
            // tasks wait for nothing.
            let own = unsafe { std::slice::from_raw_parts_mut(rooms.at(thread * room), room) };
            let task = Task {
                rows_of: self.operand(Side::Rows),
                columns_of: self.operand(Side::Columns),
                rows,
                columns,
                depth: stretch.depth.clone(),
                block: stretch.block,
                side: stretch.side,
                packed: &packed[first * stretch.block..],
                layer: stretch.panels * width * stretch.block,
                own,
                c: c.at(0),
                stride: self.b.cols,
                epilogue: self.epilogue,
            };
            task.run_on(self.isa);
        };
        let count = cuts.groups + cuts.singles() * halves;
        if self.parallel {
            tasks_apart(count, &task);
        } else {
            (0..count).for_each(task);
        }
    }
}
