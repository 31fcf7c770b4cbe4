//! Products with a staircase matrix W `[out, in]`, of which only the blocks are stored: y = x Wᵀ, and its derivatives with
//! respect to x and to W.
//!
//! What all blocks share, the rows of the batch, is packed once. Each task then multiplies a few rows of a block, or a few
//! columns of all blocks, by it: a product as any other, but of a depth of its own. Elements are summed over the depth in
//! ascending order, and which blocks there are depends on the limits alone, so the bits are the same for any number of threads
//! on one instruction set.

use super::pack::{Pack, Panel, block_of};
use super::product::{DEPTH, PACKED, PARALLEL_FROM, Shared, even_piece};
use super::scratch::{give_back, take};
use super::task::Task;
use super::tile::{Side, TileShape};
use super::{Epilogue, MatrixRef, Output};
use crate::kernels::staircase::Staircase;
use crate::parallel::tasks_apart;
use crate::simd::{Isa, dispatch_on};
use std::ops::Range;

/// Rows of a block that a task of y = x Wᵀ multiplies: one panel of the widest tile, two of AVX2's, which stay in L2.
const PIECE: usize = 32;
/// Rows of a block that a task of W's derivative computes: a whole number of every tile.
const GRADIENT_PIECE: usize = 48;
/// Columns of all blocks that a task of x's derivative goes through: with 64 rows of a block they stay in L1.
const STRETCH: usize = 64;
/// Tasks below which each is divided further.
const FEW: usize = 8;
/// Rows of the batch that are packed at a time: between them as many as [`PACKED`] holds.
const FEWEST_LINES: usize = 96;
const LINES: usize = 2048;

/// `y = activation(scale · x Wᵀ [+ y] + bias)` with x `[m, in]`, the stored W of `staircase`, and y `[m, out]` row-major.
///
/// W is taken to be zero where it is stored beyond a row's limit. Errors are those of [`gemm`](super::gemm).
///
/// # Panics
/// Where the shapes do not fit.
#[track_caller]
pub fn staircase_product(x: MatrixRef, staircase: &Staircase, weights: &[f32], y: &mut [f32], epilogue: Epilogue) {
    staircase_product_on(Isa::current(), x, staircase, weights, y, epilogue);
}

#[track_caller]
pub(super) fn staircase_product_on(
    isa: Isa,
    x: MatrixRef,
    staircase: &Staircase,
    weights: &[f32],
    y: &mut [f32],
    epilogue: Epilogue,
) {
    let (m, n, k) = (x.rows, staircase.outputs(), staircase.inputs());
    check(staircase, weights.len(), x, k);
    assert_eq!(y.len(), m * n, "a product of {m} rows with a {n} × {k} staircase into {} values", y.len());
    if let Some(bias) = epilogue.bias {
        assert_eq!(bias.len(), n, "a bias of {} values for a {m} × {n} product", bias.len());
    }
    if m == 0 || n == 0 {
        return;
    }
    let products = Products::new(isa, staircase, m);
    let shape = products.shape;
    let block = even_piece(k, DEPTH);
    let y = Shared(y.as_mut_ptr());
    let count = k.div_ceil(block);
    let room = PIECE.next_multiple_of(shape.columns) * block;
    products.in_stretches(m, count * block, room, &|rows, packed, rooms| {
        let layers =
            |index: usize| Layer { depth: block_of(&(0..k), index, block), start: index * block, room: block };
        let lines =
            products.pack(Operand { side: Side::Rows, lines: rows.clone(), of: x }, count, &layers, packed);
        let packed = &*packed;
        let pieces = staircase.pieces(PIECE);
        let parts = Parts::of(&rows, pieces, shape.rows);
        products.run(pieces * parts.count, rooms, &|index, own| {
            let (first, rows) = parts.part(index % parts.count);
            let Some((stored, columns)) = staircase.piece(PIECE, index / parts.count) else { return };
            let bias = epilogue.bias.map(|bias| &bias[stored.rows.clone()]);
            let task = Task {
                rows_of: MatrixRef { cols: stored.columns, ..x },
                columns_of: MatrixRef::row_major(&weights[stored.range()], stored.rows.len(), stored.columns),
                rows,
                columns,
                depth: 0..stored.columns,
                block,
                side: Side::Rows,
                packed: &packed[first * block..],
                layer: lines * block,
                own,
                c: y.at(stored.rows.start),
                stride: n,
                epilogue: Epilogue { bias, ..epilogue },
            };
            task.run_on(isa);
        });
    });
}

