//! `helmholtz bench rbm`: training steps of persistent contrastive divergence.

use super::{begin, check_sizes, seconds_of};
use crate::console::Report;
use crate::failure::Failure;
use crate::globals::Globals;
use clap::Args;
use helmholtz::data::{Batches, Binarization, Dataset};
use helmholtz::rbm::{Method, Rbm as Machine, RbmTrainer, Recipe};
use helmholtz::train::{Batch, Learner, Progress, Training};

/// Training an RBM by persistent contrastive divergence on random data
#[derive(Args)]
pub struct Rbm {
    /// Visible units
    #[arg(long, default_value_t = 784, value_name = "N")]
    visible: usize,
    /// Hidden units
    #[arg(long, default_value_t = 500, value_name = "N")]
    hidden: usize,
    /// Examples of an update, and chains
    #[arg(long, default_value_t = 128, value_name = "N")]
    batch: usize,
    /// Gibbs sweeps an update
    #[arg(long, default_value_t = 1, value_name = "SWEEPS")]
    k: usize,
    /// Train on grey levels, read as probabilities, instead of bits
    #[arg(long)]
    grey: bool,
}

const ROWS: usize = 4096;

impl Rbm {
    /// Measures and reports.
    pub fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        let Rbm { visible, hidden, batch, k, grey } = *self;
        check_sizes(&[("visible", visible), ("hidden", hidden), ("batch", batch)])?;
        check_sizes(&[("k", k)])?;
        let mut words = vec![0u32; ROWS * visible];
        globals.seed().lanes("bench rbm", 0).fill_words(&mut words);
        let data = if grey {
            let levels: Vec<u8> = words.iter().map(|word| *word as u8).collect();
            Dataset::from_u8(levels, &[ROWS, visible], u8::MAX)?.binarized(Binarization::None)
        } else {
            let bits: Vec<u8> = words.iter().map(|word| (word & 1) as u8).collect();
            Dataset::from_u8(bits, &[ROWS, visible], 1)?
        };

        let mut report = Report::new();
        let peak = begin(&mut report);
        let training = Training { batch, seed: globals.seed(), ..Training::default() };
        let recipe = Recipe { method: Method::Pcd { k }, ..Recipe::default() };
        let machine = Machine::new(visible, hidden, globals.seed());
        let mut trainer = RbmTrainer::new(machine, recipe, &data, &training)?;
        let batches = Batches::new(ROWS, batch, globals.seed());
        let mut rows = vec![0; batch];
        // The schedule stands still: every step is the first of many.
        let progress = Progress { steps: u64::MAX, ..Progress::default() };
        let mut step = 0;
        let mut failed = None;
        let timed = || {
            seconds_of(|| {
                batches.fill(step, &mut rows);
                step += 1;
                failed = trainer.step(&Batch { data: &data, rows: &rows }, &progress).err().or(failed.take());
            })
        };
        // Inside the pool, as training runs: from outside, every step would wait for a thread to wake.
        let seconds = rayon::join(timed, || ()).0;
        if let Some(error) = failed {
            return Err(error.into());
        }

        // Hidden units of data and chains, visible units of the chains, and a gradient of both: five products.
        let products = 4.0 + (2 * k - 1) as f64;
        let macs = products * visible as f64 * hidden as f64 * batch as f64 / seconds;
        report.line(format!(
            "PCD-{k}           {visible} × {hidden} units, batch {batch}, {}, {products} matrix products a step",
            if grey { "grey levels" } else { "bits" }
        ));
        report.line(format!(
            "training        {:.0} samples/s, {:.1} steps/s",
            batch as f64 / seconds,
            1.0 / seconds
        ));
        report.line(format!("multiply-adds   {:.1} GMAC/s, {:.2} × the FMA peak", macs / 1e9, macs / peak));
        report.figure("visible", visible);
        report.figure("hidden", hidden);
        report.figure("batch", batch);
        report.figure("grey", grey);
        report.figure("samples_per_second", batch as f64 / seconds);
        report.figure("steps_per_second", 1.0 / seconds);
        report.figure("macs_per_second", macs);
        report.figure("flops_per_second", 2.0 * macs);
        report.figure("peak_fraction", macs / peak);
        Ok(report)
    }
}
