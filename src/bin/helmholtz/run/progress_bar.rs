//! The bar that shows how far a run is, how fast it goes and what it has reached.

use crate::cli::Console;
use helmholtz::train::{Control, Metrics, Observer, Progress, TrainError};
use indicatif::{ProgressBar, ProgressStyle};
use std::fmt::Write;
use std::time::{Duration, Instant};

const EVERY: Duration = Duration::from_millis(100);

/// The bar of a training run.
pub struct Bar {
    bar: ProgressBar,
    begun: Instant,
    shown: Instant,
    /// Examples that were seen before this process began.
    before: Option<u64>,
    watched: &'static str,
    figure: String,
}

impl Bar {
    /// An empty bar that shows the figure `watched`.
    pub fn new(console: &Console, watched: &'static str) -> Self {
        let bar = console.bar();
        let template = "{msg} {wide_bar:.blue/white.dim} ETA {eta}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━╸─"));
        }
        let now = Instant::now();
        Bar { bar, begun: now, shown: now, before: None, watched, figure: String::new() }
    }

    fn show(&mut self, progress: &Progress) {
        let before = *self.before.get_or_insert(progress.examples);
        let seconds = self.begun.elapsed().as_secs_f64();
        let rate = (progress.examples - before) as f64 / seconds.max(1e-9);
        self.bar.set_length(progress.steps);
        self.bar.set_position(progress.step);
        let Progress { epoch, epochs, .. } = progress;
        self.bar.set_message(format!("epoch {epoch}/{epochs}  {} samples/s{}", thousands(rate), self.figure));
    }
}

impl Observer for Bar {
    fn step(&mut self, progress: &Progress) -> Control {
        if self.before.is_none() {
            self.before = Some(progress.examples);
            self.begun = Instant::now();
            self.bar.set_length(progress.steps);
            self.bar.set_position(progress.step);
            self.bar.reset_eta();
        }
        if self.shown.elapsed() >= EVERY {
            self.shown = Instant::now();
            self.show(progress);
        }
        Control::Continue
    }

    fn evaluation(&mut self, progress: &Progress, metrics: &Metrics) -> Result<Control, TrainError> {
        self.figure.clear();
        if let Some(value) = metrics.get(self.watched) {
            // Writing to a string cannot fail.
            let _ = write!(self.figure, "  {} {value:.3}", self.watched.replace('_', " "));
        }
        self.show(progress);
        Ok(Control::Continue)
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// A rate with its thousands apart: 41 300.
pub fn thousands(rate: f64) -> String {
    let digits = format!("{:.0}", if rate.is_finite() { rate.max(0.0) } else { 0.0 });
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_apart() {
        for (rate, text) in [(0.0, "0"), (999.4, "999"), (1000.0, "1,000"), (1_234_567.0, "1,234,567")] {
            assert_eq!(thousands(rate), text);
        }
    }
}
