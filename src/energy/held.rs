//! States that annealing has missed, found by holding one unit at a time.
//!
//! Z = Z(xⱼ = 1) + Z(xⱼ = 0) whatever the unit j, and each part can be annealed by itself, the unit being held in its state
//! from the first temperature to the last. The weighted ends of free annealing say the same part again, as Σ w p(xⱼ | the
//! others). Both are estimates without bias of one number, and one that is too high is rare where one that is too low is
//! common (Markov): so where the held one is higher by more than chance, free annealing has not been to states that the
//! unit opens, and the difference is what its Z lacks. Free chains that all agree with one another say nothing of it.
//!
//! All units are held in turn by a few hasty chains; the parts that seem to be lacking most are annealed again, by other
//! chains and more slowly, and taken in where those confirm it. A mode that no single unit opens goes unseen.

use crate::parallel::map;
use crate::random::Seed;
use crate::sampling::{Ais, LogMeanExp};
use std::ops::Range;

/// Nats that held chains may add to log Z without a word: what annealing in either direction then lacks is no more than
/// the error it aims for.
pub(super) const GAIN_ALLOWED: f64 = 0.1;

/// Chains from random starts whose ends are annealed down, and their sweeps.
pub(super) const SCOUTS: usize = 32;
pub(super) const SCOUT_SWEEPS: usize = 500;

/// Nats that the optimistic figure may exceed the conservative one by, besides three standard errors. Reverse annealing
/// of a 500-unit machine of handwritten digits loses about one nat to its temperatures (Burda et al. 2015).
pub(super) const GAP_ALLOWED: f64 = 2.0;
/// Nats that the ends of random chains may be too unlikely by, besides three standard errors. Such ends may lie in rare
/// places, which temperatures serve worse than the data.
pub(super) const SCOUT_GAP_ALLOWED: f64 = 5.0;

/// Sweeps of chains with a unit held before their means are counted, which annealing starts from, and sweeps that are
/// counted.
pub(super) const SETTLING: usize = 16;
pub(super) const COUNTED: usize = 8;

/// Chains of a unit in the first round: a block.
const HASTY_CHAINS: usize = 16;
/// Temperatures of the first round, at least and at most.
const HASTY: [usize; 2] = [30, 300];
/// Parts that are looked at again, and by how many more chains and temperatures.
const CANDIDATES: usize = 8;
const SLOWER: usize = 4;
/// With what probability at most, of all units, chance alone changes an estimate.
const ALPHA: f64 = 0.01;
/// A share of Z too small to look for.
const SMALL: f64 = 1e-4;

/// A unit that is held, and its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub unit: usize,
    pub on: bool,
}

/// Weighted draws from a machine, or from a part of its states.
#[derive(Clone, Debug)]
pub(super) struct Draws {
    /// ln of what each draw contributes to Z.
    log_weights: Vec<f64>,
    /// p(unit = 1) given the draw, `[draws, units]`.
    means: Vec<f32>,
    units: usize,
    /// How many draws are of each run.
    runs: Vec<usize>,
}

impl Draws {
    /// Of a run whose log-weights have a mean of e^w that estimates Z / Z₀; `means` `[draws, units]`.
    pub(super) fn new(log_weights: &[f64], log_z0: f64, means: Vec<f32>) -> Self {
        let draws = log_weights.len();
        let shift = log_z0 - (draws as f64).ln();
        Draws {
            log_weights: log_weights.iter().map(|w| w + shift).collect(),
            units: means.len() / draws.max(1),
            means,
            runs: vec![draws],
        }
    }

    fn log_z(&self) -> f64 {
        LogMeanExp::of(&self.log_weights).value + (self.log_weights.len() as f64).ln()
    }

    /// How far unit `held` is in the state it is held in, by draw.
    fn share(&self, draw: usize, held: Held) -> f64 {
        let on = f64::from(self.means[draw * self.units + held.unit]);
        if held.on { on } else { 1.0 - on }
    }

