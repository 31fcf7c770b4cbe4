//! `helmholtz sample`: draws of a trained model.

use crate::console::Report;
use crate::data;
use crate::failure::Failure;
use crate::globals::Globals;
use crate::model::{Loaded, Model};
use crate::precision::Sums;
use crate::{npy, rbm_pictures, size};
use clap::Args;
use helmholtz::Seed;
use helmholtz::rbm::{Chains, Rbm};
use helmholtz::storage::write_atomic;
use helmholtz::tensor::BitMatrix;
use std::borrow::Cow;
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
    /// Parallel tempering: each draw from a ladder of so many temperatures
    #[arg(long, value_name = "REPLICAS", conflicts_with_all = ["from_data", "precision"])]
    tempering: Option<usize>,
    /// Start the chains at test rows instead of at random states
    #[arg(long)]
    from_data: bool,
    /// The test rows to start from [default: of what the model was trained on]
    #[arg(long, value_name = "DATA", requires = "from_data")]
    data: Option<String>,
    /// What the sums of a sweep are computed in
    #[arg(long, value_enum, default_value_t = Sums::F32)]
    precision: Sums,
    /// FILE.png, a picture, or FILE.npy, the bits [default: samples.png, in the run folder if there is one]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Sweeps unless told otherwise.
const SWEEPS: usize = 1000;

/// What was drawn, and how.
struct Draws {
    bits: BitMatrix,
    /// The pixels' probabilities where chains drew them, else the bits: `[count, visible]`.
    levels: Vec<f32>,
    method: String,
}

/// Draws that a picture shows at the most: a hundred by a hundred.
const MOST_PICTURES: usize = 10_000;

impl Sample {
    /// Draws and writes the file.
    pub fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        let loaded = Loaded::open(&self.model, globals.console())?;
        let out = loaded.picture_path(self.out.as_deref(), "samples.png");
        let format = FileFormat::of(&out)?;
        let Model::Rbm(rbm) = &loaded.model;
        let replicas = self.tempering.unwrap_or(1);
        if self.tempering.is_some() && replicas < 2 {
            return Err(Failure::new(format!("--tempering is {replicas}, but must be at least 2")));
        }
        let units = rbm.visible().max(rbm.hidden());
        size::check("tempering", replicas, units)?;
        size::check("count", self.count, units * replicas)?;
        if format == FileFormat::Png && self.count > MOST_PICTURES {
            return Err(Failure::new(format!("--count is {}, but a picture holds {MOST_PICTURES}", self.count))
                .hint("--out FILE.npy takes as many as you like"));
        }
        let begun = Instant::now();
        let draws = self.draw(rbm, &loaded, globals.seed())?;
        let seconds = begun.elapsed().as_secs_f64();
        match format {
            FileFormat::Png => rbm_pictures::grid_of(&draws.levels, loaded.image_shape).save(&out)?,
            FileFormat::Npy => {
                let bits: Vec<u8> = draws.bits.to_f32().iter().map(|bit| *bit as u8).collect();
                let file = npy::encode(draws.bits.rows(), draws.bits.units(), &bits);
                write_atomic(&out, |writer| writer.write_all(&file))?;
            }
        }
        let mut report = Report::new();
        report.line(format!("{} samples ({}) in {}", self.count, draws.method, out.display()));
        report.figure("model", "rbm");
        report.figure("count", self.count);
        report.figure("method", draws.method);
        report.figure("seconds", seconds);
        report.figure("samples_per_second", self.count as f64 / seconds.max(1e-9));
        report.figure("out", out.display().to_string());
        Ok(report)
    }

    fn draw(&self, rbm: &Rbm, loaded: &Loaded, seed: Seed) -> Result<Draws, Failure> {
        if !self.from_data
            && self.steps.is_none()
            && self.tempering.is_none()
            && self.precision == Sums::F32
            && let Some(bits) = rbm.sample_exact(self.count, seed)
        {
            return Ok(Draws { levels: bits.to_f32(), bits, method: "exact, independent".to_owned() });
        }
        let sweeps = self.steps.unwrap_or(SWEEPS);
        if let Some(replicas) = self.tempering {
            return Ok(draw_tempered(rbm, self.count, replicas, sweeps, seed));
        }
        let (mut chains, start) = if self.from_data {
            (self.chains_at_data(rbm, loaded, seed)?, "test rows")
        } else {
            (rbm.chains(self.count, seed), "random states")
        };
        let (machine, rounding) = self.precision.machine(Cow::Borrowed(rbm))?;
        chains.set_precision(self.precision.into());
        chains.gibbs(&machine, sweeps);
        let levels = if sweeps == 0 { chains.visible().to_f32() } else { machine.mean_visible(chains.hidden()) };
        let rounded = rounding.map_or_else(String::new, |rounding| format!(" in 16 bits, {rounding}"));
        let method = format!("{sweeps} Gibbs sweeps from {start}{rounded}");
        Ok(Draws { levels, bits: chains.visible().clone(), method })
    }

    fn chains_at_data(&self, rbm: &Rbm, loaded: &Loaded, seed: Seed) -> Result<Chains, Failure> {
        let name = loaded.data_name(self.data.as_deref())?;
        let rows = loaded.reading(None).of(&data::open(&name)?).test();
        let rows = bits_for(rbm, &rows, &name)?;
        let from = |row: usize| row % rows.rows();
        let bits = BitMatrix::from_fn(self.count, rows.units(), |row, unit| rows.get(from(row), unit));
        Ok(Chains::from_visible(bits, rbm.hidden(), seed))
    }
}

/// Half of the sweeps space the temperatures, the other half count.
fn draw_tempered(rbm: &Rbm, count: usize, replicas: usize, sweeps: usize, seed: Seed) -> Draws {
    let mut ladders = rbm.tempered_chains(count, replicas, seed);
    ladders.warm_up(rbm, sweeps / 2);
    ladders.gibbs(rbm, sweeps - sweeps / 2);
    let bits = ladders.cold();
    let lowest = ladders.acceptance().into_iter().fold(1.0, f64::min);
    let method = format!(
        "{sweeps} sweeps of parallel tempering at {replicas} temperatures, swaps accepted at least {:.0} %, {:.1} \
         round trips a draw",
        100.0 * lowest,
        ladders.round_trips() as f64 / count as f64
    );
    Draws { levels: bits.to_f32(), bits, method }
}

/// The rows as bits, if they are as wide as the model.
pub fn bits_for(rbm: &Rbm, rows: &helmholtz::data::Dataset<'_>, name: &str) -> Result<BitMatrix, Failure> {
    if rows.width() != rbm.visible() {
        let (data, model) = (rows.width(), rbm.visible());
        return Err(
            Failure::new(format!("rows of {data} values, and the model has {model} visible units")).about(name)
        );
    }
    if rows.is_grey() {
        let binarized = rows.binarized(helmholtz::data::Binarization::Sample);
        return Ok(binarized.to_bits());
    }
    Ok(rows.to_bits())
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
