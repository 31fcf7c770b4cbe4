//! The gradient of a batch: of all its examples at once, or where those have many draws or are of several groups, of some after the other.
//!
//! A loss that is a mean over examples has a gradient that is one too. With 50 draws each, the logits of 100 examples of 784 pixels
//! take 16 MB, which every layer and every operation would read from memory and write back. So a batch is cut into pieces
//! whose numbers stay in a second-level cache, and the pieces are dealt to lanes that run side by side, each with a sum of
//! its own: threads meet once a step instead of twice an operation. Pieces and lanes depend on shapes alone, and sums are
//! made in their order, so the bits depend on no number of threads.

use super::piece::{Extent, Input};
use super::{Group, Piece, Pieces};
use crate::autodiff::{Program, Tape, Var};
use crate::simd::{Simd, Vectorised, dispatch};
use crate::store::{Gradients, Parameter, Store};
use rayon::prelude::*;
use std::ops::Range;

/// Draws of a piece at the most, unless one example has more: 784 logits of each are 1.6 MB, as much as the weights whose
/// packing they share.
const DRAWS: usize = 512;
/// Lanes at the most. Each has memory for a piece and for a gradient; more threads than lanes share the products within.
const LANES: usize = 4;
/// Gradients that one thread adds up at a time: 64 KB of each.
const BLOCK: usize = 1 << 14;
const LOSS: &str = "loss";

/// The gradient of a loss for a batch, with respect to some of the parameters.
#[derive(Clone, Debug)]
pub struct BatchProgram {
    lanes: Vec<Lane>,
    /// Examples of each group.
    groups: Vec<usize>,
    inputs: Vec<Held>,
}

/// An input, and its numbers for the whole batch.
#[derive(Clone, Debug)]
struct Held {
    input: Input,
    /// The groups whose losses declare it: one, unless it is shared.
    groups: Vec<usize>,
    values: Vec<f32>,
}

/// A piece of a group: its examples, and the lane's program for so many.
#[derive(Clone, Debug)]
struct Slot {
    group: usize,
    examples: Range<usize>,
    program: usize,
}

/// Some of the pieces, one after the other.
#[derive(Clone, Debug)]
struct Lane {
    slots: Vec<Slot>,
    /// Of a whole piece of each group, and of the group's last one if it is smaller.
    programs: Vec<Program>,
    /// The sum over the pieces; the first lane's is the caller's.
    sum: Option<Gradients>,
    /// The gradient of one of several pieces.
    piece: Option<Gradients>,
    /// Σ of the pieces' losses, each as its group's share.
    loss: f64,
}

/// Examples of a piece.
fn piece_of(batch: usize, pieces: Pieces) -> usize {
    match pieces {
        Pieces::One => batch,
        Pieces::OfDraws(draws) => batch.div_ceil((batch * draws).div_ceil(DRAWS).clamp(1, batch)),
        Pieces::OfRows(rows) => batch.div_ceil(batch.div_ceil(rows.max(1))),
    }
}

