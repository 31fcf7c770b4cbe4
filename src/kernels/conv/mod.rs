//! Two-dimensional convolution: the product with a kernel that slides, its gradients, and so the transposed convolution.
//!
//! Images are channels-last, `[batch, height, width, channels]`; kernels are `[out, in, height, width]`, as PyTorch's are. With x outside of the image
//! zero,
//!
//! y\[n, o, co\] = Σ_{k, ci} w\[co, ci, k\] x\[n, s o + k − p, ci\]
//!
//! along both axes. [`convolve`] gives y, [`convolve_transposed`] the gradient by x of a sum of products with y, which is what transposed
//! convolutions are, and [`convolve_weights`] that by w: each is linear in either operand, and the gradients of any of the three are the other two.
//!
//! Nothing is unrolled into columns. The rows of a register tile are as many *images*, at one pixel: a block of images is laid out once so that
//! theirs lie side by side, and then what a row of the kernel meets, neighbouring pixels, is one stretch for any stride. Taps that fall on padding are the
//! ends of such stretches, and are never multiplied. The gradient by the kernel needs no other layout at all: it is a sum of outer
//! products of neighbouring channels, whose sums stay in registers over rows and images.
//!
//! An element is summed over rows of the kernel, then along them, in ascending order of the input's pixels, whatever its company: the bits of an image depend neither
//! on threads nor on the rest of the batch.

mod axis;
mod narrow;
mod slide;
#[cfg(test)]
mod tests;
mod weights;

pub use super::gemm::{Epilogue, Output};
use crate::simd::Isa;
use axis::Axis;
use slide::Slide;
use weights::Weights;

/// The sizes of a convolution, by its own direction also where it is transposed. Along each axis `[height, width]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Convolution {
    /// Pixels of an image x.
    pub input: [usize; 2],
    /// Pixels of an image y.
    pub output: [usize; 2],
    /// Channels of x and of y.
    pub channels: [usize; 2],
    /// Taps.
    pub kernel: [usize; 2],
    /// By how many pixels of x the kernel moves from one of y to the next.
    pub stride: [usize; 2],
    /// Zeros around x.
    pub padding: [usize; 2],
}

impl Convolution {
    /// The convolution of images of `input` pixels, with as many pixels of y as the kernel has places: `None` where it has none, or moves by nothing.
    pub fn of(
        input: [usize; 2],
        channels: [usize; 2],
        kernel: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 2],
    ) -> Option<Self> {
        let places = |axis: usize| {
            let room = (input[axis] + 2 * padding[axis]).checked_sub(kernel[axis])?;
            (kernel[axis] > 0 && input[axis] > 0).then(|| room.checked_div(stride[axis]).map(|steps| steps + 1))?
        };
        let output = [places(0)?, places(1)?];
        Some(Convolution { input, output, channels, kernel, stride, padding })
    }

    /// The convolution whose transpose makes images of `(small − 1) stride − 2 padding + kernel + more` pixels of those of `small`, `more` below the stride: what
    /// PyTorch calls output padding. `None` where that leaves no pixel.
    pub fn transposed_of(
        small: [usize; 2],
        channels: [usize; 2],
        kernel: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 2],
        more: [usize; 2],
    ) -> Option<Self> {
        let pixels = |axis: usize| {
            let reach = small[axis].checked_sub(1)? * stride[axis] + kernel[axis] + more[axis];
            reach.checked_sub(2 * padding[axis]).filter(|&pixels| pixels > 0 && more[axis] < stride[axis])
        };
        let large = [pixels(0)?, pixels(1)?];
        let found = Convolution::of(large, [channels[1], channels[0]], kernel, stride, padding)?;
        (found.output == small).then_some(found)
    }

    /// Values of an image x and of an image y.
    pub fn sizes(&self) -> [usize; 2] {
        let values = |[height, width]: [usize; 2], channels: usize| height * width * channels;
        [values(self.input, self.channels[0]), values(self.output, self.channels[1])]
    }

    /// Weights of the kernel.
    pub fn weights(&self) -> usize {
        self.channels[0] * self.channels[1] * self.kernel[0] * self.kernel[1]
    }

    /// Multiply-adds of one image, without those on padding.
    pub fn multiply_adds(&self) -> usize {
        let [taps_y, taps_x] = [0, 1].map(|axis| {
            let axis = self.axis(axis, false);
            (0..axis.output).map(|place| axis.reach(place).count).sum::<usize>()
        });
        taps_y * taps_x * self.channels[0] * self.channels[1]
    }

    /// Calls `visit` with the places in an image x, in an image y and in w of every product, one by one: the reference of all three.
    pub(crate) fn for_each_product(&self, mut visit: impl FnMut(usize, usize, usize)) {
        let [ci, co] = self.channels;
        let [vertical, horizontal] = [0, 1].map(|axis| self.pairs(axis));
        for &(iy, oy, ky) in &vertical {
            for &(ix, ox, kx) in &horizontal {
                let (x, y) = ((iy * self.input[1] + ix) * ci, (oy * self.output[1] + ox) * co);
                for (i, o) in (0..ci).flat_map(|i| (0..co).map(move |o| (i, o))) {
                    visit(x + i, y + o, ((o * ci + i) * self.kernel[0] + ky) * self.kernel[1] + kx);
                }
            }
        }
    }

    /// The pixels of x and of y that a tap joins, and the tap, along one axis.
    fn pairs(&self, axis: usize) -> Vec<(usize, usize, usize)> {
        let taps = |y: usize| (0..self.kernel[axis]).map(move |tap| (y, tap));
        let met = (0..self.output[axis]).flat_map(taps).filter_map(|(y, tap)| {
            let x = (y * self.stride[axis] + tap).checked_sub(self.padding[axis])?;
            (x < self.input[axis]).then_some((x, y, tap))
        });
        met.collect()
    }

    fn axis(&self, index: usize, transposed: bool) -> Axis {
        let (kernel, stride, padding) = (self.kernel[index], self.stride[index], self.padding[index]);
        let (x, y) = (self.input[index], self.output[index]);
        let (input, output) = if transposed { (y, x) } else { (x, y) };
        Axis { kernel, stride, padding, input, output, transposed }
    }

    /// Images in slices of x and of y. Panics where these differ, or the kernel has another size.
    #[track_caller]
    fn batch(&self, x: usize, y: usize, w: usize) -> usize {
        let [of_x, of_y] = self.sizes();
        let batch = x / of_x.max(1);
        assert!(
            x == batch * of_x && y == batch * of_y && w == self.weights(),
            "x, y and w of {x}, {y} and {w} values for {self:?}"
        );
        batch
    }
}

