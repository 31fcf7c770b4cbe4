//! Draws of a neural energy, each the end of a chain of its own.

use super::{Draws, Numbers};
use crate::counted::counted;
use crate::failure::Failure;
use crate::neural_report::kept_of_a_row;
use crate::size;
use helmholtz::Seed;
use helmholtz::energy::neural::{NeuralEnergy, NeuralSampling};

/// `count` draws of `energy`.
pub(super) fn draw(
    energy: &NeuralEnergy,
    count: usize,
    steps: Option<usize>,
    seed: Seed,
) -> Result<Draws, Failure> {
    // Chains move in blocks that keep layers and derivatives of their rows.
    size::check("count", count, kept_of_a_row(energy.config()))?;
    let usual = NeuralSampling { seed: seed.derive("samples", 0), ..NeuralSampling::default() };
    let sampling = NeuralSampling { steps: steps.unwrap_or(usual.steps), ..usual };
    let levels = energy.sample(count, &sampling)?;
    let method = format!("{} from the model without its network", counted(sampling.steps, "Langevin step"));
    Ok(Draws { numbers: Numbers::Floats(levels.clone()), levels, method })
}
