//! Draws of a Boltzmann machine: exact where it is small enough, else by chains.

use crate::cli::{Failure, counted};
use crate::contract::{Draws, SampleAsk, Sampler};
use helmholtz::Seed;
use helmholtz::energy::boltzmann::BoltzmannMachine;
use helmholtz::tensor::BitMatrix;

/// Sweeps unless told otherwise.
const SWEEPS: usize = 1000;

impl Sampler for BoltzmannMachine {
    fn options(&self) -> &'static [&'static str] {
        &["steps"]
    }

    fn sample(&self, ask: &SampleAsk<'_>) -> Result<Draws, Failure> {
        Ok(draw(self, ask.count, ask.options.steps, ask.seed))
    }
}

/// Visible units of `count` draws, exact where the machine is small enough and no number of sweeps is given.
pub fn draw(machine: &BoltzmannMachine, count: usize, sweeps: Option<usize>, seed: Seed) -> Draws {
    let exact = if sweeps.is_none() { machine.sample_exact(count, seed) } else { None };
    let sweeps = sweeps.unwrap_or(SWEEPS);
    let (states, method) = match exact {
        Some(states) => (states, "exact, independent".to_owned()),
        None => {
            let mut chains = machine.chains(count, seed);
            chains.gibbs(machine, sweeps);
            let method = format!("{} over single units from random states", counted(sweeps, "sweep"));
            (chains.states().clone(), method)
        }
    };
    let visible = machine.visible();
    Draws::of_bits(&BitMatrix::from_fn(count, visible, |row, unit| states.get(row, unit)), method)
}
