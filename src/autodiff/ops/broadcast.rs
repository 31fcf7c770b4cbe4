//! Operands that are repeated to a common shape: where their elements lie, and functions of them element by element.
//!
//! Work is cut into blocks whose length depends on shapes alone; several of them run in parallel on the current rayon
//! pool. An element is computed from its operands' elements, so the bits depend on neither.

use crate::autodiff::{MOST_AXES, Shape, View};
use crate::parallel::{chunks_mut, for_each};
use crate::simd::{Simd, Vectorised, dispatch_narrow};

/// Elements of a block: 64 KB of f32, a few microseconds, in the second-level cache.
pub(super) const BLOCK: usize = 1 << 14;
/// Blocks below which one thread does it all: waking another costs as much.
const PARALLEL_FROM: usize = 4;

/// The shape all operands are repeated to.
pub(super) fn meet(operands: &[Shape]) -> Result<Shape, String> {
    let mut joint = Shape::SCALAR;
    for shape in operands {
        joint = joint.broadcast(*shape).ok_or_else(|| match operands {
            [a, b] => format!("shapes {a} and {b} do not go together"),
            _ => format!("shapes {operands:?} do not go together"),
        })?;
    }
    Ok(joint)
}

/// Strides along each axis of `wide` of an operand of shape `narrow` that is repeated to
/// it: 0 along repeated axes.
pub(super) fn broadcast_strides(narrow: Shape, wide: Shape) -> [usize; MOST_AXES] {
    let mut strides = [0; MOST_AXES];
    let mut stride = 1;
    for back in 1..=narrow.len() {
        let length = narrow[narrow.len() - back];
        if length != 1 {
            strides[wide.len() - back] = stride;
        }
        stride *= length;
    }
    strides
}

/// Calls `visit` with the position in each operand of every element of `shape`, in row-major order.
pub(super) fn walk<const N: usize>(
    shape: Shape,
    strides: [[usize; MOST_AXES]; N],
    visit: &mut dyn FnMut(usize, [usize; N]),
) {
    let mut counters = [0; MOST_AXES];
    let mut positions = [0; N];
    for element in 0..shape.elements() {
        visit(element, positions);
        for axis in (0..shape.len()).rev() {
            counters[axis] += 1;
            for operand in 0..N {
                positions[operand] += strides[operand][axis];
            }
            if counters[axis] < shape[axis] {
                break;
            }
            counters[axis] = 0;
            for operand in 0..N {
                positions[operand] -= strides[operand][axis] * shape[axis];
            }
        }
    }
}

/// Calls `work` with blocks of `length` elements of `out` and where they start: in parallel where there are several.
pub(super) fn in_blocks(length: usize, out: &mut [f32], work: &(dyn Fn(usize, &mut [f32]) + Sync)) {
    let length = length.max(1);
    if out.len() > (PARALLEL_FROM - 1) * length {
        for_each(chunks_mut(out, length), |block, out| work(block * length, out));
    } else {
        out.chunks_mut(length).enumerate().for_each(|(block, out)| work(block * length, out));
    }
}

/// As many rows of `width` elements as make a block.
pub(super) fn rows_of_a_block(width: usize) -> usize {
    (BLOCK / width.max(1)).max(1)
}

/// A shape as runs along its last axis, along which each of `N` operands moves on by its step, 0 or 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Runs<const N: usize> {
    /// The other axes: their lengths, and each operand's stride along them.
    outer: [(usize, [usize; N]); MOST_AXES],
    axes: usize,
    /// Elements of a run.
    pub(super) length: usize,
    pub(super) steps: [usize; N],
}

impl<const N: usize> Runs<N> {
    /// A run is a row of the shape's last axis.
    pub(super) fn rows(shape: Shape, operands: [Shape; N]) -> Self {
        Self::new(shape, operands, false)
    }

    /// Runs are as long as they can be: neighbouring axes along which all operands move alike are one.
    pub(super) fn longest(shape: Shape, operands: [Shape; N]) -> Self {
        Self::new(shape, operands, true)
    }

