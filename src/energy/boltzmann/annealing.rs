//! Annealed importance sampling (Neal 2001) of log Z, and of ln p*(v) = ln Σ_h e^(−E(v, h)) with v clamped.
//!
//! From independent units (β = 0) with biases b₀ to the machine (β = 1) along p_β(x) ∝ e^(−β E(x) + (1 − β) b₀·x), one sweep of
//! Gibbs sampling a temperature. Each chain collects log w = Σ (β′ − β)(−E(x) − b₀·x) over the states it stands at before the
//! temperature changes; the mean of w estimates Z / Z₀ without bias.

use super::chains::couplings;
use super::{BoltzmannChains, BoltzmannMachine};
use crate::kernels::lookup::{self, BitsRef, Weights};
use crate::random::Seed;
use crate::sampling::Ais;
use crate::tensor::{AlignedVec, BitMatrix, LANES};

/// Annealing of a Boltzmann machine unless told otherwise: 128 chains of 2,000 temperatures. One unit at a time a sweep takes
/// longer than a restricted machine's, and leads further.
pub const AIS: Ais = Ais { chains: 128, temperatures: 2_000, seed: Seed(0) };

impl BoltzmannMachine {
    /// The log-weights of chains at `start`, which is drawn from the independent units given what is clamped.
    pub(super) fn annealing_weights(
        &self,
        ais: &Ais,
        start: BitMatrix,
        clamped: Option<&[bool]>,
        base: &[f32],
    ) -> Vec<f64> {
        let mut walk = Walk::new(self, base, start.blocks());
        let mut chains = BoltzmannChains::from_states(start, ais.seed.derive("boltzmann annealing", 0));
        if let Some(clamped) = clamped {
            chains.clamp(clamped);
        }
        let mut totals = vec![0.0f64; chains.len()];
        let step = 1.0 / ais.temperatures as f64;
        for temperature in 1..=ais.temperatures {
            walk.add_rise(chains.states(), step, &mut totals);
            if temperature < ais.temperatures {
                walk.scale.fill((temperature as f64 * step) as f32);
                chains.sweep(self, 1, Some((&walk.scale, base)));
            }
        }
        totals
    }
}

/// A walk up the temperatures.
struct Walk<'a> {
    machine: &'a BoltzmannMachine,
    /// b − b₀.
    linear: Vec<f32>,
    sums: AlignedVec<f32>,
    /// β of every chain.
    scale: Vec<f32>,
}

impl<'a> Walk<'a> {
    fn new(machine: &'a BoltzmannMachine, base: &[f32], blocks: usize) -> Self {
        let linear = machine.binary_bias.iter().zip(base).map(|(bias, base)| bias - base).collect();
        let stride = blocks * LANES;
        Walk { machine, linear, sums: AlignedVec::zeroed(machine.len() * stride), scale: vec![0.0; stride] }
    }

    /// Adds `step` · (½ xᵀW x + (b − b₀)·x) of every state to its total.
    fn add_rise(&mut self, states: &BitMatrix, step: f64, totals: &mut [f64]) {
        let (units, stride) = (states.units(), states.blocks() * LANES);
        let rows = couplings(self.machine);
        lookup::sums(Weights::Rows(rows), BitsRef::from(states), &mut self.sums, stride);
        let words = states.words_per_row();
        for (row, total) in totals.iter_mut().enumerate() {
            let state = &states.words()[row / LANES * words * LANES..];
            let mut rise = 0.0;
            for unit in 0..units {
                if state[unit / 32 * LANES + row % LANES] >> (unit % 32) & 1 == 1 {
                    rise += 0.5 * f64::from(self.sums[unit * stride + row]) + f64::from(self.linear[unit]);
                }
            }
            *total += step * rise;
        }
    }
}
