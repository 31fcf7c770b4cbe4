//! The words of a command: notices while it works, and a report at its end, for people or for programs.

use super::failure::Failure;
use indicatif::{ProgressBar, ProgressDrawTarget};
use serde_json::{Map, Value};
use std::fmt::Display;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;

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

/// Where a command says things.
#[derive(Clone, Copy, Debug)]
pub struct Console {
    /// The reader of standard output.
    pub format: Format,
    /// How much is said besides.
    pub chatter: Chatter,
}

impl Console {
    /// One line on standard error, not when quiet.
    pub fn note(&self, line: impl Display) {
        if self.chatter == Chatter::Full {
            // A closed standard error is no reason to stop.
            let _ = writeln!(std::io::stderr().lock(), "{line}");
        }
    }

    /// A progress bar on standard error, its length yet unknown; hidden when quiet, with JSON and where nobody watches.
    pub fn bar(&self) -> ProgressBar {
        if self.chatter == Chatter::Quiet || self.format == Format::Json {
            return ProgressBar::hidden();
        }
        ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10))
    }
}

/// The result of a command, in lines and in figures.
#[derive(Debug, Default)]
pub struct Report {
    lines: Vec<(Importance, String)>,
    figures: Map<String, Value>,
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

    /// A figure for programs; a number that is not finite is `null`.
    pub fn figure(&mut self, key: &str, value: impl Into<Value>) {
        self.figures.insert(key.to_owned(), value.into());
    }

    /// The figures so far.
    pub fn figures(&self) -> &Map<String, Value> {
        &self.figures
    }

    /// The exit status to end with instead of 0.
    pub fn exit_with(&mut self, status: u8) {
        self.status = status;
    }

    /// Writes the report to standard output. A reader that has left is no error.
    pub fn print(self, console: Console) -> ExitCode {
        let text = match console.format {
            Format::Json => format!("{}\n", Value::Object(self.figures)),
            Format::Lines => self
                .lines
                .iter()
                .filter(|(importance, _)| *importance == Importance::Result || console.chatter == Chatter::Full)
                .map(|(_, line)| format!("{line}\n"))
                .collect(),
        };
        let mut stdout = std::io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                Failure::new(format!("standard output: {error}")).report()
            }
            _ => ExitCode::from(self.status),
        }
    }
}