    fn new(shape: Shape, operands: [Shape; N], merge: bool) -> Self {
        let mut strides = [[0; MOST_AXES]; N];
        for operand in 0..N {
            strides[operand] = broadcast_strides(operands[operand], shape);
        }
        let mut runs = Runs { outer: [(1, [0; N]); MOST_AXES], axes: 0, length: 1, steps: [0; N] };
        for (axis, &length) in shape.iter().enumerate() {
            let mut steps = [0; N];
            for operand in 0..N {
                steps[operand] = strides[operand][axis];
            }
            if merge && length == 1 {
                continue;
            }
            let mergeable = merge
                && runs.axes > 0
                && (0..N).all(|operand| runs.outer[runs.axes - 1].1[operand] == steps[operand] * length);
            if mergeable {
                let (outer, _) = runs.outer[runs.axes - 1];
                runs.outer[runs.axes - 1] = (outer * length, steps);
            } else {
                runs.outer[runs.axes] = (length, steps);
                runs.axes += 1;
            }
        }
        if runs.axes > 0 {
            runs.axes -= 1;
            (runs.length, runs.steps) = runs.outer[runs.axes];
        }
        runs
    }

    /// At run number `first`.
    pub(super) fn walk_from(&self, first: usize) -> Walk<'_, N> {
        let mut walk = Walk { runs: self, counters: [0; MOST_AXES], positions: [0; N] };
        let mut rest = first;
        for axis in (0..self.axes).rev() {
            let (length, strides) = self.outer[axis];
            (rest, walk.counters[axis]) = (rest / length, rest % length);
            for operand in 0..N {
                walk.positions[operand] += walk.counters[axis] * strides[operand];
            }
        }
        walk
    }
}

/// One run after the other. A function that was given what to do with each would be compiled for every use of it, and a
/// closure for no instruction set.
pub(super) struct Walk<'a, const N: usize> {
    runs: &'a Runs<N>,
    counters: [usize; MOST_AXES],
    positions: [usize; N],
}

impl<const N: usize> Walk<'_, N> {
    /// Positions of the operands' first elements; moves on to the next run.
    #[inline(never)]
    pub(super) fn next_run(&mut self) -> [usize; N] {
        let here = self.positions;
        for axis in (0..self.runs.axes).rev() {
            let (length, strides) = self.runs.outer[axis];
            self.counters[axis] += 1;
            for operand in 0..N {
                self.positions[operand] += strides[operand];
            }
            if self.counters[axis] < length {
                break;
            }
            self.counters[axis] = 0;
            for operand in 0..N {
                self.positions[operand] -= strides[operand] * length;
            }
        }
        here
    }
}

/// Elements of a run for which operands that stay are written out, so that one loop serves all patterns.
const STRETCH: usize = 64;

/// Work on a stretch: as many neighbours of each operand as of the output.
type Work<'a, const N: usize> = &'a (dyn Fn([&[f32]; N], &mut [f32]) + Sync);

/// Walks a block of an element-wise function, whole runs or a part of the only one, and calls `work` for each stretch.
/// Compiled once, whatever the function.
fn walk_block<const N: usize>(
    runs: &Runs<N>,
    operands: [&[f32]; N],
    start: usize,
    out: &mut [f32],
    work: Work<'_, N>,
) {
    if runs.axes == 1 && 2 * runs.length <= STRETCH {
        return walk_short(runs, operands, start, out, work);
    }
    // A part of the only run is a run that begins where the part does.
    let (length, first, offset) =
        if runs.axes == 0 { (out.len(), 0, start) } else { (runs.length, start / runs.length, 0) };
    let all_move = runs.steps == [1; N];
    let stretch = if all_move { length } else { length.min(STRETCH) };
    let mut staying = [[0.0; STRETCH]; N];
    let mut walk = runs.walk_from(first);
    for out in out.chunks_mut(length) {
        let at = walk.next_run();
        for operand in 0..N {
            if runs.steps[operand] == 0 {
                staying[operand][..stretch.min(STRETCH)].fill(operands[operand][at[operand]]);
            }
        }
        for (index, out) in out.chunks_mut(stretch).enumerate() {
            let mut slices = [&[][..]; N];
            for operand in 0..N {
                slices[operand] = match runs.steps[operand] {
                    0 => &staying[operand][..out.len()],
                    _ => &operands[operand][at[operand] + offset + index * stretch..][..out.len()],
                };
            }
            work(slices, out);
        }
    }
}