/// The derivative with respect to x: `out = g W` with g `[m, out]`, the stored W of `staircase`, and out `[m, in]` row-major.
///
/// # Panics
/// Where the shapes do not fit.
#[track_caller]
pub fn staircase_input_gradient(g: MatrixRef, staircase: &Staircase, weights: &[f32], out: &mut [f32]) {
    staircase_input_gradient_on(Isa::current(), g, staircase, weights, out);
}

#[track_caller]
pub(super) fn staircase_input_gradient_on(
    isa: Isa,
    g: MatrixRef,
    staircase: &Staircase,
    weights: &[f32],
    out: &mut [f32],
) {
    let (m, n, k) = (g.rows, staircase.outputs(), staircase.inputs());
    check(staircase, weights.len(), g, n);
    assert_eq!(out.len(), m * k, "a product of {m} rows with a {n} × {k} staircase into {} values", out.len());
    if m == 0 || k == 0 {
        return;
    }
    let products = Products::new(isa, staircase, m);
    let shape = products.shape;
    let blocks = staircase.blocks();
    let deepest = blocks.iter().map(|block| block.rows.len()).max().unwrap_or(0);
    let out = Shared(out.as_mut_ptr());
    let clear = |rows: &Range<usize>, columns: Range<usize>| {
        for row in rows.clone() {
            // SAFETY: the rectangle is the task's that asks for it, and lies within the output.
            unsafe { std::slice::from_raw_parts_mut(out.at(row * k + columns.start), columns.len()).fill(0.0) };
        }
    };
    products.in_stretches(m, n, STRETCH * deepest, &|rows, packed, rooms| {
        let layers = |index: usize| {
            let depth = blocks[index].rows.clone();
            Layer { start: depth.start, room: depth.len(), depth }
        };
        let lines =
            products.pack(Operand { side: Side::Rows, lines: rows.clone(), of: g }, blocks.len(), &layers, packed);
        let packed = &*packed;
        let pieces = k.div_ceil(STRETCH);
        let parts = Parts::of(&rows, pieces, shape.rows);
        products.run(pieces * parts.count, rooms, &|index, own| {
            let (first, rows) = parts.part(index % parts.count);
            let columns = block_of(&(0..k), index / parts.count, STRETCH);
            let mut output = Output::Overwrite;
            for block in blocks.iter().filter(|block| block.columns > columns.start) {
                let deep = block.rows.len();
                let stored = MatrixRef::row_major(&weights[block.range()], deep, block.columns);
                let covered = columns.start..columns.end.min(block.columns);
                if output == Output::Overwrite {
                    clear(&rows, covered.end..columns.end);
                }
                let task = Task {
                    rows_of: MatrixRef { cols: deep, ..g },
                    columns_of: stored.transposed(),
                    rows: rows.clone(),
                    columns: covered,
                    depth: 0..deep,
                    block: deep,
                    side: Side::Rows,
                    packed: &packed[lines * block.rows.start + first * deep..],
                    layer: 0,
                    own: &mut *own,
                    c: out.at(0),
                    stride: k,
                    epilogue: Epilogue { output, ..Epilogue::default() },
                };
                task.run_on(isa);
                output = Output::Accumulate;
            }
            if output == Output::Overwrite {
                clear(&rows, columns);
            }
        });
    });
}

/// The derivative with respect to W: `out = gᵀ x` with g `[m, out]`, x `[m, in]`, as `staircase` stores it, and zero where it
/// stores something beyond a row's limit.
///
/// # Panics
/// Where the shapes do not fit.
#[track_caller]
pub fn staircase_weight_gradient(g: MatrixRef, x: MatrixRef, staircase: &Staircase, out: &mut [f32]) {
    staircase_weight_gradient_on(Isa::current(), g, x, staircase, out);
}

