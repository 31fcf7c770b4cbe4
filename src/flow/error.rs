//! Errors of a flow's shape, recipe, data or points.

use crate::Setting;
use crate::data::Unsuitable;
use crate::store::SnapshotError;
use crate::train::ModelError;
use std::fmt;

/// The error of a flow that could not be made, trained, drawn from or evaluated.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum FlowError {
    /// A setting out of its range.
    Setting(Setting),
    /// Data that does not suit the model.
    Unsuitable(Unsuitable),
    /// A coupling of rows of one value, which nothing is left to condition.
    OneValue,
    /// Columns of real numbers that are constant: a density grows without bound along them.
    ConstantColumns {
        /// The first, from 0.
        first: usize,
        /// How many there are.
        columns: usize,
    },
    /// Grey levels where real numbers are wanted: a density grows without bound on them.
    Levels,
    /// Grey levels of another number, or numbers between levels.
    LevelCount {
        /// Levels of the data; `None` where a number is between two of the model's.
        data: Option<usize>,
        /// Levels of the model.
        model: usize,
    },
    /// Grey levels stored as fractions, which do not say how many levels there are.
    UnknownLevels,
    /// A conditional flow, and rows without labels or targets.
    NoContext,
    /// A label that the model has no class for.
    Label {
        /// The label.
        label: u16,
        /// Classes of the model.
        classes: usize,
    },
    /// Rows of context that are not those of the model.
    ContextWidth {
        /// Numbers that were given.
        given: usize,
        /// Numbers that are wanted.
        wanted: usize,
    },
    /// Points of the base for a mixture, where one row has one for each of its normal distributions.
    NoCode,
    /// A point density for a model of levels.
    NotReal,
    /// A log-density that is NaN or infinite.
    NonFinite {
        /// Which row.
        row: usize,
    },
    /// A draw that is NaN or infinite.
    NonFiniteDraw {
        /// Which draw.
        draw: usize,
    },
    /// A flow that is inverted one component after the other, where its draws must be known as a function of its parameters.
    NoInverse,
    /// A target that cannot be computed.
    Target {
        /// What it says.
        why: String,
    },
    /// Arrays that are not a flow's.
    Snapshot(SnapshotError),
}

impl FlowError {
    pub(super) fn setting(name: &'static str, given: impl fmt::Display, wanted: &'static str) -> Self {
        FlowError::Setting(Setting::new(name, given, wanted))
    }

    /// What usually helps, in one line, where there is something to say.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            FlowError::Unsuitable(Unsuitable::Bits) => {
                "a flow learns real numbers or grey levels; an RBM, a Boltzmann machine or a VAE learns bits"
            }
            FlowError::Unsuitable(Unsuitable::Real) => "a flow of real numbers standardises them instead",
            FlowError::Unsuitable(error) => return error.hint(),
            FlowError::OneValue => "the structure `autoregressive` takes rows of one value",
            FlowError::ConstantColumns { .. } => "leave such columns out: they need no model",
            FlowError::Levels => "dequantise them: uniform noise as wide as a level makes them real numbers",
            FlowError::LevelCount { .. } => "a flow of grey levels is made for their number",
            FlowError::UnknownLevels => "say how many levels there are, or store them as whole numbers",
            FlowError::NoContext => "give the data labels, or learn an unconditional flow",
            FlowError::NoCode => "with a normal base each row has a single code",
            FlowError::NoInverse => "the structure `coupling` is inverted in one pass",
            FlowError::NonFinite { .. } | FlowError::NonFiniteDraw { .. } => {
                "numbers far outside of the data it was trained on, or a learning rate too high, are the usual causes"
            }
            _ => return None,
        })
    }
}

impl fmt::Display for FlowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FlowError::Setting(error) => error.fmt(f),
            FlowError::Unsuitable(error) => error.fmt(f),
            FlowError::OneValue => {
                f.write_str("a coupling lets some values of a row condition the others, and these rows have one value")
            }
            FlowError::ConstantColumns { first, columns } => {
                write!(f, "column {first} (from 0) is constant")?;
                match columns.saturating_sub(1) {
                    0 => {}
                    1 => f.write_str(", and so is another")?,
                    others => write!(f, ", and so are {others} others")?,
                }
                f.write_str(": a density grows without bound along it")
            }
            FlowError::Levels => {
                f.write_str("the data is grey levels, on which a density of real numbers grows without bound")
            }
            FlowError::LevelCount { data: Some(data), model } => {
                write!(f, "the data has {data} grey levels, the model {model}")
            }
            FlowError::LevelCount { data: None, model } => {
                write!(f, "the data has numbers between the {model} grey levels of the model")
            }
            FlowError::UnknownLevels => {
                f.write_str("the data is grey levels stored as fractions: their number is not known")
            }
            FlowError::NoContext => {
                f.write_str("the model is conditional, and the data has neither labels nor targets for it")
            }
            FlowError::Label { label, classes } => {
                write!(f, "the data has the label {label}, the model {classes} classes, from 0 on")
            }
            FlowError::ContextWidth { given, wanted } => {
                write!(f, "{given} numbers to condition on, wanted {wanted}")
            }
            FlowError::NoCode => f.write_str(
                "the base is a mixture: a row has a code for each of its normal distributions, and none of its own",
            ),
            FlowError::NotReal => f.write_str("the model is one of grey levels: single points have no density"),
            FlowError::NoInverse => {
                f.write_str("draws of this flow come one component after the other, through which no gradient is taken")
            }
            FlowError::Target { why } => write!(f, "the target cannot be computed: {why}"),
            FlowError::NonFinite { row } => write!(f, "the log-density of row {row} is NaN or infinite"),
            FlowError::NonFiniteDraw { draw } => write!(f, "draw {draw} is NaN or infinite"),
            FlowError::Snapshot(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for FlowError {}

impl ModelError for FlowError {
    fn hint(&self) -> Option<&'static str> {
        FlowError::hint(self)
    }
}

impl From<SnapshotError> for FlowError {
    fn from(error: SnapshotError) -> Self {
        FlowError::Snapshot(error)
    }
}

impl From<Setting> for FlowError {
    fn from(setting: Setting) -> Self {
        FlowError::Setting(setting)
    }
}

impl From<Unsuitable> for FlowError {
    fn from(error: Unsuitable) -> Self {
        FlowError::Unsuitable(error)
    }
}
