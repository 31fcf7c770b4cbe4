//! Ctrl-C, or a polite kill (SIGTERM): once to stop and save, twice to leave at once.

use helmholtz::train::{Control, Observer, Progress};
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

/// The exit status of a program that was interrupted.
pub const STATUS: u8 = 130;

static REQUESTED: AtomicBool = AtomicBool::new(false);
static SAVING: AtomicBool = AtomicBool::new(false);

/// From now on, until [`unwatch`], the first Ctrl-C is a request and the second one ends the program. A process that was
/// started with one of these signals ignored, by `nohup` for example, goes on ignoring it, and the others do what they always
/// did.
pub fn watch() {
    SAVING.store(true, Ordering::Relaxed);
    let handler = || {
        if !SAVING.load(Ordering::Relaxed) || REQUESTED.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(STATUS));
        }
        let message = "\nstopping after this step and saving; once more to leave at once";
        let _ = writeln!(std::io::stderr().lock(), "{message}");
    };
    // Where no handler can be set, Ctrl-C ends the program as it always did; the last checkpoint is good.
    let _ = ctrlc::try_set_handler(handler);
}

/// From now on Ctrl-C ends the program at once: everything is saved.
pub fn unwatch() {
    SAVING.store(false, Ordering::Relaxed);
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
