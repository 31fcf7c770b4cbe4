//! How a log-likelihood is reported: with its direction, its errors and the baseline.

use crate::cli::{Report, counted};
use helmholtz::sampling::{Estimate, Kind};

/// Says what an estimate is, for people and for programs, and the conservative one beside it where there is one.
/// `split` says of what rows it is.
pub fn report(report: &mut Report, estimate: &Estimate, conservative: Option<&Estimate>, split: &str) {
    report_beside(report, estimate, conservative, split, "independent pixels");
}

/// The same, where the baseline is that of something else.
pub fn report_beside(
    report: &mut Report,
    estimate: &Estimate,
    conservative: Option<&Estimate>,
    split: &str,
    baseline_of: &str,
) {
    report.line(format!(
        "log-likelihood  {:.2} nats an example, mean of {}",
        estimate.value,
        counted(estimate.examples, &format!("{split} example"))
    ));
    report.line(format!("                {}", direction(estimate)));
    report.line(format!("                {}; {}", estimate.method, errors(estimate)));
    if let Some(conservative) = conservative {
        report.line(format!(
            "conservative    {:.2} nats an example: {}",
            conservative.value,
            direction(conservative)
        ));
        report.line(format!("                {}; {}", conservative.method, errors(conservative)));
        report.figure("log_likelihood_conservative", conservative.value);
        report.figure("conservative_monte_carlo_error", conservative.monte_carlo_error);
        report.figure("conservative_method", conservative.method.clone());
    }
    for warning in &estimate.warnings {
        report.warn(warning);
    }
    if let Some(baseline) = estimate.baseline {
        let gain = estimate.value - baseline;
        let compared = if gain >= 0.0 { "better" } else { "worse" };
        report.line(format!(
            "baseline        {baseline:.2} nats for {baseline_of}: the model is {:.2} nats {compared}",
            gain.abs()
        ));
        if gain < -1.0 {
            report.warn(format!(
                "worse than {baseline_of}: training has barely begun or diverged; a lower \
                 --learning-rate usually helps"
            ));
        }
    }
    report.figure("log_likelihood", estimate.value);
    report.figure("log_likelihood_kind", estimate.kind.to_string());
    report.figure("monte_carlo_error", estimate.monte_carlo_error);
    report.figure("data_error", estimate.data_error);
    report.figure("method", estimate.method.clone());
    report.figure("examples", estimate.examples);
    report.figure("split", split);
    if let Some(baseline) = estimate.baseline {
        report.figure("baseline", baseline);
    }
    if let Some(log_z) = estimate.log_z {
        report.figure("log_z", log_z);
    }
    if let Some(error) = estimate.log_z_error {
        report.figure("log_z_error", error);
    }
    if let Some(ess) = estimate.effective_sample_size {
        report.figure("effective_sample_size", ess);
    }
}

/// Warns where `option`, which sets annealing, was given for a figure that nothing was annealed for.
pub fn warn_of_unused(report: &mut Report, estimate: &Estimate, option: Option<&str>) {
    if let Some(option) = option.filter(|_| estimate.kind == Kind::Exact) {
        report.warn(format!("--{option} changes nothing: the log-likelihood is exact ({})", estimate.method));
    }
}

fn direction(estimate: &Estimate) -> &'static str {
    match estimate.kind {
        Kind::Exact => "exact: nothing was sampled",
        Kind::Lower => "a lower bound on average: the truth is likely higher",
        Kind::Upper => "optimistic: the partition function is likely underestimated, the truth is likely lower",
        Kind::Estimate => "an estimate that may err either way",
    }
}

fn errors(estimate: &Estimate) -> String {
    match estimate.kind {
        Kind::Exact => format!("data error {:.2}", estimate.data_error),
        _ => format!("Monte Carlo error {:.2}, data error {:.2}", estimate.monte_carlo_error, estimate.data_error),
    }
}
