//! How annealed importance sampling is asked for.

use crate::cli::{Failure, size};
use std::str::FromStr;

/// `CHAINS,TEMPERATURES` of annealed importance sampling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Annealing {
    /// Independent chains.
    pub chains: usize,
    /// Intermediate distributions.
    pub temperatures: usize,
}

impl Annealing {
    /// Refuses chains of `units` that no memory holds, and none at all.
    pub fn check(self, option: &str, units: usize) -> Result<(), Failure> {
        size::check(&format!("{option}: the number of chains"), self.chains, units)?;
        size::check(&format!("{option}: the number of temperatures"), self.temperatures, 1)
    }
}

impl FromStr for Annealing {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "wanted two numbers, CHAINS,TEMPERATURES: 100,10000 for example".to_owned();
        let (chains, temperatures) = text.split_once(',').ok_or_else(wrong)?;
        let number = |text: &str| text.trim().parse().map_err(|_| wrong());
        Ok(Annealing { chains: number(chains)?, temperatures: number(temperatures)? })
    }
}
