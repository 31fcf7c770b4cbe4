//! Seeds: the number that a run is known by, and the streams and seeds derived from it.

use super::lanes::Lanes;
use super::stream::Stream;
use std::fmt;

/// The seed of a run: every random stream is derived from it, a name and an index.
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

impl From<u64> for Seed {
    fn from(number: u64) -> Self {
        Seed(number)
    }
}

/// The number alone.
impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The finaliser of SplitMix64 (Steele, Lea & Flood 2014): a bijection that scatters every bit.
pub(crate) fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_shown_as_its_number_and_made_of_one() {
        assert_eq!(Seed::from(42), Seed(42));
        assert_eq!(
            (Seed(u64::MAX).to_string(), format!("{:04}", Seed(7))),
            (u64::MAX.to_string(), "0007".to_owned())
        );
    }
}
