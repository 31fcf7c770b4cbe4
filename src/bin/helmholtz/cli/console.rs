//! The words of a command: notices while it works, and a report at its end, for people or for programs.

use super::failure::Failure;
use indicatif::{ProgressBar, ProgressDrawTarget};
use serde_json::{Map, Value};
use std::fmt::Display;
use std::io::{ErrorKind, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

/// The reader of standard output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// People: plain lines.
    Lines,
    /// Programs: exactly one JSON object.
    Json,
}

/// How much is said besides results and errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chatter {
    /// Progress, notices and advice.
    Full,
    /// Nothing.
    Quiet,
}

/// The warnings of a command so far, which all of its consoles share.
#[derive(Clone, Debug, Default)]
pub struct Warnings(Arc<Mutex<Vec<String>>>);

impl Warnings {
    /// Adds a warning; `false` where it has been said before.
    fn add(&self, warning: String) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = !all.contains(&warning);
        if new {
            all.push(warning);
        }
        new
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Where a command says things.
#[derive(Clone, Debug)]
pub struct Console {
    /// The reader of standard output.
    pub format: Format,
    /// How much is said besides.
    pub chatter: Chatter,
    /// The warnings so far.
    pub warnings: Warnings,
}

impl Console {
    /// One line on standard error, not when quiet.
    pub fn note(&self, line: impl Display) {
        if self.chatter == Chatter::Full {
            // A closed standard error is no reason to stop.
            let _ = writeln!(std::io::stderr().lock(), "{line}");
        }
    }

    /// A warning while a command works: `warning: …` on standard error, not when quiet, and in the list `warnings` of its
    /// JSON; the same one once. What the result itself makes doubtful is [`Report::warn`].
    pub fn warn(&self, warning: impl Display) {
        if self.warnings.add(warning.to_string()) {
            self.note(format_args!("warning: {warning}"));
        }
    }

    /// Whether progress is to be told in plain lines: where there is no bar, unless quiet.
    pub fn tells_progress_in_lines(&self) -> bool {
        self.chatter == Chatter::Full && (self.format == Format::Json || !std::io::stderr().is_terminal())
    }

    /// A progress bar on standard error, its length yet unknown; hidden when quiet, with JSON and where nobody watches.
    pub fn bar(&self) -> ProgressBar {
        if self.chatter == Chatter::Quiet || self.format == Format::Json {
            return ProgressBar::hidden();
        }
        ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10))
    }
}

/// The figure that lists the warnings.
const WARNINGS: &str = "warnings";

/// The result of a command, in lines and in figures.
#[derive(Clone, Debug, Default)]
pub struct Report {
    lines: Vec<(Importance, String)>,
    figures: Map<String, Value>,
    warnings: Vec<String>,
    status: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Importance {
    Result,
    Advice,
}

impl Report {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A line for people.
    pub fn line(&mut self, line: impl Into<String>) {
        self.lines.push((Importance::Result, line.into()));
    }

    /// A line for people who have not asked for quiet.
    pub fn advise(&mut self, line: impl Into<String>) {
        self.lines.push((Importance::Advice, line.into()));
    }

    /// A warning about the result: a line `warning …` for people, and in the list `warnings` for programs.
    pub fn warn(&mut self, warning: impl Display) {
        self.line(format!("warning         {warning}"));
        self.warnings.push(warning.to_string());
    }

    /// A figure for programs; a number that is not finite is `null`.
    pub fn figure(&mut self, key: &str, value: impl Into<Value>) {
        self.figures.insert(key.to_owned(), value.into());
    }

    /// The same where a command has not set the figure itself.
    pub fn figure_once(&mut self, key: &str, value: impl Into<Value>) {
        self.figures.entry(key).or_insert_with(|| value.into());
    }

    /// The figures so far, the warnings about them included.
    pub fn figures(&self) -> Map<String, Value> {
        let mut figures = self.figures.clone();
        figures.insert(WARNINGS.to_owned(), self.warnings.clone().into());
        figures
    }

    /// The exit status to end with instead of 0.
    pub fn exit_with(&mut self, status: u8) {
        self.status = status;
    }

    /// The report as it is written to standard output.
    pub fn text(&self, console: &Console) -> String {
        match console.format {
            Format::Json => {
                let mut figures = self.figures();
                let warnings = [console.warnings.all(), self.warnings.clone()].concat();
                figures.insert(WARNINGS.to_owned(), warnings.into());
                format!("{}\n", Value::Object(figures))
            }
            Format::Lines => self
                .lines
                .iter()
                .filter(|(importance, _)| *importance == Importance::Result || console.chatter == Chatter::Full)
                .map(|(_, line)| format!("{line}\n"))
                .collect(),
        }
    }

    /// Writes the report to standard output. A reader that has left is no error.
    pub fn print(self, console: &Console) -> ExitCode {
        let text = self.text(console);
        let mut stdout = std::io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                Failure::new(format!("standard output: {error}")).report()
            }
            _ => ExitCode::from(self.status),
        }
    }
}
