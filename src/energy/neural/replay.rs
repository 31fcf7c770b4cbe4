//! The replay buffer: chains that persist from update to update, of which each update moves some.

use super::chains::NeuralChains;
use super::recipe::TwoPhase;
use super::{NeuralEnergy, NeuralError};
use crate::data::Batches;
use crate::random::Seed;
use crate::store::{Snapshot, SnapshotError};

/// Chains in a buffer.
///
/// Update s takes out those that the permutations of the seed name, every one in turn before any comes again; slot i of the
/// update draws from chain i's stream whichever chain it holds.
#[derive(Clone, Debug)]
pub(super) struct Replay {
    phases: TwoPhase,
    /// u of each chain, `[buffer, width]`.
    buffer: Vec<f32>,
    chains: NeuralChains,
    order: Batches,
    /// Which chains of the buffer are being moved, `[chains]`.
    taken: Vec<usize>,
    step: f32,
    acceptance: f64,
}

const BUFFER: &str = "replay.buffer";
const STEP: &str = "replay.step";
const ACCEPTANCE: &str = "replay.acceptance";

impl Replay {
    /// A buffer of draws from N(m, s² / κ).
    pub(super) fn new(
        energy: &NeuralEnergy,
        phases: TwoPhase,
        batch: usize,
        seed: Seed,
    ) -> Result<Self, NeuralError> {
        let [chains, size] = phases.sizes(batch);
        // A buffer is a whole number of times what an update moves, and each part of it a draw of as many chains.
        let (mut first, mut buffer) = (energy.chains(chains, seed.derive("replay buffer", 0))?, Vec::new());
        while buffer.len() < size * energy.width() {
            buffer.extend(first.standardised().flatten());
            first.restart(1.0);
        }
        Ok(Replay {
            buffer,
            chains: energy.chains(chains, seed)?,
            order: Batches::new(size, chains, seed.derive("replay order", 0)),
            taken: vec![0; chains],
            step: phases.step.start(),
            acceptance: 0.0,
            phases,
        })
    }

    /// Takes chains out, restarts some, moves all and puts them back; update `step` of the run. Writes them to `out`,
    /// `[chains, width]`.
    pub(super) fn draw(&mut self, energy: &NeuralEnergy, step: u64, out: &mut [f32]) -> Result<(), NeuralError> {
        let width = energy.width();
        self.order.fill(step, &mut self.taken);
        for (u, &chain) in self.chains.standardised_mut().zip(&self.taken) {
            u.copy_from_slice(&self.buffer[chain * width..(chain + 1) * width]);
        }
        self.chains.restart(self.phases.restart);
        self.acceptance = self.chains.langevin(energy, self.step, self.phases.steps)?;
        self.step = self.phases.step.next(self.step, self.acceptance);
        for ((u, &chain), out) in self.chains.standardised().zip(&self.taken).zip(out.chunks_exact_mut(width)) {
            self.buffer[chain * width..(chain + 1) * width].copy_from_slice(u);
            out.copy_from_slice(u);
        }
        Ok(())
    }

    /// u of every chain of the buffer, `[buffer, width]`.
    pub(super) fn buffer(&self) -> &[f32] {
        &self.buffer
    }

    /// The mean probability of acceptance in the last update.
    pub(super) fn acceptance(&self) -> f64 {
        self.acceptance
    }

    /// The size of the next Langevin step.
    pub(super) fn step(&self) -> f32 {
        self.step
    }

    pub(super) fn save(&self, snapshot: &mut Snapshot) {
        let rows = self.order.rows();
        snapshot.put_f32(BUFFER, &[rows, self.buffer.len() / rows], &self.buffer);
        snapshot.put_f32(STEP, &[], &[self.step]);
        snapshot.put_f64(ACCEPTANCE, &[], &[self.acceptance]);
        self.chains.save(snapshot);
    }

    pub(super) fn load(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let rows = self.order.rows();
        let width = self.buffer.len() / rows;
        self.buffer.copy_from_slice(snapshot.f32(BUFFER, &[rows, width])?);
        self.step = snapshot.f32(STEP, &[])?[0];
        self.acceptance = snapshot.f64(ACCEPTANCE, &[])?[0];
        self.chains.load(snapshot)
    }
}
