//! Which rows of which data a command looks at.

use crate::data::{self, Binarize};
use crate::failure::Failure;
use crate::model::Loaded;
use clap::{Args, ValueEnum};
use helmholtz::data::Dataset;

/// Which rows of which data a command looks at.
#[derive(Args, Debug)]
#[group(skip)]
pub struct RowChoice {
    /// Data; of a single file all rows are the test split [default: what the model was trained on]
    data: Option<String>,
    /// Which rows
    #[arg(long, value_enum, default_value_t = Split::Test)]
    split: Split,
    /// How grey levels become 0 and 1 [default: as in training]
    #[arg(long, value_enum, value_name = "HOW")]
    binarize: Option<Binarize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Split {
    /// the rows for testing
    Test,
    /// the rows for training, those held out included
    Train,
}

/// The rows chosen.
pub struct Rows {
    /// The rows.
    pub rows: Dataset<'static>,
    /// What the data is called.
    pub name: String,
    /// Which part of the data they are: `test` or `train`.
    pub split: &'static str,
    /// How they are read.
    pub binarize: Binarize,
}

impl RowChoice {
    /// The rows, read as `loaded` was trained unless told otherwise.
    pub fn open(&self, loaded: &Loaded) -> Result<Rows, Failure> {
        let reading = loaded.reading(self.binarize);
        let name = loaded.data_name(self.data.as_deref())?;
        let data = data::open(&name, loaded.domain())?;
        data::refuse_bits_of_reals(&data, self.binarize)?;
        let data = reading.of(&data)?;
        let (rows, split) = match self.split {
            Split::Test => (data.test(), "test"),
            Split::Train => (data.train(), "train"),
        };
        Ok(Rows { rows, name, split, binarize: reading.binarize })
    }
}
