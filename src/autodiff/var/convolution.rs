//! Convolutions and pooling of images, channels-last: `[batch, height, width, channels]`.

use super::Var;
use crate::autodiff::Activation;
use crate::autodiff::op::Op;
use crate::autodiff::ops::{Convolve, Convolved};
use crate::kernels::conv::Convolution;

/// How a kernel slides over images, `[height, width]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sliding {
    /// By how many pixels of the larger image.
    pub stride: [usize; 2],
    /// Zeros around the larger image.
    pub padding: [usize; 2],
}

impl Default for Sliding {
    /// By one pixel, without padding.
    fn default() -> Self {
        Sliding { stride: [1, 1], padding: [0, 0] }
    }
}

impl<'t> Var<'t> {
    /// A convolution, activation(x ∗ W + b), in one pass: x `[batch, height, width, in]` is this, weight `[out, in, height, width]`, bias `[out]`; the
    /// result is `[batch, height, width, out]`, of (n + 2 padding − kernel) / stride + 1 pixels of n along an axis, rounded down.
    ///
    /// # Panics
    /// When the shapes differ from these, the kernel is larger than the image and its padding, or the slope of a leaky activation is negative.
    #[track_caller]
    pub fn conv2d(self, weight: Self, bias: Self, sliding: Sliding, activation: Activation) -> Self {
        let (x, w) = (self.shape(), weight.shape());
        assert!(
            x.len() == 4 && w.len() == 4,
            "conv2d of {x} by {w}: wanted [batch, height, width, in], [out, in, height, width]"
        );
        let Sliding { stride, padding } = sliding;
        let sizes = Convolution::of([x[1], x[2]], [w[1], w[0]], [w[2], w[3]], stride, padding);
        let Some(sizes) = sizes else {
            panic!("conv2d of {x} by {w}, stride {stride:?}, padding {padding:?}: the kernel has no place");
        };
        let product = Convolved::Forward(activation);
        self.tape.push(Op::Convolve(Convolve { sizes, product }), &[self, weight, bias])
    }

    /// A transposed convolution, activation(x ∗ᵀ W + b), the gradient of a convolution by what it reads: x `[batch, height, width, in]` is this, weight
    /// `[in, out, height, width]`, bias `[out]`; the result is `[batch, height, width, out]`, of (n − 1) stride − 2 padding + kernel + `more` pixels of n along an
    /// axis, `more`, below the stride, being those that a convolution back would not reach.
    ///
    /// # Panics
    /// When the shapes differ from these, no pixel is left, or the slope of a leaky activation is negative.
    #[track_caller]
    pub fn conv_transpose2d(
        self,
        weight: Self,
        bias: Self,
        sliding: Sliding,
        more: [usize; 2],
        activation: Activation,
    ) -> Self {
        let (x, w) = (self.shape(), weight.shape());
        assert!(
            x.len() == 4 && w.len() == 4,
            "conv_transpose2d of {x} by {w}: wanted [batch, height, width, in], [in, out, height, width]"
        );
        let Sliding { stride, padding } = sliding;
        let sizes = Convolution::transposed_of([x[1], x[2]], [w[0], w[1]], [w[2], w[3]], stride, padding, more);
        let Some(sizes) = sizes else {
            panic!(
                "conv_transpose2d of {x} by {w}, stride {stride:?}, padding {padding:?} and {more:?}: no such image"
            );
        };
        let product = Convolved::Transposed(activation);
        self.tape.push(Op::Convolve(Convolve { sizes, product }), &[self, weight, bias])
    }

    /// The means of windows of `[height, width]` pixels side by side: `[batch, height, width, channels]` in both.
    ///
    /// # Panics
    /// When there are not four axes, or the windows do not divide the image.
    #[track_caller]
    pub fn average_pool2d(self, window: [usize; 2]) -> Self {
        self.windows(window).mean_axis(4).mean_axis(2)
    }

    /// The largest values of windows of `[height, width]` pixels side by side.
    ///
    /// # Panics
    /// When there are not four axes, or the windows do not divide the image.
    #[track_caller]
    pub fn max_pool2d(self, window: [usize; 2]) -> Self {
        self.windows(window).max_axis(4).max_axis(2)
    }

    /// `[batch, rows, height, columns, width, channels]`.
    #[track_caller]
    fn windows(self, [height, width]: [usize; 2]) -> Self {
        let x = self.shape();
        assert!(
            x.len() == 4
                && x[1].is_multiple_of(height.max(1))
                && x[2].is_multiple_of(width.max(1))
                && height * width > 0,
            "windows of {height} × {width} pixels do not divide images {x}, [batch, height, width, channels]"
        );
        self.reshape([x[0], x[1] / height, height, x[2] / width, width, x[3]])
    }
}
