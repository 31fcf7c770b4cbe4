//! `helmholtz bench gibbs`: block Gibbs sweeps of many chains.

use super::{begin, check_sizes, seconds_of};
use crate::console::Report;
use crate::counted::counted;
use crate::failure::Failure;
use crate::globals::Globals;
use crate::precision::Sums;
use crate::settings::Choice;
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

impl Gibbs {
    /// Measures and reports.
    pub fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        let Gibbs { visible, hidden, chains, .. } = *self;
        check_sizes(&[("visible", visible), ("hidden", hidden), ("chains", chains)])?;
        let mut report = Report::new();
        let peak = begin(&mut report);
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
        if let Some(rounding) = rounding {
            report.line(format!("rounding        {rounding}"));
            report.figure("rounding_bits", rounding.bits);
            report.figure("rounding_logit_error", rounding.logit_error);
        }
        report.line(format!("sweeps          {:.1} /s of all chains", 1.0 / seconds));
        report.line(format!("neuron updates  {:.1} M/s", updates / 1e6));
        report.line(format!("multiply-adds   {:.1} GMAC/s, {:.2} × the FMA peak", macs / 1e9, macs / peak));
        report.figure("visible", visible);
        report.figure("hidden", hidden);
        report.figure("chains", chains);
        report.figure("precision", Choice(self.precision).to_string());
        report.figure("sweeps_per_second", 1.0 / seconds);
        report.figure("updates_per_second", updates);
        report.figure("macs_per_second", macs);
        report.figure("samples_per_second", chains as f64 / seconds);
        report.figure("flops_per_second", 2.0 * macs);
        report.figure("peak_fraction", macs / peak);
        Ok(report)
    }
}
