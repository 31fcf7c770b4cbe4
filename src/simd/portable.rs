//! The portable token: `wide`'s eight-lane vectors, compiled for whatever the target's baseline has.

use super::{Isa, Kernel, Simd};
use wide::{f32x4, f32x8, i32x8, u32x8};

/// The token of the portable instruction set; there is always one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Portable {
    _made_here: (),
}

impl Portable {
    /// The token.
    #[inline]
    pub fn new() -> Self {
        Portable { _made_here: () }
    }
}

/// Sixteen 16-bit words.
type Words = [u16; 16];

/// A copy of its own, called once a block of work, as on the other instruction sets.
#[inline(never)]
fn trampoline<K: Kernel>(simd: Portable, kernel: K) -> K::Output {
    kernel.run(simd)
}

impl Simd for Portable {
    type F32 = f32x8;
    type U32 = u32x8;
    type Mask = u32x8;
    type U16 = Words;

    const LANES: usize = 8;
    // No vector instruction of the baseline looks up: one unit at a time, masked.
    const INDEX_BITS: usize = 1;
    const TABLE: usize = 1;
    const FIXED_BITS: usize = 4;
    const FIXED_STEPS: usize = 4;
    const FIXED_INDEX: [u16; 2] = [1, 0];
    const ISA: Isa = Isa::Portable;

