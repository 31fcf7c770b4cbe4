//! Draws of an RBM: exact where the machine is small enough, else by chains.

use super::{Draws, Numbers};
use crate::boltzmann_machines::SWEEPS;
use crate::counted::counted;
use crate::data::{self, Domain};
use crate::failure::Failure;
use crate::model::Loaded;
use crate::precision::Sums;
use crate::size;
use clap::Args;
use helmholtz::Seed;
use helmholtz::rbm::{Rbm, RbmChains};
use helmholtz::tensor::BitMatrix;
use std::borrow::Cow;

const RBM: &str = "Restricted Boltzmann machines";

/// The options that only an RBM has.
#[derive(Args, Debug)]
#[group(skip)]
pub struct Options {
    /// Parallel tempering: each draw from a ladder of so many temperatures
    #[arg(long, value_name = "REPLICAS", help_heading = RBM, conflicts_with_all = ["from_data", "precision"])]
    tempering: Option<usize>,
    /// Start the chains at test rows instead of at random states
    #[arg(long, help_heading = RBM)]
    from_data: bool,
    /// The test rows to start from [default: of what the model was trained on]
    #[arg(long, value_name = "DATA", requires = "from_data", help_heading = RBM)]
    data: Option<String>,
    /// What the sums of a sweep are computed in [default: f32]
    #[arg(long, value_enum, help_heading = RBM)]
    precision: Option<Sums>,
}

impl Options {
    /// The name of one of them that was given.
    pub fn given(&self) -> Option<&'static str> {
        let Options { tempering, from_data, data: _, precision } = self;
        tempering.map(|_| "tempering").or(from_data.then_some("from-data")).or(precision.map(|_| "precision"))
    }

    /// `count` draws of `rbm`, by `steps` sweeps where they are given.
    pub fn draw(
        &self,
        rbm: &Rbm,
        count: usize,
        steps: Option<usize>,
        loaded: &Loaded,
        seed: Seed,
    ) -> Result<Draws, Failure> {
        let replicas = self.tempering.unwrap_or(1);
        let precision = self.precision.unwrap_or(Sums::F32);
        if self.tempering.is_some() && replicas < 2 {
            return Err(Failure::new(format!("--tempering is {replicas}, but must be at least 2")));
        }
        let units = rbm.visible().max(rbm.hidden());
        size::check_product(&[("count", count), ("tempering", replicas)], units)?;
        if !self.from_data
            && steps.is_none()
            && self.tempering.is_none()
            && precision == Sums::F32
            && let Some(bits) = rbm.sample_exact(count, seed)
        {
            let numbers = Numbers::of_bits(&bits);
            return Ok(Draws { levels: bits.to_f32(), numbers, method: "exact, independent".to_owned() });
        }
        let sweeps = steps.unwrap_or(SWEEPS);
        if let Some(replicas) = self.tempering {
            return Ok(draw_tempered(rbm, count, replicas, sweeps, seed));
        }
        let (mut chains, start) = if self.from_data {
            (self.chains_at_data(rbm, count, loaded, seed)?, "test rows")
        } else {
            (rbm.chains(count, seed), "random states")
        };
        let (machine, rounding) = precision.machine(Cow::Borrowed(rbm))?;
        chains.set_precision(precision.into());
        chains.gibbs(&machine, sweeps);
        let levels = if sweeps == 0 { chains.visible().to_f32() } else { machine.mean_visible(chains.hidden()) };
        let rounded = rounding.map_or_else(String::new, |rounding| format!(" in 16 bits, {rounding}"));
        let method = format!("{} from {start}{rounded}", counted(sweeps, "Gibbs sweep"));
        Ok(Draws { levels, numbers: Numbers::of_bits(chains.visible()), method })
    }

    fn chains_at_data(&self, rbm: &Rbm, count: usize, loaded: &Loaded, seed: Seed) -> Result<RbmChains, Failure> {
        let name = loaded.data_name(self.data.as_deref())?;
        let rows = loaded.reading(None).of(&data::open(&name, Domain::Levels)?)?.test();
        let rows = data::bits_for(&rows, rbm.visible(), &name)?;
        let from = |row: usize| row % rows.rows();
        let bits = BitMatrix::from_fn(count, rows.units(), |row, unit| rows.get(from(row), unit));
        Ok(RbmChains::from_visible(bits, rbm.hidden(), seed))
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
        "{} of parallel tempering at {replicas} temperatures, swaps accepted at least {:.0} %, {:.1} \
         round trips a draw",
        counted(sweeps, "sweep"),
        100.0 * lowest,
        ladders.round_trips() as f64 / count as f64
    );
    Draws { levels: bits.to_f32(), numbers: Numbers::of_bits(&bits), method }
}
