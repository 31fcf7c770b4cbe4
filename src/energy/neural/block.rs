//! Chains that move together: so many rows of one program, which one thread takes through all of their steps.
//!
//! Chain c draws from lane c mod 16 of the stream c div 16: for each step its `width` normal numbers, then one uniform for the
//! decision. So a chain's path depends neither on its company nor on the number of threads.

use super::NeuralEnergy;
use super::field::Field;
use super::langevin::{Place, acceptance, propose};
use crate::random::{Lanes, Streams};

/// Chains that share a stream.
const LANES: usize = Streams::ROWS;
/// Chains of a block: their activations of a layer of 128 units fill a first-level cache of 32 KB.
pub(super) const BLOCK: usize = 64;

/// Streams of a block, which its moves are handed.
pub(super) const STREAMS: usize = BLOCK / LANES;

/// Rows with their energies and slopes.
#[derive(Clone, Debug)]
struct Rows {
    /// `[BLOCK, width]`.
    u: Vec<f32>,
    /// f(u), `[BLOCK]`.
    network: Vec<f32>,
    /// E(u) of the density that is sampled, `[BLOCK]`.
    energy: Vec<f64>,
    /// ∂E/∂u, `[BLOCK, width]`.
    slope: Vec<f32>,
}

impl Rows {
    fn new(width: usize) -> Self {
        let zeros = vec![0.0; BLOCK * width];
        Rows { u: zeros.clone(), network: vec![0.0; BLOCK], energy: vec![0.0; BLOCK], slope: zeros }
    }

    fn place(&self, row: usize, width: usize) -> Place<'_> {
        let range = row * width..(row + 1) * width;
        Place { u: &self.u[range.clone()], energy: self.energy[row], slope: &self.slope[range] }
    }

    fn copy_row(&mut self, row: usize, width: usize, from: &Rows) {
        let range = row * width..(row + 1) * width;
        self.u[range.clone()].copy_from_slice(&from.u[range.clone()]);
        self.slope[range.clone()].copy_from_slice(&from.slope[range]);
        self.network[row] = from.network[row];
        self.energy[row] = from.energy[row];
    }

    /// f and its slopes at `u`, and the energy at inverse temperature `beta` of f.
    fn evaluate(&mut self, field: &mut Field, energy: &NeuralEnergy, beta: f32) {
        field.input_mut().copy_from_slice(&self.u);
        field.run(&energy.store);
        self.network.copy_from_slice(field.values());
        self.slope.copy_from_slice(field.slopes());
        let (width, confinement) = (energy.width(), energy.config.confinement);
        self.slope.iter_mut().zip(&self.u).for_each(|(slope, u)| *slope = beta * *slope + confinement * u);
        for (row, u) in self.u.chunks_exact(width).enumerate() {
            self.energy[row] = energy.energy_at(u, self.network[row], f64::from(beta));
        }
    }
}

/// A block of chains.
#[derive(Clone, Debug)]
pub(super) struct Block {
    field: Field,
    width: usize,
    /// Chains, at most [`BLOCK`]; the rows behind them stay at 0.
    count: usize,
    /// The first one's number.
    first: usize,
    here: Rows,
    there: Rows,
    momentum: Vec<f32>,
    /// `[width, LANES]` of a stream, [`STREAMS`] of them.
    noise: Vec<f32>,
    /// `[BLOCK]`.
    uniform: Vec<f32>,
    /// The sum of the probabilities of acceptance since it was last told to move.
    pub(super) accepted: f64,
}

impl Block {
    /// The chains from number `first` on, at u = 0.
    pub(super) fn new(energy: &NeuralEnergy, first: usize, count: usize) -> Self {
        let width = energy.width();
        Block {
            field: Field::new(energy, BLOCK),
            width,
            count,
            first,
            here: Rows::new(width),
            there: Rows::new(width),
            momentum: vec![0.0; BLOCK * width],
            noise: vec![0.0; BLOCK * width],
            uniform: vec![0.0; BLOCK],
            accepted: 0.0,
        }
    }

    /// Where the chains are, `[count, width]`.
    pub(super) fn positions(&self) -> &[f32] {
        &self.here.u[..self.count * self.width]
    }

    /// Where the chains are, to be set.
    pub(super) fn positions_mut(&mut self) -> &mut [f32] {
        &mut self.here.u[..self.count * self.width]
    }

    /// Standard normal numbers for every chain, and a uniform one.
    fn draw(&mut self, streams: &mut [Lanes]) {
        let noise = self.noise.chunks_exact_mut(LANES * self.width).zip(self.uniform.chunks_exact_mut(LANES));
        for (stream, (noise, uniform)) in streams.iter_mut().zip(noise) {
            stream.fill_normal(noise);
            stream.fill_uniform(uniform);
        }
    }

