//! Streams dealt to blocks of rows: the determinism contract as a type.

use super::{Lanes, Seed};
use crate::parallel::map;

/// Random streams dealt to rows: sixteen rows in a row share a stream, each drawing from a lane of its own. Row r draws from
/// lane r mod 16 of stream r div 16, whichever thread works on it and however many rows there are: so neither threads nor
/// company change what a row draws.
///
/// ```
/// use helmholtz::{Seed, random::Streams};
/// let (few, many) = (Streams::new(Seed(1), "chains", 20), Streams::new(Seed(1), "chains", 100));
/// assert_eq!(few.blocks(), &many.blocks()[..2]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Streams {
    blocks: Vec<Lanes>,
}

/// Streams that are begun in parallel.
const MANY: usize = 128;
/// Words of a stream's state.
const STATE: usize = 64;

impl Streams {
    /// Rows that share a stream.
    pub const ROWS: usize = 16;

    /// A stream for every sixteen of `rows` rows: `(name, 0)`, `(name, 1)` … of `seed`.
    pub fn new(seed: Seed, name: &str, rows: usize) -> Self {
        let stream = |block: usize| seed.lanes(name, block as u64);
        let blocks = rows.div_ceil(Self::ROWS);
        // A stream takes a microsecond to begin.
        Streams { blocks: if blocks < MANY { (0..blocks).map(stream).collect() } else { map(blocks, stream) } }
    }

    /// The stream of each block of rows.
    pub fn blocks(&self) -> &[Lanes] {
        &self.blocks
    }

    /// The stream of each block of rows, to draw from.
    pub fn blocks_mut(&mut self) -> &mut [Lanes] {
        &mut self.blocks
    }

    /// How many streams there are.
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Whether there are none, as there are no rows.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// The state of all streams, `[streams, 64]`.
    pub fn state(&self) -> Vec<u32> {
        self.blocks.iter().flat_map(Lanes::state).collect()
    }

    /// Takes back a [`state`](Self::state) of as many streams.
    ///
    /// # Panics
    /// Where it is of another number of streams.
    #[track_caller]
    pub fn set_state(&mut self, state: &[u32]) {
        assert_eq!(state.len(), STATE * self.len(), "the state of {} streams has 64 words each", self.len());
        for (stream, state) in self.blocks.iter_mut().zip(state.as_chunks::<STATE>().0) {
            *stream = Lanes::from_state(state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_rows_share_a_stream() {
        for (rows, streams) in [(0, 0), (1, 1), (16, 1), (17, 2), (160, 10)] {
            assert_eq!(Streams::new(Seed(1), "x", rows).len(), streams);
        }
        let streams = Streams::new(Seed(3), "x", 40);
        assert_eq!(streams.blocks()[2], Seed(3).lanes("x", 2));
        assert!(Streams::default().is_empty());
    }

    #[test]
    fn a_state_goes_on_with_the_same_words() {
        let mut streams = Streams::new(Seed(1), "x", 40);
        let mut other = Streams::new(Seed(2), "y", 40);
        streams.blocks_mut()[1].next_words();
        other.set_state(&streams.state());
        assert_eq!(other, streams);
    }
}
