//! `helmholtz sample`: draws of a trained model.

mod rbm;

use crate::boltzmann_machines::{self, Exactness, SWEEPS};
use crate::console::Report;
use crate::counted::counted;
use crate::failure::Failure;
use crate::globals::Globals;
use crate::model::{Loaded, Model};
use crate::npy;
use crate::picture::Grid;
use crate::size;
use clap::Args;
use helmholtz::storage::write_atomic;
use helmholtz::tensor::BitMatrix;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Draw samples: each from its own chain, exactly where the machine is small enough
#[derive(Args)]
#[command(after_help = "\
Examples:
  helmholtz sample runs/rbm-digits
  helmholtz sample runs/rbm-digits --count 10000 --out draws.npy
  helmholtz sample runs/rbm-digits --from-data --steps 10
  helmholtz sample runs/mnist --tempering 16              where chains are slow to leave a mode")]
pub struct Sample {
    /// A run folder or a .safetensors file
    #[arg(value_name = "RUN|MODEL")]
    model: PathBuf,
    /// How many draws
    #[arg(long, default_value_t = 100, value_name = "N")]
    count: usize,
    /// Gibbs sweeps of each chain [default: 1000]
    #[arg(long, value_name = "SWEEPS")]
    steps: Option<usize>,
    #[command(flatten)]
    rbm: rbm::Options,
    /// FILE.png, a picture, or FILE.npy, the bits [default: samples.png, in the run folder if there is one]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// What was drawn, and how.
struct Draws {
    /// What a file of numbers holds.
    bits: BitMatrix,
    /// What a picture shows: the pixels' probabilities where the model has them, else the bits; `[count, pixels]`.
    levels: Vec<f32>,
    /// How, in words.
    method: String,
}

/// Draws that a picture shows at the most: a hundred by a hundred.
const MOST_PICTURES: usize = 10_000;

impl Sample {
    /// Draws and writes the file.
    pub fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        let loaded = Loaded::open(&self.model, globals.console())?;
        size::check("count", self.count, loaded.model.width())?;
        let out = loaded.picture_path(self.out.as_deref(), "samples.png");
        let format = FileFormat::of(&out)?;
        if format == FileFormat::Png && self.count > MOST_PICTURES {
            return Err(Failure::new(format!("--count is {}, but a picture holds {MOST_PICTURES}", self.count))
                .hint("--out FILE.npy takes as many as you like"));
        }
        let begun = Instant::now();
        let draws = match &loaded.model {
            Model::Rbm(rbm) => self.rbm.draw(rbm, self.count, self.steps, &loaded, globals.seed())?,
            Model::Boltzmann(machine) => {
                if let Some(option) = self.rbm.first_given() {
                    return Err(Failure::new(format!("--{option} is for RBMs")).about(loaded.file.display()));
                }
                let (bits, exactness) = boltzmann_machines::draw(machine, self.count, self.steps, globals.seed());
                let method = match exactness {
                    Exactness::Exact => "exact, independent".to_owned(),
                    Exactness::Chains => {
                        let sweeps = counted(self.steps.unwrap_or(SWEEPS), "sweep");
                        format!("{sweeps} over single units from random states")
                    }
                };
                Draws { levels: bits.to_f32(), bits, method }
            }
            Model::Hopfield(_) => {
                return Err(Failure::new("a Hopfield network has nothing to draw from: recall ends in a minimum")
                    .about(loaded.file.display())
                    .hint("helmholtz recall leads corrupted patterns back"));
            }
        };
        let seconds = begun.elapsed().as_secs_f64();
        match format {
            FileFormat::Png => Grid::of(&draws.levels, loaded.image_shape).save(&out)?,
            FileFormat::Npy => {
                let bits: Vec<u8> = draws.bits.to_f32().iter().map(|bit| *bit as u8).collect();
                let file = npy::encode(draws.bits.rows(), draws.bits.units(), &bits);
                write_atomic(&out, |writer| writer.write_all(&file))?;
            }
        }
        let mut report = Report::new();
        report.line(format!("{} ({}) in {}", counted(self.count, "sample"), draws.method, out.display()));
        report.figure("model", loaded.model.kind());
        report.figure("count", self.count);
        report.figure("method", draws.method);
        report.figure("seconds", seconds);
        report.figure("samples_per_second", self.count as f64 / seconds.max(1e-9));
        report.figure("out", out.display().to_string());
        Ok(report)
    }
}

/// What the ending of a file's name asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FileFormat {
    Png,
    Npy,
}

impl FileFormat {
    fn of(path: &Path) -> Result<Self, Failure> {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("png") => Ok(FileFormat::Png),
            Some("npy") => Ok(FileFormat::Npy),
            _ => Err(Failure::new("--out must end in .png or .npy").about(path.display())),
        }
    }
}
