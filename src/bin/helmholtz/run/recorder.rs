//! Writes the table of figures, their curves and the checkpoints while a run goes.

use super::curves;
use super::folder::{CHECKPOINT, CURVES, METRICS, RunFolder};
use super::metrics_table::MetricsTable;
use crate::cli::Failure;
use helmholtz::storage;
use helmholtz::store::Snapshot;
use helmholtz::train::{Control, Metrics, Observer, Progress, TrainError};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Checkpoints in between are at least this far apart, so that short epochs are not spent on saving.
const CHECKPOINTS: Duration = Duration::from_secs(2);
/// The table is written at least this rarely; every checkpoint writes it too.
const TABLES: Duration = Duration::from_secs(1);
/// Drawing takes at most one part in so many of the time.
const DRAWING: u32 = 100;

/// Writes the table of figures, their curves and the checkpoints while a run goes.
pub struct Recorder {
    folder: RunFolder,
    /// Metadata of the run, for every checkpoint.
    metadata: BTreeMap<String, String>,
    table: MetricsTable,
    saved: Instant,
    written: Instant,
    /// When the curves are due again; they are at the first evaluation.
    draw_from: Instant,
}

impl Recorder {
    /// A recorder that goes on with `table`.
    pub fn new(folder: RunFolder, metadata: BTreeMap<String, String>, table: MetricsTable) -> Self {
        let now = Instant::now();
        Recorder { folder, metadata, table, saved: now, written: now, draw_from: now }
    }

    /// The figures so far.
    pub fn into_table(self) -> MetricsTable {
        self.table
    }

    fn write_table(&mut self) -> Result<(), Failure> {
        self.written = Instant::now();
        self.table.save(&self.folder.file(METRICS))
    }

    fn draw_curves(&mut self) -> Result<(), Failure> {
        let begun = Instant::now();
        curves::save(&self.table, &self.folder.file(CURVES))?;
        self.draw_from = Instant::now() + TABLES.max(begun.elapsed() * DRAWING);
        Ok(())
    }
}

impl Observer for Recorder {
    fn evaluation(&mut self, progress: &Progress, metrics: &Metrics) -> Result<Control, TrainError> {
        let figures = metrics.iter().map(|(name, value)| (name.to_owned(), value));
        self.table.push(progress.epoch, progress.step, figures);
        if self.written.elapsed() >= TABLES {
            self.write_table()?;
        }
        if Instant::now() >= self.draw_from {
            self.draw_curves()?;
        }
        Ok(Control::Continue)
    }

    fn wants_checkpoint(&mut self, _: &Progress) -> bool {
        self.saved.elapsed() >= CHECKPOINTS
    }

    /// The table first: it is cut to the checkpoint on resume, so that being ahead does no harm.
    fn checkpoint(&mut self, _: &Progress, snapshot: &Snapshot) -> Result<(), TrainError> {
        self.write_table()?;
        let mut snapshot = snapshot.clone();
        snapshot.metadata.extend(self.metadata.clone());
        storage::save(&self.folder.file(CHECKPOINT), &snapshot).map_err(Failure::from)?;
        self.saved = Instant::now();
        Ok(())
    }
}
