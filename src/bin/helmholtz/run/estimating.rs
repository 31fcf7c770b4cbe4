//! The bar that shows how far an estimate is.

use crate::cli::Console;
use helmholtz::sampling::Work;
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

const EVERY: Duration = Duration::from_millis(100);

/// A long estimate: while it lives people see how long it takes, and for how long it goes on where its [`Work`] says so.
pub struct Estimating {
    work: Arc<Work>,
    over: Arc<AtomicBool>,
    shows: Option<JoinHandle<()>>,
}

impl Estimating {
    /// Says what is estimated, and shows how far it is from now on.
    pub fn begin(console: &Console, what: &str) -> Self {
        let (work, over) = (Arc::new(Work::new()), Arc::new(AtomicBool::new(false)));
        let bar = console.bar();
        if bar.is_hidden() {
            console.note(format_args!("estimating {what} …"));
            return Estimating { work, over, shows: None };
        }
        bar.set_message(format!("estimating {what} …"));
        let shows = {
            let (work, over) = (work.clone(), over.clone());
            std::thread::spawn(move || show(&bar, &work, &over))
        };
        Estimating { work, over, shows: Some(shows) }
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