/// As [`walk_block`], where runs are short: a stretch is as many whole ones as it has room for, and operands are written out as
/// they repeat, since calls for a few elements each would take longer than the work.
fn walk_short<const N: usize>(
    runs: &Runs<N>,
    operands: [&[f32]; N],
    start: usize,
    out: &mut [f32],
    work: Work<'_, N>,
) {
    let (length, strides) = (runs.length, runs.outer[0].1);
    let stretch = STRETCH / length * length;
    let is_dense = |operand: usize| (strides[operand], runs.steps[operand]) == (length, 1);
    let mut written = [[0.0; STRETCH]; N];
    let write = |operand: usize, first: usize, written: &mut [f32]| {
        for (run, written) in written.chunks_mut(length).enumerate() {
            let from = &operands[operand][(first + run) * strides[operand]..];
            written.iter_mut().enumerate().for_each(|(place, out)| *out = from[place * runs.steps[operand]]);
        }
    };
    for operand in (0..N).filter(|&operand| strides[operand] == 0) {
        write(operand, 0, &mut written[operand][..stretch]);
    }
    for (index, out) in out.chunks_mut(stretch).enumerate() {
        let first = start + index * stretch;
        for operand in (0..N).filter(|&operand| strides[operand] > 0 && !is_dense(operand)) {
            write(operand, first / length, &mut written[operand][..out.len()]);
        }
        let mut slices = [&[][..]; N];
        for operand in 0..N {
            slices[operand] = if is_dense(operand) { &operands[operand][first..] } else { &written[operand][..] };
            slices[operand] = &slices[operand][..out.len()];
        }
        work(slices, out);
    }
}

/// A stretch of an element-wise function, all that is compiled for each.
struct Stretch<'a, F, const N: usize> {
    operands: [&'a [f32]; N],
    out: &'a mut [f32],
    function: F,
}

impl<F: Fn([f32; N]) -> f32, const N: usize> Vectorised for Stretch<'_, F, N> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Stretch { mut operands, out, function } = self;
        for operand in 0..N {
            operands[operand] = &operands[operand][..out.len()];
        }
        for element in 0..out.len() {
            let mut x = [0.0; N];
            for operand in 0..N {
                x[operand] = operands[operand][element];
            }
            out[element] = function(x);
        }
    }
}

/// `out[i] = function(aᵢ, bᵢ, …)`, the operands repeated to `shape`, which `out` has.
pub(super) fn map<const N: usize>(
    operands: [View<'_, f32>; N],
    shape: Shape,
    out: &mut [f32],
    function: impl Fn([f32; N]) -> f32 + Copy + Sync,
) {
    if out.is_empty() {
        return;
    }
    map_stretches(operands, shape, out, &|operands, out| dispatch_narrow(Stretch { operands, out, function }));
}

/// [`map`] without the function's type.
fn map_stretches<const N: usize>(views: [View<'_, f32>; N], shape: Shape, out: &mut [f32], work: Work<'_, N>) {
    let (shapes, operands) = parts(views);
    let runs = Runs::longest(shape, shapes);
    let block = if runs.axes == 0 { BLOCK } else { rows_of_a_block(runs.length) * runs.length };
    in_blocks(block, out, &|start, out| walk_block(&runs, operands, start, out, work));
}

/// The shapes and the values of some operands.
pub(super) fn parts<T, const N: usize>(views: [View<'_, T>; N]) -> ([Shape; N], [&[T]; N]) {
    let (mut shapes, mut values) = ([Shape::SCALAR; N], [&[][..]; N]);
    for operand in 0..N {
        (shapes[operand], values[operand]) = (views[operand].shape, views[operand].values);
    }
    (shapes, values)
}

/// [`map`] in f64, as plainly as it can be written.
pub(super) fn map_reference<const N: usize>(
    operands: [View<'_, f64>; N],
    shape: Shape,
    out: &mut [f64],
    function: impl Fn([f64; N]) -> f64,
) {
    let (mut strides, mut x) = ([[0; MOST_AXES]; N], [0.0; N]);
    for operand in 0..N {
        strides[operand] = broadcast_strides(operands[operand].shape, shape);
    }
    walk(shape, strides, &mut |element, at| {
        for operand in 0..N {
            x[operand] = operands[operand].values[at[operand]];
        }
        out[element] = function(x);
    });
}
