//! Which rows a training step sees: a function of the seed and the step alone.

use super::shuffle::KeyedPermutation;
use crate::random::Seed;

/// An endless stream of full batches: each epoch is a fresh permutation of all rows, and a batch crosses the end of
/// one into the next. The position is the whole state, so that a resumed run needs to know nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batches {
    rows: usize,
    batch: usize,
    seed: Seed,
}

impl Batches {
    /// Batches of `batch` of the rows `0..rows`. A batch may be larger than the set.
    ///
    /// # Panics
    /// When either is 0.
    #[track_caller]
    pub fn new(rows: usize, batch: usize, seed: Seed) -> Self {
        assert!(rows > 0 && batch > 0, "batches of {batch} of {rows} rows");
        Batches { rows, batch, seed }
    }

    /// Rows a batch.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// Rows an epoch.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Steps after which `epochs` epochs have been seen whole.
    pub fn steps(&self, epochs: u64) -> u64 {
        (u128::from(epochs) * self.rows as u128).div_ceil(self.batch as u128) as u64
    }

    /// The rows of step `step`, counted from 0, into `out`, `[batch]`.
    ///
    /// # Panics
    /// When `out` is not `[batch]`.
    #[track_caller]
    pub fn fill(&self, step: u64, out: &mut [usize]) {
        assert_eq!(out.len(), self.batch, "rows of a batch");
        let start = u128::from(step) * self.batch as u128;
        let mut epoch = (start / self.rows as u128) as u64;
        let mut position = (start % self.rows as u128) as usize;
        let mut rest = out;
        while !rest.is_empty() {
            let (now, later) = rest.split_at_mut(rest.len().min(self.rows - position));
            let order = KeyedPermutation::new(self.rows, self.seed.derive("epoch order", epoch).0);
            for row in now {
                *row = order.at(position);
                position += 1;
            }
            (rest, epoch, position) = (later, epoch + 1, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_epoch_sees_every_row_once_whatever_the_batch() {
        for batch in [1, 3, 7, 10, 23] {
            let batches = Batches::new(10, batch, Seed(4));
            let mut stream = Vec::new();
            for step in 0..batches.steps(7) {
                let mut rows = vec![0; batch];
                batches.fill(step, &mut rows);
                stream.extend(rows);
            }
            let orders: Vec<&[usize]> = stream.chunks_exact(10).take(7).collect();
            assert_eq!(orders.len(), 7);
            for order in &orders {
                let mut rows = order.to_vec();
                rows.sort_unstable();
                assert_eq!(rows, (0..10).collect::<Vec<_>>());
            }
            assert_ne!(orders[0], orders[1], "an epoch must not repeat the order of the last");
            // The order is that of the stream, whatever it is cut into.
            let whole = Batches::new(10, 10, Seed(4));
            let mut rows = [0; 10];
            whole.fill(5, &mut rows);
            assert_eq!(rows, orders[5]);
        }
    }

    #[test]
    fn seeds_differ() {
        let (mut a, mut b) = ([0; 50], [0; 50]);
        Batches::new(1000, 50, Seed(1)).fill(0, &mut a);
        Batches::new(1000, 50, Seed(2)).fill(0, &mut b);
        assert_ne!(a, b);
    }
}
