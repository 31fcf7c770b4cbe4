//! Failures: the reason in one line, and the usual remedy in another.

use helmholtz::data::DataError;
use helmholtz::energy::boltzmann::BoltzmannError;
use helmholtz::energy::hopfield::HopfieldError;
use helmholtz::energy::neural::NeuralError;
use helmholtz::flow::FlowError;
use helmholtz::rbm::RbmError;
use helmholtz::storage::StorageError;
use helmholtz::train::{ModelError, TrainError};
use helmholtz::vae::VaeError;
use std::error::Error;
use std::fmt::{self, Display};
use std::io::Write;
use std::process::ExitCode;

/// Why a command failed.
#[derive(Clone, Debug)]
pub struct Failure {
    message: String,
    hint: Option<String>,
}

impl Failure {
    /// A failure in one line.
    pub fn new(message: impl Into<String>) -> Self {
        Failure { message: message.into(), hint: None }
    }

    /// The same with what usually helps.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same with what else could help, where nothing better is known.
    pub fn or_hint(self, hint: impl Into<String>) -> Self {
        if self.hint.is_some() { self } else { self.hint(hint) }
    }

    /// The same with what it was about, a file for example, in front.
    pub fn about(mut self, subject: impl Display) -> Self {
        self.message = format!("{subject}: {}", self.message);
        self
    }

    /// Says it on standard error: `error: …`, then `hint: …` where there is one.
    pub fn report(&self) -> ExitCode {
        let mut stderr = std::io::stderr().lock();
        // Where standard error is closed there is nobody to tell.
        let _ = writeln!(stderr, "error: {}", one_line(&self.message));
        if let Some(hint) = &self.hint {
            let _ = writeln!(stderr, "hint: {}", one_line(hint));
        }
        ExitCode::FAILURE
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// A failure on its way through the training loop, which carries errors alone.
#[derive(Debug)]
struct Carried(Failure);

impl Display for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Carried {}

impl From<Failure> for TrainError {
    /// A failure of an observer; it comes back as it was.
    fn from(failure: Failure) -> Self {
        TrainError::Observer(Box::new(Carried(failure)))
    }
}

/// Any error of the library: its message, what caused it, and its hint. [`Failure`] itself is no [`Error`], so that this
/// can be written once for all.
impl<E: Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        if let Some(TrainError::Observer(carried)) = (&error as &dyn Error).downcast_ref()
            && let Some(Carried(failure)) = carried.downcast_ref()
        {
            return failure.clone();
        }
        Failure { message: chain(&error), hint: hint(&error).map(str::to_owned) }
    }
}

/// The usual remedy of an error, which the library knows, or this program for it.
fn hint<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e str> {
    if let Some(TrainError::Learner(error)) = error.downcast_ref() {
        return hint(&**error);
    }
    if let Some(RbmError::Coarse { .. }) = error.downcast_ref() {
        return Some("--precision f32 takes every machine");
    }
    let said: [Option<&'e str>; 9] = [
        error.downcast_ref().and_then(DataError::hint),
        error.downcast_ref().and_then(TrainError::hint),
        error.downcast_ref().and_then(StorageError::hint),
        error.downcast_ref().and_then(RbmError::hint),
        error.downcast_ref().and_then(BoltzmannError::hint),
        error.downcast_ref().and_then(HopfieldError::hint),
        error.downcast_ref().and_then(VaeError::hint),
        error.downcast_ref().and_then(NeuralError::hint),
        error.downcast_ref().and_then(FlowError::hint),
    ];
    said.into_iter().flatten().next()
}

/// A name with a line break in it must not break the line.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// The error and what caused it, where it does not say so itself.
fn chain(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_message = cause.to_string();
        if !message.contains(&cause_message) {
            message = format!("{message}: {cause_message}");
        }
        source = cause.source();
    }
    message
}
