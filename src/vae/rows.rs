//! Examples as the numbers a network reads: for training whatever the dataset gives, for evaluation the same ones each time.

use crate::data::{Binarization, Dataset};
use crate::random::{Lanes, Seed};
use crate::store::{Snapshot, SnapshotError};
use crate::tensor::{BitMatrix, LANES};
use rayon::prelude::*;
use std::ops::Range;

/// Rows to evaluate on.
#[derive(Clone, Copy)]
pub(super) enum Rows<'a> {
    /// Of a dataset; where it samples bits, those of its one fixed stream.
    Data(&'a Dataset<'a>),
    /// Given ones, `[rows, width]`.
    Given { values: &'a [f32], width: usize },
}

impl Rows<'_> {
    pub(super) fn len(&self) -> usize {
        match self {
            Rows::Data(data) => data.len(),
            Rows::Given { values, width } => values.len() / width,
        }
    }

    /// The rows `range` to the front of `out`, `[at least as many, width]`. What lies behind them stays.
    pub(super) fn read(&self, range: Range<usize>, out: &mut [f32]) {
        match self {
            Rows::Given { values, width } => {
                let values = &values[range.start * width..range.end * width];
                out[..values.len()].copy_from_slice(values);
            }
            Rows::Data(data) if data.binarization() == Binarization::Sample => {
                let bits = data.to_bits_range(range);
                for (row, out) in (0..bits.rows()).zip(out.chunks_exact_mut(data.width())) {
                    bits.row_into(row, out);
                }
            }
            Rows::Data(data) => {
                range.zip(out.chunks_exact_mut(data.width())).for_each(|(row, out)| data.row_into(row, out));
            }
        }
    }
}

/// Reads batches for training. Where grey levels are sampled, it has a stream for every sixteen rows of a batch.
#[derive(Debug)]
pub(super) struct BatchReader {
    streams: Vec<Lanes>,
    bits: BitMatrix,
}

const STREAMS: &str = "data.streams";

impl BatchReader {
    pub(super) fn new(seed: Seed, batch: usize, width: usize) -> Self {
        let blocks = batch.div_ceil(LANES) as u64;
        let streams = (0..blocks).map(|block| seed.lanes("training data", block)).collect();
        BatchReader { streams, bits: BitMatrix::zeros(batch, width) }
    }

    /// The rows `rows` into `out`, `[rows, width]`.
    pub(super) fn read(&mut self, data: &Dataset<'_>, rows: &[usize], out: &mut [f32]) {
        let width = data.width();
        let sampled = data.binarization() == Binarization::Sample;
        if sampled {
            data.bits_into(rows, &mut self.streams, &mut self.bits);
        }
        let bits = &self.bits;
        let blocks = out.par_chunks_mut(LANES * width).zip(rows.par_chunks(LANES)).enumerate();
        blocks.for_each(|(block, (out, rows))| {
            for (row, (out, &index)) in out.chunks_exact_mut(width).zip(rows).enumerate() {
                if sampled { bits.row_into(block * LANES + row, out) } else { data.row_into(index, out) }
            }
        });
    }

    pub(super) fn save(&self, snapshot: &mut Snapshot) {
        let words: Vec<u32> = self.streams.iter().flat_map(Lanes::state).collect();
        snapshot.put_u32(STREAMS, &[self.streams.len(), 64], &words);
    }

    pub(super) fn load(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let (states, _) = snapshot.u32(STREAMS, &[self.streams.len(), 64])?.as_chunks::<64>();
        for (stream, state) in self.streams.iter_mut().zip(states) {
            *stream = Lanes::from_state(state);
        }
        Ok(())
    }
}
