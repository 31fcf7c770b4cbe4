//! How a log-likelihood is reported: with its direction, its errors, the baseline, and whether two figures agree.
//!
//! The words are made of the figures of the report, so that a report and what `info` reads of a run say the same.

use crate::cli::{Report, counted};
use helmholtz::sampling::{Estimate, Kind};
use serde_json::{Map, Value};

/// Two figures agree where their difference is at most so many of its standard errors.
const AGREE: f64 = 2.0;

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
    report.figure("log_likelihood", estimate.value);
    report.figure("log_likelihood_kind", estimate.kind.to_string());
    report.figure("monte_carlo_error", estimate.monte_carlo_error);
    report.figure("data_error", estimate.data_error);
    report.figure("method", estimate.method.clone());
    report.figure("examples", estimate.examples);
    report.figure("split", split);
    if let Some(conservative) = conservative {
        report.figure("log_likelihood_conservative", conservative.value);
        report.figure("conservative_kind", conservative.kind.to_string());
        report.figure("conservative_monte_carlo_error", conservative.monte_carlo_error);
        report.figure("conservative_data_error", conservative.data_error);
        report.figure("conservative_examples", conservative.examples);
        report.figure("conservative_method", conservative.method.clone());
        report.figure("conservative_gap", estimate.value - conservative.value);
        report.figure("conservative_gap_error", error_of_gap(estimate, conservative));
    }
    if let Some(agree) = conservative.and_then(|conservative| agree(estimate, conservative)) {
        report.figure("conservative_agrees", agree);
    }
    for (key, figure) in [
        ("baseline", estimate.baseline),
        ("log_z", estimate.log_z),
        ("log_z_error", estimate.log_z_error),
        ("effective_sample_size", estimate.effective_sample_size),
    ] {
        if let Some(figure) = figure {
            report.figure(key, figure);
        }
    }
    for line in lines(&report.figures()) {
        report.line(line);
    }
    for warning in &estimate.warnings {
        report.warn(warning);
    }
    if let Some(above) = conservative.and_then(|conservative| above(estimate, conservative)) {
        report.warn(above);
    }
    if let Some(baseline) = estimate.baseline {
        let bound = Figure::main(&report.figures()).and_then(|figure| figure.bound_from_above());
        let gain = bound.unwrap_or(estimate.value) - baseline;
        let compared = match (bound, gain >= 0.0) {
            (None, true) => format!("the model is {gain:.2} nats better"),
            (None, false) => format!("the model is {:.2} nats worse", -gain),
            (Some(_), true) => "whether the model is better is not known".to_owned(),
            (Some(_), false) => format!("the model is at least {:.2} nats worse", -gain),
        };
        report.line(format!("baseline        {baseline:.2} nats for {baseline_of}: {compared}"));
        if gain < -1.0 {
            report.warn(format!("worse than {baseline_of}: docs/how-to-improve.md says what to look at"));
        }
    }
}

/// What is wrong where a conservative figure lies above an optimistic one, of the same rows, by more than both their errors.
fn above(optimistic: &Estimate, conservative: &Estimate) -> Option<String> {
    let gap = conservative.value - optimistic.value;
    // An error that is not known hides no contradiction.
    let known = |error: f64| if error.is_finite() { error } else { 0.0 };
    let error = known(optimistic.monte_carlo_error).hypot(known(conservative.monte_carlo_error));
    (optimistic.examples == conservative.examples && gap > AGREE * error).then(|| {
        format!(
            "the conservative figure lies above the optimistic one, by {gap:.2} ± {error:.2} nats of the same rows: one of \
             them errs by more than it says"
        )
    })
}

/// Warns where `option`, which sets annealing, was given for a figure that nothing was annealed for.
pub fn warn_of_unused(report: &mut Report, estimate: &Estimate, option: Option<&str>) {
    if let Some(option) = option.filter(|_| estimate.kind == Kind::Exact) {
        report.warn(format!("--{option} changes nothing: the log-likelihood is exact ({})", estimate.method));
    }
}

