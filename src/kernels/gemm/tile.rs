//! The register tile.
//!
//! AVX-512 has 12 × 2 vectors of sums in 32 registers, AVX2 6 × 2 in 16, the portable token 6 × 1. What rows are left over
//! take a tile of two thirds or one third of the height: 128 rows are ten tiles of 12 and one of 8. What columns are left
//! over take one vector where that is enough: 400 columns are twelve tiles of 32 and one of 16.

use super::Activation;
use crate::simd::{Isa, Simd, Vectorised, math};

/// An operand of the product, by the lines that lie along the depth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kernels) enum Side {
    /// The rows of a.
    Rows,
    /// The columns of b.
    Columns,
}

impl Side {
    #[inline]
    pub(in crate::kernels) fn other(self) -> Self {
        match self {
            Side::Rows => Side::Columns,
            Side::Columns => Side::Rows,
        }
    }
}

/// Rows and columns of a full register tile, and the lanes of a vector.
#[derive(Clone, Copy)]
pub(in crate::kernels) struct TileShape {
    pub(in crate::kernels) rows: usize,
    pub(in crate::kernels) columns: usize,
    pub(in crate::kernels) lanes: usize,
}

impl TileShape {
    pub(in crate::kernels) const fn of(isa: Isa) -> Self {
        match isa {
            Isa::Portable => TileShape { rows: 6, columns: 8, lanes: 8 },
            Isa::Avx2 => TileShape { rows: 6, columns: 16, lanes: 8 },
            Isa::Avx512 => TileShape { rows: 12, columns: 32, lanes: 16 },
        }
    }

    /// Lines of a full panel.
    #[inline]
    pub(in crate::kernels) fn width(&self, side: Side) -> usize {
        match side {
            Side::Rows => self.rows,
            Side::Columns => self.columns,
        }
    }

    /// Lines of the panel that takes `present` of them: of rows a third, two thirds or all of the full tile, of columns whole
    /// vectors.
    #[inline]
    pub(in crate::kernels) fn panel(&self, side: Side, present: usize) -> usize {
        match side {
            Side::Rows => present.next_multiple_of(self.rows / 3),
            Side::Columns => present.next_multiple_of(self.lanes),
        }
    }
}

/// Prefetch distance in rows of a column panel that is not packed yet: some 200 cycles.
const AHEAD: usize = 8;

/// The most elements a tile has.
pub(in crate::kernels) const LARGEST: usize = 12 * 32;

/// Epilogue of a tile: what is done with its sums.
#[derive(Clone, Copy)]
pub(in crate::kernels) struct Finish<'a> {
    pub(in crate::kernels) scale: f32,
    /// Whether the product is added to what the output holds.
    pub(in crate::kernels) add: bool,
    /// Of the output's columns.
    pub(in crate::kernels) bias: Option<&'a [f32]>,
    pub(in crate::kernels) activation: Activation,
}

/// How a tile reads its operands.
pub(in crate::kernels) mod reading {
    /// Both panels are packed.
    pub(in crate::kernels) const PACKED: u8 = 0;
    /// The column panel is packed on the way.
    pub(in crate::kernels) const PACKING: u8 = 1;
    /// The rows are read where they lie, each along the depth: no more than they would be packed for a few tiles.
    pub(in crate::kernels) const IN_PLACE: u8 = 2;
}

/// A row panel.
#[derive(Clone, Copy)]
pub(in crate::kernels) struct RowPanel {
    pub(in crate::kernels) first: *const f32,
    /// Distance of the rows that are read where they lie.
    pub(in crate::kernels) stride: usize,
}

/// A column panel.
#[derive(Clone, Copy)]
pub(in crate::kernels) struct ColumnPanel {
    /// Its first row, `stride` before the next.
    pub(in crate::kernels) first: *const f32,
    pub(in crate::kernels) stride: usize,
    /// The packed copy `[deep][width]` that a tile which packs writes.
    pub(in crate::kernels) packed: *mut f32,
}

