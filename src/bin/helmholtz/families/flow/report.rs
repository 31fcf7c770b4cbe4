//! Flows in words, and how good they are.

use crate::cli::{Failure, Report};
use crate::contract::likelihood;
use crate::run::widths;
use helmholtz::Seed;
use helmholtz::data::{Dataset, ToyDensity};
use helmholtz::flow::{Conditioning, Flow, FlowConfig, FlowScore, FlowScoring, Space};

/// Draws that are looked for at the modes of the data.
const DRAWS: usize = 2000;
/// Rows that are sent to the base and back at the most.
const ROUND_TRIPS: usize = 1000;
/// Points along a side of the grid that the mass on the plane is summed on.
const GRID: usize = 600;

/// Structure, size and base in words.
pub fn words(config: &FlowConfig) -> String {
    let networks = match &config.hidden[..] {
        [] => "linear networks".to_owned(),
        hidden => format!("networks of {} units", widths::layers(&[hidden])),
    };
    let given = match config.conditioning {
        Conditioning::None => String::new(),
        Conditioning::Labels { classes } => format!(", given labels of {classes} classes"),
        Conditioning::Targets { width } => format!(", given {width} numbers"),
    };
    format!(
        "flow {} {}, {} layers, {networks}, base {}{given}",
        config.structure, config.transform, config.layers, config.base
    )
}

/// Reports the log-likelihood of the rows in the model's space, and what else says how good the model is: bits a dimension of
/// images, the error of a round trip, on the plane the mass on a grid, the modes of data whose density is known.
pub fn judge(
    flow: &Flow,
    rows: &Dataset<'_>,
    split: &str,
    scoring: &FlowScoring,
    report: &mut Report,
) -> Result<FlowScore, Failure> {
    let score = flow.score(rows, scoring)?;
    let beside = "a normal distribution with these rows' mean and covariance";
    likelihood::report_beside(report, &score.estimate, None, split, beside);
    report.figure("space", score.space.to_string());
    if flow.config().conditioning != Conditioning::None {
        report.line("given           the label of each row: p(x | y), not to be compared with p(x)");
        report.figure("conditioning", flow.config().conditioning.to_string());
    }
    if let Space::Logit { lambda } = score.space {
        report.line(format!(
            "space           logits of dequantised pixels, λ = {lambda:e}: not to be compared with other spaces"
        ));
    }
    if let (Some(pixels), Some(bits)) = (score.in_pixels(), score.bits_per_dimension()) {
        report.line(format!(
            "in pixels       {:.2} nats of pixels in [0, 1], at most {bits:.3} bits a dimension",
            pixels.value
        ));
        report.figure("log_likelihood_pixels", pixels.value);
        report.figure("bits_per_dim", bits);
    }
    let error = flow.round_trip_error(&rows.subset(0..rows.len().min(ROUND_TRIPS)))?;
    report.line(format!("round trip      off by {error:.0e} at the most, from the data to the base and back"));
    report.figure("round_trip_error", error);
    if error > 1e-3 {
        report.warn(format!("the flow is not inverted well: a row comes back off by {error:.0e}"));
    }
    if flow.width() == 2 && score.space == Space::Data && flow.config().context() == 0 {
        let mass = mass(flow, rows)?;
        report.line(format!("mass            {mass:.4} on a grid around the rows"));
        report.figure("mass", mass);
    }
    if let Ok(density) = rows.name().parse::<ToyDensity>() {
        beside_the_truth(flow, rows, density, scoring.seed, report)?;
    }
    Ok(score)
}

/// The integral of p over a square around the rows, of three times their reach.
fn mass(flow: &Flow, rows: &Dataset<'_>) -> Result<f64, Failure> {
    let (mut low, mut high, mut row) = ([f32::MAX; 2], [f32::MIN; 2], [0.0; 2]);
    for index in 0..rows.len() {
        rows.row_into(index, &mut row);
        for axis in 0..2 {
            low[axis] = low[axis].min(row[axis]);
            high[axis] = high[axis].max(row[axis]);
        }
    }
    let reach = [0, 1].map(|axis| 1.5 * (high[axis] - low[axis]).max(1e-6));
    let middle = [0, 1].map(|axis| 0.5 * (high[axis] + low[axis]));
    let at = |axis: usize, place: usize| middle[axis] + reach[axis] * ((2 * place + 1) as f32 / GRID as f32 - 1.0);
    let places: Vec<f32> = (0..GRID * GRID).flat_map(|place| [at(0, place / GRID), at(1, place % GRID)]).collect();
    let cell = [0, 1].map(|axis| 2.0 * f64::from(reach[axis]) / GRID as f64);
    let densities = flow.log_densities(&places, &[])?;
    Ok(densities.into_iter().map(f64::exp).sum::<f64>() * cell[0] * cell[1])
}

/// The likelihood that the true density has of the same rows, and the modes that draws find.
fn beside_the_truth(
    flow: &Flow,
    rows: &Dataset<'_>,
    density: ToyDensity,
    seed: Seed,
    report: &mut Report,
) -> Result<(), Failure> {
    let mut truth = 0.0;
    let mut x = [0.0; 2];
    for row in 0..rows.len() {
        rows.row_into(row, &mut x);
        truth += density.log_density(x.map(f64::from)) / rows.len() as f64;
    }
    report
        .line(format!("truth           {truth:.2} nats an example, by the density that the rows were drawn from"));
    report.figure("true_log_likelihood", truth);
    if density.modes().is_none() || flow.config().context() > 0 {
        return Ok(());
    }
    if let Some(coverage) = density.coverage(&flow.sample(DRAWS, seed.derive("coverage", 0))?) {
        report.line(format!(
            "modes           {} of {} found; {:.1} % of {DRAWS} draws within 3 σ of one (98.9 % would be exact)",
            coverage.found,
            coverage.modes,
            100.0 * coverage.high_quality
        ));
        report.figure("modes", coverage.found);
        report.figure("high_quality", coverage.high_quality);
    }
    Ok(())
}
