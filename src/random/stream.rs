//! A stream behind `rand`'s traits, so that any distribution of that ecosystem can draw from it.

use super::Lanes;
use rand::TryRng;
use std::convert::Infallible;

/// A stream of random words, lane 0 to lane 15 of each step in turn, that implements [`rand::Rng`].
///
/// ```
/// use helmholtz::Seed;
/// use rand::RngExt;
/// let mut stream = Seed(1).stream("example", 0);
/// let x: f64 = stream.random();
/// assert!((0.0..1.0).contains(&x));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Stream {
    lanes: Lanes,
    block: [u32; 16],
    used: usize,
}

impl Stream {
    /// A stream that starts with the next step of `lanes`.
    pub fn new(lanes: Lanes) -> Self {
        Stream { lanes, block: [0; 16], used: 16 }
    }

    /// The whole state as 65 words: the 64 of the lanes before the current block, then how many of it are used.
    pub fn state(&self) -> [u32; 65] {
        let mut state = [0; 65];
        state[..64].copy_from_slice(&self.lanes.state());
        state[64] = self.used as u32;
        if self.used < 16 {
            let mut before = self.lanes.clone();
            before.step_back();
            state[..64].copy_from_slice(&before.state());
        }
        state
    }

    /// The stream whose [`state`](Self::state) this is.
    pub fn from_state(state: &[u32; 65]) -> Self {
        let mut words = [0; 64];
        words.copy_from_slice(&state[..64]);
        let mut stream = Stream::new(Lanes::from_state(&words));
        if state[64] < 16 {
            stream.block = stream.lanes.next_words();
            stream.used = state[64] as usize;
        }
        stream
    }

    fn word(&mut self) -> u32 {
        if self.used == 16 {
            self.block = self.lanes.next_words();
            self.used = 0;
        }
        self.used += 1;
        self.block[self.used - 1]
    }
}

impl TryRng for Stream {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.word())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let low = u64::from(self.word());
        Ok(low | u64::from(self.word()) << 32)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(4) {
            chunk.copy_from_slice(&self.word().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;
    use rand::Rng;

    #[test]
    fn a_restored_stream_goes_on_where_it_was() {
        for drawn in 0..40 {
            let mut stream = Seed(7).stream("restore", 1);
            for _ in 0..drawn {
                stream.next_u32();
            }
            let mut restored = Stream::from_state(&stream.state());
            for _ in 0..40 {
                assert_eq!(restored.next_u32(), stream.next_u32());
            }
        }
    }
}
