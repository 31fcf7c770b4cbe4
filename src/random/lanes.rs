//! Sixteen lanes of xoshiro128++ (Blackman & Vigna 2019), one state word of all lanes in one 64-byte line.

use crate::simd::Simd;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro128PlusPlus;

/// Sixteen xoshiro128++ generators side by side; lane `i` is the first one after `i` jumps of 2⁶⁴ draws.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct Lanes {
    state: [[u32; 16]; 4],
}

impl Lanes {
    /// Lane 0 starts at the 128-bit state (`low`, `high`); an all-zero state, from which the generator never leaves,
    /// is replaced as `rand_xoshiro` does.
    pub fn from_words(low: u64, high: u64) -> Self {
        let mut seed = [0; 16];
        seed[..8].copy_from_slice(&low.to_le_bytes());
        seed[8..].copy_from_slice(&high.to_le_bytes());
        let mut generator = Xoshiro128PlusPlus::from_seed(seed);
        let mut state = [[0; 16]; 4];
        for lane in 0..16 {
            for (word, bytes) in generator.state().chunks_exact(4).enumerate() {
                state[word][lane] = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
            }
            generator.jump();
        }
        Lanes { state }
    }

    /// The state, `[word of 4][lane of 16]`.
    pub fn state(&self) -> [u32; 64] {
        bytemuck::cast(self.state)
    }

    /// The lanes whose [`state`](Self::state) this is.
    pub fn from_state(state: &[u32; 64]) -> Self {
        Lanes { state: bytemuck::cast(*state) }
    }

    /// One word of each lane.
    #[inline]
    pub fn next_words(&mut self) -> [u32; 16] {
        let [s0, s1, s2, s3] = &mut self.state;
        let mut words = [0; 16];
        for lane in 0..16 {
            words[lane] = s0[lane].wrapping_add(s3[lane]).rotate_left(7).wrapping_add(s0[lane]);
            let t = s1[lane] << 9;
            s2[lane] ^= s0[lane];
            s3[lane] ^= s1[lane];
            s1[lane] ^= s2[lane];
            s0[lane] ^= s3[lane];
            s2[lane] ^= t;
            s3[lane] = s3[lane].rotate_left(11);
        }
        words
    }

    /// Undoes one [`next_words`](Self::next_words).
    pub(super) fn step_back(&mut self) {
        let [s0, s1, s2, s3] = &mut self.state;
        for lane in 0..16 {
            s3[lane] = s3[lane].rotate_right(11);
            s0[lane] ^= s3[lane];
            // Now s1 = b ^ c ^ a and s2 = c ^ a ^ (b << 9), where a = s0, b and c are the words before the step:
            // b is the x with x ^ (x << 9) = s1 ^ s2, solved by doubling.
            let mut b = s1[lane] ^ s2[lane];
            b ^= b << 9;
            b ^= b << 18;
            s2[lane] = s1[lane] ^ b ^ s0[lane];
            s1[lane] = b;
            s3[lane] ^= b;
        }
    }

    pub(crate) fn as_ptr(&self) -> *const u32 {
        self.state.as_ptr().cast()
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut u32 {
        self.state.as_mut_ptr().cast()
    }
}

/// `S::LANES` of the sixteen lanes in registers.
#[derive(Clone, Copy)]
pub(crate) struct LanesVector<S: Simd> {
    s0: S::U32,
    s1: S::U32,
    s2: S::U32,
    s3: S::U32,
}

impl<S: Simd> LanesVector<S> {
    /// Loads lanes `offset..offset + S::LANES`.
    ///
    /// # Safety
    /// `lanes` points to the 64 words of a [`Lanes`] and `offset + S::LANES ≤ 16`.
    #[inline(always)]
    pub(crate) unsafe fn load(simd: S, lanes: *const u32, offset: usize) -> Self {
        // SAFETY: the caller's promise covers all four loads.
        unsafe {
            LanesVector {
                s0: simd.load_u32(lanes.add(offset)),
                s1: simd.load_u32(lanes.add(16 + offset)),
                s2: simd.load_u32(lanes.add(32 + offset)),
                s3: simd.load_u32(lanes.add(48 + offset)),
            }
        }
    }

    /// Stores the lanes where [`load`](Self::load) took them from.
    ///
    /// # Safety
    /// As for `load`, and nothing else reads or writes those words meanwhile.
    #[inline(always)]
    pub(crate) unsafe fn store(self, simd: S, lanes: *mut u32, offset: usize) {
        // SAFETY: the caller's promise covers all four stores.
        unsafe {
            simd.store_u32(lanes.add(offset), self.s0);
            simd.store_u32(lanes.add(16 + offset), self.s1);
            simd.store_u32(lanes.add(32 + offset), self.s2);
            simd.store_u32(lanes.add(48 + offset), self.s3);
        }
    }

    /// One word of each lane.
    #[inline(always)]
    pub(crate) fn next(&mut self, simd: S) -> S::U32 {
        let sum = simd.add_u32(self.s0, self.s3);
        let word = simd.add_u32(simd.rotate_left::<7>(sum), self.s0);
        let t = simd.shl::<9>(self.s1);
        self.s2 = simd.xor(self.s2, self.s0);
        self.s3 = simd.xor(self.s3, self.s1);
        self.s1 = simd.xor(self.s1, self.s2);
        self.s0 = simd.xor(self.s0, self.s3);
        self.s2 = simd.xor(self.s2, t);
        self.s3 = simd.rotate_left::<11>(self.s3);
        word
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;
    use rand::Rng;

    #[test]
    fn lane_i_is_xoshiro_after_i_jumps() {
        let mut lanes = Lanes::from_words(12345, 67890);
        let mut seed = [0; 16];
        seed[..8].copy_from_slice(&12345u64.to_le_bytes());
        seed[8..].copy_from_slice(&67890u64.to_le_bytes());
        let mut generators = Vec::new();
        let mut generator = Xoshiro128PlusPlus::from_seed(seed);
        for _ in 0..16 {
            generators.push(generator.clone());
            generator.jump();
        }
        for _ in 0..1000 {
            let words = lanes.next_words();
            for (word, generator) in words.iter().zip(&mut generators) {
                assert_eq!(*word, generator.next_u32());
            }
        }
    }

    #[test]
    fn a_step_back_undoes_a_step() {
        let mut lanes = Seed(3).lanes("back", 0);
        let before = lanes.clone();
        lanes.next_words();
        lanes.step_back();
        assert_eq!(lanes, before);
    }
}