    /// Component `component` of the numbers drawn for chain `row`.
    fn noise_of(&self, row: usize, component: usize) -> f32 {
        self.noise[(row / LANES * self.width + component) * LANES + row % LANES]
    }

    /// Moves each chain to a draw from N(0, deviation²) with probability `share`.
    pub(super) fn restart(&mut self, streams: &mut [Lanes], share: f64, deviation: f32) {
        self.draw(streams);
        for row in 0..self.count {
            if f64::from(self.uniform[row]) >= share {
                continue;
            }
            for component in 0..self.width {
                self.here.u[row * self.width + component] = deviation * self.noise_of(row, component);
            }
        }
    }

    /// f, energies and slopes where the chains are now: to be called after they were set, or the model has changed.
    pub(super) fn evaluate(&mut self, energy: &NeuralEnergy, beta: f32) {
        self.here.evaluate(&mut self.field, energy, beta);
    }

    /// The number of the first chain whose energy or slope is no finite number, if there is one.
    pub(super) fn non_finite(&self) -> Option<usize> {
        let finite = |row: usize| {
            let place = self.here.place(row, self.width);
            place.energy.is_finite() && place.slope.iter().all(|slope| slope.is_finite())
        };
        (0..self.count).find(|&row| !finite(row)).map(|row| self.first + row)
    }

    /// A Langevin step of every chain. The sum over the chains of the probabilities of acceptance.
    pub(super) fn langevin(&mut self, streams: &mut [Lanes], energy: &NeuralEnergy, beta: f32, step: f32) -> f64 {
        self.draw(streams);
        let width = self.width;
        for row in 0..self.count {
            for component in 0..width {
                let (at, noise) = (row * width + component, self.noise_of(row, component));
                self.there.u[at] = propose(self.here.u[at], self.here.slope[at], noise, step);
            }
        }
        self.there.evaluate(&mut self.field, energy, beta);
        let mut total = 0.0;
        for row in 0..self.count {
            let probability = acceptance(self.here.place(row, width), self.there.place(row, width), step);
            total += probability;
            self.settle(row, probability);
        }
        total
    }

    /// A Hamiltonian trajectory of `leapfrogs` steps of every chain: p ~ N(0, I), then p ← p − ½ε ∂E; u ← u + ε p;
    /// p ← p − ½ε ∂E, accepted with probability min(1, e^(H − H′)) where H = E + ½|p|² (Duane et al. 1987; Neal 2011). The
    /// sum of the probabilities of acceptance.
    pub(super) fn hamiltonian(
        &mut self,
        streams: &mut [Lanes],
        energy: &NeuralEnergy,
        step: f32,
        leapfrogs: usize,
    ) -> f64 {
        self.draw(streams);
        let width = self.width;
        for row in 0..BLOCK {
            for component in 0..width {
                self.momentum[row * width + component] = self.noise_of(row, component);
            }
        }
        let kinetic = |momentum: &[f32], row: usize| -> f64 {
            0.5 * momentum[row * width..(row + 1) * width]
                .iter()
                .map(|&p| f64::from(p) * f64::from(p))
                .sum::<f64>()
        };
        // The uniforms are used at the end; the energies H before the trajectory wait in the rows that stay.
        let Block { here, there, momentum, field, count, .. } = self;
        for row in 0..*count {
            here.energy[row] += kinetic(momentum, row);
        }
        there.u.copy_from_slice(&here.u);
        there.slope.copy_from_slice(&here.slope);
        for _ in 0..leapfrogs {
            momentum.iter_mut().zip(&there.slope).for_each(|(p, slope)| *p -= 0.5 * step * slope);
            there.u.iter_mut().zip(&*momentum).for_each(|(u, p)| *u += step * p);
            there.evaluate(field, energy, 1.0);
            momentum.iter_mut().zip(&there.slope).for_each(|(p, slope)| *p -= 0.5 * step * slope);
        }
        let mut total = 0.0;
        for row in 0..self.count {
            let before = self.here.energy[row];
            let gain = before - self.there.energy[row] - kinetic(&self.momentum, row);
            let probability = if gain.is_nan() { 0.0 } else { gain.min(0.0).exp() };
            total += probability;
            let u = &self.here.u[row * width..(row + 1) * width];
            self.here.energy[row] = energy.energy_at(u, self.here.network[row], 1.0);
            self.settle(row, probability);
        }
        total
    }

    /// Goes to the proposal with this probability. The uniform lies in [0, 1): never where it is 0, always where it is 1.
    fn settle(&mut self, row: usize, probability: f64) {
        if f64::from(self.uniform[row]) < probability {
            self.here.copy_row(row, self.width, &self.there);
        }
    }
}
