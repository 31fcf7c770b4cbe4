//! `helmholtz bench gibbs`: block Gibbs sweeps of many chains.

use super::timing::{Peak, check_sizes, seconds_of};
use crate::cli::{Failure, Globals, Report, Subcommand, Task, counted};
use crate::input::{Sums, precision};
use crate::run::Choice;
use clap::Args;
use helmholtz::rbm::Rbm;
use std::borrow::Cow;

/// Block Gibbs sampling of an RBM with random weights
#[derive(Args)]
pub struct Gibbs {
    /// Visible units
    #[arg(long, default_value_t = 784, value_name = "N")]
    visible: usize,
    /// Hidden units
    #[arg(long, default_value_t = 500, value_name = "N")]
    hidden: usize,
    /// Chains
    #[arg(long, default_value_t = 1024, value_name = "N")]
    chains: usize,
    /// Precision of the sums
    #[arg(long, value_enum, default_value_t = Sums::F32)]
    precision: Sums,
}

/// Sweeps of one call: enough that building the tables of the weights is a small part, as it is in sampling.
const SWEEPS: usize = 50;

/// `bench gibbs`.
pub const SUBCOMMAND: Subcommand = Subcommand::of::<Gibbs>("gibbs");

impl Task for Gibbs {
    fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        let Gibbs { visible, hidden, chains, .. } = *self;
        check_sizes(&[("visible", visible), ("hidden", hidden), ("chains", chains)])?;
        let mut report = Report::new();
        let peak = Peak::measure(&mut report);
        let (rbm, rounding) = self.precision.machine(Cow::Owned(Rbm::new(visible, hidden, globals.seed())))?;
        let mut state = rbm.chains(chains, globals.seed());
        state.set_precision(self.precision.into());
        let seconds = seconds_of(|| state.gibbs(&rbm, SWEEPS)) / SWEEPS as f64;

        let macs = 2.0 * visible as f64 * hidden as f64 * chains as f64 / seconds;
        let updates = (visible + hidden) as f64 * chains as f64 / seconds;
        report.line(format!(
            "block Gibbs     {visible} × {hidden} units, {}, {}",
            counted(chains, "chain"),
            Choice(self.precision)
        ));
        precision::report_rounding(rounding, "", &mut report);
        report.line(format!("sweeps          {:.1} /s of all chains", 1.0 / seconds));
        report.line(format!("neuron updates  {:.1} M/s", updates / 1e6));
        peak.report(macs, &mut report);
        report.figure("visible", visible);
        report.figure("hidden", hidden);
        report.figure("chains", chains);
        report.figure("precision", Choice(self.precision).to_string());
        report.figure("sweeps_per_second", 1.0 / seconds);
        report.figure("updates_per_second", updates);
        report.figure("samples_per_second", chains as f64 / seconds);
        Ok(report)
    }
}
