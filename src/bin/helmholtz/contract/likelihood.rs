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
        compare(report, estimate, conservative);
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
            report.warn(format!("worse than {baseline_of}, by {:.2} nats", gain.abs()));
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

/// Says how far an optimistic and a conservative figure are apart. Both are of the same rows: they differ in log Z alone, by
/// what their chains have drawn.
fn compare(report: &mut Report, optimistic: &Estimate, conservative: &Estimate) {
    let gap = optimistic.value - conservative.value;
    let error = optimistic.monte_carlo_error.hypot(conservative.monte_carlo_error);
    report.figure("conservative_gap", gap);
    report.figure("conservative_gap_error", error);
    if gap.abs() <= 2.0 * error {
        report.line(format!(
            "they agree      {:.2} ± {error:.2} nats: of the same rows, the two differ by {:.2}, within their Monte Carlo errors",
            optimistic.value,
            gap.abs()
        ));
    } else if gap > 0.0 {
        report.line(format!("between them    {gap:.2} ± {error:.2} nats, of the same rows"));
    } else {
        report.warn(format!(
            "the conservative figure lies above the optimistic one, by {:.2} ± {error:.2} nats of the same rows: one of them errs \
             by more than it says",
            gap.abs()
        ));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Chatter, Console, Format, Warnings};

    fn said(gap: f64, error: f64) -> (String, bool) {
        let estimate =
            |value: f64, kind: Kind| Estimate::of(&[value; 3], kind, "draws").with_monte_carlo_error(error);
        let mut told = Report::new();
        report(&mut told, &estimate(-16.0, Kind::Upper), Some(&estimate(-16.0 - gap, Kind::Lower)), "test");
        let warned = told.figures()["warnings"].as_array().is_some_and(|warnings| !warnings.is_empty());
        let console = Console { format: Format::Lines, chatter: Chatter::Full, warnings: Warnings::default() };
        (told.text(&console), warned)
    }

    #[test]
    fn a_conservative_figure_above_an_optimistic_one_is_within_their_errors_or_a_warning() {
        let (text, warned) = said(-0.01, 0.02);
        assert!(
            text.contains("they agree      -16.00 ± 0.03 nats: of the same rows, the two differ by 0.01,"),
            "{text}"
        );
        assert!(!warned);
        let (text, warned) = said(0.5, 0.02);
        assert!(text.contains("between them    0.50 ± 0.03 nats, of the same rows") && !warned, "{text}");
        let (text, warned) = said(-0.5, 0.02);
        assert!(
            text.contains("the conservative figure lies above the optimistic one, by 0.50") && warned,
            "{text}"
        );
    }
}
