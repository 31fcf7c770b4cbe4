//! Draws of a neural energy, each the end of a chain of its own.

use super::report::kept_of_a_row;
use crate::cli::{Failure, counted, size};
use crate::contract::{Draws, SampleAsk, Sampler};
use helmholtz::energy::neural::{NeuralEnergy, NeuralSampling};

impl Sampler for NeuralEnergy {
    fn options(&self) -> &'static [&'static str] {
        &["steps"]
    }

    fn sample(&self, ask: &SampleAsk<'_>) -> Result<Draws, Failure> {
        // Chains move in blocks that keep layers and derivatives of their rows.
        size::check("count", ask.count, kept_of_a_row(self.config()))?;
        let usual = NeuralSampling { seed: ask.seed.derive("samples", 0), ..NeuralSampling::default() };
        let sampling = NeuralSampling { steps: ask.options.steps.unwrap_or(usual.steps), ..usual };
        let draws = NeuralEnergy::sample(self, ask.count, &sampling)?;
        let steps = counted(sampling.steps, "Langevin step");
        Ok(Draws::of_floats(draws, format!("{steps} from the model without its network")))
    }
}
