//! The gradient of a batch: of all its examples at once, or where those have many draws, of some after the other.
//!
//! A bound is the mean over examples, and so is its gradient. With 50 draws each, the logits of 100 examples of 784 pixels take
//! 16 MB, which every layer and every operation would read from memory and write back. So a batch is cut into pieces whose
//! numbers stay in a second-level cache, and the pieces are dealt to lanes that run side by side, each with a sum of its own:
//! threads meet once a step instead of twice an operation. Pieces and lanes depend on shapes alone, and sums are made in their
//! order, so the bits depend on no number of threads.

use super::config::VaeConfig;
use super::objective::{BETA, BOUND, NOISE, Objective, X, objective};
use super::{Vae, VaeRecipe};
use crate::autodiff::Program;
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

/// The gradient of the recipe's loss for a batch, with respect to some of the parameters.
#[derive(Debug)]
pub(super) struct BatchGradient {
    lanes: Vec<Lane>,
    examples: Examples,
    /// x `[batch, visible]` and ε `[k, batch, latent]` of a batch in several pieces.
    inputs: [Vec<f32>; 2],
}

/// What a batch holds.
#[derive(Clone, Copy, Debug)]
struct Examples {
    batch: usize,
    visible: usize,
    latent: usize,
    draws: usize,
}

/// Some of the pieces, one after the other.
#[derive(Debug)]
struct Lane {
    /// The examples of each piece; only the batch's last one may have fewer.
    pieces: Vec<Range<usize>>,
    /// Of a whole piece, and of the last one if it is smaller.
    programs: Vec<Program>,
    /// The sum over the pieces, and the gradient of one; empty where they would be the caller's.
    sum: Option<Gradients>,
    piece: Option<Gradients>,
    /// Σ of the pieces' bounds, each as the batch's share.
    bound: f64,
}

/// Examples of a piece.
fn piece_of(batch: usize, draws: usize) -> usize {
    let pieces = (batch * draws).div_ceil(DRAWS).clamp(1, batch);
    batch.div_ceil(pieces)
}

impl BatchGradient {
    pub(super) fn new(vae: &Vae, recipe: &VaeRecipe, batch: usize, parameters: &[Parameter]) -> Self {
        let &VaeConfig { visible, latent, .. } = &vae.config;
        let examples = Examples { batch, visible, latent, draws: recipe.importance_samples };
        let size = piece_of(batch, examples.draws);
        let pieces: Vec<Range<usize>> =
            (0..batch).step_by(size).map(|first| first..(first + size).min(batch)).collect();
        let whole = gradient_program(vae, recipe, [size, batch], parameters);
        let rest = batch % size;
        let count = pieces.len().min(LANES);
        let lanes = (0..count).map(|lane| {
            let [first, end] = [lane, lane + 1].map(|lane| lane * pieces.len() / count);
            let pieces = pieces[first..end].to_vec();
            let mut programs = vec![whole.clone()];
            if lane + 1 == count && rest > 0 {
                programs.push(gradient_program(vae, recipe, [rest, batch], parameters));
            }
            Lane {
                programs,
                sum: (lane > 0).then(|| vae.store.gradients()),
                piece: (pieces.len() > 1).then(|| vae.store.gradients()),
                pieces,
                bound: 0.0,
            }
        });
        let buffer = |length: usize| if pieces.len() > 1 { vec![0.0; length] } else { Vec::new() };
        let inputs = [buffer(batch * visible), buffer(examples.draws * batch * latent)];
        BatchGradient { lanes: lanes.collect(), examples, inputs }
    }

    fn is_one_piece(&self) -> bool {
        self.inputs[0].is_empty()
    }

    /// x `[batch, visible]`, to be written.
    pub(super) fn x_mut(&mut self) -> &mut [f32] {
        if self.is_one_piece() { self.lanes[0].programs[0].input_mut(X) } else { &mut self.inputs[0] }
    }

    /// ε `[k, batch, latent]`, to be written.
    pub(super) fn noise_mut(&mut self) -> &mut [f32] {
        if self.is_one_piece() { self.lanes[0].programs[0].input_mut(NOISE) } else { &mut self.inputs[1] }
    }

