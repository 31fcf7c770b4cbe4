//! Chains of Gibbs sampling one unit at a time: bit-packed states that persist, one stream a block of 16.

use super::BoltzmannMachine;
use crate::kernels::lookup::{self, Layer, Rows, Tables, Weights};
use crate::parallel::{chunks_mut, for_each_apart};
use crate::random::{Seed, Streams};
use crate::simd::Isa;
use crate::store::{Snapshot, SnapshotError};
use crate::tensor::{BitMatrix, LANES};
use std::fmt;

/// Tables are kept whole up to this, the last-level cache of a server; beyond, each thread makes them tile by tile.
const TABLE_BYTES: usize = 40 << 20;

/// Persistent Gibbs chains of a Boltzmann machine.
///
/// A sweep draws every unit in turn, units ascending, each given the newest state of all others. Chain `c` draws from lane
/// `c mod 16` of stream `c div 16`, one word a unit, clamped units drawing too: its path depends on its seed and place
/// alone. Sixteen chains share the work of a unit, so up to sixteen cost as much as one; threads share blocks of chains.
#[derive(Clone)]
pub struct BoltzmannChains {
    states: BitMatrix,
    streams: Streams,
    /// A bit for each unit that may change.
    free: Option<Vec<u32>>,
    tables: Tables,
}

impl fmt::Debug for BoltzmannChains {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BoltzmannChains {{ {} of {} units }}", self.len(), self.states.units())
    }
}

impl BoltzmannChains {
    /// `count` chains of `units` units that are fair coins.
    pub fn random(count: usize, units: usize, seed: Seed) -> Self {
        let mut chains = Self::from_states(BitMatrix::zeros(count, units), seed);
        chains.toss();
        chains
    }

    /// Chains that start at the rows of `states` `[count, units]`.
    pub fn from_states(states: BitMatrix, seed: Seed) -> Self {
        let streams = Streams::new(seed, "boltzmann chains", states.rows());
        BoltzmannChains { states, streams, free: None, tables: Tables::new() }
    }

    /// How many chains there are.
    pub fn len(&self) -> usize {
        self.states.rows()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The states, `[chains, units]`, visible units first.
    pub fn states(&self) -> &BitMatrix {
        &self.states
    }

    pub(super) fn states_mut(&mut self) -> &mut BitMatrix {
        &mut self.states
    }

    /// Puts the states and streams into a checkpoint.
    pub(super) fn save(&self, name: &str, snapshot: &mut Snapshot) {
        let words = self.states.words();
        snapshot.put_u32(&format!("{name}.states"), &[words.len()], words);
        snapshot.put_streams(&format!("{name}.streams"), &self.streams);
    }

    /// Takes them from the checkpoint of as many chains.
    pub(super) fn load(&mut self, name: &str, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let words = self.states.words_mut();
        words.copy_from_slice(snapshot.u32(&format!("{name}.states"), &[words.len()])?);
        snapshot.load_streams(&format!("{name}.streams"), &mut self.streams)
    }

    /// Every unit that is not clamped becomes a fair coin: the highest bit of one word each.
    pub fn toss(&mut self) {
        let (rows, units, words) = (self.states.rows(), self.states.units(), self.states.words_per_row());
        for (block, stream) in self.streams.blocks_mut().iter_mut().enumerate() {
            let state = &mut self.states.words_mut()[block * words * LANES..][..words * LANES];
            for unit in 0..units {
                let drawn = stream.next_words();
                if self.free.as_ref().is_some_and(|free| free[unit / 32] >> (unit % 32) & 1 == 0) {
                    continue;
                }
                for lane in 0..LANES.min(rows - block * LANES) {
                    let word = &mut state[unit / 32 * LANES + lane];
                    *word = *word & !(1 << (unit % 32)) | drawn[lane] >> 31 << (unit % 32);
                }
            }
        }
    }

    /// From now on the units with `clamped[unit]` keep their states, in every chain.
    ///
    /// # Panics
    /// Where `clamped` is not as long as there are units.
    #[track_caller]
    pub fn clamp(&mut self, clamped: &[bool]) {
        let units = self.states.units();
        assert_eq!(clamped.len(), units, "a clamp of {} units for {units}", clamped.len());
        let mut free = vec![0u32; self.states.words_per_row()];
        for (unit, _) in clamped.iter().enumerate().filter(|(_, clamped)| !**clamped) {
            free[unit / 32] |= 1 << (unit % 32);
        }
        self.free = Some(free);
    }

    /// `sweeps` sweeps over all units in turn.
    ///
    /// # Panics
    /// Where the chains are of another machine's shape.
    #[track_caller]
    pub fn gibbs(&mut self, machine: &BoltzmannMachine, sweeps: usize) {
        self.sweep(machine, sweeps, None);
    }

    /// Sweeps at inverse temperature s of each chain `[chains, whole blocks]` about `base` `[units]`: with logits s h +
    /// (1 − s) base.
    #[track_caller]
    pub(super) fn sweep(&mut self, machine: &BoltzmannMachine, sweeps: usize, temper: Option<(&[f32], &[f32])>) {
        let (units, rows) = (self.states.units(), self.states.rows());
        assert_eq!(units, machine.len(), "chains of {units} units, the machine has {}", machine.len());
        if sweeps == 0 || rows == 0 {
            return;
        }
        let couplings = couplings(machine);
        let weights = if 16 * units * units <= TABLE_BYTES {
            self.tables.build(&machine.binary_weights, [units, units], units);
            Weights::Tables(&self.tables)
        } else {
            Weights::Rows(couplings)
        };
        // Chains do not talk to one another: the division moves no draw, so it may follow the number of threads.
        let blocks = self.streams.len();
        let run = blocks.div_ceil(rayon::current_num_threads());
        let free = self.free.as_deref();
        let states = chunks_mut(self.states.words_mut(), run * units.div_ceil(32) * LANES);
        for_each_apart((states, chunks_mut(self.streams.blocks_mut(), run)), |part, (words, streams)| {
            let first = part * run * LANES;
            let rows = (rows - first).min(streams.len() * LANES);
            let temper = temper.map(|(scale, base)| (&scale[first..], base));
            for _ in 0..sweeps {
                let layer = Layer { bias: &machine.binary_bias, temper, words, free, rows };
                lookup::sample_in_turn(weights, couplings, layer, streams);
            }
        });
    }
}

/// The weights between units 0 and 1, row by row.
pub(super) fn couplings(machine: &BoltzmannMachine) -> Rows<'_> {
    let units = machine.len();
    Rows { isa: Isa::current(), values: &machine.binary_weights, outputs: units, inputs: units, stride: units }
}
