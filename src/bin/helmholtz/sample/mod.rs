//! `helmholtz sample`: draws of a trained model.

mod neural;
mod rbm;
mod vae;

use crate::boltzmann_machines::{self, Exactness, SWEEPS};
use crate::console::Report;
use crate::counted::counted;
use crate::failure::Failure;
use crate::globals::Globals;
use crate::model::{Loaded, Model};
use crate::neural_pictures;
use crate::npy;
use crate::size;
use clap::Args;
use helmholtz::storage::write_atomic;
use helmholtz::tensor::BitMatrix;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Draw samples: of an RBM each from its own chain, exactly where it is small enough; of a VAE from the prior
#[derive(Args)]
#[command(after_help = "\
Examples:
  helmholtz sample runs/rbm-digits
  helmholtz sample runs/rbm-digits --count 10000 --out draws.npy
  helmholtz sample runs/rbm-digits --from-data --steps 10
  helmholtz sample runs/mnist --tempering 16              where chains are slow to leave a mode
  helmholtz sample runs/vae-digits --observation drawn    bits instead of their probabilities")]
pub struct Sample {
    /// A run folder or a .safetensors file
    #[arg(value_name = "RUN|MODEL")]
    model: PathBuf,
    /// How many draws
    #[arg(long, default_value_t = 100, value_name = "N")]
    count: usize,
    /// Gibbs sweeps of each chain, of a neural energy Langevin steps [default: 1000]
    #[arg(long, value_name = "STEPS")]
    steps: Option<usize>,
    #[command(flatten)]
    rbm: rbm::Options,
    #[command(flatten)]
    vae: vae::Options,
    /// FILE.png, a picture, or FILE.npy, the numbers [default: samples.png, in the run folder if there is one]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// What was drawn, and how.
struct Draws {
    /// What a file of numbers holds.
    numbers: Numbers,
    /// What a picture shows: the means of the pixels where the model has them, else the draws; `[count, pixels]`.
    levels: Vec<f32>,
    /// How, in words.
    method: String,
}

/// Draws as they are written to a file, `[count, pixels]`.
enum Numbers {
    Bits(Vec<u8>),
    Floats(Vec<f32>),
}

impl Numbers {
    fn of_bits(bits: &BitMatrix) -> Self {
        Numbers::Bits(bits.to_f32().iter().map(|bit| *bit as u8).collect())
    }
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
            Model::Rbm(rbm) => {
                loaded.refuse_option(self.vae.given())?;
                self.rbm.draw(rbm, self.count, self.steps, &loaded, globals.seed())?
            }
            Model::Boltzmann(machine) => {
                loaded.refuse_option(self.vae.given().or(self.rbm.given()))?;
                let (bits, exactness) = boltzmann_machines::draw(machine, self.count, self.steps, globals.seed());
                let method = match exactness {
                    Exactness::Exact => "exact, independent".to_owned(),
                    Exactness::Chains => {
                        let sweeps = counted(self.steps.unwrap_or(SWEEPS), "sweep");
                        format!("{sweeps} over single units from random states")
                    }
                };
                Draws { levels: bits.to_f32(), numbers: Numbers::of_bits(&bits), method }
            }
            Model::Hopfield(_) => {
                return Err(Failure::new("a Hopfield network has nothing to draw from: recall ends in a minimum")
                    .about(loaded.file.display())
                    .hint("helmholtz recall leads corrupted patterns back"));
            }
            Model::Vae(vae) => {
                loaded.refuse_option(self.steps.map(|_| "steps").or(self.rbm.given()))?;
                self.vae.draw(vae, self.count, format, globals.seed())
            }
            Model::Neural(energy) => {
                loaded.refuse_option(self.vae.given().or(self.rbm.given()))?;
                neural::draw(energy, self.count, self.steps, globals.seed())?
            }
        };
        let seconds = begun.elapsed().as_secs_f64();
        match format {
            FileFormat::Png => match &loaded.model {
                Model::Neural(energy) => {
                    neural_pictures::samples(energy, &draws.levels, loaded.canvas())?.save(&out)?
                }
                _ => loaded.canvas().square(&draws.levels).save(&out)?,
            },
            FileFormat::Npy => {
                let width = loaded.model.width();
                let file = match &draws.numbers {
                    Numbers::Bits(bits) => npy::of_bits(self.count, width, bits),
                    Numbers::Floats(numbers) => npy::of_floats(self.count, width, numbers),
                };
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
