//! Annealed importance sampling of log Z (Neal 2001; Salakhutdinov & Murray 2008).
//!
//! Up the [bridge](super::bridge) from the machine without weights and with visible biases a₀ (β = 0) to the machine
//! itself (β = 1). Each chain collects log w = Σₖ log p*_βₖ(v_k−1) − log p*_βₖ₋₁(v_k−1); the mean of w estimates Z / Z₀
//! without bias, so E[log Ẑ] ≤ log Z.
//!
//! How many temperatures a machine needs is not known beforehand: [`AdaptiveAis`] finds out. Along a slow walk log w is
//! a sum of many nearly independent parts, nearly normal, with a variance σ² that falls as 1 / temperatures (Neal 2001,
//! §4), and the error of log Ẑ from n chains is √((e^σ² − 1) / n). So one short run says how long the next must be.

use super::bridge::Bridge;
#[cfg(test)]
use super::{Rbm, RbmError};
use crate::Setting;
use crate::random::Seed;
use crate::sampling::{Ais, LogMeanExp, Warning, mean_and_error};

impl Ais {
    /// log Z of `rbm`, annealed from the independent model with visible biases `base` `[visible]`.
    #[cfg(test)]
    pub(super) fn log_z(&self, rbm: &Rbm, base: &[f32]) -> Result<LogMeanExp, RbmError> {
        self.check()?;
        Ok(run(self, &Bridge::new(rbm, base)).0)
    }

    /// The log-weight of each chain.
    #[cfg(test)]
    pub(super) fn log_weights(&self, rbm: &Rbm, base: &[f32]) -> Result<Vec<f64>, RbmError> {
        self.check()?;
        Ok(Bridge::new(rbm, base).climb(self.chains, self.temperatures, self.seed))
    }
}

/// log Z, and the variance of the log-weights.
fn run(ais: &Ais, bridge: &Bridge<'_>) -> (LogMeanExp, f64) {
    bridge.plan(ais.chains, ais.temperatures);
    let log_weights = bridge.climb(ais.chains, ais.temperatures, ais.seed);
    let mean = LogMeanExp::of(&log_weights);
    let (_, error) = mean_and_error(&log_weights);
    (LogMeanExp { value: bridge.log_z0() + mean.value, ..mean }, error * error * ais.chains as f64)
}

/// Annealing with as many temperatures as a stated error asks for, or as a budget allows.
///
/// A short run says how many temperatures the target needs; longer runs follow, each with a stream of its own, until one
/// of them reports an error within the target. The first run's word alone is never taken: chains that all miss the
/// heavy weights agree with one another. The last run alone is reported. No clock is read, so that the same seed gives
/// the same figure everywhere.
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
    pub warnings: Vec<Warning>,
}

impl Annealing {
    /// Anneals; the warnings are those a single estimate gives rise to.
    pub(super) fn run(&self, bridge: &Bridge<'_>) -> Result<Annealed, Setting> {
        let mut annealed = match self {
            Annealing::Fixed(ais) => {
                ais.check()?;
                Annealed { log_z: run(ais, bridge).0, ais: *ais, warnings: Vec::new() }
            }
            Annealing::Until(adaptive) => {
                adaptive.check()?;
                adaptive.run(bridge)
            }
        };
        let (effective, chains) = (annealed.log_z.effective_sample_size, annealed.ais.chains);
        if !annealed.log_z.error_is_known() || effective < FEW_SHARE * chains as f64 {
            annealed.warnings.push(Warning::FewEffectiveChains { effective, chains });
        }
        Ok(annealed)
    }
}

/// A smaller share of all chains that is effective: the reported error means little, though it is known.
const FEW_SHARE: f64 = 0.05;

impl AdaptiveAis {
    fn run(&self, bridge: &Bridge<'_>) -> Annealed {
        // Of one temperature.
        let cost = (self.chains * bridge.units()) as u64;
        let mut left = self.budget;
        let mut ais = self.stage(0, self.temperatures);
        for index in 1.. {
            let (log_z, variance) = run(&ais, bridge);
            left = left.saturating_sub(cost.saturating_mul(ais.temperatures as u64));
            let met = log_z.error <= self.target_error;
            if met && index > 1 {
                return Annealed { log_z, ais, warnings: Vec::new() };
            }
            // √((e^(σ² / factor) − 1) / n) = target, with half as much again to spare.
            let needed = variance / (self.chains as f64 * self.target_error.powi(2)).ln_1p();
            let factor = (1.5 * needed).clamp(2.0, 32.0);
            let affordable = usize::try_from(left / cost.max(1)).unwrap_or(usize::MAX);
            let temperatures = ((ais.temperatures as f64 * factor) as usize).min(affordable);
            // A run not much longer than this one would only be another draw of the same.
            if (temperatures as f64) < 1.25 * ais.temperatures as f64 {
                let missed = Warning::TargetMissed { error: log_z.error, target: self.target_error };
                let warnings = if met { Vec::new() } else { vec![missed] };
                return Annealed { log_z, ais, warnings };
            }
            ais = self.stage(index, temperatures);
        }
        unreachable!("each run is longer than the one before, and the budget is finite")
    }
}
