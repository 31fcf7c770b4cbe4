//! Recall of all units at once, many states together, on the lookup product.
//!
//! With bits b for signs x = 2b − 1 the field is 2 Σⱼ Wᵢⱼ bⱼ − Σⱼ Wᵢⱼ + bias, so a unit is on where the product of the
//! weights with the bits is above ½ (Σⱼ Wᵢⱼ − bias), and stays as it is where both are equal. Weights that are whole
//! numbers, as Hebb's and the perceptron's are, are summed in 16 bits where these suffice: the sums are the same.

use super::{Ending, Hopfield};
use crate::kernels::lookup::{self, BitsRef, FixedTables, Rows, Tables, WINDOW, Weights};
use crate::simd::Isa;
use crate::tensor::{AlignedVec, BitMatrix, LANES};

/// Above this a network's f32 tables are made tile by tile in every sweep: 40 MB, about a server's last-level cache.
const TABLE_BYTES: usize = 40 << 20;

/// A network made ready for recall of all units at once.
///
/// ```
/// use helmholtz::energy::hopfield::{Corruption, Hopfield, Rule, Synchronous, random_patterns};
/// use helmholtz::Seed;
/// let stored = random_patterns(20, 500, Seed(1));
/// let network = Hopfield::store(&stored, Rule::Hebb)?;
/// let mut states = Corruption::Flip(0.1).apply(&stored, Seed(2))?;
/// Synchronous::new(&network).recall(&mut states, 100);
/// assert_eq!(states, stored);
/// # Ok::<(), helmholtz::energy::hopfield::HopfieldError>(())
/// ```
#[derive(Debug)]
pub struct Synchronous<'a> {
    network: &'a Hopfield,
    thresholds: AlignedVec<f32>,
    tables: Prepared,
}

#[derive(Debug)]
enum Prepared {
    Fixed(FixedTables),
    Kept(Tables),
    TileByTile,
}

fn rows_of(network: &Hopfield) -> Rows<'_> {
    let units = network.units;
    Rows { isa: Isa::current(), values: &network.weights, outputs: units, inputs: units, stride: units }
}

impl<'a> Synchronous<'a> {
    /// Tabulates the weights: 13 bytes a weight where 16-bit sums are exact, else 16 up to 40 MB in all, else none.
    pub fn new(network: &'a Hopfield) -> Self {
        let units = network.units;
        let threshold = |unit: usize| {
            let sum: f64 = network.row(unit).iter().map(|&weight| f64::from(weight)).sum();
            (0.5 * (sum - f64::from(network.bias[unit]))) as f32
        };
        let tables = if is_small_whole(network) {
            let mut tables = FixedTables::new();
            tables.build(&network.weights, [units, units], units, 1.0);
            Prepared::Fixed(tables)
        } else if 16 * units * units <= TABLE_BYTES {
            let mut tables = Tables::new();
            tables.build(&network.weights, [units, units], units);
            Prepared::Kept(tables)
        } else {
            Prepared::TileByTile
        };
        Synchronous { network, thresholds: (0..units).map(threshold).collect(), tables }
    }

    fn weights(&self) -> Weights<'_> {
        match &self.tables {
            Prepared::Fixed(tables) => Weights::Fixed(tables),
            Prepared::Kept(tables) => Weights::Tables(tables),
            Prepared::TileByTile => Weights::Rows(rows_of(self.network)),
        }
    }

    /// Recalls each row of `states`, all units at once, until it is fixed or between two states, for at most `limit`
    /// sweeps; returns how each ended. A row in a cycle is left at the state in which that was noticed.
    ///
    /// # Panics
    /// Where `states` is not `units` wide.
    #[track_caller]
    pub fn recall(&self, states: &mut BitMatrix, limit: usize) -> Vec<Ending> {
        self.network.check_width(states);
        let (units, words) = (states.units(), states.words_per_row());
        let mut endings = vec![Ending::Unfinished; states.rows()];
        // Rows still changing, packed anew as others settle: their states now and one sweep earlier.
        let mut active: Vec<usize> = (0..states.rows()).collect();
        let mut now = AlignedVec::from_slice(states.words());
        let mut earlier = now.clone();
        let mut next = AlignedVec::zeroed(now.len());
        for sweep in 0..limit {
            if active.is_empty() {
                break;
            }
            let blocks = active.len().div_ceil(LANES);
            let length = blocks * words * LANES;
            let input = BitsRef::new(&now[..length], units, blocks);
            lookup::sign(self.weights(), input, &self.thresholds, &mut next[..length], blocks * LANES);
            let mut kept = 0;
            let (mut changed, mut cycling) = ([0; LANES], [0; LANES]);
            for place in 0..active.len() {
                let lane = place % LANES;
                if lane == 0 {
                    let block = place * words..(place + LANES) * words;
                    changed = differing(&next[block.clone()], &now[block.clone()]);
                    cycling = differing(&next[block.clone()], &earlier[block]);
                }
                let row = active[place];
                endings[row] = match () {
                    () if changed[lane] == 0 => Ending::Fixed { sweeps: sweep },
                    () if sweep > 0 && cycling[lane] == 0 => Ending::Cycle,
                    () => Ending::Unfinished,
                };
                if endings[row] != Ending::Unfinished || sweep + 1 == limit {
                    for word in 0..words {
                        states.words_mut()[word_of(row, word, words)] = next[word_of(place, word, words)];
                    }
                } else {
                    for word in 0..words {
                        let (from, to) = (word_of(place, word, words), word_of(kept, word, words));
                        (now[to], next[to]) = (now[from], next[from]);
                    }
                    active[kept] = row;
                    kept += 1;
                }
            }
            active.truncate(kept);
            std::mem::swap(&mut earlier, &mut now);
            std::mem::swap(&mut now, &mut next);
        }
        endings
    }
}

/// Where a word of a row is, `words` to a row.
fn word_of(row: usize, word: usize, words: usize) -> usize {
    (row / LANES * words + word) * LANES + row % LANES
}

/// Whether the weights are whole numbers that add up to no more than a 16-bit window for any unit.
fn is_small_whole(network: &Hopfield) -> bool {
    network.weights.chunks_exact(network.units).all(|row| {
        let sum: f64 = row.iter().map(|&weight| f64::from(weight.abs())).sum();
        sum <= f64::from(WINDOW) && row.iter().all(|weight| weight.fract() == 0.0)
    })
}

/// For each lane of a block, a bit where two states of it differ.
fn differing(a: &[u32], b: &[u32]) -> [u32; LANES] {
    let mut bits = [0; LANES];
    for (a, b) in a.as_chunks::<LANES>().0.iter().zip(b.as_chunks::<LANES>().0) {
        for lane in 0..LANES {
            bits[lane] |= a[lane] ^ b[lane];
        }
    }
    bits
}
