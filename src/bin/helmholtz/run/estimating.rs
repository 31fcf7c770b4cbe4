//! The bar that shows how far an estimate is.

use super::progress_lines::{FIRST, clock, next};
use crate::cli::Console;
use helmholtz::sampling::Work;
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const EVERY: Duration = Duration::from_millis(100);

/// A long estimate: while it lives people see how long it takes, and for how long it goes on where its [`Work`] says so.
pub struct Estimating {
    work: Arc<Work>,
    over: Arc<AtomicBool>,
    shows: Option<JoinHandle<()>>,
}

impl Estimating {
    /// Shows how far the estimate of `what` is from now on: by a bar, or by lines where the console tells progress in lines.
    pub fn begin(console: &Console, what: &str) -> Self {
        let (work, over) = (Arc::new(Work::new()), Arc::new(AtomicBool::new(false)));
        let bar = console.bar();
        let hidden = bar.is_hidden();
        bar.set_message(format!("estimating {what} …"));
        let shows = {
            let (work, over, console, what) = (work.clone(), over.clone(), console.clone(), what.to_owned());
            match (hidden, console.tells_progress_in_lines()) {
                (false, _) => Some(std::thread::spawn(move || show(&bar, &work, &over))),
                (true, true) => Some(std::thread::spawn(move || tell(&console, &what, &work, &over))),
                (true, false) => None,
            }
        };
        Estimating { work, over, shows }
    }

    /// What is planned and done of it.
    pub fn work(&self) -> &Work {
        &self.work
    }
}

fn show(bar: &ProgressBar, work: &Work, over: &AtomicBool) {
    style(bar, "{spinner} {msg} {elapsed}");
    let mut planned = 0;
    while !over.load(Ordering::Relaxed) {
        if work.planned() != planned {
            if planned == 0 {
                style(bar, "{msg} {wide_bar:.blue/white.dim} ETA {eta}");
            }
            planned = work.planned();
            bar.set_length(planned);
        }
        bar.set_position(work.done());
        bar.tick();
        std::thread::park_timeout(EVERY);
    }
    bar.finish_and_clear();
}

/// The same in lines, where there is no bar.
fn tell(console: &Console, what: &str, work: &Work, over: &AtomicBool) {
    let begun = Instant::now();
    let mut due = FIRST;
    while !over.load(Ordering::Relaxed) {
        let elapsed = begun.elapsed();
        if elapsed >= due {
            due = next(elapsed);
            console.note(format_args!("estimating {what}: {}", how_far(elapsed, work.done(), work.planned())));
        }
        std::thread::park_timeout(EVERY);
    }
}

/// How far an estimate is that has gone on for so long.
fn how_far(elapsed: Duration, done: u64, planned: u64) -> String {
    let seconds = elapsed.as_secs_f64();
    if planned == 0 || done == 0 {
        return format!("{seconds:.0} s so far");
    }
    let part = (done as f64 / planned as f64).min(1.0);
    format!("{:.0} %, about {} left", 100.0 * part, clock(seconds * (1.0 - part) / part))
}

fn style(bar: &ProgressBar, template: &str) {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("━╸─"));
    }
}

impl Drop for Estimating {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(shows) = self.shows.take() {
            shows.thread().unpark();
            // A bar that has died has nothing to tell.
            let _ = shows.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_tells_how_far_it_is_as_far_as_it_knows() {
        let after = |done, planned| how_far(Duration::from_secs(30), done, planned);
        assert_eq!(after(0, 0), "30 s so far");
        assert_eq!(after(0, 100), "30 s so far");
        assert_eq!(after(50, 200), "25 %, about 90 s left".replace("90 s", "2 min"));
        assert_eq!(after(200, 200), "100 %, about 0 s left");
    }
}
