//! What commands do with a Boltzmann machine: pictures, draws, how its likelihood is annealed.

use crate::annealing::Annealing;
use crate::picture::{Grid, diverging};
use helmholtz::Seed;
use helmholtz::energy::boltzmann::{self, Ais, BoltzmannMachine};
use helmholtz::tensor::BitMatrix;

/// Samples in a picture, and sweeps of the chains that draw them.
const SAMPLES: usize = 100;
/// Sweeps unless told otherwise.
pub const SWEEPS: usize = 1000;
/// More images than this fit on no screen.
const FILTERS: usize = 400;

/// What each hidden unit, else each visible one, says to the visible units, as an image; all on one scale of colours.
pub fn filters(machine: &BoltzmannMachine, shape: (usize, usize)) -> Grid {
    let (visible, n) = (machine.visible(), machine.len());
    let first = if machine.hidden() > 0 { visible } else { 0 };
    let filters: Vec<&[f32]> =
        (first..n).take(FILTERS).map(|unit| &machine.weights()[unit * n..][..visible]).collect();
    let largest = filters.iter().copied().flatten().fold(0.0f32, |largest, w| largest.max(w.abs()));
    let mut grid = Grid::square(shape, filters.len());
    for filter in filters {
        grid.push(filter, |weight| diverging(weight, largest));
    }
    grid
}

/// Visible units of `count` draws, exact where the machine is small enough and no number of sweeps is given; and whether
/// they are.
pub fn draw(
    machine: &BoltzmannMachine,
    count: usize,
    sweeps: Option<usize>,
    seed: Seed,
) -> (BitMatrix, Exactness) {
    let exact = if sweeps.is_none() { machine.sample_exact(count, seed) } else { None };
    let (states, exactness) = match exact {
        Some(states) => (states, Exactness::Exact),
        None => {
            let mut chains = machine.chains(count, seed);
            chains.gibbs(machine, sweeps.unwrap_or(SWEEPS));
            (chains.states().clone(), Exactness::Chains)
        }
    };
    let visible = machine.visible();
    (BitMatrix::from_fn(count, visible, |row, unit| states.get(row, unit)), exactness)
}

/// How draws were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exactness {
    /// From the enumerated distribution.
    Exact,
    /// By chains.
    Chains,
}

/// Draws as images.
pub fn samples(machine: &BoltzmannMachine, shape: (usize, usize), seed: Seed) -> Grid {
    Grid::of(&draw(machine, SAMPLES, None, seed).0.to_f32(), shape)
}

/// Annealing as asked, else with the library's defaults; the random numbers are those of the run `seed` names.
pub fn annealing(given: Option<Annealing>, seed: Seed) -> Ais {
    let seed = seed.derive("likelihood", 0);
    match given {
        Some(Annealing { chains, temperatures }) => Ais { chains, temperatures, seed },
        None => Ais { seed, ..boltzmann::AIS },
    }
}
