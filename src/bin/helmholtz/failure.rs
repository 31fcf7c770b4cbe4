//! What went wrong, in one line, and what usually helps, in another.

use helmholtz::data::DataError;
use helmholtz::energy::boltzmann::BoltzmannError;
use helmholtz::energy::hopfield::HopfieldError;
use helmholtz::energy::neural::NeuralError;
use helmholtz::rbm::RbmError;
use helmholtz::storage::StorageError;
use helmholtz::store::SnapshotError;
use helmholtz::train::TrainError;
use helmholtz::vae::VaeError;
use std::error::Error;
use std::fmt::{self, Display};
use std::io::Write;
use std::process::ExitCode;

/// Why a command failed.
#[derive(Debug)]
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

impl Error for Failure {}

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

impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        Failure { message: chain(&error), hint: error.hint().map(str::to_owned) }
    }
}

impl From<TrainError> for Failure {
    fn from(error: TrainError) -> Self {
        let error = match error {
            // What an observer of this program reports knows its own hint.
            TrainError::Observer(error) => match error.downcast::<Failure>() {
                Ok(failure) => return *failure,
                Err(error) => TrainError::Observer(error),
            },
            error => error,
        };
        let hint = match &error {
            TrainError::Learner(error) => {
                let of_others = || error.downcast_ref().and_then(VaeError::hint);
                let hint = error.downcast_ref().and_then(hint_of).or_else(of_others);
                let hint = hint.or_else(|| error.downcast_ref().and_then(BoltzmannError::hint));
                hint.or_else(|| error.downcast_ref().and_then(NeuralError::hint))
            }
            error => error.hint(),
        };
        Failure { message: chain(&error), hint: hint.map(str::to_owned) }
    }
}

fn hint_of(error: &RbmError) -> Option<&'static str> {
    match error {
        RbmError::Coarse { .. } => Some("--precision f32 takes every machine"),
        error => error.hint(),
    }
}

impl From<RbmError> for Failure {
    fn from(error: RbmError) -> Self {
        Failure { message: chain(&error), hint: hint_of(&error).map(str::to_owned) }
    }
}

impl From<BoltzmannError> for Failure {
    fn from(error: BoltzmannError) -> Self {
        Failure { message: chain(&error), hint: error.hint().map(str::to_owned) }
    }
}

impl From<HopfieldError> for Failure {
    fn from(error: HopfieldError) -> Self {
        let hint = matches!(error, HopfieldError::Dependent { .. })
            .then_some("--rule hebb or storkey takes any patterns");
        Failure { message: chain(&error), hint: hint.map(str::to_owned) }
    }
}

impl From<SnapshotError> for Failure {
    fn from(error: SnapshotError) -> Self {
        Failure { message: chain(&error), hint: None }
    }
}

impl From<VaeError> for Failure {
    fn from(error: VaeError) -> Self {
        Failure { message: chain(&error), hint: error.hint().map(str::to_owned) }
    }
}

impl From<NeuralError> for Failure {
    fn from(error: NeuralError) -> Self {
        Failure { message: chain(&error), hint: error.hint().map(str::to_owned) }
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        Failure { message: chain(&error), hint: error.hint().map(str::to_owned) }
    }
}
