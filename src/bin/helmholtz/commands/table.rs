//! All commands, in the order of the help.

use super::{bench, compare, encode, eval, info, inpaint, interpolate, recall, reconstruct, sample, train};
use crate::cli::{Subcommand, Table};

/// All commands, in the order of the help.
pub struct Commands;

impl Table for Commands {
    fn subcommands() -> Vec<Subcommand> {
        vec![
            Subcommand::of::<train::Train>("train"),
            Subcommand::of::<eval::Eval>("eval"),
            Subcommand::of::<compare::Compare>("compare"),
            Subcommand::of::<sample::Sample>("sample"),
            Subcommand::of::<inpaint::Inpaint>("inpaint"),
            Subcommand::of::<recall::Recall>("recall"),
            Subcommand::of::<reconstruct::Reconstruct>("reconstruct"),
            Subcommand::of::<interpolate::Interpolate>("interpolate"),
            Subcommand::of::<encode::Encode>("encode"),
            Subcommand::of::<bench::Bench>("bench"),
            Subcommand::of::<info::Info>("info"),
        ]
    }
}
