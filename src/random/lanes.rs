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

/// Which of 128 states in a row add up to the one `i` jumps after the first, for lanes `i`: `[32 states of 4][lane of 16]`, the first state in the
/// lowest bit. The powers of the generator's jump polynomial (Blackman & Vigna 2019) modulo its characteristic one.
const JUMPS: [[u32; 16]; 4] = [
    [
        0x0000_0001,
        0x8764_000b,
        0x9b80_2a8b,
        0xb04c_a9f3,
        0x1a23_5895,
        0xba06_26fa,
        0x38ba_1086,
        0x8db9_9949,
        0xf705_85fb,
        0x7a1f_de92,
        0x1e32_5572,
        0x817a_fa05,
        0x8621_6c28,
        0xe938_074c,
        0x7073_84a8,
        0x7ffe_554e,
    ],
    [
        0x0000_0000,
        0xf542_d2d3,
        0x7948_05ed,
        0xe5ed_4d51,
        0x0080_78d6,
        0xd186_a6fa,
        0x9fc7_e73d,
        0xbc3e_6169,
        0x4e0c_5957,
        0xcf60_36da,
        0xc214_d131,
        0x460f_d1fb,
        0x1172_634e,
        0xcb53_9352,
        0x2429_5fea,
        0x240d_ad53,
    ],
    [
        0x0000_0000,
        0x6fa0_35c3,
        0x5eb1_70f0,
        0x8703_c119,
        0x18ec_a90e,
        0x17f3_9e46,
        0x62de_8a07,
        0xdc44_142f,
        0xbce2_50c3,
        0x468b_641a,
        0xa2d9_a35c,
        0xe134_6cba,
        0xbe39_c34d,
        0x4ae6_62e4,
        0xb79c_542b,
        0x6f67_50fe,
    ],
    [
        0x0000_0000,
        0x77f2_db5b,
        0x7c0f_7916,
        0x3d69_7f72,
        0x5f29_2782,
        0xb18f_8602,
        0x3508_e27d,
        0x5e7b_6a3a,
        0x17a8_96ff,
        0xa158_9df4,
        0x85d1_fc11,
        0x07ee_1896,
        0x89fa_cb92,
        0x9273_a131,
        0x755d_7204,
        0x2adb_f5c6,
    ],
];

impl Lanes {
    /// Lane 0 starts at the 128-bit state (`low`, `high`); an all-zero state, from which the generator never leaves,
    /// is replaced as `rand_xoshiro` does.
    pub fn from_words(low: u64, high: u64) -> Self {
        let mut seed = [0; 16];
        seed[..8].copy_from_slice(&low.to_le_bytes());
        seed[8..].copy_from_slice(&high.to_le_bytes());
        let first = Xoshiro128PlusPlus::from_seed(seed).state();
        let mut own: [u32; 4] = std::array::from_fn(|word| {
            let bytes = &first[4 * word..];
            u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
        });
        // Jumps are linear over the field of two elements: each lane is a sum of the first 128 states, all of which are passed once.
        let mut state = [[0; 16]; 4];
        for of_lanes in JUMPS {
            for bit in 0..u32::BITS {
                let [s0, s1, s2, s3] = &mut state;
                for lane in 0..16 {
                    let taken = (of_lanes[lane] >> bit & 1).wrapping_neg();
                    s0[lane] ^= own[0] & taken;
                    s1[lane] ^= own[1] & taken;
                    s2[lane] ^= own[2] & taken;
                    s3[lane] ^= own[3] & taken;
                }
                let shifted = own[1] << 9;
                own[2] ^= own[0];
                own[3] ^= own[1];
                own[1] ^= own[2];
                own[0] ^= own[3];
                own[2] ^= shifted;
                own[3] = own[3].rotate_left(11);
            }
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
