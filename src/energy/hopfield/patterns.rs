//! Patterns: from numbers, at random, corrupted, compared.

use super::HopfieldError;
use crate::Setting;
use crate::random::{Seed, Streams};
use crate::tensor::{BitMatrix, LANES};
use rand::RngExt;

/// Patterns from their values −1 and 1, `[patterns, units]` row by row.
///
/// # Errors
/// Where there is no unit, or a value is neither −1 nor 1.
///
/// # Panics
/// Where the values are no whole number of patterns.
#[track_caller]
pub fn patterns_from_signs(values: &[f32], units: usize) -> Result<BitMatrix, HopfieldError> {
    if units == 0 {
        return Err(HopfieldError::NoUnits);
    }
    let count = values.len();
    assert!(count.is_multiple_of(units), "{count} values are no patterns of {units} units");
    if let Some(index) = values.iter().position(|&value| value != 1.0 && value != -1.0) {
        let (pattern, unit) = (index / units, index % units);
        return Err(HopfieldError::NotASign { pattern, unit, value: values[index] });
    }
    Ok(BitMatrix::from_fn(count / units, units, |row, unit| values[row * units + unit] > 0.0))
}

/// `count` patterns whose units are fair coins, `[count, units]`.
pub fn random_patterns(count: usize, units: usize, seed: Seed) -> BitMatrix {
    let mut patterns = BitMatrix::zeros(count, units);
    let words = patterns.words_per_row() * LANES;
    if words == 0 {
        return patterns;
    }
    let mut streams = Streams::new(seed, "hopfield patterns", count);
    let blocks = patterns.words_mut().chunks_exact_mut(words).zip(streams.blocks_mut());
    for (block, (out, stream)) in blocks.enumerate() {
        stream.fill_words(out);
        for (place, word) in out.iter_mut().enumerate() {
            let (first, lane) = (place / LANES * 32, place % LANES);
            let spare = 32usize.saturating_sub(units - first);
            *word = if block * LANES + lane < count { *word >> spare } else { 0 };
        }
    }
    patterns
}

/// Corruption of a pattern before it is recalled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Corruption {
    /// This part of the units, rounded to whole units and drawn at random, changes sign.
    Flip(f64),
    /// This part of the units, the last ones, becomes −1: the lower part of an image goes dark.
    Erase(f64),
}

impl Corruption {
    /// The corrupted copies of `patterns`.
    ///
    /// # Errors
    /// Where the part is not between 0 and 1.
    pub fn apply(&self, patterns: &BitMatrix, seed: Seed) -> Result<BitMatrix, HopfieldError> {
        let (Corruption::Flip(part) | Corruption::Erase(part)) = *self;
        let within = (0.0..=1.0).contains(&part);
        Setting::check(within, "the part of the units that is corrupted", part, "from 0 to 1")?;
        let units = patterns.units();
        let count = (part * units as f64).round() as usize;
        let mut corrupted = patterns.clone();
        for row in 0..patterns.rows() {
            match self {
                Corruption::Flip(_) => flip(&mut corrupted, row, count, seed),
                Corruption::Erase(_) => (units - count..units).for_each(|unit| corrupted.set(row, unit, false)),
            }
        }
        Ok(corrupted)
    }
}

/// Changes the sign of `count` units of a row, each set of that size being equally likely.
pub(super) fn flip(states: &mut BitMatrix, row: usize, count: usize, seed: Seed) {
    let mut stream = seed.stream("hopfield corruption", row as u64);
    let mut order: Vec<usize> = (0..states.units()).collect();
    for place in 0..count {
        let other = stream.random_range(place..order.len());
        order.swap(place, other);
        let unit = order[place];
        states.set(row, unit, !states.get(row, unit));
    }
}

/// The overlap x·y / n of row `row` of `states` with row `pattern` of `patterns`: 1 where they are equal, −1 where one is
/// the other's inverse.
///
/// # Panics
/// Where a row does not exist, or the widths differ.
#[track_caller]
pub fn overlap(states: &BitMatrix, row: usize, patterns: &BitMatrix, pattern: usize) -> f64 {
    let (units, others) = (states.units(), patterns.units());
    assert_eq!(units, others, "the overlap of states of {units} and {others} units");
    let unlike = (0..units).filter(|&unit| states.get(row, unit) != patterns.get(pattern, unit)).count();
    1.0 - 2.0 * unlike as f64 / units.max(1) as f64
}