    /// Σ w f over the draws and its standard error, as shares of e^`scale`.
    fn sum(&self, scale: f64, factor: impl Fn(usize) -> f64) -> Part {
        let (mut part, mut first, mut variance) = (0.0, 0, 0.0);
        for &run in &self.runs {
            let values = (first..first + run).map(|draw| (self.log_weights[draw] - scale).exp() * factor(draw));
            let (sum, squares) =
                values.fold((0.0, 0.0), |(sum, squares), value| (sum + value, squares + value * value));
            let n = run as f64;
            variance += if n > 1.0 { (squares - sum * sum / n).max(0.0) * n / (n - 1.0) } else { f64::INFINITY };
            (part, first) = (part + sum, first + run);
        }
        Part { value: part, error: variance.sqrt() }
    }

    /// Takes the part of Z where the unit is so from `draws` instead.
    fn replace(&mut self, held: Held, draws: Draws) {
        for draw in 0..self.log_weights.len() {
            self.log_weights[draw] += (1.0 - self.share(draw, held)).max(0.0).ln();
            self.means[draw * self.units + held.unit] = if held.on { 0.0 } else { 1.0 };
        }
        self.log_weights.extend(draws.log_weights);
        self.means.extend(draws.means);
        self.runs.extend(draws.runs);
    }
}

/// A part of Z as a share of some other number, and its standard error.
#[derive(Clone, Copy, Debug)]
struct Part {
    value: f64,
    error: f64,
}

/// Machines that anneal with a unit held.
pub(super) trait HoldsUnits: Sync {
    /// The units that are held in turn.
    fn units(&self) -> Range<usize>;

    /// Tells those who wait of chains that are to anneal.
    fn plan(&self, chains: usize, temperatures: usize);

    /// log w + log Z₀ of chains that anneal with the unit held, nats.
    fn held_weights(&self, held: Held, ais: Ais) -> Vec<f64>;

    /// The same chains' weighted ends.
    fn held_draws(&self, held: Held, ais: Ais) -> Draws;
}

/// log Z with what free annealing has missed.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub log_z: LogMeanExp,
    /// By how much it was raised, nats; 0 where nothing was missed, and log Z is as it was.
    pub gain: f64,
    /// Of each unit, in order.
    pub often: Vec<Often>,
}

/// How often a unit is on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Often {
    /// In the machine, as near to the walk as twice its error lets it be.
    machine: f64,
    /// Where the walk ends, whatever the weights.
    walk: f64,
}

impl Often {
    /// By how much the walk's own density exceeds the machine's on average over rows of which a share `on` have the unit on,
    /// nats: where the walk comes to a part too rarely, it comes to the other too often.
    pub(super) fn excess(&self, on: f64) -> f64 {
        let Often { machine, walk } = *self;
        let term = |share: f64, walk: f64, machine: f64| {
            if walk == machine { 0.0 } else { share * (walk / machine).ln() }
        };
        term(on, walk, machine) + term(1.0 - on, 1.0 - walk, 1.0 - machine)
    }
}

