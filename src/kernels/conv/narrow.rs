//! Few channels that are made: the lanes of a vector are images, in place of channels that would leave most of them empty.

use super::Output;
use super::slide::Slide;
use crate::kernels::gemm::tile::activate;
use crate::simd::{Simd, Vectorised};
use std::ops::Range;

/// The most channels that are made so.
pub(super) const MOST_NARROW: usize = 4;

/// Some rows of the output of as many images as a vector has lanes.
pub(super) struct Narrow<'a> {
    pub(super) slide: &'a Slide<'a>,
    pub(super) images: Range<usize>,
    pub(super) rows: Range<usize>,
    /// First line that is laid out.
    pub(super) line: usize,
    /// `[pixels, channels, lanes]`.
    pub(super) laid_out: &'a [f32],
    /// `[made, depth]`.
    pub(super) weights: &'a [f32],
    /// All that is made; of these images' rows nobody else writes.
    pub(super) y: *mut f32,
}

impl Vectorised for Narrow<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let [axis_y, axis_x] = &self.slide.axes;
        for py in 0..axis_y.phases() {
            for row in axis_y.outputs(py).filter(|row| self.rows.contains(row)) {
                for px in 0..axis_x.phases() {
                    for column in axis_x.outputs(px) {
                        self.pixel(simd, [py, px], row, column);
                    }
                }
            }
        }
    }
}

impl Narrow<'_> {
    #[inline(always)]
    fn pixel<S: Simd>(&self, simd: S, phases: [usize; 2], row: usize, column: usize) {
        let slide = self.slide;
        let [axis_y, axis_x] = &slide.axes;
        let [summed, made] = slide.channels;
        let (over, along) = (axis_y.reach(row), axis_x.reach(column));
        let (base, taps_x, deep) = (slide.base(phases), axis_x.taps(phases[1]), along.count * summed);
        let depth = slide.depth();
        for channel in 0..made {
            let mut sums = [simd.splat(0.0); 4];
            for step in 0..over.count {
                let pixel = (over.input + step - self.line) * axis_x.input + along.input;
                let pixels = &self.laid_out[pixel * summed * S::LANES..][..deep * S::LANES];
                let tap = base + ((over.tap + step) * taps_x + along.tap) * summed;
                let taps = &self.weights[channel * depth + tap..][..deep];
                let (pixels, fours) = (pixels.as_ptr(), deep - deep % 4);
                // SAFETY: `pixels` has a vector for each of `taps`.
                unsafe {
                    for place in (0..fours).step_by(4) {
                        for part in 0..4 {
                            let x = simd.load(pixels.add((place + part) * S::LANES));
                            sums[part] = simd.mul_add(x, simd.splat(taps[place + part]), sums[part]);
                        }
                    }
                    for place in fours..deep {
                        let x = simd.load(pixels.add(place * S::LANES));
                        sums[0] = simd.mul_add(x, simd.splat(taps[place]), sums[0]);
                    }
                }
            }
            let sum = simd.add(simd.add(sums[0], sums[1]), simd.add(sums[2], sums[3]));
            let (epilogue, place) = (&slide.epilogue, (row * axis_x.output + column) * made + channel);
            let image = axis_y.output * axis_x.output * made;
            let at = |index: usize| self.y.wrapping_add((self.images.start + index) * image + place);
            let mut lanes = [0.0f32; 16];
            // SAFETY: the array holds a whole vector, and each image has this pixel.
            unsafe {
                let mut value = simd.mul(sum, simd.splat(epilogue.scale));
                if epilogue.output == Output::Accumulate {
                    (0..self.images.len()).for_each(|index| lanes[index] = *at(index));
                    value = simd.add(value, simd.load(lanes.as_ptr()));
                }
                if let Some(bias) = epilogue.bias {
                    value = simd.add(value, simd.splat(bias[channel]));
                }
                simd.store(lanes.as_mut_ptr(), activate(simd, epilogue.activation, value));
                (0..self.images.len()).for_each(|index| *at(index) = lanes[index]);
            }
        }
    }
}
