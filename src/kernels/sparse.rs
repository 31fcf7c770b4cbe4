//! Gibbs sampling of units that do not act on one another, each of which few others act on.
//!
//! States of a block of 16 chains are floats 0 and 1, `[unit][lane]`: a field is one multiply-add a neighbour for 16 chains,
//! without indices to cut.

use super::lookup::Sigmoid;
use crate::simd::{Simd, Vectorised, dispatch};
use crate::tensor::LANES;

/// Neighbours of each unit, sparse: those of unit i are `others[starts[i]..starts[i + 1]]`, with the weights beside them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Neighbours {
    pub starts: Vec<usize>,
    pub others: Vec<u32>,
    pub weights: Vec<f32>,
}

/// Draws `units` given their neighbours in `state` `[unit][lane]`, into `drawn` `[one of units][lane]`, with one of `words`
/// `[one of units][lane]` each.
pub(crate) fn draw_units(
    neighbours: &Neighbours,
    units: &[u32],
    bias: &[f32],
    state: &[f32],
    words: &[u32],
    drawn: &mut [f32],
) {
    assert!(words.len() == units.len() * LANES && drawn.len() == words.len(), "draws of some units");
    assert!(state.len() == bias.len() * LANES && neighbours.starts.len() == bias.len() + 1, "units of a block");
    dispatch(Draw { neighbours, units, bias, state, words, drawn });
}

struct Draw<'a> {
    neighbours: &'a Neighbours,
    units: &'a [u32],
    bias: &'a [f32],
    state: &'a [f32],
    words: &'a [u32],
    drawn: &'a mut [f32],
}

impl Vectorised for Draw<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Draw { neighbours, units, bias, state, words, drawn } = self;
        let places = words.chunks_exact(LANES).zip(drawn.chunks_exact_mut(LANES));
        for (&unit, (words, drawn)) in units.iter().zip(places) {
            let unit = unit as usize;
            let range = neighbours.starts[unit]..neighbours.starts[unit + 1];
            let (others, weights) = (&neighbours.others[range.clone()], &neighbours.weights[range]);
            for lane in (0..LANES).step_by(S::LANES) {
                let mut x = simd.splat(bias[unit]);
                for (&other, &weight) in others.iter().zip(weights) {
                    let other = &state[other as usize * LANES + lane..][..S::LANES];
                    // SAFETY: the slice is a vector long.
                    let other = unsafe { simd.load(other.as_ptr()) };
                    x = simd.add(x, simd.mul(simd.splat(weight), other));
                }
                // SAFETY: the slices have 16 values, and `lane + S::LANES ≤ 16`.
                unsafe {
                    let word = simd.load_u32(words.as_ptr().add(lane));
                    let bit = Sigmoid::<S>::new(simd, x).draw(simd, word, 0);
                    simd.store(drawn.as_mut_ptr().add(lane), simd.to_float(bit));
                }
            }
        }
    }
}