/// Looks for what `free` annealing, whose estimate is `log_z`, has missed. `work` is the number of its chains times that of
/// its temperatures, about half of which is spent.
pub(super) fn find_missed(
    machine: &impl HoldsUnits,
    mut free: Draws,
    log_z: LogMeanExp,
    work: u64,
    seed: Seed,
) -> Found {
    let first = machine.units().start;
    let count = 2 * machine.units().len();
    let held = |index: usize| Held { unit: first + index / 2, on: index.is_multiple_of(2) };
    let temperatures = (work / (2 * HASTY_CHAINS * count.max(1)) as u64).clamp(HASTY[0] as u64, HASTY[1] as u64);
    let hasty = Ais { chains: HASTY_CHAINS, temperatures: temperatures as usize, seed };
    machine.plan(count * hasty.chains, hasty.temperatures);

    // A share of 0 or 1 is not known of so many draws.
    let margin = 0.5 / free.log_weights.len() as f64;
    let walk: Vec<f64> = machine
        .units()
        .map(|unit| {
            let all = free.means.iter().skip(unit).step_by(free.units);
            let mean = all.map(|&mean| f64::from(mean)).sum::<f64>() * 2.0 * margin;
            mean.clamp(margin, 1.0 - margin)
        })
        .collect();

    // ln of what each part lacks, where that is more than its error; and ln of the least that it may be.
    let parts: Vec<(Option<f64>, f64)> = map(count, |index| {
        let ais = Ais { seed: seed.derive("held", index as u64), ..hasty };
        let weights = machine.held_weights(held(index), ais);
        let alone = Draws::new(&weights, 0.0, Vec::new());
        let scale = alone.log_z().max(log_z.value);
        let (alone, free) = (alone.sum(scale, |_| 1.0), free.sum(scale, |draw| free.share(draw, held(index))));
        let lack = alone.value - free.value;
        // A sum that rests on one draw has an error as large as itself.
        let seems = lack > 0.9 * alone.error.hypot(free.error) && (lack.ln() + scale - log_z.value) > SMALL.ln();
        let least = (alone.value - 2.0 * alone.error).max(free.value - 2.0 * free.error);
        (seems.then(|| lack.ln() + scale), least.max(0.0).ln() + scale)
    });
    let mut candidates: Vec<(f64, usize)> =
        parts.iter().enumerate().filter_map(|(index, part)| Some((part.0?, index))).collect();
    candidates.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    candidates.truncate(CANDIDATES);

    // The largest of so many normal deviates is above √(2 ln(count / α)) with a probability below α; an estimate that is
    // never negative and has no bias is above its expectation by a factor of count / α as rarely.
    let odds = (count as f64 / ALPHA).ln();
    let slow = Ais { chains: SLOWER * hasty.chains, temperatures: SLOWER * hasty.temperatures, seed };
    machine.plan(candidates.len() * slow.chains, slow.temperatures);
    let mut changed = false;
    for (_, index) in candidates {
        let held = held(index);
        let draws = machine.held_draws(held, Ais { seed: seed.derive("held again", index as u64), ..slow });
        let scale = draws.log_z().max(free.log_z());
        let (alone, before) = (draws.sum(scale, |_| 1.0), free.sum(scale, |draw| free.share(draw, held)));
        let (lack, error) = (alone.value - before.value, alone.error.hypot(before.error));
        let whole = (free.log_z() - scale).exp();
        let impossible = alone.value > whole * odds.exp();
        let material = lack > SMALL * whole;
        if material && (lack > (2.0 * odds).sqrt() * error || impossible) {
            free.replace(held, draws);
            changed = true;
        }
    }
    let value = if changed { free.log_z() } else { log_z.value };
    let least = |index: usize| (parts[index].1 - value).exp().min(1.0 - margin);
    let often = walk.into_iter().enumerate().map(|(unit, walk)| {
        let (least, most) = (least(2 * unit), 1.0 - least(2 * unit + 1));
        // Two bounds that cross know it to be between them.
        let machine = if least <= most { walk.clamp(least, most) } else { 0.5 * (least + most) };
        Often { machine, walk }
    });
    let often = often.collect();
    if !changed {
        return Found { log_z, gain: 0.0, often };
    }
    let all = free.sum(value, |_| 1.0);
    Found { log_z: LogMeanExp { value, error: all.error, ..log_z }, gain: value - log_z.value, often }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_that_comes_to_a_part_too_rarely_favours_rows_of_the_other() {
        let often = Often { machine: 0.9, walk: 1e-6 };
        assert!((often.excess(0.0) - 10f64.ln()).abs() < 1e-5);
        // Of the machine's own draws the walk never has the greater mean log-density (Gibbs).
        assert!(often.excess(0.9) < 0.0);
        assert_eq!(Often { machine: 0.3, walk: 0.3 }.excess(0.7), 0.0);
    }

    #[test]
    fn replacing_a_part_leaves_the_other_as_it_was() {
        // Z = 8 of two draws, the unit on in one and on by a quarter in the other.
        let on = Held { unit: 1, on: true };
        let mut free = Draws::new(&[12f64.ln(), 4f64.ln()], 0.0, vec![0.5, 1.0, 0.5, 0.25]);
        assert!((free.sum(0.0, |_| 1.0).value - 8.0).abs() < 1e-12);
        assert!((free.sum(0.0, |draw| free.share(draw, on)).value - 6.5).abs() < 1e-12);
        free.replace(on, Draws::new(&[0.0; 4], 10f64.ln(), vec![1.0; 8]));
        assert!((free.log_z() - 11.5f64.ln()).abs() < 1e-12);
        let off = Held { on: false, ..on };
        assert!((free.sum(0.0, |draw| free.share(draw, on)).value - 10.0).abs() < 1e-12);
        assert!((free.sum(0.0, |draw| free.share(draw, off)).value - 1.5).abs() < 1e-12);
    }
}
