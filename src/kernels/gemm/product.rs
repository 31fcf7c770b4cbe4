//! How a product is cut: blocks of the packed operand, blocks of the depth, and tasks.

use super::pack::{Pack, Panel, block_of};
use super::task::Task;
use super::tile::{Side, TileShape};
use super::{Epilogue, MatrixRef};
use crate::simd::{Isa, dispatch_on};
use crate::tensor::AlignedVec;
use rayon::prelude::*;
use std::cell::RefCell;
use std::ops::Range;

/// Deepest block. A row panel takes 12 · 512 · 4 bytes = 24 KB of L1, and a task's own panels at most 128 KB of L2. The
/// product is read and written once per 512 multiply-adds.
pub(super) const DEPTH: usize = 512;
/// Lines of the operand that is packed first, at a time.
const LINES: usize = 2048;
/// Floats packed at a time, 1 MB, unless one block of the depth takes more.
const PACKED: usize = 1 << 18;
/// Floats that one thread packs in a row: some 4 µs.
const PACK_TASK: usize = 1 << 14;

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

/// A pointer to the output, of which each task writes a rectangle of its own.
#[derive(Clone, Copy)]
struct Shared(*mut f32);
// SAFETY: the rectangles of the tasks are disjoint.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    fn pointer(self) -> *mut f32 {
        self.0
    }
}