impl BatchProgram {
    /// Records `loss` for batches of these groups of examples, at least one in all, and its gradient with respect to `parameters`.
    pub fn record(
        store: &Store,
        parameters: &[Parameter],
        groups: &[Group],
        loss: &dyn for<'t> Fn(&Piece<'t>) -> Var<'t>,
    ) -> Self {
        let mut pieces: Vec<(usize, Range<usize>)> = Vec::new();
        for (index, group) in groups.iter().enumerate().filter(|(_, group)| group.examples > 0) {
            let size = piece_of(group.examples, group.pieces);
            let starts = (0..group.examples).step_by(size);
            pieces.extend(starts.map(|first| (index, first..(first + size).min(group.examples))));
        }
        let mut inputs: Vec<Held> = Vec::new();
        // A program for each size of piece that there is; lanes take copies.
        let mut recorded: Vec<((usize, usize), Program)> = Vec::new();
        for (group, examples) in &pieces {
            let key = (*group, examples.len());
            if recorded.iter().all(|(other, _)| *other != key) {
                let all = groups[*group].examples;
                let (program, declared) = record_piece(store, parameters, *group, [examples.len(), all], loss);
                recorded.push((key, program));
                declared.into_iter().for_each(|input| hold(&mut inputs, input, *group));
            }
        }
        let count = pieces.len().min(LANES);
        let lanes = (0..count).map(|lane| {
            let [first, end] = [lane, lane + 1].map(|lane| lane * pieces.len() / count);
            let mut keys: Vec<(usize, usize)> = Vec::new();
            let slot = |(group, examples): &(usize, Range<usize>)| {
                let key = (*group, examples.len());
                let program = keys.iter().position(|other| *other == key).unwrap_or_else(|| {
                    keys.push(key);
                    keys.len() - 1
                });
                Slot { group: *group, examples: examples.clone(), program }
            };
            let slots = pieces[first..end].iter().map(slot).collect();
            let program = |key| recorded.iter().find(|(other, _)| other == key).expect("recorded").1.clone();
            Lane {
                slots,
                programs: keys.iter().map(program).collect(),
                sum: (lane > 0).then(|| store.gradients()),
                piece: (pieces.len() > 1).then(|| store.gradients()),
                loss: 0.0,
            }
        });
        let lanes = lanes.collect();
        let groups: Vec<usize> = groups.iter().map(|group| group.examples).collect();
        // The program of a batch in one piece has its inputs itself.
        if pieces.len() > 1 {
            for held in &mut inputs {
                held.values = vec![0.0; held.input.extent.length(groups[held.groups[0]])];
            }
        }
        BatchProgram { lanes, groups, inputs }
    }

    fn is_one_piece(&self) -> bool {
        matches!(&self.lanes[..], [lane] if lane.slots.len() == 1)
    }

    /// The values of an input for the whole batch, row-major: `[batch, width]`, `[draws, batch, width]`, or the shape of a shared
    /// one. They stay until they are written again.
    ///
    /// # Panics
    /// Where the loss declares no input of that name.
    #[track_caller]
    pub fn input_mut(&mut self, name: &str) -> &mut [f32] {
        if self.is_one_piece() {
            return self.lanes[0].programs[0].input_mut(name);
        }
        match self.inputs.iter_mut().find(|held| held.input.name == name) {
            Some(held) => &mut held.values,
            None => panic!("there is no input `{name}`"),
        }
    }

    /// Writes the gradient, and returns the loss.
    ///
    /// # Panics
    /// Where the store or the gradients have other parameters.
    pub fn run(&mut self, store: &Store, gradients: &mut Gradients) -> f64 {
        let Self { lanes, groups, inputs } = self;
        let (first, others) = lanes.split_first_mut().expect("a batch has a piece");
        if others.is_empty() {
            first.run(groups, inputs, store, Some(gradients));
            return first.loss;
        }
        rayon::join(
            || first.run(groups, inputs, store, Some(gradients)),
            || others.par_iter_mut().for_each(|lane| lane.run(groups, inputs, store, None)),
        );
        let sums = others.iter().filter_map(|lane| lane.sum.as_ref());
        sums.for_each(|sum| add(gradients, sum));
        first.loss + others.iter().map(|lane| lane.loss).sum::<f64>()
    }

    /// The name of the first NaN or infinity of the last run: see [`Program::first_non_finite`].
    pub fn first_non_finite(&mut self, store: &Store) -> Option<String> {
        let Self { lanes, groups, inputs } = self;
        lanes.iter_mut().find_map(|Lane { slots, programs, .. }| {
            slots.iter().find_map(|slot| {
                let program = &mut programs[slot.program];
                load(program, groups, inputs, slot);
                program.first_non_finite(store)
            })
        })
    }
}

/// Adds an input of a group to those that are held.
fn hold(inputs: &mut Vec<Held>, input: Input, group: usize) {
    match inputs.iter_mut().find(|held| held.input == input) {
        Some(held) if held.groups.contains(&group) => {}
        Some(held) => {
            let shared = matches!(input.extent, Extent::Shared { .. });
            assert!(shared, "two groups of examples have an input `{}`", input.name);
            held.groups.push(group);
        }
        None => inputs.push(Held { input, groups: vec![group], values: Vec::new() }),
    }
}