    pub(super) fn set_beta(&mut self, beta: f32) {
        let programs = self.lanes.iter_mut().flat_map(|lane| &mut lane.programs);
        programs.for_each(|program| program.input_mut(BETA)[0] = beta);
    }

    /// Writes the gradient, and returns the mean bound.
    pub(super) fn run(&mut self, store: &Store, gradients: &mut Gradients) -> f64 {
        let Self { lanes, examples, inputs } = self;
        let (first, others) = lanes.split_first_mut().expect("a batch has a piece");
        rayon::join(
            || first.run(*examples, inputs, store, Some(gradients)),
            || others.par_iter_mut().for_each(|lane| lane.run(*examples, inputs, store, None)),
        );
        let sums = others.iter().filter_map(|lane| lane.sum.as_ref());
        sums.for_each(|sum| add(gradients, sum));
        first.bound + others.iter().map(|lane| lane.bound).sum::<f64>()
    }

    /// What held the first NaN or infinity of the last run: see [`Program::first_non_finite`].
    pub(super) fn first_non_finite(&mut self, store: &Store) -> Option<String> {
        let Self { lanes, examples, inputs } = self;
        let mut found = lanes.iter_mut().flat_map(|lane| {
            let Lane { pieces, programs, .. } = lane;
            let mut of_piece = |piece: &Range<usize>| {
                let program = examples.program(programs, piece);
                examples.load(program, inputs, piece);
                program.first_non_finite(store)
            };
            pieces.iter().filter_map(&mut of_piece).next()
        });
        found.next()
    }
}

impl Lane {
    /// The sum over the pieces, in `sum` or the lane's own.
    fn run(&mut self, examples: Examples, inputs: &[Vec<f32>; 2], store: &Store, sum: Option<&mut Gradients>) {
        let sum = sum.or(self.sum.as_mut()).expect("a place for the sum");
        self.bound = 0.0;
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
            self.bound += f64::from(program.scalar(BOUND)) * range.len() as f64 / examples.batch as f64;
        }
    }
}

