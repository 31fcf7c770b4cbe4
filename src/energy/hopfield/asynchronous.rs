//! Recall one unit at a time.

use super::network::signs;
use super::{Ending, Hopfield};
use crate::parallel::map;
use crate::random::{Seed, Stream};
use crate::simd::{Simd, Vectorised, dispatch};
use crate::tensor::BitMatrix;
use rand::RngExt;

/// How states are recalled one unit at a time: all units in a random order, drawn anew for each sweep.
///
/// A unit follows the sign of its field and stays as it is where the field is 0, so that the energy never rises where
/// Wᵢᵢ ≥ 0: a change of xᵢ to the sign of hᵢ alters it by −2 (|hᵢ| + Wᵢᵢ).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asynchronous {
    /// Sweeps at the most.
    pub sweeps: usize,
    /// Names the orders; state r has a stream of its own.
    pub seed: Seed,
}

impl Default for Asynchronous {
    fn default() -> Self {
        Asynchronous { sweeps: 1000, seed: Seed(1) }
    }
}

impl Hopfield {
    /// Recalls each row of `states` one unit at a time, until a sweep changes nothing; returns how each ended.
    ///
    /// # Panics
    /// Where `states` is not `units` wide.
    #[track_caller]
    pub fn recall(&self, states: &mut BitMatrix, how: &Asynchronous) -> Vec<Ending> {
        self.check_width(states);
        recall_rows(states, how, |x, stream| self.settle(x, how.sweeps, stream))
    }

    fn settle(&self, x: &mut [f32], limit: usize, stream: &mut Stream) -> Ending {
        let mut h = self.fields(x);
        in_random_order(self.units, limit, stream, |unit| {
            let changes = h[unit] * f64::from(x[unit]) < 0.0;
            if changes {
                x[unit] = -x[unit];
                dispatch(AddRow { row: self.row(unit), factor: 2.0 * f64::from(x[unit]), fields: &mut h });
            }
            changes
        })
    }
}

/// Has `settle` change every row, as signs, on its own stream; all at once, since rows know nothing of one another.
pub(super) fn recall_rows(
    states: &mut BitMatrix,
    how: &Asynchronous,
    settle: impl Fn(&mut [f32], &mut Stream) -> Ending + Sync,
) -> Vec<Ending> {
    let before: &BitMatrix = states;
    let recalled: Vec<(Vec<f32>, Ending)> = map(before.rows(), |row| {
        let mut x = signs(before, row);
        let ending = settle(&mut x, &mut how.seed.stream("hopfield order", row as u64));
        (x, ending)
    });
    let mut endings = Vec::with_capacity(recalled.len());
    for (row, (x, ending)) in recalled.into_iter().enumerate() {
        x.iter().enumerate().for_each(|(unit, &x)| states.set(row, unit, x > 0.0));
        endings.push(ending);
    }
    endings
}

/// Sweeps over all units in random orders until `update` changes none of them in a whole sweep.
pub(super) fn in_random_order(
    units: usize,
    limit: usize,
    stream: &mut Stream,
    mut update: impl FnMut(usize) -> bool,
) -> Ending {
    let mut order: Vec<usize> = (0..units).collect();
    for sweeps in 0..limit {
        for place in (1..units).rev() {
            order.swap(place, stream.random_range(0..=place));
        }
        let changes = order.iter().filter(|&&unit| update(unit)).count();
        if changes == 0 {
            return Ending::Fixed { sweeps };
        }
    }
    Ending::Unfinished
}

/// Adds `factor` times a row of weights to the fields: what the change of one unit does to all others.
struct AddRow<'a> {
    row: &'a [f32],
    factor: f64,
    fields: &'a mut [f64],
}

impl Vectorised for AddRow<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        for (field, &weight) in self.fields.iter_mut().zip(self.row) {
            *field += self.factor * f64::from(weight);
        }
    }
}
