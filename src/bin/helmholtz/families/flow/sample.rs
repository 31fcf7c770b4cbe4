//! Draws of a flow: of the base, and back.

use crate::cli::Failure;
use crate::contract::{Draws, SampleAsk, Sampler};
use helmholtz::flow::Flow;

impl Sampler for Flow {
    fn sample(&self, ask: &SampleAsk<'_>) -> Result<Draws, Failure> {
        let draws = Flow::sample(self, ask.count, ask.seed.derive("samples", 0))?;
        Ok(Draws::of_floats(draws, format!("independent, from the base {}", self.config().base)))
    }
}
