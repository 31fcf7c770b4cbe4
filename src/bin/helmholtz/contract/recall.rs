//! `recall`: stored patterns, corrupted and led back.

use crate::cli::{Failure, Report};
use clap::Args;
use helmholtz::Seed;
use std::path::Path;
use std::str::FromStr;

/// How patterns are corrupted, and led back.
#[derive(Args, Debug)]
#[group(skip)]
pub struct RecallOptions {
    /// Flip this part of the units of each pattern, drawn at random [default: 0.2]
    #[arg(long, value_name = "PART", allow_negative_numbers = true, conflicts_with = "erase")]
    pub corrupt: Option<f64>,
    /// Turn this part of the units, the last ones, to −1: half, or a part like 0.3
    #[arg(long, value_name = "PART", allow_negative_numbers = true)]
    pub erase: Option<Part>,
    /// Change all units at once in every sweep, instead of one at a time in a random order
    #[arg(long)]
    pub together: bool,
}

/// A part of a whole; `half` is one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part(pub f64);

impl FromStr for Part {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "half" => Ok(Part(0.5)),
            _ => text.parse().map(Part).map_err(|_| "neither half nor a part like 0.3".to_owned()),
        }
    }
}

/// A model that leads corrupted patterns back.
pub trait Recaller {
    /// Corrupts and recalls, draws the picture of images of `(height, width)` pixels into the file `out`, and reports.
    fn recall(
        &self,
        options: &RecallOptions,
        seed: Seed,
        shape: (usize, usize),
        out: &Path,
        report: &mut Report,
    ) -> Result<(), Failure>;
}
