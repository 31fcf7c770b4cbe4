//! Ctrl-C, or a polite kill (SIGTERM, SIGHUP): once to stop and save, twice to leave at once.

use super::signals::Ignored;
use helmholtz::train::{Control, Observer, Progress};
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The exit status of a program that was interrupted.
pub const STATUS: u8 = 130;

static REQUESTED: AtomicBool = AtomicBool::new(false);
static SAVING: AtomicBool = AtomicBool::new(false);
/// The last words of a program that may end at any moment.
static LAST_WORDS: Mutex<Option<LastWords>> = Mutex::new(None);

/// The last words of a program that may end at any moment: all that it has done is saved.
pub struct LastWords {
    /// For standard error.
    pub note: String,
    /// For standard output.
    pub report: String,
}

/// From now on, until [`unwatch`], the first Ctrl-C is a request and the second one ends the program. A signal that the
/// process was started to ignore, as by `nohup`, stays ignored, and the others are heard all the same.
pub fn watch() {
    SAVING.store(true, Ordering::Relaxed);
    let handler = || {
        let mut last = last_words();
        if let Some(LastWords { note, report }) = last.take() {
            // Nobody may be there to be told. The lock is kept, so that nothing else is said meanwhile.
            let _ = writeln!(std::io::stderr().lock(), "{note}");
            let mut stdout = std::io::stdout().lock();
            let _ = stdout.write_all(report.as_bytes()).and_then(|()| stdout.flush());
            std::process::exit(i32::from(STATUS));
        }
        drop(last);
        if !SAVING.load(Ordering::Relaxed) || REQUESTED.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(STATUS));
        }
        let message = "\nstopping after this step and saving; once more to leave at once";
        let _ = writeln!(std::io::stderr().lock(), "{message}");
    };
    let ignored = Ignored::now();
    // Where no handler can be set, Ctrl-C ends the program as it always did; the last checkpoint is good.
    let _ = ctrlc::set_handler(handler);
    ignored.restore();
}

/// From now on Ctrl-C ends the program at once: everything is saved.
pub fn unwatch() {
    SAVING.store(false, Ordering::Relaxed);
}

/// Until what is given back is dropped, Ctrl-C ends the program with these words.
pub fn end_with(words: LastWords) -> Ending {
    *last_words() = Some(words);
    Ending
}

/// As long as this lives, Ctrl-C ends the program with last words.
pub struct Ending;

impl Drop for Ending {
    fn drop(&mut self) {
        *last_words() = None;
    }
}

fn last_words() -> MutexGuard<'static, Option<LastWords>> {
    LAST_WORDS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether Ctrl-C was pressed.
pub fn requested() -> bool {
    REQUESTED.load(Ordering::Relaxed)
}

/// Stops a run once Ctrl-C was pressed.
pub struct Interrupt;

impl Observer for Interrupt {
    fn step(&mut self, _: &Progress) -> Control {
        if requested() { Control::Stop } else { Control::Continue }
    }
}
