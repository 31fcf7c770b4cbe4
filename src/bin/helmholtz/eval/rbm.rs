//! The log-likelihood of an RBM: enumerated, else annealed.

use crate::annealing::{self, Annealing};
use crate::console::Report;
use crate::failure::Failure;
use crate::likelihood;
use crate::precision::Sums;
use crate::row_choice::Rows;
use crate::settings::Choice;
use clap::Args;
use helmholtz::Seed;
use helmholtz::rbm::Rbm;
use std::borrow::Cow;

const RBM: &str = "Restricted Boltzmann machines";

/// Units of the smaller layer that are enumerated unless told otherwise, and the most that are.
const EXACT_UP_TO: usize = 20;
const AT_MOST: usize = 25;

/// The options that only an RBM has.
#[derive(Args, Debug)]
#[group(skip)]
pub struct Options {
    /// Sum all states where the smaller layer has no more units than this; at most 25 [default: 20]
    #[arg(long, value_name = "UNITS", help_heading = RBM)]
    exact_up_to: Option<usize>,
    /// i16: the figure of the machine whose weights are rounded for 16-bit sums, the one that sample --precision i16
    /// draws from [default: f32]
    #[arg(long, value_enum, help_heading = RBM)]
    precision: Option<Sums>,
}

impl Options {
    /// The name of one of them that was given.
    pub fn given(&self) -> Option<&'static str> {
        let Options { exact_up_to, precision } = self;
        exact_up_to.map(|_| "exact-up-to").or(precision.map(|_| "precision"))
    }

    /// Estimates the log-likelihood of `rbm` on the rows.
    pub fn eval(
        &self,
        rbm: &Rbm,
        rescore: Option<Annealing>,
        rows: &Rows,
        seed: Seed,
        report: &mut Report,
    ) -> Result<(), Failure> {
        let exact_up_to = self.exact_up_to.unwrap_or(EXACT_UP_TO);
        let precision = self.precision.unwrap_or(Sums::F32);
        if exact_up_to > AT_MOST {
            return Err(Failure::new(format!(
                "--exact-up-to {exact_up_to}: at most {AT_MOST} units are enumerated"
            )));
        }
        let scoring = annealing::scoring(rescore, seed, exact_up_to);
        let (rbm, rounding) = precision.machine(Cow::Borrowed(rbm))?;
        if let Some(annealing) = rescore {
            annealing.check("rescore", rbm.visible() + rbm.hidden())?;
        }
        let score = rbm.score(&rows.rows, &scoring).map_err(|error| {
            Failure::from(error)
                .about(&rows.name)
                .or_hint("is this the data the model was made for? --binarize says how grey levels are read")
        })?;
        likelihood::report(report, &score.estimate, score.conservative.as_ref(), rows.split);
        if let Some(rounding) = rounding {
            report.line(format!("rounding        the figures are of the rounded machine: {rounding}"));
            report.figure("rounding_bits", rounding.bits);
            report.figure("rounding_logit_error", rounding.logit_error);
        }
        report.figure("precision", Choice(precision).to_string());
        Ok(())
    }
}
