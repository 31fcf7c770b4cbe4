//! Precision of the sampler's sums, as it is named on the command line.

use crate::cli::{Failure, Report};
use clap::ValueEnum;
use helmholtz::rbm::{Precision, Rbm, Rounding};
use std::borrow::Cow;

/// Precision of the sums of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Sums {
    /// 32-bit floats
    F32,
    /// 16-bit fixed point: samples the machine of the rounded weights, exactly
    I16,
}

impl From<Sums> for Precision {
    fn from(sums: Sums) -> Self {
        match sums {
            Sums::F32 => Precision::F32,
            Sums::I16 => Precision::I16,
        }
    }
}

impl Sums {
    /// The machine that is sampled: for 16 bits the rounded one, and how coarse it is.
    pub fn machine(self, rbm: Cow<'_, Rbm>) -> Result<(Cow<'_, Rbm>, Option<Rounding>), Failure> {
        match self {
            Sums::F32 => Ok((rbm, None)),
            Sums::I16 => {
                let (rounded, rounding) = rbm.into_owned().into_rounded().map_err(|error| {
                    Failure::from(error).about("--precision i16").hint("--precision f32 samples every machine")
                })?;
                Ok((Cow::Owned(rounded), Some(rounding)))
            }
        }
    }
}

/// Reports how coarse the weights of a rounded machine are; `said` stands before it.
pub fn report_rounding(rounding: Option<Rounding>, said: &str, report: &mut Report) {
    if let Some(rounding) = rounding {
        report.line(format!("rounding        {said}{rounding}"));
        report.figure("rounding_bits", rounding.bits);
        report.figure("rounding_logit_error", rounding.logit_error);
        report.figure("rounding_logit_error_bound", rounding.largest_logit_error);
    }
}
