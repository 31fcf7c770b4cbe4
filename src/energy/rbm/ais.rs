//! Annealed importance sampling of log Z (Neal 2001; Salakhutdinov & Murray 2008).
//!
//! Up the [bridge](super::bridge) from the machine without weights and with visible biases a₀ (β = 0) to the machine
//! itself (β = 1). Each chain collects log w = Σₖ log p*_βₖ(v_k−1) − log p*_βₖ₋₁(v_k−1); the mean of w estimates Z / Z₀
//! without bias, so E[log Ẑ] ≤ log Z.
//!
//! How many temperatures a machine needs is not known beforehand: [`AdaptiveAis`] finds out. Along a slow walk log w is
//! a sum of many nearly independent parts, nearly normal, with a variance σ² that falls as 1 / temperatures (Neal 2001,
//! §4), and the error of log Ẑ from n chains is √((e^σ² − 1) / n). So one short run says how long the next must be.

use super::bridge::{Bridge, Climbed};
#[cfg(test)]
use super::{Rbm, RbmError};
use crate::Setting;
use crate::energy::held::{Draws, GAIN_ALLOWED, Held, HoldsUnits, Often, find_missed};
use crate::random::Seed;
use crate::sampling::{Ais, LogMeanExp, Warning, mean_and_error};

impl Ais {
    /// log Z of `rbm`, annealed from the independent model with visible biases `base` `[visible]`.
    #[cfg(test)]
    pub(super) fn log_z(&self, rbm: &Rbm, base: &[f32]) -> Result<LogMeanExp, RbmError> {
        self.check()?;
        Ok(run(self, &Bridge::new(rbm, base)).log_z)
    }

    /// The log-weight of each chain.
    #[cfg(test)]
    pub(super) fn log_weights(&self, rbm: &Rbm, base: &[f32]) -> Result<Vec<f64>, RbmError> {
        self.check()?;
        Ok(Bridge::new(rbm, base).climb(self.chains, self.temperatures, self.seed).log_weights)
    }
}

/// A run of all chains.
struct Run {
    ais: Ais,
    log_z: LogMeanExp,
    climbed: Climbed,
}

impl Run {
    /// The variance of the log-weights.
    fn variance(&self) -> f64 {
        let (_, error) = mean_and_error(&self.climbed.log_weights);
        error * error * self.ais.chains as f64
    }
}

fn run(ais: &Ais, bridge: &Bridge<'_>) -> Run {
    bridge.plan(ais.chains, ais.temperatures);
    let climbed = bridge.climb(ais.chains, ais.temperatures, ais.seed);
    let mean = LogMeanExp::of(&climbed.log_weights);
    Run { ais: *ais, log_z: LogMeanExp { value: bridge.log_z0() + mean.value, ..mean }, climbed }
}

impl HoldsUnits for Bridge<'_> {
    fn units(&self) -> std::ops::Range<usize> {
        0..self.machine().hidden()
    }

    fn plan(&self, chains: usize, temperatures: usize) {
        Bridge::plan(self, chains, temperatures);
    }

    fn held_weights(&self, held: Held, ais: Ais) -> Vec<f64> {
        let bridge = self.holding(held, ais.seed);
        let log_z0 = bridge.log_z0();
        let log_weights = bridge.climb(ais.chains, ais.temperatures, ais.seed).log_weights;
        log_weights.into_iter().map(|w| w + log_z0).collect()
    }

    fn held_draws(&self, held: Held, ais: Ais) -> Draws {
        let bridge = self.holding(held, ais.seed);
        let climbed = bridge.climb(ais.chains, ais.temperatures, ais.seed);
        let mut means = self.machine().mean_hidden(&climbed.visible);
        let own = if held.on { 1.0 } else { 0.0 };
        means.iter_mut().skip(held.unit).step_by(self.machine().hidden()).for_each(|mean| *mean = own);
        Draws::new(&climbed.log_weights, bridge.log_z0(), means)
    }
}

/// Annealing with as many temperatures as a stated error asks for, or as a budget allows.
///
/// A short run says how many temperatures the target needs; longer runs follow, each with a stream of its own, until one
/// of them reports an error within the target. The first run's word alone is never taken: chains that all miss the
/// heavy weights agree with one another. The last run alone is reported, once chains that start elsewhere, with one hidden
/// unit held on or off, have looked for what it has missed: more temperatures find no mode that nothing leads to. No clock
/// is read, so that the same seed gives the same figure everywhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdaptiveAis {
    /// The Monte Carlo error of log Z to reach, nats.
    pub target_error: f64,
    /// Updates of units to spend in all: at each temperature every chain updates all units of the machine once.
    pub budget: u64,
    /// Independent chains of each run.
    pub chains: usize,
    /// Temperatures of the first run.
    pub temperatures: usize,
    /// The seed of its streams.
    pub seed: Seed,
}