#[track_caller]
pub(super) fn staircase_weight_gradient_on(
    isa: Isa,
    g: MatrixRef,
    x: MatrixRef,
    staircase: &Staircase,
    out: &mut [f32],
) {
    let (m, n, k) = (g.rows, staircase.outputs(), staircase.inputs());
    check(staircase, out.len(), g, n);
    check(staircase, out.len(), x, k);
    assert_eq!(m, x.rows, "{m} rows of a gradient for {} of an input", x.rows);
    if m == 0 || k == 0 {
        return out.fill(0.0);
    }
    let products = Products::new(isa, staircase, m);
    let shape = products.shape;
    let block = even_piece(m, DEPTH);
    let out = Shared(out.as_mut_ptr());
    products.with_rooms(k.next_multiple_of(shape.columns) * block, GRADIENT_PIECE * block, &|packed, rooms| {
        for depth in (0..m).step_by(block).map(|first| first..m.min(first + block)) {
            let inputs = x.transposed();
            let layer = |_| Layer { depth: depth.clone(), start: 0, room: block };
            products.pack(Operand { side: Side::Columns, lines: 0..k, of: inputs }, 1, &layer, packed);
            let packed = &*packed;
            products.run(staircase.pieces(GRADIENT_PIECE), rooms, &|index, own| {
                let Some((stored, rows)) = staircase.piece(GRADIENT_PIECE, index) else { return };
                if stored.columns == 0 {
                    return;
                }
                let outputs = g.transposed();
                let first = stored.rows.start * outputs.row_stride;
                let task = Task {
                    rows_of: MatrixRef { values: &outputs.values[first..], rows: stored.rows.len(), ..outputs },
                    columns_of: MatrixRef { rows: stored.columns, ..inputs },
                    rows: rows.clone(),
                    columns: 0..stored.columns,
                    depth: depth.clone(),
                    block,
                    side: Side::Columns,
                    packed,
                    layer: 0,
                    own,
                    c: out.at(stored.start),
                    stride: stored.columns,
                    epilogue: Epilogue::default(),
                };
                task.run_on(isa);
                for row in rows {
                    let limit = staircase.limits()[stored.rows.start + row];
                    let beyond = out.at(stored.start + row * stored.columns + limit);
                    // SAFETY: the rows of the block are this task's alone, and the limit lies within them.
                    unsafe { std::slice::from_raw_parts_mut(beyond, stored.columns - limit).fill(0.0) };
                }
            });
        }
    });
}

#[track_caller]
fn check(staircase: &Staircase, weights: usize, rows: MatrixRef, width: usize) {
    let (outputs, inputs, stored) = (staircase.outputs(), staircase.inputs(), staircase.stored_length());
    assert_eq!(weights, stored, "a staircase that stores {stored} numbers in {weights}");
    assert_eq!(rows.cols, width, "rows of {} values for a {outputs} × {inputs} staircase", rows.cols);
}

/// What the three products share.
struct Products {
    isa: Isa,
    shape: TileShape,
    parallel: bool,
}

/// The operand that all blocks share, `[lines, depth]`, and which of its lines are packed.
struct Operand<'a> {
    side: Side,
    lines: Range<usize>,
    of: MatrixRef<'a>,
}

/// Part of the depth of an operand that is packed together.
struct Layer {
    depth: Range<usize>,
    /// Steps of the depth that there is room for before it, and in each of its panels.
    start: usize,
    room: usize,
}

/// Room of each thread for the panels that its tasks pack.
#[derive(Clone, Copy)]
struct Rooms {
    first: Shared,
    length: usize,
}

/// Rows that are packed, cut into parts of whole panels where there are few other ways to cut.
struct Parts {
    rows: Range<usize>,
    count: usize,
    /// Rows of a part.
    length: usize,
}

impl Parts {
    fn of(rows: &Range<usize>, pieces: usize, panel: usize) -> Self {
        let panels = rows.len().div_ceil(panel);
        let each = panels.div_ceil(FEW.div_ceil(pieces.max(1)));
        Parts { rows: rows.clone(), count: panels.div_ceil(each), length: each * panel }
    }

