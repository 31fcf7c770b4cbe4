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
    let examples = counted(estimate.examples, &format!("{split} example"));
    let headline = match bound_from_above(estimate) {
        None => format!("{:.2} nats an example, mean of {examples}", estimate.value),
        Some(bound) => {
            format!("unknown: below {bound:.2} nats an example with 95 % confidence, mean of {examples}")
        }
    };
    report.line(format!("log-likelihood  {headline}"));
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
        let gain = bound_from_above(estimate).unwrap_or(estimate.value) - baseline;
        let compared = match (bound_from_above(estimate), gain >= 0.0) {
            (None, true) => format!("the model is {gain:.2} nats better"),
            (None, false) => format!("the model is {:.2} nats worse", -gain),
            (Some(_), true) => "whether the model is better is not known".to_owned(),
            (Some(_), false) => format!("the model is at least {:.2} nats worse", -gain),
        };
        report.line(format!("baseline        {baseline:.2} nats for {baseline_of}: {compared}"));
        if gain < -1.0 {
            report.warn(format!("worse than {baseline_of}: the model has not learned these rows"));
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

/// A level that the log-likelihood is below with 95 % confidence, where annealing knows no error and its own figure would say
/// nothing: by Markov's inequality log Ẑ exceeds log Z by ln 20 once in 20 times at the most.
fn bound_from_above(estimate: &Estimate) -> Option<f64> {
    let unknown = estimate.kind == Kind::Upper && !estimate.monte_carlo_error.is_finite();
    unknown.then_some(estimate.value + 20f64.ln())
}

fn direction(estimate: &Estimate) -> &'static str {
    match estimate.kind {
        Kind::Exact => "exact: nothing was sampled",
        Kind::Lower => "a lower bound on average: the truth is likely higher",
        Kind::Upper if bound_from_above(estimate).is_some() => {
            "the partition function is underestimated by an unknown amount; more temperatures help: eval with --rescore \
             CHAINS,TEMPERATURES"
        }
        Kind::Upper => "optimistic: the partition function is likely underestimated, the truth is likely lower",
        Kind::Estimate if estimate.is_without_sampling() => "no sampling; the error is estimated",
        Kind::Estimate => "an estimate that may err either way",
    }
}

fn errors(estimate: &Estimate) -> String {
    let known = |error: f64| if error.is_finite() { format!("{error:.2}") } else { "unknown".to_owned() };
    let data = format!("data error {}", known(estimate.data_error));
    match estimate.kind {
        Kind::Exact => data,
        Kind::Estimate if estimate.is_without_sampling() => {
            let of_log_z = estimate.log_z_error.map_or("unknown".to_owned(), |error| format!("{error:.0e}"));
            format!("error of log Z {of_log_z}, {data}")
        }
        _ => format!("Monte Carlo error {}, {data}", known(estimate.monte_carlo_error)),
    }
}