/// A program for the gradient of a loss: of `examples`, as their share in the mean over all of the group's.
fn record_piece(
    store: &Store,
    parameters: &[Parameter],
    group: usize,
    [examples, all]: [usize; 2],
    loss: &dyn for<'t> Fn(&Piece<'t>) -> Var<'t>,
) -> (Program, Vec<Input>) {
    let mut inputs = Vec::new();
    let program = Program::record(store, |tape: &Tape<'_>| {
        let piece = Piece::new(tape, group, examples);
        let loss = loss(&piece);
        inputs = piece.into_inputs();
        tape.output(LOSS, loss);
        let share = if examples == all { loss } else { loss * (examples as f32 / all as f32) };
        tape.gradients_of_some(share, parameters);
    });
    (program, inputs)
}

impl Lane {
    /// The sum over the pieces, in `sum` or the lane's own.
    fn run(&mut self, groups: &[usize], inputs: &[Held], store: &Store, sum: Option<&mut Gradients>) {
        let sum = sum.or(self.sum.as_mut()).expect("a place for the sum");
        self.loss = 0.0;
        for (index, slot) in self.slots.iter().enumerate() {
            let program = &mut self.programs[slot.program];
            load(program, groups, inputs, slot);
            match (index, &mut self.piece) {
                (0, _) | (_, None) => program.run(store, sum),
                (_, Some(piece)) => {
                    program.run(store, piece);
                    add(sum, piece);
                }
            }
            self.loss += f64::from(program.scalar(LOSS)) * slot.examples.len() as f64 / groups[slot.group] as f64;
        }
    }
}

/// Copies the inputs of a piece, where they are not the program's own.
fn load(program: &mut Program, groups: &[usize], inputs: &[Held], slot: &Slot) {
    for Held { input, values, .. } in inputs.iter().filter(|held| held.groups.contains(&slot.group)) {
        // A batch in one piece holds nothing here.
        if values.is_empty() {
            continue;
        }
        let ours = program.input_mut(input.name);
        let Extent::Examples { width, .. } = input.extent else {
            ours.copy_from_slice(values);
            continue;
        };
        let draws = values.chunks_exact(groups[slot.group] * width);
        for (ours, draw) in ours.chunks_exact_mut(slot.examples.len() * width).zip(draws) {
            ours.copy_from_slice(&draw[slot.examples.start * width..slot.examples.end * width]);
        }
    }
}

impl Extent {
    /// Numbers that a batch of `examples` has of it.
    fn length(self, examples: usize) -> usize {
        match self {
            Extent::Examples { draws, width } => draws * examples * width,
            Extent::Shared { length } => length,
        }
    }
}

/// Adds one gradient to another.
fn add(sum: &mut Gradients, term: &Gradients) {
    let blocks = sum.values_mut().par_chunks_mut(BLOCK).zip(term.values().par_chunks(BLOCK));
    blocks.for_each(|(sum, term)| dispatch(Add { sum, term }));
}

/// Adds one slice to another.
struct Add<'a> {
    sum: &'a mut [f32],
    term: &'a [f32],
}

impl Vectorised for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        self.sum.iter_mut().zip(self.term).for_each(|(sum, term)| *sum += term);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_equal_but_for_the_last() {
        for (batch, draws, size) in
            [(128, 1, 128), (512, 1, 512), (513, 1, 257), (100, 50, 10), (3, 1_000, 1), (100, 6, 50)]
        {
            let pieces = Pieces::OfDraws(draws);
            assert_eq!(piece_of(batch, pieces), size, "{batch} examples with {draws} draws");
        }
        assert_eq!(piece_of(100, Pieces::One), 100);
        for (batch, rows, size) in [(256, 64, 64), (100, 64, 50), (10, 64, 10), (65, 64, 33)] {
            assert_eq!(piece_of(batch, Pieces::OfRows(rows)), size, "{batch} examples, {rows} at most");
        }
    }
}
