//! Stored patterns, corrupted and led back.

use super::memory::Memory;
use crate::cli::{Failure, Report, counted};
use crate::contract::{Part, RecallOptions, Recaller};
use crate::pictures::{Canvas, Grid, Raster, table};
use helmholtz::Seed;
use helmholtz::energy::hopfield::{Asynchronous, Corruption, Ending, Synchronous, overlap};
use helmholtz::tensor::BitMatrix;
use std::path::Path;

/// Patterns side by side.
const COLUMNS: usize = 20;
/// Patterns in a picture at the most.
const MOST_PICTURED: usize = 1000;
/// Sweeps of recall at the most.
const SWEEPS: usize = 1000;

/// Which units a sweep changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// One at a time, in a random order.
    InTurn,
    /// All at once.
    Together,
}

/// Patterns as they were corrupted, and as recall left them.
pub struct Recalled {
    corrupted: BitMatrix,
    states: BitMatrix,
    endings: Vec<Ending>,
}

impl Recaller for Memory {
    fn recall(
        &self,
        options: &RecallOptions,
        seed: Seed,
        shape: (usize, usize),
        out: &Path,
        report: &mut Report,
    ) -> Result<(), Failure> {
        let corruption = match (options.erase, options.corrupt) {
            (Some(Part(part)), _) => Corruption::Erase(part),
            (None, part) => Corruption::Flip(part.unwrap_or(0.2)),
        };
        let order = if options.together { Order::Together } else { Order::InTurn };
        let recalled = Recalled::of(self, corruption, order, seed)?;
        recalled.draw(self, shape, out)?;
        recalled.report(self, corruption, report);
        Ok(())
    }
}

impl Recalled {
    /// Corrupts every stored pattern and recalls it.
    pub fn of(memory: &Memory, corruption: Corruption, order: Order, seed: Seed) -> Result<Self, Failure> {
        let corrupted = corruption.apply(&memory.patterns, seed)?;
        let mut states = corrupted.clone();
        let endings = if order == Order::Together {
            Synchronous::new(&memory.network).recall(&mut states, SWEEPS)
        } else {
            memory.network.recall(&mut states, &Asynchronous { sweeps: SWEEPS, seed })
        };
        Ok(Recalled { corrupted, states, endings })
    }

    /// How many patterns came back exactly.
    pub fn exact(&self, memory: &Memory) -> usize {
        self.overlaps(memory).filter(|overlap| *overlap == 1.0).count()
    }

    fn overlaps(&self, memory: &Memory) -> impl Iterator<Item = f64> {
        let patterns = &memory.patterns;
        (0..patterns.rows()).map(move |row| overlap(&self.states, row, patterns, row))
    }

    /// Stored, corrupted, recalled.
    pub fn draw(&self, memory: &Memory, shape: (usize, usize), out: &Path) -> Result<(), Failure> {
        let pixels = shape.0 * shape.1;
        let shown = memory.patterns.rows().min(MOST_PICTURED) * pixels;
        let versions = [&memory.patterns, &self.corrupted, &self.states].map(BitMatrix::to_f32);
        let versions = versions.each_ref().map(|version| &version[..shown]);
        if (Canvas { shape, largest: 1.0 }).is_table() {
            let named = versions.iter().zip(["stored", "corrupted", "recalled"]);
            let panels: Vec<Raster> = named
                .map(|(version, title)| {
                    let signs: Vec<f32> = version.iter().map(|bit| 2.0 * bit - 1.0).collect();
                    let rows: Vec<&[f32]> = signs.chunks_exact(pixels).collect();
                    table::matrix(&rows, 1.0, title, "pattern")
                })
                .collect();
            return Ok(Raster::side_by_side(&panels).save(out)?);
        }
        Ok(Grid::stacked(shape, COLUMNS, &versions).save(out)?)
    }

    /// Says what became of the patterns.
    pub fn report(&self, memory: &Memory, corruption: Corruption, report: &mut Report) {
        let patterns = &memory.patterns;
        let count = patterns.rows();
        let exact = self.exact(memory);
        let (mut other, mut inverse, mut spurious) = (0, 0, 0);
        for row in (0..count).filter(|&row| overlap(&self.states, row, patterns, row) < 1.0) {
            let overlaps = (0..count).map(|pattern| overlap(&self.states, row, patterns, pattern));
            let (highest, lowest) =
                overlaps.fold((-1.0f64, 1.0f64), |(high, low), overlap| (high.max(overlap), low.min(overlap)));
            match (highest, lowest) {
                (1.0, _) => other += 1,
                (_, -1.0) => inverse += 1,
                _ => spurious += 1,
            }
        }
        let unsettled = self.endings.iter().filter(|ending| !matches!(ending, Ending::Fixed { .. })).count();
        let mean = self.overlaps(memory).sum::<f64>() / count as f64;
        let how = match corruption {
            Corruption::Flip(part) => format!("{:.0} % of the units flipped", 100.0 * part),
            Corruption::Erase(part) => format!("the last {:.0} % of the units turned to −1", 100.0 * part),
        };
        report.line(format!("recalled        {exact} of {} exactly, {how}", counted(count, "pattern")));
        report.line(format!("overlap         {mean:.3} on average; 1 is exact, 0 unlike, −1 the inverse"));
        if exact < count {
            report.line(format!(
                "else            {other} at another pattern, {inverse} at an inverse, {spurious} at states that were \
                 never stored; {unsettled} not settled"
            ));
        }
        report.figure("patterns", count);
        report.figure("recalled_exactly", exact);
        report.figure("overlap", mean);
        report.figure("at_another_pattern", other);
        report.figure("at_an_inverse", inverse);
        report.figure("spurious", spurious);
        report.figure("unsettled", unsettled);
    }
}