impl Examples {
    /// The one for as many examples.
    fn program<'p>(&self, programs: &'p mut [Program], piece: &Range<usize>) -> &'p mut Program {
        let last = programs.len() - 1;
        let smaller = piece.len() < piece_of(self.batch, self.draws);
        &mut programs[if smaller { last } else { 0 }]
    }

    /// Copies the inputs of a piece, where they are not the program's own.
    fn load(&self, program: &mut Program, [x, noise]: &[Vec<f32>; 2], piece: &Range<usize>) {
        if x.is_empty() {
            return;
        }
        let Examples { batch, visible, latent, .. } = *self;
        program.input_mut(X).copy_from_slice(&x[piece.start * visible..piece.end * visible]);
        let draws = noise.chunks_exact(batch * latent);
        let ours = program.input_mut(NOISE).chunks_exact_mut(piece.len() * latent);
        for (ours, draw) in ours.zip(draws) {
            ours.copy_from_slice(&draw[piece.start * latent..piece.end * latent]);
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

/// A program for the gradient of the recipe's loss with respect to `parameters`: of `examples`, as their share in the mean over
/// `batch`.
pub(super) fn gradient_program(
    vae: &Vae,
    recipe: &VaeRecipe,
    [examples, batch]: [usize; 2],
    parameters: &[Parameter],
) -> Program {
    let VaeConfig { visible, latent, .. } = vae.config;
    Program::record(&vae.store, |tape| {
        let x = tape.input(X, [examples, visible]);
        let noise = tape.input(NOISE, [recipe.importance_samples, examples, latent]);
        let beta = tape.input_with(BETA, [], &[1.0]);
        let Objective { bound, loss } = objective(&vae.network, recipe.bound, [x, noise, beta]);
        tape.output(BOUND, bound);
        let share = if examples == batch { loss } else { loss * (examples as f32 / batch as f32) };
        tape.gradients_of_some(share, parameters);
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;
    use crate::vae::Bound;

    /// Twelve examples are a piece.
    const K: usize = 40;

    fn model() -> Vae {
        let config = VaeConfig { encoder: vec![9], decoder: vec![8], ..VaeConfig::new(12, 3) };
        Vae::new(config, Seed(1)).unwrap()
    }

    fn recipe(bound: Bound) -> VaeRecipe {
        VaeRecipe { importance_samples: K, bound, ..VaeRecipe::default() }
    }

    fn parameters(vae: &Vae) -> Vec<Parameter> {
        vae.store.parameters().collect()
    }

    fn run(vae: &Vae, bound: Bound, batch: usize) -> (BatchGradient, Gradients, f64) {
        let mut gradient = BatchGradient::new(vae, &recipe(bound), batch, &parameters(vae));
        Seed(2).lanes("x", 0).fill_uniform(gradient.x_mut());
        Seed(3).lanes("noise", 0).fill_normal(gradient.noise_mut());
        gradient.set_beta(0.5);
        let mut gradients = vae.store.gradients();
        let mean = gradient.run(&vae.store, &mut gradients);
        (gradient, gradients, mean)
    }

    #[test]
    fn pieces_are_equal_but_for_the_last() {
        for (batch, draws, size) in
            [(128, 1, 128), (512, 1, 512), (513, 1, 257), (100, 50, 10), (3, 1_000, 1), (100, 6, 50)]
        {
            assert_eq!(piece_of(batch, draws), size, "{batch} examples with {draws} draws");
        }
    }

    #[test]
    fn the_pieces_make_the_gradient_of_the_whole() {
        let vae = model();
        // 1: a piece of its own; 12: two; 50: eight for four lanes, the last one smaller; 7: the second one smaller.
        for (batch, bound) in [
            (1, Bound::Elbo),
            (12, Bound::ImportanceWeighted),
            (50, Bound::DoublyReparameterised),
            (7, Bound::Elbo),
        ] {
            let (mut gradient, got, mean) = run(&vae, bound, batch);
            let mut whole = gradient_program(&vae, &recipe(bound), [batch, batch], &parameters(&vae));
            whole.input_mut(X).copy_from_slice(gradient.x_mut());
            whole.input_mut(NOISE).copy_from_slice(gradient.noise_mut());
            whole.input_mut(BETA)[0] = 0.5;
            let mut wanted = vae.store.gradients();
            whole.run(&vae.store, &mut wanted);
            let largest = wanted.values().iter().fold(0.0f32, |largest, g| largest.max(g.abs()));
            assert!(largest > 1e-3);
            // Each sum of up to 2,000 terms is rounded a few dozen times, by 2⁻²⁴ of its terms' total.
            let bound = f64::from(largest) * 64.0 * f64::from(f32::EPSILON);
            for (got, wanted) in got.values().iter().zip(wanted.values()) {
                assert!(f64::from(got - wanted).abs() <= bound, "batch {batch}: {got}, wanted {wanted}");
            }
            let exact = f64::from(whole.scalar(BOUND));
            assert!((mean - exact).abs() <= exact.abs() * 1e-6, "batch {batch}: {mean}, wanted {exact}");
        }
    }

    #[test]
    fn threads_change_no_bit() {
        let vae = model();
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| run(&vae, Bound::DoublyReparameterised, 50))
        };
        let (_, one, bound) = on(1);
        for threads in [2, 3, 8] {
            let (_, got, same) = on(threads);
            assert_eq!((got.values(), same), (one.values(), bound), "{threads} threads");
        }
    }

    #[test]
    fn a_bad_number_is_found_in_any_piece() {
        let vae = model();
        let (mut gradient, mut gradients, _) = run(&vae, Bound::ImportanceWeighted, 50);
        assert_eq!(gradient.first_non_finite(&vae.store), None);
        gradient.x_mut()[12 * 20] = f32::NAN;
        assert!(gradient.run(&vae.store, &mut gradients).is_nan());
        assert_eq!(gradient.first_non_finite(&vae.store).as_deref(), Some("the input `x`"));
    }
}
