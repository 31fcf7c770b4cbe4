//! How much a rule of storage holds, measured.

use super::patterns::{flip, overlap};
use super::{Asynchronous, Hopfield, HopfieldError, Rule, random_patterns};
use crate::Setting;
use crate::random::Seed;
use crate::tensor::BitMatrix;

/// Overlaps above this are retrieval: below the critical load they are above 0.96, in the glass beyond it below 0.5.
const RETRIEVED: f64 = 0.75;

/// A sweep over the number of random patterns stored in one network.
///
/// ```
/// use helmholtz::energy::hopfield::CapacitySweep;
/// let sweep = CapacitySweep { units: 100, patterns: vec![2, 40], ..CapacitySweep::default() };
/// let points = sweep.run()?;
/// assert!(points[0].overlap > 0.99 && points[1].overlap < 0.9);
/// # Ok::<(), helmholtz::energy::hopfield::HopfieldError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct CapacitySweep {
    /// n.
    pub units: usize,
    /// The numbers of patterns P to store.
    pub patterns: Vec<usize>,
    /// The rule.
    pub rule: Rule,
    /// Networks for each P, with patterns of their own.
    pub networks: usize,
    /// Patterns of each network that are recalled, the first ones.
    pub probes: usize,
    /// The part of the units flipped before recall.
    pub flipped: f64,
    /// Names the patterns and the recalls.
    pub seed: Seed,
}

impl Default for CapacitySweep {
    fn default() -> Self {
        CapacitySweep {
            units: 500,
            patterns: (1..=20).map(|step| 5 * step).collect(),
            rule: Rule::Hebb,
            networks: 5,
            probes: 20,
            flipped: 0.1,
            seed: Seed(1),
        }
    }
}

/// Measurements at one number of patterns. Errors are standard errors over networks (∞ where there is one).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CapacityPoint {
    /// P.
    pub patterns: usize,
    /// P / n.
    pub load: f64,
    /// The part of the stored patterns that are exactly fixed.
    pub fixed: f64,
    /// The part of the networks in which all of them are.
    pub all_fixed: f64,
    /// Mean overlap with the pattern where asynchronous recall from the pattern itself ends, and its error.
    pub overlap: f64,
    /// Its error.
    pub overlap_error: f64,
    /// Mean overlap of those recalls that end near the pattern (overlap above 0.75); NaN where none does.
    pub overlap_retrieved: f64,
    /// The part of the recalls that end near the pattern.
    pub retrieved: f64,
    /// The part of the corrupted patterns that are recalled exactly.
    pub recalled: f64,
}

impl CapacitySweep {
    /// Measures every number of patterns.
    ///
    /// # Errors
    /// Where a number is 0, the part flipped not between 0 and 1, or a rule cannot store so many patterns.
    pub fn run(&self) -> Result<Vec<CapacityPoint>, HopfieldError> {
        Setting::at_least_one("the number of networks", self.networks)?;
        Setting::at_least_one("the number of probes", self.probes)?;
        let within = (0.0..=1.0).contains(&self.flipped);
        Setting::check(within, "the part of the units that is flipped", self.flipped, "from 0 to 1")?;
        self.patterns.iter().map(|&patterns| self.point(patterns)).collect()
    }

    fn point(&self, count: usize) -> Result<CapacityPoint, HopfieldError> {
        let (mut fixed, mut all_fixed, mut recalled) = (0.0, 0.0, 0.0);
        let mut overlaps: Vec<Vec<f64>> = Vec::new();
        for index in 0..self.networks {
            let seed = self.seed.derive("capacity", (count << 16 | index) as u64);
            let patterns = random_patterns(count, self.units, seed);
            let network = Hopfield::store(&patterns, self.rule)?;
            let stable = network.unstable_units(&patterns).into_iter().filter(|units| *units == 0).count();
            fixed += stable as f64 / count as f64;
            all_fixed += f64::from(u8::from(stable == count));
            let how = Asynchronous { seed, ..Asynchronous::default() };
            let probes = self.probes.min(count);
            let first = BitMatrix::from_fn(probes, self.units, |row, unit| patterns.get(row, unit));
            let mut states = first.clone();
            network.recall(&mut states, &how);
            overlaps.push((0..probes).map(|row| overlap(&states, row, &first, row)).collect());
            let mut states = first.clone();
            let flips = (self.flipped * self.units as f64).round() as usize;
            (0..probes).for_each(|row| flip(&mut states, row, flips, seed));
            network.recall(&mut states, &how);
            let exact = (0..probes).filter(|&row| overlap(&states, row, &first, row) == 1.0).count();
            recalled += exact as f64 / probes as f64;
        }
        let networks = self.networks as f64;
        let means: Vec<f64> = overlaps.iter().map(|own| own.iter().sum::<f64>() / own.len() as f64).collect();
        let (overlap, overlap_error) = crate::sampling::mean_and_error(&means);
        let all: Vec<f64> = overlaps.concat();
        let near: Vec<f64> = all.iter().copied().filter(|overlap| *overlap > RETRIEVED).collect();
        Ok(CapacityPoint {
            patterns: count,
            load: count as f64 / self.units as f64,
            fixed: fixed / networks,
            all_fixed: all_fixed / networks,
            overlap,
            overlap_error,
            overlap_retrieved: near.iter().sum::<f64>() / near.len() as f64,
            retrieved: near.len() as f64 / all.len() as f64,
            recalled: recalled / networks,
        })
    }
}
