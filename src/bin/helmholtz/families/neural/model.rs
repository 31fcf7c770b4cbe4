//! A neural energy as commands see it.

use super::report::layers;
use super::train::Train;
use crate::cli::{Failure, Report, Subcommand};
use crate::contract::{Family, Inpainter, Measure, Model, Sampler, Scorer};
use crate::input::Domain;
use helmholtz::energy::neural::NeuralEnergy;
use serde_json::json;

/// The name of the family.
pub const KIND: &str = "neural";

/// The row of the registry.
pub const FAMILY: Family = Family {
    kind: KIND,
    marker: Some("network.0.weight"),
    tensors: "a neural energy has the f32 tensors network.0.weight, …, their biases, centre and scale",
    open: |snapshot| Ok(Box::new(NeuralEnergy::from_checkpoint(snapshot)?)),
    train: Subcommand::of::<Train>(KIND),
    bench: None,
};

impl Model for NeuralEnergy {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn width(&self) -> usize {
        NeuralEnergy::width(self)
    }

    fn parameters(&self) -> usize {
        self.store().count()
    }

    fn describe(&self, report: &mut Report) {
        let (config, parameters) = (self.config(), self.store().count());
        report.line(format!(
            "model           neural energy {}: {} units, confinement {}, {parameters} parameters",
            layers(self),
            config.activation,
            config.confinement
        ));
        report.figure("visible", config.width());
        report.figure("hidden", json!(config.hidden));
        report.figure("activation", config.activation.to_string());
        report.figure("confinement", f64::from(config.confinement));
        report.figure("parameters", parameters);
    }

    fn measure(&self) -> Measure {
        Measure::Density
    }

    fn domain(&self) -> Domain {
        Domain::Reals
    }

    fn scorer(&self) -> Result<&dyn Scorer, Failure> {
        Ok(self)
    }

    fn sampler(&self) -> Result<&dyn Sampler, Failure> {
        Ok(self)
    }

    fn inpainter(&self) -> Result<&dyn Inpainter, Failure> {
        Err(Failure::new("a neural energy has no hidden pixels to fill in"))
    }
}