/// The log-likelihood among the figures of a report or of `run.json`, in lines; none where there is no such figure.
pub fn lines(figures: &Map<String, Value>) -> Vec<String> {
    let Some(main) = Figure::main(figures) else { return Vec::new() };
    let value = match main.bound_from_above() {
        None => format!("{:.2} nats an example", main.value),
        Some(bound) => format!("unknown: below {bound:.2} nats an example with 95 % confidence"),
    };
    let mut lines = vec![
        format!("log-likelihood  {value}, mean of {}", main.rows(&main.split)),
        format!("                {}", main.direction()),
        format!("                {}; {}", main.method, main.errors()),
    ];
    let Some(other) = Figure::conservative(figures) else { return lines };
    let differing = if other.examples == main.examples {
        String::new()
    } else {
        format!(", mean of {}", other.rows(&main.split))
    };
    lines.push(format!("conservative    {:.2} nats an example{differing}", other.value));
    lines.push(format!("                {}", direction(&other.kind)));
    lines.push(format!("                {}; {}", other.method, other.errors()));
    if let Some(agree) = figures.get("conservative_agrees").and_then(Value::as_bool) {
        lines.push(together(&main, &other, agree));
    }
    lines
}

/// What is known of one figure.
#[derive(Clone, Debug, PartialEq)]
struct Figure {
    value: f64,
    kind: String,
    /// Standard errors, nats; NaN where unknown.
    monte_carlo_error: f64,
    data_error: f64,
    log_z_error: f64,
    method: String,
    examples: u64,
    split: String,
}

impl Figure {
    fn main(figures: &Map<String, Value>) -> Option<Self> {
        let words = |key: &str| figures.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let number = |key: &str| figures.get(key).and_then(Value::as_f64);
        Some(Figure {
            value: number("log_likelihood")?,
            kind: words("log_likelihood_kind"),
            monte_carlo_error: number("monte_carlo_error").unwrap_or(f64::NAN),
            data_error: number("data_error").unwrap_or(f64::NAN),
            log_z_error: number("log_z_error").unwrap_or(f64::NAN),
            method: words("method"),
            examples: figures.get("examples").and_then(Value::as_u64).unwrap_or(0),
            split: words("split"),
        })
    }

    fn conservative(figures: &Map<String, Value>) -> Option<Self> {
        let main = Figure::main(figures)?;
        let number = |key: &str| figures.get(key).and_then(Value::as_f64);
        let words = |key: &str| figures.get(key).and_then(Value::as_str).map(str::to_owned);
        Some(Figure {
            value: number("log_likelihood_conservative")?,
            kind: words("conservative_kind").unwrap_or_else(|| "lower".to_owned()),
            monte_carlo_error: number("conservative_monte_carlo_error").unwrap_or(f64::NAN),
            data_error: number("conservative_data_error").unwrap_or(main.data_error),
            method: words("conservative_method").unwrap_or_default(),
            examples: figures.get("conservative_examples").and_then(Value::as_u64).unwrap_or(main.examples),
            ..main
        })
    }

    fn rows(&self, split: &str) -> String {
        counted(self.examples as usize, &format!("{split} example"))
    }

    fn errors(&self) -> String {
        let data = shown_error("data error", self.data_error);
        match self.kind.as_str() {
            "exact" => data,
            _ if self.is_without_sampling() && self.log_z_error.is_finite() => {
                format!("error of log Z {:.0e}, {data}", self.log_z_error)
            }
            _ if self.is_without_sampling() => format!("error of log Z unknown, {data}"),
            _ => format!("{}, {data}", shown_error("Monte Carlo error", self.monte_carlo_error)),
        }
    }
}

impl Figure {
    /// As [`Estimate::is_without_sampling`].
    fn is_without_sampling(&self) -> bool {
        self.kind == "estimate" && self.monte_carlo_error == 0.0
    }

    /// A level that the log-likelihood is below with 95 % confidence, where annealing knows no error and its own figure would
    /// say nothing: by Markov's inequality log Ẑ exceeds log Z by ln 20 once in 20 times at the most.
    fn bound_from_above(&self) -> Option<f64> {
        let unknown = self.kind == "upper" && !self.monte_carlo_error.is_finite();
        unknown.then_some(self.value + 20f64.ln())
    }

    fn direction(&self) -> &'static str {
        if self.bound_from_above().is_some() {
            return "the partition function is underestimated by an unknown amount: eval with more temperatures, \
                    --ais CHAINS,TEMPERATURES, helps";
        }
        if self.is_without_sampling() { "no sampling; the error is estimated" } else { direction(&self.kind) }
    }
}