    #[inline]
    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        trampoline(self, kernel)
    }

    #[inline(always)]
    fn splat(self, x: f32) -> f32x8 {
        f32x8::splat(x)
    }

    #[inline(always)]
    unsafe fn load(self, pointer: *const f32) -> f32x8 {
        // SAFETY: the caller vouches for eight floats at the pointer.
        f32x8::new(unsafe { pointer.cast::<[f32; 8]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn store(self, pointer: *mut f32, x: f32x8) {
        // SAFETY: the caller vouches for eight floats at the pointer.
        unsafe { pointer.cast::<[f32; 8]>().write_unaligned(x.to_array()) }
    }

    #[inline(always)]
    fn add(self, a: f32x8, b: f32x8) -> f32x8 {
        a + b
    }

    #[inline(always)]
    fn sub(self, a: f32x8, b: f32x8) -> f32x8 {
        a - b
    }

    #[inline(always)]
    fn mul(self, a: f32x8, b: f32x8) -> f32x8 {
        a * b
    }

    #[inline(always)]
    fn div(self, a: f32x8, b: f32x8) -> f32x8 {
        a / b
    }

    #[inline(always)]
    fn mul_add(self, a: f32x8, b: f32x8, c: f32x8) -> f32x8 {
        a * b + c
    }

    #[inline(always)]
    fn min(self, a: f32x8, b: f32x8) -> f32x8 {
        self.select(self.less(a, b), a, b)
    }

    #[inline(always)]
    fn max(self, a: f32x8, b: f32x8) -> f32x8 {
        self.select(self.less(b, a), a, b)
    }

    #[inline(always)]
    fn sqrt(self, x: f32x8) -> f32x8 {
        x.sqrt()
    }

    #[inline(always)]
    fn less(self, a: f32x8, b: f32x8) -> u32x8 {
        bytemuck::cast(a.simd_lt(b))
    }

    #[inline(always)]
    fn equal(self, a: f32x8, b: f32x8) -> u32x8 {
        bytemuck::cast(a.simd_eq(b))
    }

    #[inline(always)]
    fn select(self, mask: u32x8, a: f32x8, b: f32x8) -> f32x8 {
        bytemuck::cast::<u32x8, f32x8>(mask).bitselect(a, b)
    }

    #[inline(always)]
    fn select_u32(self, mask: u32x8, a: u32x8) -> u32x8 {
        mask & a
    }

    #[inline(always)]
    fn to_bits(self, x: f32x8) -> u32x8 {
        bytemuck::cast(x)
    }

    #[inline(always)]
    fn from_bits(self, x: u32x8) -> f32x8 {
        bytemuck::cast(x)
    }

    #[inline(always)]
    fn to_float(self, x: u32x8) -> f32x8 {
        f32x8::from_i32x8(bytemuck::cast(x))
    }

    #[inline(always)]
    fn round(self, x: f32x8) -> u32x8 {
        bytemuck::cast(x.fast_round_int())
    }

    #[inline(always)]
    fn splat_u32(self, x: u32) -> u32x8 {
        u32x8::splat(x)
    }

    #[inline(always)]
    unsafe fn load_u32(self, pointer: *const u32) -> u32x8 {
        // SAFETY: the caller vouches for eight words at the pointer.
        u32x8::new(unsafe { pointer.cast::<[u32; 8]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn store_u32(self, pointer: *mut u32, x: u32x8) {
        // SAFETY: the caller vouches for eight words at the pointer.
        unsafe { pointer.cast::<[u32; 8]>().write_unaligned(x.to_array()) }
    }

    #[inline(always)]
    fn add_u32(self, a: u32x8, b: u32x8) -> u32x8 {
        a + b
    }

    #[inline(always)]
    fn sub_u32(self, a: u32x8, b: u32x8) -> u32x8 {
        a - b
    }

    #[inline(always)]
    fn and(self, a: u32x8, b: u32x8) -> u32x8 {
        a & b
    }

    #[inline(always)]
    fn or(self, a: u32x8, b: u32x8) -> u32x8 {
        a | b
    }

    #[inline(always)]
    fn xor(self, a: u32x8, b: u32x8) -> u32x8 {
        a ^ b
    }

    #[inline(always)]
    fn shl<const N: i32>(self, x: u32x8) -> u32x8 {
        x << N
    }

    #[inline(always)]
    fn shr<const N: i32>(self, x: u32x8) -> u32x8 {
        x >> N
    }

    #[inline(always)]
    fn shr_signed<const N: i32>(self, x: u32x8) -> u32x8 {
        bytemuck::cast(bytemuck::cast::<u32x8, i32x8>(x) >> N)
    }

    #[inline(always)]
    fn shl_by(self, x: u32x8, count: u32) -> u32x8 {
        x << count
    }

    #[inline(always)]
    fn rotate_left<const N: i32>(self, x: u32x8) -> u32x8 {
        (x << N) | (x >> (32 - N))
    }

    #[inline(always)]
    unsafe fn transpose_tile(
        self,
        source: *const f32,
        source_stride: usize,
        target: *mut f32,
        target_stride: usize,
    ) {
        for row in [0, 4] {
            for column in [0, 4] {
                // SAFETY: the caller vouches for eight rows of eight floats.
                unsafe {
                    let (from, to) =
                        (source.add(row * source_stride + column), target.add(column * target_stride + row));
                    transpose_four(from, source_stride, to, target_stride);
                }
            }
        }
    }

    #[inline(always)]
    fn splat_u16(self, x: u16) -> Words {
        [x; 16]
    }

    #[inline(always)]
    unsafe fn load_u16(self, pointer: *const u16) -> Words {
        // SAFETY: the caller vouches for sixteen words at the pointer.
        unsafe { pointer.cast::<Words>().read_unaligned() }
    }

    #[inline(always)]
    fn add_u16(self, mut a: Words, b: Words) -> Words {
        for lane in 0..16 {
            a[lane] = a[lane].wrapping_add(b[lane]);
        }
        a
    }

    #[inline(always)]
    unsafe fn load_table_u16(self, pointer: *const u16) -> Words {
        // SAFETY: the caller vouches for sixteen words at the pointer.
        unsafe { pointer.cast::<Words>().read_unaligned() }
    }

    // Sixteen scalar loads outweigh a call, which keeps the many kernels that look up small.
    #[inline(never)]
    fn lookup_u16(self, table: Words, mut index: Words) -> Words {
        for lane in 0..16 {
            index[lane] = table[usize::from(index[lane] & 15)];
        }
        index
    }

    #[inline(always)]
    fn next_index(self, mut index: Words) -> Words {
        for index in &mut index {
            *index >>= 4;
        }
        index
    }

    #[inline(never)]
    fn widen(self, x: Words) -> [f32x8; 2] {
        let mut halves = [[0.0; 8]; 2];
        for lane in 0..16 {
            halves[lane / 8][lane % 8] = f32::from(x[lane] as i16);
        }
        [f32x8::new(halves[0]), f32x8::new(halves[1])]
    }

    #[inline(always)]
    unsafe fn load_table(self, pointer: *const u32) -> u32x8 {
        // SAFETY: the caller vouches for the one entry.
        u32x8::splat(unsafe { *pointer })
    }

    #[inline(always)]
    fn lookup(self, table: u32x8, index: u32x8) -> u32x8 {
        table & (u32x8::splat(0) - (index & u32x8::splat(1)))
    }
}

/// Copies a 4 × 4 square transposed.
///
/// # Safety
/// `source` may be read and `target` written for four rows of four floats at their strides.
#[inline(always)]
pub(crate) unsafe fn transpose_four(
    source: *const f32,
    source_stride: usize,
    target: *mut f32,
    target_stride: usize,
) {
    // SAFETY: the caller vouches for the rows.
    unsafe {
        let row = |index: usize| f32x4::new(source.add(index * source_stride).cast::<[f32; 4]>().read_unaligned());
        let columns = f32x4::transpose([row(0), row(1), row(2), row(3)]);
        for index in 0..4 {
            target.add(index * target_stride).cast::<[f32; 4]>().write_unaligned(columns[index].to_array());
        }
    }
}
