//! Batches as the numbers a network reads.

use crate::data::Binarization;
use crate::random::Streams;
use crate::store::{Snapshot, SnapshotError};
use crate::tensor::{BitMatrix, LANES};
use crate::train::{Batch, Training};
use rayon::prelude::*;

/// Reads batches for training. Where grey levels are sampled, every sixteen rows of a batch have a stream.
#[derive(Clone, Debug)]
pub struct BatchReader {
    /// The streams' name in a snapshot.
    name: String,
    streams: Streams,
    bits: BitMatrix,
}

const STREAMS: &str = "data.streams";

impl BatchReader {
    /// For batches of `training`, `width` values a row.
    pub fn new(training: &Training, width: usize) -> Self {
        BatchReader::saved_as(STREAMS.to_owned(), training, width)
    }

    /// The same, one of several in a model: its streams have another name in snapshots.
    pub fn named(name: &str, training: &Training, width: usize) -> Self {
        BatchReader::saved_as(format!("data.{name}.streams"), training, width)
    }

    fn saved_as(name: String, training: &Training, width: usize) -> Self {
        let streams = Streams::new(training.seed, "training data", training.batch);
        BatchReader { name, streams, bits: BitMatrix::zeros(training.batch, width) }
    }

    /// The rows of a batch into `out`, `[batch, width]`.
    ///
    /// # Panics
    /// Where the batch or its rows are of another size.
    pub fn read(&mut self, batch: &Batch<'_>, out: &mut [f32]) {
        let Batch { data, rows } = *batch;
        let width = data.width();
        let sampled = data.binarization() == Binarization::Sample;
        if sampled {
            data.bits_into(rows, self.streams.blocks_mut(), &mut self.bits);
        }
        let bits = &self.bits;
        let blocks = out.par_chunks_mut(LANES * width).zip(rows.par_chunks(LANES)).enumerate();
        blocks.for_each(|(block, (out, rows))| {
            for (row, (out, &index)) in out.chunks_exact_mut(width).zip(rows).enumerate() {
                if sampled { bits.row_into(block * LANES + row, out) } else { data.row_into(index, out) }
            }
        });
    }

    /// Puts the streams into a snapshot.
    pub fn save(&self, snapshot: &mut Snapshot) {
        snapshot.put_streams(&self.name, &self.streams);
    }

    /// Takes back what [`save`](Self::save) wrote.
    ///
    /// # Errors
    /// Where it is missing or of another batch size.
    pub fn load(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        snapshot.load_streams(&self.name, &mut self.streams)
    }
}
