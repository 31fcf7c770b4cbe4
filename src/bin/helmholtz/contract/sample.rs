//! `sample`: draws of a model.

use super::origin::Origin;
use crate::cli::Failure;
use crate::input::Sums;
use clap::{Args, ValueEnum};
use helmholtz::Seed;
use helmholtz::tensor::BitMatrix;
use serde_json::{Map, Value};
use std::path::Path;
use std::str::FromStr;

const RBM: &str = "Restricted Boltzmann machines";
const VAE: &str = "Variational autoencoders";
const CONDITIONAL: &str = "Models given labels";

/// The options of `sample` that only some families have.
#[derive(Args, Debug, Default)]
#[group(skip)]
pub struct SampleOptions {
    /// Gibbs sweeps of each chain, of a neural energy Langevin steps [default: 1000]
    #[arg(long, value_name = "STEPS")]
    pub steps: Option<usize>,
    /// Parallel tempering: each draw from a ladder of so many temperatures; auto: as many as the machine's exchanges ask for
    #[arg(long, value_name = "REPLICAS", help_heading = RBM, conflicts_with_all = ["from_data", "from_random", "precision"])]
    pub tempering: Option<Replicas>,
    /// Start the chains at test rows [default: where training left its own chains, else at random states]
    #[arg(long, help_heading = RBM)]
    pub from_data: bool,
    /// Start the chains at random states
    #[arg(long, conflicts_with = "from_data", help_heading = RBM)]
    pub from_random: bool,
    /// The test rows to start from [default: of what the model was trained on]
    #[arg(long, value_name = "DATA", requires = "from_data", help_heading = RBM)]
    pub data: Option<String>,
    /// What the sums of a sweep are computed in [default: f32]
    #[arg(long, value_enum, help_heading = RBM)]
    pub precision: Option<Sums>,
    /// What is given of p(x | z) [default: its mean in a picture, a draw in a file of numbers]
    #[arg(long, value_enum, value_name = "WHAT", help_heading = VAE)]
    pub observation: Option<Observation>,
    /// Short for --observation mean
    #[arg(long, conflicts_with = "observation", help_heading = VAE)]
    pub mean: bool,
    /// The class of all draws [default: the classes in turn]
    #[arg(long, value_name = "Y", help_heading = CONDITIONAL)]
    pub class: Option<u16>,
}

/// The temperatures of a ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replicas {
    /// So many.
    Number(usize),
    /// As many as the machine needs.
    Chosen,
}

impl FromStr for Replicas {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Replicas::Chosen),
            number => number.parse().map(Replicas::Number).map_err(|_| "neither a number nor auto"),
        }
    }
}

/// The part of p(x | z) that is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Observation {
    /// its mean: of bits their probabilities
    Mean,
    /// a draw from it: bits, or the mean with noise
    Drawn,
}

impl SampleOptions {
    /// The names of those that were given.
    pub fn given(&self) -> impl Iterator<Item = &'static str> {
        let SampleOptions {
            steps,
            tempering,
            from_data,
            from_random,
            data: _,
            precision,
            observation,
            mean,
            class,
        } = self;
        let given = [
            steps.map(|_| "steps"),
            tempering.map(|_| "tempering"),
            from_data.then_some("from-data"),
            from_random.then_some("from-random"),
            precision.map(|_| "precision"),
            observation.map(|_| "observation"),
            mean.then_some("mean"),
            class.map(|_| "class"),
        ];
        given.into_iter().flatten()
    }
}

/// Draws that are wanted.
pub struct SampleAsk<'a> {
    /// The options that were given.
    pub options: &'a SampleOptions,
    /// How many draws.
    pub count: usize,
    /// The file that they are for.
    pub format: FileFormat,
    /// The seed of the run.
    pub seed: Seed,
    /// Where the model comes from.
    pub origin: &'a Origin,
}

/// A file of draws, by the ending of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// A picture.
    Png,
    /// Numbers.
    Npy,
}

impl FileFormat {
    /// The format that the ending of a file's name asks for.
    pub fn of(path: &Path) -> Result<Self, Failure> {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("png") => Ok(FileFormat::Png),
            Some("npy") => Ok(FileFormat::Npy),
            _ => Err(Failure::new("--out must end in .png or .npy").about(path.display())),
        }
    }
}

/// Draws, and how they were made.
pub struct Draws {
    /// The contents of a file of numbers.
    pub numbers: Numbers,
    /// The contents of a picture, `[count, width]`: the means of the pixels where the model has them, else the draws.
    pub levels: Vec<f32>,
    /// The method, in words.
    pub method: String,
    /// Why they should not be taken for draws of the model.
    pub warnings: Vec<String>,
    /// What was measured of them, by name.
    pub figures: Map<String, Value>,
}

/// Draws as they are written to a file, `[count, width]`.
pub enum Numbers {
    /// 0 and 1.
    Bits(Vec<u8>),
    /// Any numbers.
    Floats(Vec<f32>),
}

impl Draws {
    /// Draws of bits that are pictured as they are.
    pub fn of_bits(bits: &BitMatrix, method: impl Into<String>) -> Self {
        Self::new(Numbers::of_bits(&bits.to_f32()), bits.to_f32(), method)
    }

    /// Draws of numbers that are pictured as they are.
    pub fn of_floats(levels: Vec<f32>, method: impl Into<String>) -> Self {
        Self::new(Numbers::Floats(levels.clone()), levels, method)
    }

    fn new(numbers: Numbers, levels: Vec<f32>, method: impl Into<String>) -> Self {
        Draws { numbers, levels, method: method.into(), warnings: Vec::new(), figures: Map::new() }
    }

    /// Adds a reason not to take them for draws of the model.
    pub fn warn(&mut self, warning: String) {
        self.warnings.push(warning);
    }

    /// Adds what was measured of them.
    pub fn figure(&mut self, name: &str, value: impl Into<Value>) {
        self.figures.insert(name.to_owned(), value.into());
    }
}

impl Numbers {
    /// Bits, given as the numbers 0 and 1.
    pub fn of_bits(bits: &[f32]) -> Self {
        Numbers::Bits(bits.iter().map(|bit| *bit as u8).collect())
    }
}

/// A model that can be drawn from.
pub trait Sampler {
    /// Those of [`SampleOptions`] that it answers to.
    fn options(&self) -> &'static [&'static str] {
        &[]
    }

    /// Draws.
    fn sample(&self, ask: &SampleAsk<'_>) -> Result<Draws, Failure>;
}
