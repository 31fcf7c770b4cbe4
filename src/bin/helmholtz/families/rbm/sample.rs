//! Draws of an RBM: exact where the machine is small enough, else by chains.

use crate::cli::{Failure, counted, size};
use crate::contract::{Draws, Numbers, SampleAsk, Sampler};
use crate::input::{Binarize, RowChoice, Sums};
use crate::run::Choice;
use helmholtz::Seed;
use helmholtz::rbm::{Rbm, RbmChains};
use helmholtz::tensor::BitMatrix;
use std::borrow::Cow;

/// Sweeps unless told otherwise.
pub const SWEEPS: usize = 1000;

impl Sampler for Rbm {
    fn options(&self) -> &'static [&'static str] {
        &["steps", "tempering", "from-data", "precision"]
    }

    fn sample(&self, ask: &SampleAsk<'_>) -> Result<Draws, Failure> {
        let (options, count, seed) = (ask.options, ask.count, ask.seed);
        let replicas = options.tempering.unwrap_or(1);
        let precision = options.precision.unwrap_or(Sums::F32);
        if options.tempering.is_some() && replicas < 2 {
            return Err(Failure::new(format!("--tempering is {replicas}, but must be at least 2")));
        }
        let units = self.visible().max(self.hidden());
        size::check_product(&[("count", count), ("tempering", replicas)], units)?;
        if !options.from_data
            && options.steps.is_none()
            && options.tempering.is_none()
            && precision == Sums::F32
            && let Some(bits) = self.sample_exact(count, seed)
        {
            return Ok(Draws::of_bits(&bits, "exact, independent"));
        }
        let sweeps = options.steps.unwrap_or(SWEEPS);
        if let Some(replicas) = options.tempering {
            return Ok(draw_tempered(self, count, replicas, sweeps, seed));
        }
        let (mut chains, start) = if options.from_data {
            (chains_at_data(self, ask)?, "test rows")
        } else {
            (self.chains(count, seed), "random states")
        };
        let (machine, rounding) = precision.machine(Cow::Borrowed(self))?;
        chains.set_precision(precision.into());
        chains.gibbs(&machine, sweeps);
        let grey =
            ask.origin.settings.saved::<Choice<Binarize>>("binarize").is_some_and(|how| how.0 == Binarize::None);
        // Of a table the picture shows how draws are spread, as its rows are.
        let as_drawn = sweeps == 0 || ask.origin.canvas().is_table() && !grey;
        let levels = if as_drawn { chains.visible().to_f32() } else { machine.mean_visible(chains.hidden()) };
        let rounded = rounding.map_or_else(String::new, |rounding| format!(" in 16 bits, {rounding}"));
        let method = format!("{} from {start}{rounded}", counted(sweeps, "Gibbs sweep"));
        Ok(Draws { levels, numbers: Numbers::of_bits(&chains.visible().to_f32()), method })
    }
}

fn chains_at_data(rbm: &Rbm, ask: &SampleAsk<'_>) -> Result<RbmChains, Failure> {
    let rows = ask.origin.rows(&RowChoice::test(ask.options.data.as_deref()))?.bits(rbm.visible())?;
    let from = |row: usize| row % rows.rows();
    let bits = BitMatrix::from_fn(ask.count, rows.units(), |row, unit| rows.get(from(row), unit));
    Ok(RbmChains::from_visible(bits, rbm.hidden(), ask.seed))
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
    Draws::of_bits(&bits, method)
}