thread_local! {
    /// Packing buffers that nothing on this thread uses now. More than one where the thread, waiting for a task of one
    /// product, works on another.
    static SCRATCH: RefCell<Vec<AlignedVec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// Calls `work` with a buffer of at least `length` floats of any values.
fn with_scratch(length: usize, work: impl FnOnce(&mut [f32])) {
    let mut scratch = SCRATCH.with_borrow_mut(Vec::pop).unwrap_or_default();
    if scratch.len() < length {
        scratch.resize(length);
    }
    work(&mut scratch[..length]);
    SCRATCH.with_borrow_mut(|spare| spare.push(scratch));
}

/// `length` cut into the fewest equal pieces of at most `limit`: the length of a piece.
fn even_piece(length: usize, limit: usize) -> usize {
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

/// How the lines of the other operand are cut: pieces of `group` units, at the end pieces of one.
#[derive(Clone, Copy, Debug)]
struct Cuts {
    units: usize,
    group: usize,
    groups: usize,
}

impl Cuts {
    fn pieces(self) -> usize {
        self.groups + (self.units - (self.groups * self.group).min(self.units))
    }

    /// Units of piece number `index`.
    fn piece(self, index: usize) -> Range<usize> {
        if index < self.groups {
            index * self.group..((index + 1) * self.group).min(self.units)
        } else {
            let unit = self.groups * self.group + index - self.groups;
            unit..unit + 1
        }
    }
}

impl Product<'_> {
    /// Writes the product, `[m, n]`.
    pub(super) fn run(&self, c: &mut [f32]) {
        let (m, n, k) = (self.a.rows, self.b.cols, self.a.cols);
        let side = if m <= n { Side::Rows } else { Side::Columns };
        let (packed, width) = (self.operand(side), TileShape::of(self.isa).width(side));
        let block = even_piece(k, DEPTH);
        let lines = even_piece(packed.rows, LINES);
        let panels = lines.div_ceil(width);
        let deepest = (PACKED / (panels * width * block)).clamp(1, k.div_ceil(block).max(1)) * block;
        let c = Shared(c.as_mut_ptr());
        with_scratch(panels * width * deepest, |scratch| {
            for first in (0..packed.rows).step_by(lines) {
                let lines = first..(first + lines).min(packed.rows);
                for index in 0..k.div_ceil(deepest).max(1) {
                    let depth = block_of(&(0..k), index, deepest);
                    let stretch = Stretch { side, lines: lines.clone(), panels, depth, block };
                    self.pack(&stretch, scratch);
                    self.multiply(&stretch, scratch, c);
                }
            }
        });
    }

    /// `[lines, depth]`: a column panel is a row panel of the transpose.
    fn operand(&self, side: Side) -> MatrixRef<'_> {
        match side {
            Side::Rows => self.a,
            Side::Columns => self.b.transposed(),
        }
    }

    fn for_each(&self, count: usize, work: impl Fn(usize) + Sync + Send) {
        if self.parallel {
            (0..count).into_par_iter().with_max_len(1).for_each(work);
        } else {
            (0..count).for_each(work);
        }
    }

    /// Packs a stretch: block after block of the depth, panel after panel, each in room for a full one.
    fn pack(&self, stretch: &Stretch, out: &mut [f32]) {
        let shape = TileShape::of(self.isa);
        let width = shape.width(stretch.side);
        let slot = width * stretch.block;
        let slots = stretch.panels * stretch.depth.len().div_ceil(stretch.block);
        let group = (PACK_TASK / slot).max(1);
        let pack = |(index, out): (usize, &mut [f32])| {
            for (offset, out) in out.chunks_mut(slot).enumerate() {
                let index = index * group + offset;
                let depth = block_of(&stretch.depth, index / stretch.panels, stretch.block);
                let lines = block_of(&stretch.lines, index % stretch.panels, width);
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
            out.par_chunks_mut(slot * group).with_max_len(1).enumerate().for_each(pack);
        } else {
            out.chunks_mut(slot * group).enumerate().for_each(pack);
        }
    }

    /// All tiles of a stretch, in tasks.
    fn multiply(&self, stretch: &Stretch, packed: &[f32], c: Shared) {
        let shape = TileShape::of(self.isa);
        let other = stretch.side.other();
        let lines = self.operand(other).rows;
        let (width, other_width) = (shape.width(stretch.side), shape.width(other));
        let (unit, group) = match other {
            Side::Rows => (shape.rows, 48 / shape.rows),
            Side::Columns => (
                shape.lanes,
                shape.columns / shape.lanes
                    * if lines >= 1024 {
                        4
                    } else if lines >= 768 {
                        2
                    } else {
                        1
                    },
            ),
        };
        let units = lines.div_ceil(unit);
        let groups = if self.parallel { units.saturating_sub(group) / group } else { units.div_ceil(group) };
        let cuts = Cuts { units, group, groups };
        // The small pieces at the end are cut along the packed side, too.
        let half = if stretch.panels >= 4 { stretch.panels.div_ceil(2) } else { stretch.panels };
        let halves = stretch.panels.div_ceil(half);
        let small = cuts.pieces() - cuts.groups;
        self.for_each(cuts.groups + small * halves, |index| {
            let (piece, panels) = match index.checked_sub(cuts.groups) {
                None => (index, 0..stretch.panels),
                Some(rest) => (cuts.groups + rest / halves, block_of(&(0..stretch.panels), rest % halves, half)),
            };
            let own = cuts.piece(piece);
            let own = own.start * unit..(own.end * unit).min(lines);
            let start = stretch.lines.start + panels.start * width;
            let ours =
                start.min(stretch.lines.end)..(stretch.lines.start + panels.end * width).min(stretch.lines.end);
            let (rows, columns) = match stretch.side {
                Side::Rows => (ours, own.clone()),
                Side::Columns => (own.clone(), ours),
            };
            let room = own.len().next_multiple_of(other_width) * stretch.block;
            with_scratch(room, |room| {
                let task = Task {
                    rows_of: self.operand(Side::Rows),
                    columns_of: self.operand(Side::Columns),
                    rows,
                    columns,
                    depth: stretch.depth.clone(),
                    block: stretch.block,
                    side: stretch.side,
                    packed: &packed[panels.start * width * stretch.block..],
                    layer: stretch.panels * width * stretch.block,
                    own: room,
                    c: c.pointer(),
                    epilogue: self.epilogue,
                };
                dispatch_on(self.isa, task);
            });
        });
    }
}
