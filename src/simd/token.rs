//! The vector primitives of an instruction set.

use super::{Isa, Kernel};

/// A token of an instruction set: the proof that the CPU has it, and its vector primitives.
///
/// Element-wise arithmetic is separately rounded IEEE 754 on every token, so that the same code gives the same bits;
/// only [`mul_add`](Simd::mul_add) may fuse, and only matrix products use it.
pub trait Simd: Copy + Send + Sync + std::fmt::Debug + 'static {
    /// `LANES` floats.
    type F32: Copy;
    /// `LANES` 32-bit words.
    type U32: Copy;
    /// A truth value a lane.
    type Mask: Copy;
    /// `2 · LANES` 16-bit words.
    type U16: Copy;

    /// Lanes of a vector: 8 or 16, always a divisor of 16.
    const LANES: usize;
    /// Units that one lookup table covers: 4, 3, or 1 where there is no lookup.
    const INDEX_BITS: usize;
    /// Entries of a lookup table: a vector of them, or the one of a unit that is on.
    const TABLE: usize;
    /// Units that one table of 16-bit sums covers; it has 2 to that power entries.
    const FIXED_BITS: usize;
    /// Groups of units that one vector of 16-bit indices holds; [`next_index`](Simd::next_index) moves on.
    const FIXED_STEPS: usize;
    /// What the index n of a 16-bit table is in memory: `n · FIXED_INDEX[0] + FIXED_INDEX[1]`.
    const FIXED_INDEX: [u16; 2];
    /// Which instruction set it is.
    const ISA: Isa;

    /// Runs `kernel` in a function compiled for this instruction set.
    fn run<K: Kernel>(self, kernel: K) -> K::Output;

    /// All lanes `x`.
    fn splat(self, x: f32) -> Self::F32;
    /// Loads `LANES` floats.
    ///
    /// # Safety
    /// `pointer` may be read for `LANES` floats; it need not be aligned.
    unsafe fn load(self, pointer: *const f32) -> Self::F32;
    /// Stores `LANES` floats.
    ///
    /// # Safety
    /// `pointer` may be written for `LANES` floats; it need not be aligned.
    unsafe fn store(self, pointer: *mut f32, x: Self::F32);
    /// a + b.
    fn add(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// a − b.
    fn sub(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// a · b.
    fn mul(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// a / b.
    fn div(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// a · b + c, fused where the instruction set fuses.
    fn mul_add(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32;
    /// a < b ? a : b, so `b` where either is NaN.
    fn min(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// a > b ? a : b, so `b` where either is NaN.
    fn max(self, a: Self::F32, b: Self::F32) -> Self::F32;
    /// √x, correctly rounded.
    fn sqrt(self, x: Self::F32) -> Self::F32;
    /// a < b; false where either is NaN.
    fn less(self, a: Self::F32, b: Self::F32) -> Self::Mask;
    /// a = b; false where either is NaN.
    fn equal(self, a: Self::F32, b: Self::F32) -> Self::Mask;
    /// mask ? a : b.
    fn select(self, mask: Self::Mask, a: Self::F32, b: Self::F32) -> Self::F32;
    /// mask ? a : 0.
    fn select_u32(self, mask: Self::Mask, a: Self::U32) -> Self::U32;

    /// The bits of the floats.
    fn to_bits(self, x: Self::F32) -> Self::U32;
    /// The floats with these bits.
    #[expect(clippy::wrong_self_convention, reason = "self is the token, not the vector")]
    fn from_bits(self, x: Self::U32) -> Self::F32;
    /// Each word, taken as a signed number, as the nearest float.
    fn to_float(self, x: Self::U32) -> Self::F32;
    /// The nearest whole numbers below 2³¹ in size, ties to even; any word for what is larger or NaN.
    fn round(self, x: Self::F32) -> Self::U32;

    /// All lanes `x`.
    fn splat_u32(self, x: u32) -> Self::U32;
    /// Loads `LANES` words.
    ///
    /// # Safety
    /// `pointer` may be read for `LANES` words; it need not be aligned.
    unsafe fn load_u32(self, pointer: *const u32) -> Self::U32;
    /// Stores `LANES` words.
    ///
    /// # Safety
    /// `pointer` may be written for `LANES` words; it need not be aligned.
    unsafe fn store_u32(self, pointer: *mut u32, x: Self::U32);
    /// a + b, wrapping.
    fn add_u32(self, a: Self::U32, b: Self::U32) -> Self::U32;
    /// a − b, wrapping.
    fn sub_u32(self, a: Self::U32, b: Self::U32) -> Self::U32;
    /// a ∧ b.
    fn and(self, a: Self::U32, b: Self::U32) -> Self::U32;
    /// a ∨ b.
    fn or(self, a: Self::U32, b: Self::U32) -> Self::U32;
    /// a ⊕ b.
    fn xor(self, a: Self::U32, b: Self::U32) -> Self::U32;
    /// x shifted left by `N` bits, `N < 32`.
    fn shl<const N: i32>(self, x: Self::U32) -> Self::U32;
    /// x shifted right by `N` bits, `N < 32`, zeros moving in.
    fn shr<const N: i32>(self, x: Self::U32) -> Self::U32;
    /// x shifted right by `N` bits, `N < 32`, the sign moving in.
    fn shr_signed<const N: i32>(self, x: Self::U32) -> Self::U32;
    /// x shifted left by `count < 32` bits, the same in every lane.
    fn shl_by(self, x: Self::U32, count: u32) -> Self::U32;
    /// x rotated left by `N` bits, `0 < N < 32`.
    fn rotate_left<const N: i32>(self, x: Self::U32) -> Self::U32;

    /// Copies an 8 × 8 tile transposed, row to column; strides in floats from one row to the next.
    ///
    /// # Safety
    /// `source` may be read and `target` written for eight rows of eight floats at their strides.
    unsafe fn transpose_tile(
        self,
        source: *const f32,
        source_stride: usize,
        target: *mut f32,
        target_stride: usize,
    );

    /// All lanes `x`.
    fn splat_u16(self, x: u16) -> Self::U16;
    /// Loads `2 · LANES` 16-bit words.
    ///
    /// # Safety
    /// `pointer` may be read for `2 · LANES` words; it need not be aligned.
    unsafe fn load_u16(self, pointer: *const u16) -> Self::U16;
    /// a + b, wrapping.
    fn add_u16(self, a: Self::U16, b: Self::U16) -> Self::U16;
    /// Loads a table of 2^`FIXED_BITS` entries.
    ///
    /// # Safety
    /// `pointer` may be read for as many words.
    unsafe fn load_table_u16(self, pointer: *const u16) -> Self::U16;
    /// Lane `i` of the result is the entry of `table` that the low bits of `index[i]` name.
    fn lookup_u16(self, table: Self::U16, index: Self::U16) -> Self::U16;
    /// The indices of the next group of units.
    fn next_index(self, index: Self::U16) -> Self::U16;
    /// Each word, taken as a signed number, as a float: the first `LANES`, then the others.
    fn widen(self, x: Self::U16) -> [Self::F32; 2];

    /// Loads a table of `TABLE` entries.
    ///
    /// # Safety
    /// `pointer` may be read for as many words.
    unsafe fn load_table(self, pointer: *const u32) -> Self::U32;
    /// The register-resident lookup: lane `i` of the result is the entry of `table` that the low `INDEX_BITS` bits of
    /// `index[i]` name, of two entries of which the first is zero where `TABLE` is 1.
    fn lookup(self, table: Self::U32, index: Self::U32) -> Self::U32;
}
