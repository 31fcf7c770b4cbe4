//! Many chains of a neural energy at once: Langevin and Hamiltonian steps with an exact accept step.

use super::block::{BLOCK, Block, STREAMS};
use super::{NeuralEnergy, NeuralError};
use crate::Setting;
use crate::random::{Lanes, Seed, Streams};
use crate::store::{Snapshot, SnapshotError};
use rayon::prelude::*;

/// Markov chains that leave p(x) ∝ e^(−E(x)) unchanged, side by side. They move in u = (x − m) / s, so that step sizes are in
/// units of the data's deviations. Each chain has a stream of its own; neither the number of threads nor that of the other
/// chains changes its path.
///
/// ```
/// use helmholtz::energy::neural::{NeuralConfig, NeuralEnergy};
/// use helmholtz::Seed;
/// // Untrained, it is a standard normal distribution.
/// let energy = NeuralEnergy::new(NeuralConfig::new(2), Seed(1))?;
/// let mut chains = energy.chains(1000, Seed(2))?;
/// let acceptance = chains.langevin(&energy, 0.5, 20)?;
/// assert!(acceptance > 0.9);
/// let mean_square = chains.positions().iter().map(|x| x * x).sum::<f32>() / 2000.0;
/// assert!((mean_square - 1.0).abs() < 0.15);
/// # Ok::<(), helmholtz::energy::neural::NeuralError>(())
/// ```
#[derive(Clone, Debug)]
pub struct NeuralChains {
    blocks: Vec<Block>,
    /// Of whole blocks: those behind the last chain are drawn from as well.
    streams: Streams,
    count: usize,
    centre: Vec<f32>,
    scale: Vec<f32>,
    /// The deviation of u in N(0, I/κ), of N(0, I) where nothing confines.
    deviation: f32,
}

impl NeuralEnergy {
    /// `count` chains that start with draws from the model without its network, N(m, s² / κ), or N(m, s²) where κ is 0.
    ///
    /// # Errors
    /// Where there are none.
    pub fn chains(&self, count: usize, seed: Seed) -> Result<NeuralChains, NeuralError> {
        Setting::at_least_one("the number of chains", count)?;
        let starts = (0..count).step_by(BLOCK);
        let mut chains = NeuralChains {
            blocks: starts.map(|first| Block::new(self, first, BLOCK.min(count - first))).collect(),
            streams: Streams::new(seed, "neural chains", count.next_multiple_of(BLOCK)),
            count,
            centre: self.config.centre.clone(),
            scale: self.config.scale.clone(),
            deviation: self.base_deviation(),
        };
        chains.restart(1.0);
        Ok(chains)
    }
}

impl NeuralChains {
    /// Their number.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Never: there is at least one.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Where they are, `[chains, width]`.
    pub fn positions(&self) -> Vec<f32> {
        let width = self.centre.len();
        let mut x = Vec::with_capacity(self.count * width);
        for u in self.blocks.iter().flat_map(|block| block.positions().chunks_exact(width)) {
            x.extend(u.iter().zip(&self.scale).zip(&self.centre).map(|((u, s), m)| m + s * u));
        }
        x
    }

    /// Moves them to `x`, `[chains, width]`.
    ///
    /// # Panics
    /// Where there are more or fewer numbers.
    #[track_caller]
    pub fn set_positions(&mut self, x: &[f32]) {
        let width = self.centre.len();
        assert_eq!(x.len(), self.count * width, "positions of {} chains of {width} numbers", self.count);
        let mut rows = x.chunks_exact(width);
        for block in &mut self.blocks {
            for (u, x) in block.positions_mut().chunks_exact_mut(width).zip(&mut rows) {
                for (j, u) in u.iter_mut().enumerate() {
                    *u = (x[j] - self.centre[j]) / self.scale[j];
                }
            }
        }
    }

    /// Takes `steps` steps of the Metropolis-adjusted Langevin algorithm (Roberts & Tweedie 1996) of size `step`, in units of
    /// s. The mean probability of acceptance: best about 0.574 in many dimensions (Roberts & Rosenthal 1998), higher in few.
    ///
    /// # Errors
    /// Where the step is not positive, there are no steps, or an energy is no number where a chain is.
    pub fn langevin(&mut self, energy: &NeuralEnergy, step: f32, steps: usize) -> Result<f64, NeuralError> {
        Setting::positive(STEP, step)?;
        Setting::at_least_one("the number of steps", steps)?;
        self.move_blocks(energy, steps, |block, streams| {
            block.evaluate(energy, 1.0);
            (0..steps).map(|_| block.langevin(streams, energy, 1.0, step)).sum()
        })
    }

