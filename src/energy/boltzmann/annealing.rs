//! Annealed importance sampling (Neal 2001) of log Z, and of ln p*(v) = ln Σ_h e^(−E(v, h)) with v clamped.
//!
//! From independent units (β = 0) with biases b₀ to the machine (β = 1) along p_β(x) ∝ e^(−β E(x) + (1 − β) b₀·x), one sweep of
//! Gibbs sampling a temperature. Each chain collects log w = Σ (β′ − β)(−E(x) − b₀·x) over the states it stands at before the
//! temperature changes; the mean of w estimates Z / Z₀ without bias.

use super::chains::couplings;
use super::{BoltzmannChains, BoltzmannMachine, Units};
use crate::energy::held::{COUNTED, Draws, Held, HoldsUnits, SETTLING};
use crate::energy::independent::{logits_of_means, softplus};
use crate::kernels::lookup::{self, BitsRef, Weights};
use crate::random::Seed;
use crate::sampling::{Ais, Work};
use crate::tensor::{AlignedVec, BitMatrix, LANES};
use rand::RngExt;

/// Annealing of a Boltzmann machine unless told otherwise: 128 chains of 2,000 temperatures. One unit at a time a sweep takes
/// longer than a restricted machine's, and leads further.
pub const AIS: Ais = Ais { chains: 128, temperatures: 2_000, seed: Seed(0) };

/// A machine on its way from independent units.
#[derive(Clone, Copy)]
pub(super) struct Annealer<'a> {
    pub(super) machine: &'a BoltzmannMachine,
    /// Counts each sweep of each chain, for those who wait.
    work: &'a Work,
}

impl<'a> Annealer<'a> {
    /// Counts in `work` what whoever walks has [planned](Self::plan).
    pub(super) fn new(machine: &'a BoltzmannMachine, work: &'a Work) -> Self {
        Annealer { machine, work }
    }

    /// Adds sweeps to the plan of those who wait.
    pub(super) fn plan(&self, chains: usize, temperatures: usize) {
        self.work.plan((chains as u64).saturating_mul(temperatures as u64));
    }

    /// The log-weights of chains at `start`, which is drawn from the independent units given what is clamped, and the states
    /// that have them.
    pub(super) fn annealing_weights(
        &self,
        ais: &Ais,
        start: BitMatrix,
        clamped: Option<&[bool]>,
        base: &[f32],
    ) -> (Vec<f64>, BitMatrix) {
        let mut walk = Walk::new(self.machine, base, start.blocks());
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
                chains.sweep(self.machine, 1, Some((&walk.scale, base)));
            }
            self.work.add(chains.len() as u64);
        }
        let states = chains.states().clone();
        (totals, states)
    }

    /// log p*(x) − log p̂(x) of each of `states` `[rows, units]`, where p is the density of the walk up: an estimate of log Z, by
    /// the form with units 0 and 1, that is too high on average (see [`rbm::Raise`](crate::energy::rbm::Raise)). A sweep is
    /// undone by one in the reverse order, which is the sweep of the machine with its units in reverse.
    pub(super) fn log_z_of_states(
        &self,
        states: &BitMatrix,
        temperatures: usize,
        seed: Seed,
        base: &[f32],
    ) -> Result<Vec<f64>, super::BoltzmannError> {
        let n = self.machine.len();
        let mut weights = self.machine.binary_weights.to_vec();
        weights.reverse();
        let reversed = |values: &[f32]| values.iter().rev().copied().collect::<Vec<f32>>();
        let bias = reversed(&self.machine.binary_bias);
        let machine = BoltzmannMachine::from_parameters(n, 0, Units::Binary, &weights, &bias)?;
        let reversed_base = reversed(base);
        let start = BitMatrix::from_fn(states.rows(), n, |row, unit| states.get(row, n - 1 - unit));
        let mut walk = Walk::new(&machine, &reversed_base, start.blocks());
        let mut chains = BoltzmannChains::from_states(start, seed);
        let mut totals = vec![0.0f64; chains.len()];
        let step = 1.0 / temperatures as f64;
        for temperature in (1..=temperatures).rev() {
            walk.scale.fill((temperature as f64 * step) as f32);
            chains.sweep(&machine, 1, Some((&walk.scale, &reversed_base)));
            walk.add_rise(chains.states(), -step, &mut totals);
            self.work.add(chains.len() as u64);
        }
        let log_z0 = log_z_of_base(base);
        Ok(totals.into_iter().map(|total| log_z0 - total).collect())
    }
}

/// log Z of independent units with these biases.
pub(super) fn log_z_of_base(base: &[f32]) -> f64 {
    base.iter().map(|&bias| softplus(f64::from(bias))).sum()
}

/// `count` draws of independent units with these biases.
pub(super) fn independent_draws(count: usize, base: &[f32], seed: Seed) -> BitMatrix {
    let mut uniforms = seed.stream("boltzmann annealing starts", 0);
    BitMatrix::from_fn(count, base.len(), |_, unit| {
        uniforms.random::<f64>() * (1.0 + (-f64::from(base[unit])).exp()) < 1.0
    })
}

/// Zeros and ones, `[rows, units]`.
pub(super) fn draws(log_weights: &[f64], log_z0: f64, states: &BitMatrix) -> Draws {
    Draws::new(log_weights, log_z0, states.to_f32())
}

/// Any unit of a machine may be held.
impl HoldsUnits for Annealer<'_> {
    fn units(&self) -> std::ops::Range<usize> {
        0..self.machine.len()
    }

    fn plan(&self, chains: usize, temperatures: usize) {
        Annealer::plan(self, chains, temperatures);
    }

    fn held_weights(&self, held: Held, ais: Ais) -> Vec<f64> {
        let (log_weights, log_z0, _) = self.anneal_held(held, ais);
        log_weights.into_iter().map(|w| w + log_z0).collect()
    }

    fn held_draws(&self, held: Held, ais: Ais) -> Draws {
        let (log_weights, log_z0, states) = self.anneal_held(held, ais);
        draws(&log_weights, log_z0, &states)
    }
}

impl Annealer<'_> {
    /// The log-weights, log Z₀ and states of chains that anneal with a unit held, from independent units with the means of
    /// other chains that live there.
    fn anneal_held(&self, held: Held, ais: Ais) -> (Vec<f64>, f64, BitMatrix) {
        let n = self.machine.len();
        let Held { unit, on } = held;
        let clamped: Vec<bool> = (0..n).map(|other| other == unit).collect();
        let hold = |mut states: BitMatrix| {
            (0..states.rows()).for_each(|row| states.set(row, unit, on));
            states
        };
        let random = BoltzmannChains::random(LANES, n, ais.seed.derive("settling", 0));
        let start = hold(random.states().clone());
        let mut settled = BoltzmannChains::from_states(start, ais.seed.derive("settling", 1));
        settled.clamp(&clamped);
        settled.gibbs(self.machine, SETTLING);
        let mut counts = vec![0u32; n];
        for _ in 0..COUNTED {
            settled.gibbs(self.machine, 1);
            counts.iter_mut().zip(settled.states().column_counts()).for_each(|(total, count)| *total += count);
        }
        let means: Vec<f64> =
            counts.into_iter().map(|count| f64::from(count) / (COUNTED * LANES) as f64).collect();
        let mut base: Vec<f32> = logits_of_means(&means, LANES).collect();
        base[unit] = 0.0;
        let start = hold(independent_draws(ais.chains, &base, ais.seed));
        let (log_weights, states) = self.annealing_weights(&ais, start, Some(&clamped), &base);
        (log_weights, log_z_of_base(&base) - std::f64::consts::LN_2, states)
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
