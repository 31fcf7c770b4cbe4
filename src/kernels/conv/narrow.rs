//! Few channels that are made: dot products along the channels that are summed over, in place of tiles that would be mostly empty.

use super::Output;
use super::slide::Slide;
use crate::kernels::gemm::tile::activate;
use crate::parallel::{chunks_mut, for_each_in_groups};
use crate::simd::{Simd, Vectorised, dispatch_on};

/// The most channels that are made so.
pub(super) const MOST_NARROW: usize = 4;

/// A convolution or a transposed one of few channels.
pub(super) struct Narrow<'a> {
    pub(super) slide: &'a Slide<'a>,
    /// `[made, depth]`.
    pub(super) weights: &'a [f32],
}

impl Narrow<'_> {
    /// Writes the images that are made, line after line.
    pub(super) fn run(&self, y: &mut [f32]) {
        let slide = self.slide;
        let line = slide.axes[1].output * slide.channels[1];
        let task = |index: usize, out: &mut [f32]| dispatch_on(slide.isa, Line { narrow: self, index, out });
        if slide.is_parallel() {
            for_each_in_groups(slide.axes[0].output, chunks_mut(y, line), task);
        } else {
            y.chunks_exact_mut(line).enumerate().for_each(|(index, out)| task(index, out));
        }
    }
}

/// One line of an image.
struct Line<'a> {
    narrow: &'a Narrow<'a>,
    index: usize,
    out: &'a mut [f32],
}

impl Vectorised for Line<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Line { narrow: &Narrow { slide, weights }, index, out } = self;
        let [axis_y, axis_x] = &slide.axes;
        let [summed, made] = slide.channels;
        let (image, row) = (index / axis_y.output, index % axis_y.output);
        let depth = slide.depth();
        let line = axis_x.input * summed;
        let x = &slide.x[image * axis_y.input * line..][..axis_y.input * line];
        let phase_y = if axis_y.transposed { (row + axis_y.padding) % axis_y.stride } else { 0 };
        let over = axis_y.reach(row);
        let epilogue = &slide.epilogue;
        for px in 0..axis_x.phases() {
            let (base, taps_x) = (slide.base([phase_y, px]), axis_x.taps(px));
            for column in axis_x.outputs(px) {
                let along = axis_x.reach(column);
                let deep = along.count * summed;
                for channel in 0..made {
                    let mut sums = [simd.splat(0.0); 2];
                    let mut rest = 0.0f32;
                    for step in 0..over.count {
                        let from = (over.input + step) * line + along.input * summed;
                        let pixels = &x[from..from + deep];
                        let tap = base + ((over.tap + step) * taps_x + along.tap) * summed;
                        let taps = &weights[channel * depth + tap..][..deep];
                        let mut at = 0;
                        // SAFETY: both slices have `deep` floats.
                        unsafe {
                            let (pixels, taps) = (pixels.as_ptr(), taps.as_ptr());
                            while at + 2 * S::LANES <= deep {
                                for half in 0..2 {
                                    let place = at + half * S::LANES;
                                    let (x, w) = (simd.load(pixels.add(place)), simd.load(taps.add(place)));
                                    sums[half] = simd.mul_add(x, w, sums[half]);
                                }
                                at += 2 * S::LANES;
                            }
                            if at + S::LANES <= deep {
                                sums[0] =
                                    simd.mul_add(simd.load(pixels.add(at)), simd.load(taps.add(at)), sums[0]);
                                at += S::LANES;
                            }
                        }
                        for (x, w) in pixels[at..].iter().zip(&taps[at..]) {
                            rest += x * w;
                        }
                    }
                    let mut lanes = [0.0f32; 16];
                    // SAFETY: the array holds a whole vector.
                    unsafe { simd.store(lanes.as_mut_ptr(), simd.add(sums[0], sums[1])) };
                    for half in [8, 4, 2, 1] {
                        for lane in 0..half {
                            lanes[lane] += lanes[lane + half];
                        }
                    }
                    let place = &mut out[column * made + channel];
                    let mut value = (lanes[0] + rest) * epilogue.scale;
                    if epilogue.output == Output::Accumulate {
                        value += *place;
                    }
                    *place = value + epilogue.bias.map_or(0.0, |bias| bias[channel]);
                }
            }
        }
        // The activation of the whole line, a vector at a time.
        for part in out.chunks_mut(S::LANES) {
            let mut lanes = [0.0f32; 16];
            lanes[..part.len()].copy_from_slice(part);
            // SAFETY: the array holds a whole vector.
            unsafe {
                let value = activate(simd, epilogue.activation, simd.load(lanes.as_ptr()));
                simd.store(lanes.as_mut_ptr(), value);
            }
            part.copy_from_slice(&lanes[..part.len()]);
        }
    }
}