impl Finish<'_> {
    /// Whether bias and activation cost so little that tiles which are told to apply them to their sums in registers.
    #[inline(always)]
    pub(in crate::kernels) fn is_brief(&self) -> bool {
        matches!(self.activation, Activation::Identity | Activation::Relu)
    }

    /// `out = scale · a b [+ out]` for one tile, with `AT_ONCE` and where they are brief also bias and activation; `columns` are those of
    /// the bias.
    ///
    /// # Safety
    /// `a` holds `[deep][ROWS]`, or ROWS rows of `deep` floats where they are read in place; `b` `deep` rows of COLS vectors and as
    /// much to write if it is to be packed; and `out` ROWS rows of COLS vectors, `stride` apart.
    #[inline(always)]
    #[allow(clippy::too_many_arguments)]
    pub(in crate::kernels) unsafe fn tile<
        S: Simd,
        const ROWS: usize,
        const COLS: usize,
        const READING: u8,
        const AT_ONCE: bool,
    >(
        &self,
        simd: S,
        deep: usize,
        a: RowPanel,
        b: ColumnPanel,
        out: *mut f32,
        stride: usize,
        columns: std::ops::Range<usize>,
    ) {
        const { assert!(ROWS <= 12 && COLS <= 2, "rows and columns are written out") };
        for row in 0..ROWS {
            for column in 0..COLS {
                prefetch(out.wrapping_add(row * stride + column * S::LANES));
            }
        }
        let mut sums = [[simd.splat(0.0); COLS]; ROWS];
        for p in 0..deep {
            // SAFETY: the caller's promise covers row `p` of both panels.
            unsafe {
                let mut vectors = [simd.splat(0.0); COLS];
                for column in 0..COLS {
                    vectors[column] = simd.load(b.first.add(p * b.stride + column * S::LANES));
                }
                if READING == reading::PACKING {
                    for column in 0..COLS {
                        prefetch(b.first.wrapping_add((p + AHEAD) * b.stride + column * S::LANES));
                        simd.store(b.packed.add((p * COLS + column) * S::LANES), vectors[column]);
                    }
                }
                let step = a.stride;
                // Written out, here and below: a loop of so many rows is unrolled too late for the sums to stay in registers.
                macro_rules! rows {
                    ($($row:literal)*) => {
                        $(if $row < ROWS {
                            // Of three rows beside one another the address is one sum.
                            let place = match READING == reading::IN_PLACE {
                                true => a.first.add($row / 3 * 3 * step + p).add($row % 3 * step),
                                false => a.first.add(p * ROWS + $row),
                            };
                            let a = simd.splat(*place);
                            sums[$row][0] = simd.mul_add(a, vectors[0], sums[$row][0]);
                            if COLS > 1 {
                                sums[$row][1] = simd.mul_add(a, vectors[1], sums[$row][1]);
                            }
                        })*
                    };
                }
                rows!(0 1 2 3 4 5 6 7 8 9 10 11);
            }
        }
        let scale = simd.splat(self.scale);
        // What is not there changes nothing: −0 added, −∞ for the least.
        let (mut biases, mut floor) = ([scale; COLS], scale);
        if AT_ONCE {
            let mut own = [-0.0; 32];
            if let Some(values) = self.bias.filter(|_| self.is_brief()) {
                own[..columns.len()].copy_from_slice(&values[columns]);
            }
            for column in 0..COLS {
                // SAFETY: a tile has at most 32 columns.
                biases[column] = unsafe { simd.load(own.as_ptr().add(column * S::LANES)) };
            }
            floor = simd.splat(if self.activation == Activation::Relu { 0.0 } else { f32::NEG_INFINITY });
        }
        // Macros, as a closure would be compiled for the baseline.
        macro_rules! finish {
            ($row:expr, $column:literal) => {
                let value = simd.mul(sums[$row][$column], scale);
                // SAFETY: the caller's promise covers this vector of `out`.
                unsafe {
                    let place = out.add($row * stride + $column * S::LANES);
                    let mut value = if self.add { simd.add(simd.load(place), value) } else { value };
                    if AT_ONCE {
                        value = simd.max(floor, simd.add(value, biases[$column]));
                    }
                    simd.store(place, value);
                }
            };
        }
        macro_rules! rows {
            ($($row:literal)*) => {
                $(if $row < ROWS {
                    finish!($row, 0);
                    if COLS > 1 {
                        finish!($row, 1);
                    }
                })*
            };
        }
        rows!(0 1 2 3 4 5 6 7 8 9 10 11);
    }

    /// Bias and activation over a tile that has just been written and is still in L1.
    ///
    /// # Safety
    /// `out` holds `rows` rows of the vectors that `columns` takes, `stride` apart.
    #[inline(always)]
    pub(in crate::kernels) unsafe fn finish<S: Simd>(
        &self,
        simd: S,
        out: *mut f32,
        stride: usize,
        rows: usize,
        columns: std::ops::Range<usize>,
    ) {
        let mut bias = [0.0; 32];
        if let Some(values) = self.bias {
            bias[..columns.len()].copy_from_slice(&values[columns.clone()]);
        }
        for vector in 0..columns.len().div_ceil(S::LANES) {
            // SAFETY: a tile has at most 32 columns; the caller's promise covers `out`.
            unsafe {
                let bias = simd.load(bias.as_ptr().add(vector * S::LANES));
                for row in 0..rows {
                    let place = out.add(row * stride + vector * S::LANES);
                    let value = simd.add(simd.load(place), bias);
                    simd.store(place, activate(simd, self.activation, value));
                }
            }
        }
    }
}

