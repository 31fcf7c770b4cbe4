//! `helmholtz bench rbm`: training steps of persistent contrastive divergence.

use crate::bench::{Levels, Peak, check_sizes, random_rows, time_steps};
use crate::cli::{Failure, Globals, Report, Task};
use clap::Args;
use helmholtz::rbm::{Method, Rbm, RbmTrainer, Recipe};
use helmholtz::train::Training;

/// Training an RBM by persistent contrastive divergence on random data
#[derive(Args)]
pub struct Bench {
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

impl Task for Bench {
    fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        let Bench { visible, hidden, batch, k, grey } = *self;
        let seed = globals.seed();
        check_sizes(&[("visible", visible), ("hidden", hidden), ("batch", batch)])?;
        check_sizes(&[("k", k)])?;
        let (levels, named) = if grey { (Levels::Grey, "grey levels") } else { (Levels::Bits, "bits") };
        let data = random_rows(levels, visible, "bench rbm", seed)?;
        let mut report = Report::new();
        let peak = Peak::measure(&mut report);
        let training = Training { batch, seed, ..Training::default() };
        let recipe = Recipe { method: Method::Pcd { k }, ..Recipe::default() };
        let mut trainer = RbmTrainer::new(Rbm::new(visible, hidden, seed), recipe, &data, &training)?;
        // Hidden units of data and chains, visible units of the chains, and a gradient of both: five products.
        let products = 4.0 + (2 * k - 1) as f64;
        let units = format!("{visible} × {hidden} units, batch {batch}");
        report.line(format!("PCD-{k}           {units}, {named}, {products} matrix products a step"));
        report.figure("visible", visible);
        report.figure("hidden", hidden);
        report.figure("grey", grey);
        let macs = products * visible as f64 * hidden as f64 * batch as f64;
        time_steps(&mut trainer, &data, batch, macs, seed, &peak, &mut report)?;
        Ok(report)
    }
}