    /// Takes `trajectories` Hamiltonian trajectories (Duane et al. 1987; Neal 2011) of `leapfrogs` steps of size `step`, in
    /// units of s, with unit masses. The mean probability of acceptance: best about 0.65 to 0.8.
    ///
    /// # Errors
    /// As for [`langevin`](Self::langevin).
    pub fn hamiltonian(
        &mut self,
        energy: &NeuralEnergy,
        step: f32,
        leapfrogs: usize,
        trajectories: usize,
    ) -> Result<f64, NeuralError> {
        Setting::positive(STEP, step)?;
        Setting::at_least_one("the number of leapfrog steps", leapfrogs)?;
        Setting::at_least_one("the number of trajectories", trajectories)?;
        self.move_blocks(energy, trajectories, |block, streams| {
            block.evaluate(energy, 1.0);
            (0..trajectories).map(|_| block.hamiltonian(streams, energy, step, leapfrogs)).sum()
        })
    }

    /// One Langevin step at inverse temperature `beta` of the network's part of the energy: from 0 to 1 it leads from the
    /// confinement's normal distribution to the model.
    pub(super) fn tempered_step(
        &mut self,
        energy: &NeuralEnergy,
        beta: f32,
        step: f32,
    ) -> Result<f64, NeuralError> {
        self.move_blocks(energy, 1, |block, streams| {
            block.evaluate(energy, beta);
            block.langevin(streams, energy, beta, step)
        })
    }

    /// Moves each chain to a draw from N(m, s² / κ) with probability `share`.
    pub(super) fn restart(&mut self, share: f64) {
        let deviation = self.deviation;
        let blocks = self.blocks.par_iter_mut().zip(self.streams.blocks_mut().par_chunks_mut(STREAMS));
        blocks.for_each(|(block, streams)| block.restart(streams, share, deviation));
    }

    /// Moves all blocks, and adds up what they say in their order. The mean over chains and moves.
    fn move_blocks(
        &mut self,
        energy: &NeuralEnergy,
        moves: usize,
        go: impl Fn(&mut Block, &mut [Lanes]) -> f64 + Sync,
    ) -> Result<f64, NeuralError> {
        assert_eq!(self.centre.len(), energy.width(), "the width of the chains and of the energy");
        let units = [&self.centre, &self.scale] == [&energy.config.centre, &energy.config.scale];
        assert!(units, "chains move in the units of the energy they were made for: centre and scale differ");
        let blocks = self.blocks.par_iter_mut().zip(self.streams.blocks_mut().par_chunks_mut(STREAMS));
        blocks.for_each(|(block, streams)| block.accepted = go(block, streams));
        if let Some(chain) = self.blocks.iter().find_map(Block::non_finite) {
            return Err(NeuralError::NonFiniteEnergy { chain });
        }
        let total: f64 = self.blocks.iter().map(|block| block.accepted).sum();
        Ok(total / (self.count as f64 * moves as f64))
    }

    /// u of every chain in turn.
    pub(super) fn standardised(&self) -> impl Iterator<Item = &[f32]> + '_ {
        let width = self.centre.len();
        self.blocks.iter().flat_map(move |block| block.positions().chunks_exact(width))
    }

    /// u of every chain in turn, to be set.
    pub(super) fn standardised_mut(&mut self) -> impl Iterator<Item = &mut [f32]> + '_ {
        let width = self.centre.len();
        self.blocks.iter_mut().flat_map(move |block| block.positions_mut().chunks_exact_mut(width))
    }

    /// Puts the streams into a snapshot. Positions are the caller's.
    pub(super) fn save(&self, snapshot: &mut Snapshot) {
        snapshot.put_streams(STREAMS_NAME, &self.streams);
    }

    /// Takes the streams from a snapshot.
    pub(super) fn load(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        snapshot.load_streams(STREAMS_NAME, &mut self.streams)
    }
}

const STREAMS_NAME: &str = "chains.streams";

/// The size of a step, in messages.
pub(super) const STEP: &str = "the step size";
