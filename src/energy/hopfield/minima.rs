//! The landscape: minima found, told apart and counted; how far a memory's basin reaches.

use super::patterns::{flip, overlap};
use super::{Asynchronous, Ending, Hopfield, HopfieldError, random_patterns};
use crate::Setting;
use crate::random::Seed;
use crate::tensor::BitMatrix;
use std::collections::BTreeMap;

/// Units up to which all states are looked at.
const EXHAUSTIVE_UNITS: usize = 20;

/// Where minima are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Search {
    /// Among all 2ⁿ states, n ≤ 20.
    Exhaustive,
    /// Where recall ends from so many random states.
    Random {
        /// States to start from.
        starts: usize,
        /// Names them and the orders of recall.
        seed: Seed,
    },
}

/// Origin of a minimum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Origin {
    /// A stored pattern, by its index.
    Stored(usize),
    /// The inverse −ξ of a stored pattern.
    Inverse(usize),
    /// Neither: the pattern it resembles most and the overlap with it, negative where it is more like the inverse.
    Spurious {
        /// The pattern.
        nearest: usize,
        /// The overlap.
        overlap: f64,
    },
}

/// A state that recall leaves as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Minimum {
    /// The state, `[1, units]`.
    pub state: BitMatrix,
    /// Its energy.
    pub energy: f64,
    /// How many starts ended there; 1 where all states were looked at.
    pub hits: usize,
    /// A stored pattern, the inverse of one, or neither.
    pub origin: Origin,
}

/// How far one may go from a memory and still be led back.
#[derive(Clone, Debug, PartialEq)]
pub struct Basin {
    /// Units flipped, and the part of the starts from which the pattern came back exactly.
    pub returned: Vec<(usize, f64)>,
    /// The largest part of the units that may be flipped so that at least half of the starts return, as they do for all
    /// smaller ones; 0 where the pattern itself is not stable.
    pub size: f64,
}

impl Hopfield {
    /// The minima that `search` finds, the lowest energy first, each compared with the stored `patterns`.
    ///
    /// # Errors
    /// Where there are no patterns, or more than 20 units for an exhaustive search.
    ///
    /// # Panics
    /// Where `patterns` is not `units` wide.
    #[track_caller]
    pub fn minima(&self, patterns: &BitMatrix, search: Search) -> Result<Vec<Minimum>, HopfieldError> {
        if patterns.rows() == 0 {
            return Err(HopfieldError::NoPatterns);
        }
        self.check_width(patterns);
        let (states, fixed) = self.candidates(search)?;
        let mut hits: BTreeMap<Vec<bool>, usize> = BTreeMap::new();
        for row in (0..states.rows()).filter(|&row| fixed[row]) {
            *hits.entry((0..self.units).map(|unit| states.get(row, unit)).collect()).or_default() += 1;
        }
        let mut minima: Vec<Minimum> = hits
            .into_iter()
            .map(|(bits, hits)| {
                let state = BitMatrix::from_fn(1, self.units, |_, unit| bits[unit]);
                Minimum { energy: self.energy(&state)[0], hits, origin: origin(&state, patterns), state }
            })
            .collect();
        minima.sort_by(|a, b| a.energy.total_cmp(&b.energy));
        Ok(minima)
    }

    /// States, and which of them are fixed.
    fn candidates(&self, search: Search) -> Result<(BitMatrix, Vec<bool>), Setting> {
        match search {
            Search::Exhaustive if self.units > EXHAUSTIVE_UNITS => {
                Err(Setting::new("the number of units of an exhaustive search", self.units, "at most 20"))
            }
            Search::Exhaustive => {
                let states = BitMatrix::from_fn(1 << self.units, self.units, |row, unit| row >> unit & 1 == 1);
                let fixed = self.unstable_units(&states).into_iter().map(|units| units == 0).collect();
                Ok((states, fixed))
            }
            Search::Random { starts, seed } => {
                let mut states = random_patterns(starts, self.units, seed.derive("hopfield starts", 0));
                let endings = self.recall(&mut states, &Asynchronous { seed, ..Asynchronous::default() });
                let fixed = endings.into_iter().map(|ending| matches!(ending, Ending::Fixed { .. })).collect();
                Ok((states, fixed))
            }
        }
    }

    /// How often recall returns to row `pattern` of `patterns` from states with 0, 5, 10, … 50 % of its units flipped,
    /// `trials` of each.
    ///
    /// # Panics
    /// Where `patterns` is not `units` wide or has no such row.
    #[track_caller]
    pub fn basin(&self, patterns: &BitMatrix, pattern: usize, trials: usize, seed: Seed) -> Basin {
        self.check_width(patterns);
        let mut returned: Vec<(usize, f64)> = Vec::new();
        for step in 0..=10 {
            let flips = (self.units as f64 * f64::from(step) / 20.0).round() as usize;
            if returned.last().is_some_and(|(last, _)| *last == flips) {
                continue;
            }
            let seed = seed.derive("hopfield basin", u64::from(step as u32));
            let mut states = BitMatrix::from_fn(trials, self.units, |_, unit| patterns.get(pattern, unit));
            (0..trials).for_each(|row| flip(&mut states, row, flips, seed));
            self.recall(&mut states, &Asynchronous { seed, ..Asynchronous::default() });
            let back = (0..trials).filter(|&row| overlap(&states, row, patterns, pattern) == 1.0).count();
            returned.push((flips, back as f64 / trials.max(1) as f64));
        }
        let within = returned.iter().take_while(|(_, part)| *part >= 0.5).last();
        let size = within.map_or(0.0, |(flips, _)| *flips as f64 / self.units as f64);
        Basin { returned, size }
    }
}

/// Which pattern, or its inverse, `state` is or resembles most.
fn origin(state: &BitMatrix, patterns: &BitMatrix) -> Origin {
    let mut best = (0, 0.0f64);
    for pattern in 0..patterns.rows() {
        let overlap = overlap(state, 0, patterns, pattern);
        if overlap == 1.0 {
            return Origin::Stored(pattern);
        }
        if overlap.abs() > best.1.abs() {
            best = (pattern, overlap);
        }
    }
    match best {
        (pattern, -1.0) => Origin::Inverse(pattern),
        (nearest, overlap) => Origin::Spurious { nearest, overlap },
    }
}
