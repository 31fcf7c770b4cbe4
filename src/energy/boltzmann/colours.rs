//! Gibbs sampling by colour classes: units that do not act on one another are drawn together.
//!
//! Where most weights are zero, as on a grid, a few colours suffice (two for a grid's checkerboard), a sweep costs one
//! multiply-add for each weight that is not zero, and the units of a class can be shared among threads even when there are
//! few chains. On a fully connected machine every unit is a class of its own: [`BoltzmannChains`](super::BoltzmannChains) is the choice there.

use super::BoltzmannMachine;
use crate::kernels::sparse::{Neighbours, draw_units};
use crate::parallel::{chunks, chunks_mut, for_each, for_each_apart, items_mut};
use crate::random::{Seed, Streams};
use crate::tensor::{BitMatrix, LANES};
use std::fmt;

/// A partition of a machine's units into classes without weights inside them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Colouring {
    /// The units of each class, ascending.
    classes: Vec<Vec<u32>>,
}

impl Colouring {
    /// Greedily, units ascending, each into the first class that holds none of its neighbours: at most one class more than
    /// the most neighbours a unit has.
    pub fn greedy(machine: &BoltzmannMachine) -> Self {
        let n = machine.len();
        let mut classes: Vec<Vec<u32>> = Vec::new();
        let mut colour: Vec<usize> = Vec::with_capacity(n);
        for unit in 0..n {
            let row = &machine.weights()[unit * n..][..unit];
            let mut taken = vec![false; classes.len() + 1];
            row.iter()
                .zip(&colour)
                .filter(|(weight, _)| **weight != 0.0)
                .for_each(|(_, &class)| taken[class] = true);
            let class = taken.iter().position(|taken| !taken).unwrap_or(classes.len());
            if class == classes.len() {
                classes.push(Vec::new());
            }
            classes[class].push(unit as u32);
            colour.push(class);
        }
        Colouring { classes }
    }

    /// The units of each class, ascending.
    pub fn classes(&self) -> &[Vec<u32>] {
        &self.classes
    }
}

/// Units of a class that a thread takes when there are too few chains to share: about 20 µs of work.
const UNITS_PER_TASK: usize = 1024;

/// Persistent chains of a sparse Boltzmann machine, drawn class by class.
///
/// Chain `c` draws from lane `c mod 16` of stream `c div 16`, one word a unit in the order of the classes: the same draws on
/// any number of threads.
///
/// ```
/// use helmholtz::energy::boltzmann::{BoltzmannMachine, ColourChains, Units};
/// use helmholtz::Seed;
/// // A ring of six spins: two colours.
/// let mut weights = vec![0.0; 36];
/// for unit in 0..6 {
///     let next = (unit + 1) % 6;
///     weights[unit * 6 + next] = 0.4;
///     weights[next * 6 + unit] = 0.4;
/// }
/// let ring = BoltzmannMachine::from_parameters(6, 0, Units::Spin, &weights, &[0.0; 6])?;
/// let mut chains = ColourChains::random(&ring, 100, Seed(1));
/// assert_eq!(chains.colouring().classes().len(), 2);
/// chains.gibbs(50);
/// assert_eq!(chains.states().rows(), 100);
/// # Ok::<(), helmholtz::energy::boltzmann::BoltzmannError>(())
/// ```
#[derive(Clone)]
pub struct ColourChains {
    rows: usize,
    colouring: Colouring,
    neighbours: Neighbours,
    bias: Vec<f32>,
    /// `[block][unit][lane]`, 0 and 1.
    states: Vec<f32>,
    streams: Streams,
}

impl fmt::Debug for ColourChains {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (units, classes) = (self.bias.len(), self.colouring.classes.len());
        write!(f, "ColourChains {{ {} of {units} units in {classes} classes }}", self.rows)
    }
}

impl ColourChains {
    /// `count` chains of `machine` whose units are fair coins.
    pub fn random(machine: &BoltzmannMachine, count: usize, seed: Seed) -> Self {
        let n = machine.len();
        let mut neighbours = Neighbours { starts: vec![0], ..Neighbours::default() };
        for row in machine.binary_weights.chunks_exact(n) {
            for (other, &weight) in row.iter().enumerate().filter(|(_, weight)| **weight != 0.0) {
                neighbours.others.push(other as u32);
                neighbours.weights.push(weight);
            }
            neighbours.starts.push(neighbours.others.len());
        }
        let blocks = count.div_ceil(LANES);
        let mut streams = Streams::new(seed, "boltzmann colours", count);
        let mut states = vec![0.0; blocks * n * LANES];
        for (stream, state) in streams.blocks_mut().iter_mut().zip(states.chunks_exact_mut(n * LANES)) {
            for lanes in state.chunks_exact_mut(LANES) {
                lanes.iter_mut().zip(stream.next_words()).for_each(|(x, word)| *x = (word >> 31) as f32);
            }
        }
        let (colouring, bias) = (Colouring::greedy(machine), machine.binary_bias.to_vec());
        ColourChains { rows: count, colouring, neighbours, bias, states, streams }
    }

    /// The classes.
    pub fn colouring(&self) -> &Colouring {
        &self.colouring
    }

    /// The states, `[chains, units]`.
    pub fn states(&self) -> BitMatrix {
        let n = self.bias.len();
        BitMatrix::from_fn(self.rows, n, |row, unit| {
            self.states[(row / LANES * n + unit) * LANES + row % LANES] > 0.0
        })
    }

    /// `sweeps` sweeps over all classes.
    pub fn gibbs(&mut self, sweeps: usize) {
        let n = self.bias.len();
        let ColourChains { colouring, neighbours, bias, states, streams, .. } = self;
        let largest = colouring.classes.iter().map(Vec::len).max().unwrap_or(0);
        // Chains first, as they need not wait for one another; the units of a class where there are too few chains.
        let task = if streams.len() < rayon::current_num_threads() { UNITS_PER_TASK } else { largest.max(1) };
        let blocks = (chunks_mut(states, n * LANES), items_mut(streams.blocks_mut()));
        for_each_apart(blocks, |_, (state, stream)| {
            let (mut words, mut drawn) = (vec![0; largest * LANES], vec![0.0; largest * LANES]);
            for _ in 0..sweeps {
                for class in &colouring.classes {
                    let (words, drawn) = (&mut words[..class.len() * LANES], &mut drawn[..class.len() * LANES]);
                    stream.fill_words(words);
                    let before: &[f32] = state;
                    let cut = (chunks(class, task), chunks(words, task * LANES), chunks_mut(drawn, task * LANES));
                    for_each(cut, |_, (units, words, drawn)| {
                        draw_units(neighbours, units, bias, before, words, drawn);
                    });
                    for (&unit, drawn) in class.iter().zip(drawn.chunks_exact(LANES)) {
                        state[unit as usize * LANES..][..LANES].copy_from_slice(drawn);
                    }
                }
            }
        });
    }
}