/// A tile whose rows are read where they lie. The large one of AVX-512 is a function of its own: inlined, what the loops around it keep in
/// registers takes those of its sums.
pub(in crate::kernels) struct InPlaceTile<'a, const ROWS: usize, const COLS: usize> {
    finish: &'a Finish<'a>,
    deep: usize,
    a: RowPanel,
    b: ColumnPanel,
    out: *mut f32,
    stride: usize,
    columns: std::ops::Range<usize>,
}

impl<'a, const ROWS: usize, const COLS: usize> InPlaceTile<'a, ROWS, COLS> {
    /// # Safety
    /// As for [`Finish::tile`] where rows are read in place.
    pub(in crate::kernels) unsafe fn new(
        finish: &'a Finish<'a>,
        deep: usize,
        (a, b): (RowPanel, ColumnPanel),
        (out, stride): (*mut f32, usize),
        columns: std::ops::Range<usize>,
    ) -> Self {
        InPlaceTile { finish, deep, a, b, out, stride, columns }
    }

    /// Runs it, of AVX-512 in a function of its own.
    #[inline(always)]
    pub(in crate::kernels) fn run_apart<S: Simd>(self, simd: S) {
        if const { matches!(S::ISA, Isa::Avx512) } { self.called(simd) } else { self.run(simd) }
    }

    /// Not inlined: this is compiled for the baseline, which the tile itself cannot be inlined into.
    #[inline(never)]
    fn called<S: Simd>(self, simd: S) {
        simd.run(self);
    }
}

impl<const ROWS: usize, const COLS: usize> Vectorised for InPlaceTile<'_, ROWS, COLS> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let InPlaceTile { finish, deep, a, b, out, stride, columns } = self;
        // SAFETY: who made it has vouched for that.
        unsafe {
            finish.tile::<S, ROWS, COLS, { reading::IN_PLACE }, true>(simd, deep, a, b, out, stride, columns);
        }
    }
}

#[inline(always)]
pub(in crate::kernels) fn activate<S: Simd>(simd: S, activation: Activation, x: S::F32) -> S::F32 {
    match activation {
        Activation::Identity => x,
        Activation::Sigmoid => math::sigmoid(simd, x),
        Activation::Tanh => math::tanh(simd, x),
        Activation::Relu => simd.max(simd.splat(0.0), x),
        Activation::LeakyRelu(slope) => {
            simd.select(simd.less(x, simd.splat(0.0)), simd.mul(simd.splat(slope), x), x)
        }
        Activation::Softplus => math::softplus(simd, x),
    }
}

/// Asks for a cache line before it is needed.
#[inline(always)]
pub(in crate::kernels) fn prefetch(line: *const f32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint, which touches no memory and is part of the baseline of x86-64.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(line.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = line;
}
