//! A Hopfield network and the patterns it was made of, as a model file holds them: `weights` `[units, units]`,
//! `bias` `[units]` and `patterns` `[patterns, units]` of −1 and 1, all f32.

use crate::cli::Failure;
use helmholtz::energy::hopfield::{Hopfield, patterns_from_signs};
use helmholtz::store::Snapshot;
use helmholtz::tensor::BitMatrix;

const PATTERNS: &str = "patterns";

/// A network and what it should remember.
pub struct Memory {
    /// The network.
    pub network: Hopfield,
    /// The stored patterns, `[patterns, units]`; none in a file of someone else's.
    pub patterns: BitMatrix,
}

impl Memory {
    /// The network that [`snapshot`](Self::snapshot) wrote.
    pub fn open(snapshot: &Snapshot) -> Result<Self, Failure> {
        let network = Hopfield::from_snapshot(snapshot)?;
        let units = network.units();
        if !snapshot.contains(PATTERNS) {
            return Ok(Memory { network, patterns: BitMatrix::zeros(0, units) });
        }
        let count = snapshot.shape(PATTERNS)?.first().copied().unwrap_or(0);
        let values = snapshot.f32(PATTERNS, &[count, units])?;
        Ok(Memory { network, patterns: patterns_from_signs(values, units)? })
    }

    /// The network and its patterns.
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = self.network.to_snapshot();
        let signs: Vec<f32> = self.patterns.to_f32().into_iter().map(|bit| 2.0 * bit - 1.0).collect();
        snapshot.put_f32(PATTERNS, &[self.patterns.rows(), self.patterns.units()], &signs);
        snapshot
    }
}
