//! Neural energies in words, and how good they are.

use crate::cli::{Failure, Report};
use crate::contract::likelihood;
use crate::input::Annealing;
use crate::run::widths;
use helmholtz::Seed;
use helmholtz::data::{Dataset, ToyDensity};
use helmholtz::energy::neural::{NeuralConfig, NeuralEnergy, NeuralSampling, NeuralScoring};
use helmholtz::sampling::{Estimate, Work};

/// Draws that are looked for at the modes of the data.
const DRAWS: usize = 2000;

/// The layers in words: `2-64-64-1`.
pub fn layers(energy: &NeuralEnergy) -> String {
    widths::layers(&[&[energy.width()], &energy.config().hidden, &[1]])
}

/// Numbers kept of a row while the energy and its derivatives are computed: the layers twice over, and theirs.
pub fn kept_of_a_row(config: &NeuralConfig) -> usize {
    4 * (config.width() + config.hidden.iter().sum::<usize>())
}

/// Reports the log-likelihood of the rows, where anything confines the model, and how its draws cover the modes of the data,
/// where these are known. The estimate, which tells `work` how far
/// it is.
pub fn judge(
    energy: &NeuralEnergy,
    rows: &Dataset<'_>,
    split: &str,
    annealing: Option<Annealing>,
    seed: Seed,
    work: &Work,
    report: &mut Report,
) -> Result<Estimate, Failure> {
    let usual = NeuralScoring { seed: seed.derive("likelihood", 0), ..NeuralScoring::default() };
    let scoring = annealing.map_or(usual, |Annealing { chains, temperatures }| NeuralScoring {
        chains,
        temperatures,
        ..usual
    });
    let estimate = energy.log_likelihood_counted(rows, &scoring, work)?;
    let beside = "a normal distribution with these rows' mean and covariance";
    likelihood::report_beside(report, &estimate, None, split, beside);
    if let Ok(density) = rows.name().parse::<ToyDensity>() {
        let mut truth = 0.0;
        let mut x = [0.0; 2];
        for row in 0..rows.len() {
            rows.row_into(row, &mut x);
            truth += density.log_density(x.map(f64::from)) / rows.len() as f64;
        }
        report.line(format!(
            "truth           {truth:.2} nats an example, by the density that the rows were drawn from"
        ));
        report.figure("true_log_likelihood", truth);
        let sampling = NeuralSampling { seed: seed.derive("coverage", 0), ..NeuralSampling::default() };
        if density.modes().is_some()
            && let Some(coverage) = density.coverage(&energy.sample(DRAWS, &sampling)?)
        {
            report.line(format!(
                "modes           {} of {} found; {:.1} % of {DRAWS} draws within 3 σ of one (98.9 % would be exact)",
                coverage.found,
                coverage.modes,
                100.0 * coverage.high_quality
            ));
            report.figure("modes", coverage.found);
            report.figure("high_quality", coverage.high_quality);
        }
    }
    Ok(estimate)
}
