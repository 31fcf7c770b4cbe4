//! `helmholtz recall`: stored patterns, corrupted and led back.

use crate::console::Report;
use crate::counted::counted;
use crate::failure::Failure;
use crate::folder::RECALL;
use crate::globals::Globals;
use crate::memory::Memory;
use crate::model::{Loaded, Model};
use crate::picture::Grid;
use clap::Args;
use helmholtz::Seed;
use helmholtz::energy::hopfield::{Asynchronous, Corruption, Ending, Synchronous, overlap};
use helmholtz::tensor::BitMatrix;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Lead corrupted patterns back to what a Hopfield network has stored
#[derive(Args)]
#[command(after_help = "\
The picture has three lines for every line of patterns: stored, corrupted, recalled.

Examples:
  helmholtz recall runs/hopfield-digits                  a fifth of the pixels flipped
  helmholtz recall runs/hopfield-digits --erase half
  helmholtz recall runs/hopfield-digits --corrupt 0.3 --together")]
pub struct Recall {
    /// A run folder or a .safetensors file
    #[arg(value_name = "RUN|MODEL")]
    model: PathBuf,
    /// Flip this part of the units of each pattern, drawn at random [default: 0.2]
    #[arg(long, value_name = "PART", allow_negative_numbers = true, conflicts_with = "erase")]
    corrupt: Option<f64>,
    /// Turn this part of the units, the last ones, to −1: half, or a part like 0.3
    #[arg(long, value_name = "PART", allow_negative_numbers = true)]
    erase: Option<Part>,
    /// Change all units at once in every sweep, instead of one at a time in a random order
    #[arg(long)]
    together: bool,
    /// The picture [default: recall.png, in the run folder if there is one]
    #[arg(long, value_name = "FILE.png")]
    out: Option<PathBuf>,
}

/// A part of a whole; `half` is one.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Part(f64);

impl FromStr for Part {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "half" => Ok(Part(0.5)),
            _ => text.parse().map(Part).map_err(|_| "neither half nor a part like 0.3".to_owned()),
        }
    }
}

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

/// What became of the patterns.
pub struct Recalled {
    corrupted: BitMatrix,
    states: BitMatrix,
    endings: Vec<Ending>,
}

impl Recall {
    /// Corrupts, recalls, and draws the picture.
    pub fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        let loaded = Loaded::open(&self.model, globals.console())?;
        let kind = loaded.model.kind();
        let Model::Hopfield(memory) = &loaded.model else {
            return Err(Failure::new(format!("a model of kind {kind:?} recalls nothing"))
                .about(loaded.file.display())
                .hint("helmholtz train hopfield makes one that does"));
        };
        if memory.patterns.rows() == 0 {
            return Err(Failure::new("the file holds no patterns to recall").about(loaded.file.display()));
        }
        let out = loaded.picture_path(self.out.as_deref(), RECALL);
        if out.extension().is_none_or(|extension| extension != "png") {
            return Err(Failure::new("--out must end in .png").about(out.display()));
        }
        let corruption = match (self.erase, self.corrupt) {
            (Some(Part(part)), _) => Corruption::Erase(part),
            (None, part) => Corruption::Flip(part.unwrap_or(0.2)),
        };
        let order = if self.together { Order::Together } else { Order::InTurn };
        let recalled = Recalled::of(memory, corruption, order, globals.seed())?;
        recalled.draw(memory, loaded.image_shape, &out)?;
        let mut report = Report::new();
        recalled.report(memory, corruption, &mut report);
        report.advise(format!("picture         {}", out.display()));
        report.figure("model", kind);
        report.figure("out", out.display().to_string());
        Ok(report)
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