/// `y = activation(scale · x ∗ w [+ y] + bias)`: x `[batch, height, width, in]`, y `[batch, height, width, out]`, bias `[out]`.
///
/// # Panics
/// Where the sizes do not fit.
#[track_caller]
pub fn convolve(sizes: &Convolution, x: &[f32], w: &[f32], y: &mut [f32], epilogue: Epilogue) {
    convolve_on(Isa::current(), sizes, x, w, y, epilogue);
}

#[track_caller]
fn convolve_on(isa: Isa, sizes: &Convolution, x: &[f32], w: &[f32], y: &mut [f32], epilogue: Epilogue) {
    let batch = sizes.batch(x.len(), y.len(), w.len());
    let [ci, co] = sizes.channels;
    let taps = sizes.kernel[0] * sizes.kernel[1];
    let axes = [0, 1].map(|axis| sizes.axis(axis, false));
    Slide { isa, batch, axes, channels: [ci, co], strides: [taps, ci * taps], x, w, epilogue }.run(y);
}

/// `x = activation(scale · y ∗ᵀ w [+ x] + bias)`, the transpose of [`convolve`] as a linear map from x to y: bias `[in]`.
///
/// # Panics
/// Where the sizes do not fit.
#[track_caller]
pub fn convolve_transposed(sizes: &Convolution, y: &[f32], w: &[f32], x: &mut [f32], epilogue: Epilogue) {
    convolve_transposed_on(Isa::current(), sizes, y, w, x, epilogue);
}

#[track_caller]
fn convolve_transposed_on(isa: Isa, sizes: &Convolution, y: &[f32], w: &[f32], x: &mut [f32], epilogue: Epilogue) {
    let batch = sizes.batch(x.len(), y.len(), w.len());
    let [ci, co] = sizes.channels;
    let taps = sizes.kernel[0] * sizes.kernel[1];
    let axes = [0, 1].map(|axis| sizes.axis(axis, true));
    Slide { isa, batch, axes, channels: [co, ci], strides: [ci * taps, taps], x: y, w, epilogue }.run(x);
}

/// `w = Σ_n y[n] x[n]`, the gradient by the kernel of a sum of products of y with the convolution of x: `[out, in, height, width]`.
///
/// # Panics
/// Where the sizes do not fit.
#[track_caller]
pub fn convolve_weights(sizes: &Convolution, x: &[f32], y: &[f32], w: &mut [f32]) {
    convolve_weights_on(Isa::current(), sizes, x, y, w);
}

#[track_caller]
fn convolve_weights_on(isa: Isa, sizes: &Convolution, x: &[f32], y: &[f32], w: &mut [f32]) {
    let batch = sizes.batch(x.len(), y.len(), w.len());
    Weights { isa, batch, sizes, x, y }.run(w);
}
