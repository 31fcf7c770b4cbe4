//! What a flow is fitted to by `--target`: a density that is built in, or that of a neural energy.

use crate::cli::{Failure, Report};
use crate::run::Init;
use helmholtz::Seed;
use helmholtz::data::{Dataset, ToyDensity};
use helmholtz::energy::neural::{NeuralEnergy, NeuralScoring};
use helmholtz::flow::{Flow, FlowProposal};
use helmholtz::sampling::{DensityError, GradientLogDensity, LogDensity, Work};
use std::path::Path;

/// The kind of the models whose densities can be a target.
const NEURAL: &str = "neural";

/// A target by the name on the command line.
pub enum Target {
    /// One that is built in, whose integral is 1.
    BuiltIn(BuiltIn),
    /// e^(−E) of a trained neural energy.
    Neural {
        /// The model.
        energy: Box<NeuralEnergy>,
        /// The data that it was trained on, as its run names it.
        data: Option<String>,
    },
}

impl Target {
    /// The target of this name: of a built-in density, of a run folder or of a model file.
    pub fn open(name: &str) -> Result<Self, Failure> {
        if let Ok(density) = name.parse::<ToyDensity>() {
            if density == ToyDensity::Checkerboard {
                let why =
                    "--target checkerboard: a density that is zero beside its squares has no slope to follow";
                return Err(Failure::new(why).hint("helmholtz train flow checkerboard learns it from its rows"));
            }
            return Ok(Target::BuiltIn(BuiltIn(density)));
        }
        if !Path::new(name).exists() {
            let why = format!("--target {name}: neither a density that is built in nor a run or a file");
            return Err(Failure::new(why).hint("gaussians8, moons, ring, grid, or the run of a neural energy"));
        }
        let trained = Init::named("target", Path::new(name), NEURAL)?;
        let energy = Box::new(trained.model(NeuralEnergy::from_checkpoint)?);
        Ok(Target::Neural { energy, data: trained.settings.saved("data") })
    }

    /// The data whose rows the weights are looked at on, unless the command names other.
    pub fn data(&self) -> Option<String> {
        match self {
            Target::BuiltIn(BuiltIn(density)) => Some(density.name().to_owned()),
            Target::Neural { data, .. } => data.clone(),
        }
    }
}

/// A density that is built in. Its slope is that of central differences: its formula has kinks where modes meet.
#[derive(Clone, Copy, Debug)]
pub struct BuiltIn(ToyDensity);

impl LogDensity for BuiltIn {
    fn dimension(&self) -> usize {
        2
    }

    fn log_density(&self, x: &[f64]) -> Result<f64, DensityError> {
        Ok(self.0.log_density([x[0], x[1]]))
    }
}

impl GradientLogDensity for BuiltIn {
    fn log_density_and_gradient(&self, x: &[f64], gradient: &mut [f64]) -> Result<f64, DensityError> {
        const STEP: f64 = 1e-6;
        for (axis, slope) in gradient.iter_mut().enumerate() {
            let at = |step: f64| {
                let mut moved = [x[0], x[1]];
                moved[axis] += step;
                self.0.log_density(moved)
            };
            *slope = (at(STEP) - at(-STEP)) / (2.0 * STEP);
        }
        self.log_density(x)
    }
}

/// log Z as it is known without the flow.
pub struct Known {
    value: f64,
    error: f64,
    method: String,
}

/// log Z of a target without the flow, and how.
pub fn known(target: &Target, rows: &Dataset<'_>, seed: Seed, work: &Work) -> Result<Known, Failure> {
    match target {
        Target::BuiltIn(_) => Ok(Known { value: 0.0, error: 0.0, method: "a density".to_owned() }),
        Target::Neural { energy, .. } => {
            let scoring = NeuralScoring { seed: seed.derive("likelihood", 0), ..NeuralScoring::default() };
            let estimate = energy.log_likelihood_counted(rows, &scoring, work)?;
            let (value, error) = (estimate.log_z.unwrap_or(f64::NAN), estimate.log_z_error.unwrap_or(f64::NAN));
            Ok(Known { value, error, method: estimate.method })
        }
    }
}

/// Reports log Z of the target by the flow, and beside it the one that is known.
pub fn tell<T: LogDensity>(
    flow: &Flow,
    target: &T,
    rows: &Dataset<'_>,
    known: &Known,
    seed: Seed,
    report: &mut Report,
) -> Result<(), Failure> {
    let proposal = FlowProposal { seed: seed.derive("proposal", 0), ..FlowProposal::default() };
    let found = flow.log_normaliser(target, &proposal, Some(rows))?;
    report.line(format!(
        "log Z           {found}, {} draws, a tenth of them broad: below the truth on average",
        found.draws
    ));
    report.figure("log_z", found.log_z.value);
    report.figure("log_z_error", found.log_z.error);
    report.figure("effective_draws", found.log_z.effective_sample_size);
    report.figure("pareto_k", found.shape.unwrap_or(f64::NAN));
    report.figure("method", "importance sampling by a flow");
    let Known { value, error, method } = known;
    let spread = found.log_z.error.hypot(*error);
    let apart = (found.log_z.value - value) / spread;
    let of_error = if *error > 0.0 { format!(" (error {error:.3})") } else { String::new() };
    report.line(format!(
        "beside          {value:.3} nats{of_error}, {method}: {:+.3} apart, {apart:+.1} of both errors",
        found.log_z.value - value
    ));
    report.figure("known_log_z", *value);
    report.figure("known_log_z_error", *error);
    if let Some(at_rows) = found.rows {
        report.line(format!(
            "at rows         {:.3} nats if the {} rows were draws of the target; {:.2} % of them weigh more than every draw",
            at_rows.log_z.value,
            rows.len(),
            100.0 * at_rows.unseen
        ));
        report.figure("log_z_at_rows", at_rows.log_z.value);
        report.figure("rows_unseen", at_rows.unseen);
    }
    found.warnings().into_iter().for_each(|warning| report.warn(warning));
    Ok(())
}