impl Default for AdaptiveAis {
    /// An error of 0.1 nats within 8 billion updates, by 512 chains, from 500 temperatures up: half a minute for 784 × 500
    /// units on two cores. With few chains an error may look small because none of them saw a mode that one in a hundred
    /// reaches: of a machine of 784 × 20 units, 128 chains were off by more than three of their errors in six of twenty
    /// runs, 512 chains in none.
    fn default() -> Self {
        AdaptiveAis { target_error: 0.1, budget: 8_000_000_000, chains: 512, temperatures: 500, seed: Seed(0) }
    }
}

impl AdaptiveAis {
    pub(super) fn check(&self) -> Result<(), Setting> {
        // An infinite one is met by the first run.
        Setting::check(self.target_error > 0.0, "the target error", self.target_error, "a positive number")?;
        self.stage(0, self.temperatures).check()
    }

    fn stage(&self, index: u64, temperatures: usize) -> Ais {
        Ais { chains: self.chains, temperatures, seed: self.seed.derive("annealing stage", index) }
    }
}

/// How log Z is annealed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Annealing {
    /// With given chains and temperatures.
    Fixed(Ais),
    /// Until an error is reached or a budget spent.
    Until(AdaptiveAis),
}

impl Default for Annealing {
    fn default() -> Self {
        Annealing::Until(AdaptiveAis::default())
    }
}

impl From<Ais> for Annealing {
    fn from(ais: Ais) -> Self {
        Annealing::Fixed(ais)
    }
}

/// The outcome of annealing.
pub(super) struct Annealed {
    pub log_z: LogMeanExp,
    /// The run that is reported.
    pub ais: Ais,
    /// By how much log Z was raised by what chains with a unit held have found, nats.
    pub gain: f64,
    /// How often each hidden unit is on.
    pub often: Vec<Often>,
    pub warnings: Vec<Warning>,
}

impl Annealing {
    /// Anneals; the warnings are those a single estimate gives rise to.
    pub(super) fn run(&self, bridge: &Bridge<'_>) -> Result<Annealed, Setting> {
        let (run, mut warnings) = match self {
            Annealing::Fixed(ais) => {
                ais.check()?;
                (run(ais, bridge), Vec::new())
            }
            Annealing::Until(adaptive) => {
                adaptive.check()?;
                adaptive.run(bridge)
            }
        };
        let Run { ais, log_z, climbed } = run;
        warnings.extend(Warning::of_few_chains(&log_z, ais.chains));
        let means = bridge.machine().mean_hidden(&climbed.visible);
        let free = Draws::new(&climbed.log_weights, bridge.log_z0(), means);
        let work = (ais.chains as u64).saturating_mul(ais.temperatures as u64);
        let found = find_missed(bridge, free, log_z, work, ais.seed.derive("held units", 0));
        if found.gain > GAIN_ALLOWED {
            warnings.push(Warning::IsolatedMode { gain: found.gain });
        }
        Ok(Annealed { log_z: found.log_z, ais, gain: found.gain, often: found.often, warnings })
    }
}

impl AdaptiveAis {
    fn run(&self, bridge: &Bridge<'_>) -> (Run, Vec<Warning>) {
        // Of one temperature.
        let cost = (self.chains * bridge.units()) as u64;
        let mut left = self.budget;
        let mut ais = self.stage(0, self.temperatures);
        for index in 1.. {
            let run = run(&ais, bridge);
            left = left.saturating_sub(cost.saturating_mul(ais.temperatures as u64));
            let met = run.log_z.error <= self.target_error;
            if met && index > 1 {
                return (run, Vec::new());
            }
            // √((e^(σ² / factor) − 1) / n) = target, with half as much again to spare.
            let needed = run.variance() / (self.chains as f64 * self.target_error.powi(2)).ln_1p();
            let factor = (1.5 * needed).clamp(2.0, 32.0);
            let affordable = usize::try_from(left / cost.max(1)).unwrap_or(usize::MAX);
            let temperatures = ((ais.temperatures as f64 * factor) as usize).min(affordable);
            // A run not much longer than this one would only be another draw of the same.
            if (temperatures as f64) < 1.25 * ais.temperatures as f64 {
                let missed = Warning::TargetMissed { error: run.log_z.error, target: self.target_error };
                let warnings = if met { Vec::new() } else { vec![missed] };
                return (run, warnings);
            }
            ais = self.stage(index, temperatures);
        }
        unreachable!("each run is longer than the one before, and the budget is finite")
    }
}
