//! A flow as commands see it.

use super::bench::Bench;
use super::train::Train;
use crate::cli::{Failure, Report, Subcommand};
use crate::contract::{Encoder, Family, Inpainter, Measure, Model, Sampler, Scorer};
use crate::input::{Binarize, Domain};
use helmholtz::flow::{Conditioning, Flow, Space};
use serde_json::json;

/// The name of the family.
pub const KIND: &str = "flow";

/// The row of the registry.
pub const FAMILY: Family = Family {
    kind: KIND,
    marker: None,
    tensors: "a flow's file says its shape in the metadata flow.width, flow.structure, flow.layers, …",
    open: |snapshot| Ok(Box::new(Flow::from_checkpoint(snapshot)?)),
    train: Subcommand::of::<Train>(KIND),
    bench: Some(Subcommand::of::<Bench>(KIND)),
};

impl Model for Flow {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn width(&self) -> usize {
        Flow::width(self)
    }

    fn parameters(&self) -> usize {
        self.store().count()
    }

    fn describe(&self, report: &mut Report) {
        let (config, parameters) = (self.config(), Model::parameters(self));
        report.line(format!("model           {}, {parameters} parameters", super::report::words(config)));
        report.figure("visible", config.width);
        report.figure("structure", config.structure.to_string());
        report.figure("transform", config.transform.to_string());
        report.figure("base", config.base.to_string());
        report.figure("mixing", config.mixing.to_string());
        report.figure("conditioning", config.conditioning.to_string());
        report.figure("layers", config.layers);
        report.figure("hidden", json!(config.hidden));
        report.figure("parameters", parameters);
    }

    fn takes_labels(&self) -> bool {
        matches!(self.config().conditioning, Conditioning::Labels { .. })
    }

    fn domain(&self) -> Domain {
        match Flow::space(self) {
            Space::Data => Domain::Reals,
            _ => Domain::Levels,
        }
    }

    fn measure(&self) -> Measure {
        Measure::Density
    }

    /// Densities given labels are no densities of rows alone.
    fn space(&self) -> Option<String> {
        let given = self.config().conditioning != Conditioning::None;
        let space = Flow::space(self);
        match (space == Space::Data, given) {
            (true, false) => None,
            (false, false) => Some(space.to_string()),
            (_, true) => Some(format!("{space}, given labels")),
        }
    }

    fn binarize(&self) -> Binarize {
        Binarize::None
    }

    fn scorer(&self) -> Result<&dyn Scorer, Failure> {
        Ok(self)
    }

    fn sampler(&self) -> Result<&dyn Sampler, Failure> {
        Ok(self)
    }

    fn inpainter(&self) -> Result<&dyn Inpainter, Failure> {
        Ok(self)
    }

    fn encoder(&self) -> Result<&dyn Encoder, Failure> {
        Ok(self)
    }
}
