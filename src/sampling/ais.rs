//! Annealed importance sampling with the sweeps of a model of its own: how many chains and temperatures.

use crate::Setting;
use crate::random::Seed;
use std::fmt;

/// Annealed importance sampling (Neal 2001) of log Z by models that bring their own sweeps: its chains and temperatures.
/// [`AnnealedImportance`](super::AnnealedImportance) anneals along any path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ais {
    /// Independent chains; the Monte Carlo error falls with their root.
    pub chains: usize,
    /// Steps from the independent model to the machine, evenly spaced.
    pub temperatures: usize,
    /// The seed of its streams.
    pub seed: Seed,
}

impl Default for Ais {
    /// 128 chains of 10,000 temperatures.
    fn default() -> Self {
        Ais { chains: 128, temperatures: 10_000, seed: Seed(0) }
    }
}

impl Ais {
    /// Checks that there are chains and temperatures.
    ///
    /// # Errors
    /// Where there are none.
    pub fn check(&self) -> Result<(), Setting> {
        Setting::at_least_one("the number of annealing chains", self.chains)?;
        Setting::at_least_one("the number of temperatures", self.temperatures)
    }
}

impl fmt::Display for Ais {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = |number: usize| if number == 1 { "" } else { "s" };
        let Ais { chains, temperatures, .. } = self;
        write!(f, "{chains} chain{} × {temperatures} temperature{}", s(*chains), s(*temperatures))
    }
}