    /// How many packed lines come before a part, and its rows.
    fn part(&self, index: usize) -> (usize, Range<usize>) {
        (index * self.length, block_of(&self.rows, index, self.length))
    }
}

/// What is done with a stretch of rows, with memory to pack them and room for each thread.
type Stretches<'a> = dyn Fn(Range<usize>, &mut [f32], Rooms) + 'a;

impl Products {
    fn new(isa: Isa, staircase: &Staircase, m: usize) -> Self {
        let parallel = m * staircase.stored_length() >= PARALLEL_FROM;
        Products { isa, shape: TileShape::of(isa), parallel }
    }

    /// Runs `body` with memory for `packed` floats and with `room` for each thread.
    fn with_rooms(&self, packed: usize, room: usize, body: &dyn Fn(&mut [f32], Rooms)) {
        let threads = if self.parallel { rayon::current_num_threads() } else { 1 };
        let mut scratch = take();
        if scratch.len() < packed + room * threads {
            scratch.resize(packed + room * threads);
        }
        let (rooms, packed) = scratch.split_at_mut(room * threads);
        body(packed, Rooms { first: Shared(rooms.as_mut_ptr()), length: room });
        give_back(scratch);
    }

    /// As [`with_rooms`](Self::with_rooms), for as many of `m` rows at a time as pack well.
    fn in_stretches(&self, m: usize, depth: usize, room: usize, body: &Stretches<'_>) {
        let most = (PACKED / depth.max(1)).clamp(FEWEST_LINES, LINES);
        let lines = even_piece(m, most).next_multiple_of(self.shape.rows);
        // Of no depth there are panels all the same.
        self.with_rooms(lines * depth.max(1), room, &|packed, rooms| {
            for first in (0..m).step_by(lines) {
                body(first..m.min(first + lines), packed, rooms);
            }
        });
    }

    /// Packs an operand: layer after layer of its depth, which follow one another from 0 on, of panel after panel. Returns the lines
    /// that the panels have room for: so many floats for each step of the depth.
    fn pack(
        &self,
        operand: Operand,
        layers: usize,
        layer: &(dyn Fn(usize) -> Layer + Sync),
        out: &mut [f32],
    ) -> usize {
        let width = self.shape.width(operand.side);
        let panels = operand.lines.len().div_ceil(width);
        let steps = layers.checked_sub(1).map_or(0, |last| layer(last).start + layer(last).room);
        let out = Shared(out[..panels * width * steps].as_mut_ptr());
        let task = |index: usize| {
            let (Layer { depth, start, room }, panel) = (layer(index / panels), index % panels);
            let lines = block_of(&operand.lines, panel, width);
            let start = width * (panels * start + panel * room);
            // SAFETY: layers and panels lie one after the other, and the last one of them ends at the end of the slice.
            let out = unsafe { std::slice::from_raw_parts_mut(out.at(start), width * room) };
            let panel = Panel {
                matrix: operand.of,
                line: lines.start,
                present: lines.len(),
                width: self.shape.panel(operand.side, lines.len()),
                depth: depth.start,
                deep: depth.len(),
            };
            dispatch_on(self.isa, Pack { panel, out });
        };
        self.tasks(layers * panels, &task);
        panels * width
    }

    fn tasks(&self, count: usize, task: &(dyn Fn(usize) + Sync)) {
        if self.parallel {
            tasks_apart(count, task);
        } else {
            (0..count).for_each(task);
        }
    }

    /// Runs `task(0)` to `task(count − 1)`, each with the room of its thread.
    fn run(&self, count: usize, rooms: Rooms, task: &(dyn Fn(usize, &mut [f32]) + Sync)) {
        self.tasks(count, &|index| {
            let thread = if self.parallel { rayon::current_thread_index().unwrap_or(0) } else { 0 };
            // SAFETY: there is a room for each thread of the pool, and a thread does one task of a product at a time, since
            // tasks wait for nothing.
            let own =
                unsafe { std::slice::from_raw_parts_mut(rooms.first.at(thread * rooms.length), rooms.length) };
            task(index, own);
        });
    }
}
