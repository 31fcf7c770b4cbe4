//! Which taps meet which pixels, along one axis.

/// One axis of a convolution, in the direction in which it is used. Transposed, an output meets every `stride`-th tap: those of one *phase*.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) padding: usize,
    /// Pixels that are read.
    pub(super) input: usize,
    /// Pixels that are made.
    pub(super) output: usize,
    pub(super) transposed: bool,
}

/// What a pixel meets: of its phase's taps, in the order of the input's pixels, so many from one on, and as many pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reach {
    pub(super) tap: usize,
    pub(super) input: usize,
    pub(super) count: usize,
}

impl Axis {
    pub(super) fn phases(&self) -> usize {
        if self.transposed { self.stride } else { 1 }
    }

    /// Taps of a phase.
    pub(super) fn taps(&self, phase: usize) -> usize {
        match self.transposed {
            true => self.kernel.saturating_sub(phase).div_ceil(self.stride),
            false => self.kernel,
        }
    }

    /// Taps of the phases before this one.
    pub(super) fn taps_before(&self, phase: usize) -> usize {
        (0..phase).map(|phase| self.taps(phase)).sum()
    }

    /// The place in the kernel of tap number `tap` of a phase: transposed, later taps meet earlier pixels.
    pub(super) fn place(&self, phase: usize, tap: usize) -> usize {
        match self.transposed {
            true => phase + self.stride * (self.taps(phase) - 1 - tap),
            false => tap,
        }
    }

    /// The outputs of a phase.
    pub(super) fn outputs(&self, phase: usize) -> std::iter::StepBy<std::ops::Range<usize>> {
        match self.transposed {
            true => {
                let first = (phase + self.stride - self.padding % self.stride) % self.stride;
                (first.min(self.output)..self.output).step_by(self.stride)
            }
            false => (0..self.output).step_by(1),
        }
    }

    /// What output number `output` meets.
    pub(super) fn reach(&self, output: usize) -> Reach {
        // Taps, and the pixel that the first of them meets, which may lie outside.
        let (taps, over, under) = match self.transposed {
            true => {
                let at = output + self.padding;
                let taps = self.taps(at % self.stride);
                (taps, at / self.stride + 1, taps)
            }
            false => (self.kernel, output * self.stride, self.padding),
        };
        let tap = under.saturating_sub(over).min(taps);
        let input = over.saturating_sub(under);
        Reach { tap, input, count: (taps - tap).min(self.input.saturating_sub(input)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every pair of a pixel of x and one of y that a tap joins, from both sides.
    #[test]
    fn both_directions_know_the_same_pairs() {
        for (kernel, stride, padding, x) in [
            (3, 1, 1, 5),
            (4, 2, 1, 8),
            (5, 1, 2, 3),
            (3, 2, 0, 8),
            (2, 3, 0, 9),
            (1, 1, 0, 4),
            (5, 3, 4, 7),
            (3, 2, 1, 6),
        ] {
            let y = (x + 2 * padding - kernel) / stride + 1;
            let pairs = |transposed: bool| {
                let (input, output) = if transposed { (y, x) } else { (x, y) };
                let axis = Axis { kernel, stride, padding, input, output, transposed };
                let mut pairs = Vec::new();
                for phase in 0..axis.phases() {
                    for output in axis.outputs(phase) {
                        let Reach { tap, input, count } = axis.reach(output);
                        for step in 0..count {
                            let tap = axis.place(phase, tap + step);
                            let (x, y) = if transposed { (output, input + step) } else { (input + step, output) };
                            pairs.push((x, y, tap));
                        }
                    }
                }
                pairs.sort_unstable();
                pairs
            };
            let mut wanted = Vec::new();
            for at in 0..y {
                for tap in (0..kernel).filter(|tap| (padding..padding + x).contains(&(at * stride + tap))) {
                    wanted.push((at * stride + tap - padding, at, tap));
                }
            }
            wanted.sort_unstable();
            assert_eq!(pairs(false), wanted, "{kernel} {stride} {padding} {x}");
            assert_eq!(pairs(true), wanted, "{kernel} {stride} {padding} {x}, transposed");
        }
    }
}
