//! The gradient of a batch: of all its examples at once, or where those have many draws, of some after the other.
//!
//! A loss that is a mean over examples has a gradient that is one too. With 50 draws each, the logits of 100 examples of 784 pixels
//! take 16 MB, which every layer and every operation would read from memory and write back. So a batch is cut into pieces
//! whose numbers stay in a second-level cache, and the pieces are dealt to lanes that run side by side, each with a sum of
//! its own: threads meet once a step instead of twice an operation. Pieces and lanes depend on shapes alone, and sums are
//! made in their order, so the bits depend on no number of threads.

use super::piece::{Extent, Input};
use super::{Piece, Pieces};
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
    examples: Examples,
    inputs: Vec<(Input, Vec<f32>)>,
}

/// The examples of a batch and of a whole piece.
#[derive(Clone, Copy, Debug)]
struct Examples {
    batch: usize,
    piece: usize,
}

/// Some of the pieces, one after the other.
#[derive(Clone, Debug)]
struct Lane {
    /// The examples of each piece; only the batch's last one may have fewer.
    pieces: Vec<Range<usize>>,
    /// Of a whole piece, and of the last one if it is smaller.
    programs: Vec<Program>,
    /// The sum over the pieces; the first lane's is the caller's.
    sum: Option<Gradients>,
    /// The gradient of one of several pieces.
    piece: Option<Gradients>,
    /// Σ of the pieces' losses, each as the batch's share.
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
    /// Records `loss` for batches of `batch` examples, at least one, and its gradient with respect to `parameters`.
    pub fn record(
        store: &Store,
        parameters: &[Parameter],
        batch: usize,
        pieces: Pieces,
        loss: &dyn for<'t> Fn(&Piece<'t>) -> Var<'t>,
    ) -> Self {
        let size = piece_of(batch, pieces);
        let record = |examples| record_piece(store, parameters, [examples, batch], loss);
        let (whole, declared) = record(size);
        let pieces: Vec<Range<usize>> =
            (0..batch).step_by(size).map(|first| first..(first + size).min(batch)).collect();
        let rest = batch % size;
        let count = pieces.len().min(LANES);
        let lanes = (0..count).map(|lane| {
            let [first, end] = [lane, lane + 1].map(|lane| lane * pieces.len() / count);
            let mut programs = vec![whole.clone()];
            if lane + 1 == count && rest > 0 {
                programs.push(record(rest).0);
            }
            Lane {
                programs,
                sum: (lane > 0).then(|| store.gradients()),
                piece: (pieces.len() > 1).then(|| store.gradients()),
                pieces: pieces[first..end].to_vec(),
                loss: 0.0,
            }
        });
        let lanes = lanes.collect();
        // The program of a batch in one piece has its inputs itself.
        let length = |input: &Input| if pieces.len() > 1 { input.extent.length(batch) } else { 0 };
        let inputs = declared.into_iter().map(|input| (input, vec![0.0; length(&input)])).collect();
        BatchProgram { lanes, examples: Examples { batch, piece: size }, inputs }
    }

    fn is_one_piece(&self) -> bool {
        matches!(&self.lanes[..], [lane] if lane.pieces.len() == 1)
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
        match self.inputs.iter_mut().find(|(input, _)| input.name == name) {
            Some((_, values)) => values,
            None => panic!("there is no input `{name}`"),
        }
    }

    /// Writes the gradient, and returns the loss.
    ///
    /// # Panics
    /// Where the store or the gradients have other parameters.
    pub fn run(&mut self, store: &Store, gradients: &mut Gradients) -> f64 {
        let Self { lanes, examples, inputs } = self;
        let (first, others) = lanes.split_first_mut().expect("a batch has a piece");
        if others.is_empty() {
            first.run(*examples, inputs, store, Some(gradients));
            return first.loss;
        }
        rayon::join(
            || first.run(*examples, inputs, store, Some(gradients)),
            || others.par_iter_mut().for_each(|lane| lane.run(*examples, inputs, store, None)),
        );
        let sums = others.iter().filter_map(|lane| lane.sum.as_ref());
        sums.for_each(|sum| add(gradients, sum));
        first.loss + others.iter().map(|lane| lane.loss).sum::<f64>()
    }

    /// The name of the first NaN or infinity of the last run: see [`Program::first_non_finite`].
    pub fn first_non_finite(&mut self, store: &Store) -> Option<String> {
        let Self { lanes, examples, inputs } = self;
        lanes.iter_mut().find_map(|Lane { pieces, programs, .. }| {
            pieces.iter().find_map(|piece| {
                let program = examples.program(programs, piece);
                examples.load(program, inputs, piece);
                program.first_non_finite(store)
            })
        })
    }
}

/// A program for the gradient of a loss: of `examples`, as their share in the mean over `batch`.
fn record_piece(
    store: &Store,
    parameters: &[Parameter],
    [examples, batch]: [usize; 2],
    loss: &dyn for<'t> Fn(&Piece<'t>) -> Var<'t>,
) -> (Program, Vec<Input>) {
    let mut inputs = Vec::new();
    let program = Program::record(store, |tape: &Tape<'_>| {
        let piece = Piece::new(tape, examples);
        let loss = loss(&piece);
        inputs = piece.into_inputs();
        tape.output(LOSS, loss);
        let share = if examples == batch { loss } else { loss * (examples as f32 / batch as f32) };
        tape.gradients_of_some(share, parameters);
    });
    (program, inputs)
}

impl Lane {
    /// The sum over the pieces, in `sum` or the lane's own.
    fn run(
        &mut self,
        examples: Examples,
        inputs: &[(Input, Vec<f32>)],
        store: &Store,
        sum: Option<&mut Gradients>,
    ) {
        let sum = sum.or(self.sum.as_mut()).expect("a place for the sum");
        self.loss = 0.0;
        for (index, range) in self.pieces.iter().enumerate() {
            let program = examples.program(&mut self.programs, range);
            examples.load(program, inputs, range);
            match (index, &mut self.piece) {
                (0, _) | (_, None) => program.run(store, sum),
                (_, Some(piece)) => {
                    program.run(store, piece);
                    add(sum, piece);
                }
            }
            self.loss += f64::from(program.scalar(LOSS)) * range.len() as f64 / examples.batch as f64;
        }
    }
}

impl Examples {
    /// The program for as many examples.
    fn program<'p>(&self, programs: &'p mut [Program], piece: &Range<usize>) -> &'p mut Program {
        let last = programs.len() - 1;
        &mut programs[if piece.len() < self.piece { last } else { 0 }]
    }

    /// Copies the inputs of a piece, where they are not the program's own.
    fn load(&self, program: &mut Program, inputs: &[(Input, Vec<f32>)], piece: &Range<usize>) {
        if piece.len() == self.batch {
            return;
        }
        for (Input { name, extent }, values) in inputs {
            let ours = program.input_mut(name);
            let Extent::Examples { width, .. } = *extent else {
                ours.copy_from_slice(values);
                continue;
            };
            let draws = values.chunks_exact(self.batch * width);
            for (ours, draw) in ours.chunks_exact_mut(piece.len() * width).zip(draws) {
                ours.copy_from_slice(&draw[piece.start * width..piece.end * width]);
            }
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