fn shown_error(name: &str, error: f64) -> String {
    if error.is_finite() { format!("{name} {error:.2}") } else { format!("{name} unknown") }
}

/// Which way a figure of this kind errs.
fn direction(kind: &str) -> &'static str {
    match kind {
        "exact" => "exact: nothing was sampled",
        "lower" => "a lower bound on average: the truth is likely higher",
        "annealed" => {
            "a lower bound for the model that annealing reaches: the machine's own figure where it misses no mode"
        }
        "upper" => "optimistic: the partition function is likely underestimated, the truth is likely lower",
        _ => "an estimate that may err either way",
    }
}

/// The standard error of the difference of two figures.
fn error_of_gap(optimistic: &Estimate, conservative: &Estimate) -> f64 {
    let sampled = optimistic.monte_carlo_error.hypot(conservative.monte_carlo_error);
    // Of the same rows the error of the data is in both alike.
    if optimistic.examples == conservative.examples {
        return sampled;
    }
    sampled.hypot(optimistic.data_error).hypot(conservative.data_error)
}

/// Whether two figures agree within their errors; nothing where an error is unknown or a warning stands, as both may lack the
/// same mode.
fn agree(optimistic: &Estimate, conservative: &Estimate) -> Option<bool> {
    let of_difference = error_of_gap(optimistic, conservative);
    let gap = (optimistic.value - conservative.value).abs();
    let known = [of_difference, gap, optimistic.data_error].iter().all(|number| number.is_finite());
    let doubted = !optimistic.warnings.is_empty()
        || !conservative.warnings.is_empty()
        || above(optimistic, conservative).is_some();
    (known && !doubted).then_some(gap <= AGREE * of_difference)
}

/// The one figure that both agree on, or how far they are apart.
fn together(optimistic: &Figure, conservative: &Figure, agree: bool) -> String {
    let gap = (optimistic.value - conservative.value).abs();
    if !agree {
        return format!(
            "together        they are {gap:.2} nats apart, more than their errors: more temperatures bring them closer"
        );
    }
    let middle = 0.5 * (optimistic.value + conservative.value);
    let error = optimistic.data_error.hypot(optimistic.monte_carlo_error.max(conservative.monte_carlo_error));
    let shown = with_error(middle, error);
    format!("together        they agree: {shown} nats, unless annealing misses a mode")
}

