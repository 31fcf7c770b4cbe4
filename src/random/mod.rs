//! Randomness that is part of the layout: sixteen lanes of xoshiro128++, named streams, fills.
//!
//! A [`Seed`] names a run. From it every consumer takes streams of its own by name and index, so that a block of
//! chains or rows draws the same numbers on any number of threads. Lane `i` of a stream is
//! [`rand_xoshiro::Xoshiro128PlusPlus`] after `i` jumps of 2⁶⁴ draws each; the words, and every fill made from
//! them, are the same bits on every instruction set.

mod draw;
mod fill;
mod lanes;
mod normal;
mod stream;

pub use lanes::Lanes;
pub(crate) use lanes::LanesVector;
pub use stream::Stream;

/// The name of a run: every random stream is derived from it, a name and an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Seed(pub u64);

impl Seed {
    /// The stream `(name, index)` of this seed. The state is a stable hash of all three, frozen by a test.
    pub fn lanes(self, name: &str, index: u64) -> Lanes {
        let mut state = self.derive(name, index).0;
        let mut next = || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            mix(state)
        };
        Lanes::from_words(next(), next())
    }

    /// A seed of its own for the part of a run called `(name, index)`.
    pub fn derive(self, name: &str, index: u64) -> Seed {
        let mut hash = mix(self.0 ^ 0x6865_6c6d_686f_6c74);
        for chunk in name.as_bytes().chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            hash = mix(hash ^ u64::from_le_bytes(word)).wrapping_add(0x9e37_79b9_7f4a_7c15);
        }
        hash = mix(hash ^ (name.len() as u64) << 56);
        Seed(mix(hash ^ index))
    }

    /// The stream `(name, index)` behind `rand`'s traits.
    pub fn stream(self, name: &str, index: u64) -> Stream {
        Stream::new(self.lanes(name, index))
    }
}

/// The finaliser of SplitMix64 (Steele, Lea & Flood 2014): a bijection that scatters every bit.
pub(crate) fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
