//! Plain lines of progress, for a run that nobody watches in a terminal.

use super::progress_bar::thousands;
use crate::cli::Console;
use helmholtz::train::{Control, Metrics, Observer, Progress, TrainError};
use std::time::{Duration, Instant};

/// When the first line is due, so that a log shows early that something goes on.
pub const FIRST: Duration = Duration::from_secs(2);
/// The shortest time between two lines. Lines of long runs are a twentieth of the time so far apart.
const SHORTEST: Duration = Duration::from_secs(10);

/// Says every so often how far a run is, in a line on standard error.
pub struct Lines {
    console: Console,
    begun: Instant,
    /// When the next line is due, after the beginning.
    due: Duration,
    /// Updates and examples that were made before this process began.
    before: Option<(u64, u64)>,
    watched: &'static str,
    figure: String,
}

impl Lines {
    /// Lines that show the figure `watched`.
    pub fn new(console: Console, watched: &'static str) -> Self {
        let begun = Instant::now();
        Lines { console, begun, due: FIRST, before: None, watched, figure: String::new() }
    }
}

impl Observer for Lines {
    fn step(&mut self, progress: &Progress) -> Control {
        let (steps, examples) = *self.before.get_or_insert((progress.step, progress.examples));
        let elapsed = self.begun.elapsed();
        if elapsed >= self.due && progress.step > steps {
            self.due = next(elapsed);
            let done = Done { steps: progress.step - steps, examples: progress.examples - examples, elapsed };
            self.console.note(line(progress, done, &self.figure));
        }
        Control::Continue
    }

    fn evaluation(&mut self, _: &Progress, metrics: &Metrics) -> Result<Control, TrainError> {
        if let Some(value) = metrics.get(self.watched) {
            self.figure = format!(", {} {value:.3}", self.watched.replace('_', " "));
        }
        Ok(Control::Continue)
    }
}

/// The work of this process so far.
struct Done {
    steps: u64,
    examples: u64,
    elapsed: Duration,
}

/// When the line after one at `elapsed` is due.
pub fn next(elapsed: Duration) -> Duration {
    elapsed + SHORTEST.max(elapsed / 20)
}

fn line(progress: &Progress, done: Done, figure: &str) -> String {
    let Progress { epoch, epochs, step, steps, .. } = *progress;
    let seconds = done.elapsed.as_secs_f64().max(1e-9);
    let rate = thousands(done.examples as f64 / seconds);
    let left = seconds * steps.saturating_sub(step) as f64 / done.steps.max(1) as f64;
    format!("epoch {epoch} of {epochs}, {rate} samples/s{figure}, {} left", clock(left))
}

/// Seconds in words: 45 s, 12 min, 3.5 h.
pub fn clock(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 90.0 => format!("{seconds:.0} s"),
        seconds if seconds < 5400.0 => format!("{:.0} min", seconds / 60.0),
        _ => format!("{:.1} h", seconds / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_day_are_few_and_those_of_a_minute_are_some() {
        let until = |end: u64| {
            let times = std::iter::successors(Some(FIRST), |&time| Some(next(time)));
            times.take_while(|time| time.as_secs() <= end).count()
        };
        assert_eq!((until(1), until(5), until(60)), (0, 1, 6));
        assert!((60..200).contains(&until(86_400)), "{}", until(86_400));
    }

    #[test]
    fn a_line_says_how_far_how_fast_how_good_and_how_long() {
        let progress = Progress { epoch: 3, epochs: 12, step: 300, steps: 1200, examples: 19_200 };
        let done = Done { steps: 200, examples: 12_800, elapsed: Duration::from_secs(20) };
        let said = line(&progress, done, ", elbo -21.300");
        assert_eq!(said, "epoch 3 of 12, 640 samples/s, elbo -21.300, 90 s left".replace("90 s", "2 min"));
        assert_eq!([10.0, 600.0, 36_000.0].map(clock), ["10 s", "10 min", "10.0 h"]);
    }
}