/// A value and its standard error, to one digit of the error, or two where the first is a 1.
fn with_error(value: f64, error: f64) -> String {
    if error <= 0.0 {
        return format!("{value:.2}");
    }
    let power = error.log10().floor();
    let digits = if error / 10f64.powf(power) < 1.95 { 1.0 } else { 0.0 };
    let decimals = (digits - power).clamp(0.0, 6.0) as usize;
    format!("{value:.decimals$} ± {error:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(value: f64, kind: Kind, monte_carlo_error: f64, examples: usize) -> Estimate {
        let mut estimate = Estimate::of(&[], kind, "a method").with_monte_carlo_error(monte_carlo_error);
        (estimate.value, estimate.data_error, estimate.examples) = (value, 0.22, examples);
        estimate
    }

    fn said(main: &Estimate, other: Option<&Estimate>) -> Vec<String> {
        let mut made = Report::new();
        report(&mut made, main, other, "test");
        lines(&made.figures())
    }

    fn together_of(main: &Estimate, other: &Estimate) -> Option<String> {
        said(main, Some(other)).into_iter().find(|line| line.starts_with("together"))
    }

    #[test]
    fn figures_that_agree_are_told_as_one() {
        let main = estimate(-16.12, Kind::Upper, 0.03, 359);
        let agreed = together_of(&main, &estimate(-16.16, Kind::Lower, 0.05, 359)).unwrap();
        assert!(
            agreed.contains("they agree: -16.2 ± 0.2 nats") || agreed.contains("they agree: -16.1 ± 0.2 nats")
        );
        let apart = together_of(&main, &estimate(-16.72, Kind::Lower, 0.11, 359)).unwrap();
        assert!(apart.contains("they are 0.60 nats apart, more than their errors"), "{apart}");
        // Apart by more than the errors of the sampler, but not by more than those of other rows.
        let others = estimate(-16.74, Kind::Lower, 0.11, 100);
        assert!(together_of(&main, &others).unwrap().contains("they agree"));
        assert!(said(&main, Some(&others)).iter().any(|line| line.contains("mean of 100 test examples")));
    }

    #[test]
    fn a_conservative_figure_above_an_optimistic_one_is_within_their_errors_or_a_warning() {
        let main = estimate(-16.0, Kind::Upper, 0.02, 359);
        assert_eq!(above(&main, &estimate(-15.99, Kind::Lower, 0.02, 359)), None);
        assert_eq!(above(&main, &estimate(-16.5, Kind::Lower, 0.02, 359)), None);
        let said = above(&main, &estimate(-15.5, Kind::Lower, 0.02, 359)).unwrap();
        assert!(said.contains("above the optimistic one, by 0.50 ± 0.03"), "{said}");
        assert!(above(&main, &estimate(-15.5, Kind::Lower, f64::INFINITY, 359)).is_some());
        // Of other rows that says nothing.
        assert_eq!(above(&main, &estimate(-15.5, Kind::Lower, 0.02, 100)), None);
    }

    /// Two figures that lack the same mode agree as well as any.
    #[test]
    fn nothing_is_agreed_on_where_it_cannot_be_known() {
        let other = estimate(-16.16, Kind::Lower, 0.05, 359);
        for error in [f64::INFINITY, f64::NAN] {
            assert_eq!(together_of(&estimate(-16.14, Kind::Upper, error, 359), &other), None);
        }
        let mut one_row = estimate(-16.14, Kind::Upper, 0.03, 1);
        one_row.data_error = f64::INFINITY;
        assert_eq!(together_of(&one_row, &other), None);
        let warning = helmholtz::sampling::Warning::ModeMissed { gap: 3.0, allowed: 1.0 };
        let doubted = estimate(-16.14, Kind::Upper, 0.03, 359).with_warning(warning);
        assert_eq!(together_of(&doubted, &other), None);
        assert_eq!(together_of(&estimate(f64::NAN, Kind::Upper, 0.03, 359), &other), None);
    }

    #[test]
    fn every_kind_has_words_and_no_unknown_error_is_a_number() {
        let kinds = ["exact", "lower", "annealed", "upper", "estimate"].map(direction);
        for (place, words) in kinds.iter().enumerate() {
            assert!(!kinds[..place].contains(words), "{words}");
        }
        assert!(direction("annealed").contains("that annealing reaches"));
        let exact = said(&estimate(-2.0, Kind::Exact, 0.0, 14), None);
        assert_eq!(exact[2], "                a method; data error 0.22");
        let unknown = said(&estimate(-2.0, Kind::Lower, f64::INFINITY, 14), None);
        assert_eq!(unknown[2], "                a method; Monte Carlo error unknown, data error 0.22");
        assert!(lines(&Map::new()).is_empty());
        // An annealed figure without a known error is a level that the truth is below.
        let mut made = Report::new();
        let alone = estimate(-2.0, Kind::Upper, f64::INFINITY, 14).with_baseline(-30.0);
        report(&mut made, &alone, None, "test");
        let told = lines(&made.figures());
        assert_eq!(
            told[0],
            "log-likelihood  unknown: below 1.00 nats an example with 95 % confidence, mean of 14 test examples"
        );
        assert!(told[1].contains("--ais"));
        let grid = said(&estimate(-2.0, Kind::Estimate, 0.0, 14).with_log_z(1.0, 4e-15), None);
        assert_eq!(grid[1], "                no sampling; the error is estimated");
        assert_eq!(grid[2], "                a method; error of log Z 4e-15, data error 0.22");
    }

    #[test]
    fn errors_are_told_to_the_digit_that_means_something() {
        for (value, error, shown) in [
            (-16.1432, 0.22, "-16.1 ± 0.2"),
            (-16.1432, 0.13, "-16.14 ± 0.13"),
            (-80.86, 0.096, "-80.86 ± 0.10"),
            (-1234.2, 23.0, "-1234 ± 23"),
            (-2.639, 0.0, "-2.64"),
        ] {
            assert_eq!(with_error(value, error), shown);
        }
    }
}
