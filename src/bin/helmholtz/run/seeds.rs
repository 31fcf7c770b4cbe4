//! Several runs that differ in the seed alone, and how far they agree.

use super::folder::{self, Existing};
use super::options::Options;
use super::progress_lines::clock;
use super::session::Subject;
use super::standing::{self, Standing};
use super::{RunFolder, Session};
use crate::cli::{Failure, Globals, Report, counted, interrupt};
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

/// Trains once, or with `--seeds` once a seed, each in a folder of its own, and reports all of them.
pub fn each_seed(
    subject: &Subject,
    options: &Options,
    globals: &Globals,
    run: impl Fn(&Options, &Globals) -> Result<Report, Failure>,
) -> Result<Report, Failure> {
    let Some(count) = options.seeds else { return run(options, globals) };
    let parent = Session::folder_of(subject, options)?;
    if folder::is_run(parent.path()) {
        return Err(Failure::new("a run, and --seeds needs a folder for several")
            .about(parent.path().display())
            .hint("--out names another folder"));
    }
    let first = globals.seed().0;
    let (begun_at, mut trained) = (Instant::now(), 0);
    let mut runs = Vec::new();
    let mut report = Report::new();
    for seed in (0..count).map(|index| first.saturating_add(index)) {
        let own = RunFolder::at(parent.file(&format!("seed-{seed}")));
        let begun = options.existing() == Existing::Resume && folder::is_run(own.path());
        let figures = if begun && Standing::of_run(own.path()) == Some(Standing::Finished) {
            standing::record(own.path())
                .and_then(|record| record["figures"].as_object().cloned())
                .unwrap_or_default()
        } else {
            let options = options.of_one(own.path().to_owned(), begun);
            let left = time_left(begun_at.elapsed(), trained, count - (seed - first));
            globals.console().note(format!("seed {seed} of {first} to {}{left}", first.saturating_add(count - 1)));
            trained += 1;
            run(&options, &globals.with_seed(seed))?.figures()
        };
        if interrupt::requested() {
            report.line(format!(
                "stopped         at seed {seed}, after {}; all is saved",
                counted(runs.len(), "run")
            ));
            report.line(format!(
                "continue with   helmholtz train {} --out {} --seeds {count} --resume",
                subject.kind,
                parent.path().display()
            ));
            report.figure("status", Standing::Stopped.word());
            report.exit_with(interrupt::STATUS);
            break;
        }
        runs.push((seed, figures));
    }
    tell(&runs, &mut report);
    report.figure("out", parent.path().display().to_string());
    Ok(report)
}

/// How long `left` runs take where `done` took so long, in words; nothing before the first is done.
fn time_left(elapsed: Duration, done: u64, left: u64) -> String {
    match done {
        0 => String::new(),
        _ => format!(", about {} left", clock(elapsed.as_secs_f64() / done as f64 * left as f64)),
    }
}

/// The figure of each run, and the mean and the spread of the one that counts most.
fn tell(runs: &[(u64, Map<String, Value>)], report: &mut Report) {
    const FIGURE: &str = "log_likelihood";
    let of = |name: &str| -> Vec<Value> {
        runs.iter().map(|(_, figures)| figures.get(name).cloned().unwrap_or(Value::Null)).collect()
    };
    let names = runs.iter().flat_map(|(_, figures)| figures.keys());
    let varying: std::collections::BTreeSet<&String> =
        names.filter(|name| !matches!(name.as_str(), "warnings" | "seed")).collect();
    for name in varying {
        let values = of(name);
        let words = values.iter().all(Value::is_string) && values.windows(2).all(|pair| pair[0] == pair[1]);
        // What is a word and the same in all, the model and the data, is said once.
        report.figure(name, if words { values[0].clone() } else { Value::Array(values) });
    }
    report.figure("seeds", runs.iter().map(|(seed, _)| *seed).collect::<Vec<_>>());
    for (seed, figures) in runs {
        let value = figures.get(FIGURE).and_then(Value::as_f64);
        let said =
            value.map_or_else(|| "no log-likelihood".to_owned(), |value| format!("{value:.2} nats an example"));
        report.line(format!("{:<15} {said}", format!("seed {seed}")));
        for warning in figures.get("warnings").and_then(Value::as_array).into_iter().flatten() {
            report.warn(format!("seed {seed}: {}", warning.as_str().unwrap_or_default()));
        }
    }
    let values: Vec<f64> = of(FIGURE).iter().filter_map(Value::as_f64).collect();
    if values.len() < 2 {
        return;
    }
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let spread = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0)).sqrt();
    let split = of("split").first().and_then(Value::as_str).unwrap_or_default().to_owned();
    report.line(format!(
        "log-likelihood  {mean:.2} ± {spread:.2} nats an example, mean and standard deviation of {} over {split} rows; \
         the mean is sure to ± {:.2}",
        counted(values.len(), "run"),
        spread / count.sqrt()
    ));
    report.figure("log_likelihood_mean", mean);
    report.figure("log_likelihood_spread", spread);
    report.figure("log_likelihood_mean_error", json!(spread / count.sqrt()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_say_how_long_those_that_are_left_take() {
        assert_eq!(time_left(Duration::ZERO, 0, 5), "");
        assert_eq!(time_left(Duration::from_secs(60), 2, 4), ", about 2 min left");
    }
}
