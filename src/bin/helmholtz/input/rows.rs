//! Which rows of which data a command looks at.

use super::data;
use super::data::{Binarize, Reading};
use super::labels::LabelSource;
use crate::cli::{Console, Failure, Report};
use clap::{Args, ValueEnum};
use helmholtz::Seed;
use helmholtz::data::{Dataset, Holdout};
use helmholtz::tensor::BitMatrix;
use std::path::PathBuf;

/// Which rows of which data a command looks at.
#[derive(Args, Clone, Debug, Default)]
#[group(skip)]
pub struct RowChoice {
    /// Data; of a single file all rows are the test split [default: what the model was trained on]
    pub data: Option<String>,
    /// Which part of it.
    #[command(flatten)]
    pub selection: Selection,
}

/// Which rows of the data, and how they are read.
#[derive(Args, Clone, Debug, Default)]
#[group(skip)]
pub struct Selection {
    /// Which rows
    #[arg(long, value_enum, default_value_t)]
    split: Split,
    /// How grey levels become 0 and 1 [default: as in training]
    #[arg(long, value_enum, value_name = "HOW")]
    pub binarize: Option<Binarize>,
    /// Labels of the rows, of models given labels: the data's own, or those of FILE: IDX, .npy, or text of one a line [default: as in
    /// training, else the data's own]
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    pub labels: Option<Option<PathBuf>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Split {
    /// the rows for testing
    #[default]
    Test,
    /// the rows for training, those held out included
    Train,
    /// the rows that training held out with --validation
    Validation,
}

/// The rows that training held out: how many, and the seed that chose them.
pub type HeldOut = (Holdout, Seed);

/// The rows chosen.
pub struct Rows {
    /// The rows.
    pub rows: Dataset<'static>,
    /// The name of the data.
    pub name: String,
    /// The part of the data that they are: `test`, `train` or `validation`.
    pub split: &'static str,
    /// How they are read.
    pub binarize: Binarize,
}

impl RowChoice {
    /// The test rows of the data named.
    pub fn test(data: Option<&str>) -> Self {
        RowChoice { data: data.map(str::to_owned), ..RowChoice::default() }
    }

    /// The same rows of the data named, read as `binarize` says.
    pub fn same_of(&self, data: &str, binarize: Option<Binarize>) -> Self {
        RowChoice { data: Some(data.to_owned()), selection: Selection { binarize, ..self.selection.clone() } }
    }

    /// The training rows, read the same way.
    pub fn train(&self) -> Self {
        RowChoice { selection: Selection { split: Split::Train, ..self.selection.clone() }, ..self.clone() }
    }

    /// Whether these are rows that a training held out, which another may have trained on.
    pub fn is_held_out(&self) -> bool {
        self.selection.split == Split::Validation
    }

    /// The rows of `data`, which is called `name`, read as `reading` says; `held_out` of its training
    /// rows were held out, and its labels are those of `labels`.
    pub fn of(
        &self,
        data: &Dataset<'static>,
        name: String,
        reading: Reading,
        held_out: Option<HeldOut>,
        labels: Option<&LabelSource>,
        console: &Console,
    ) -> Result<Rows, Failure> {
        data::refuse_bits_of_reals(data, self.selection.binarize)?;
        let data = reading.of(data)?;
        let data = labels.map_or_else(|| Ok(data.clone()), |labels| labels.of(&data))?;
        data::check_bits(&data, console)?;
        let (rows, split) = match self.selection.split {
            Split::Validation => {
                let (holdout, seed) = held_out.ok_or_else(|| {
                    Failure::new("--split validation: training held no rows of this data out")
                        .hint("helmholtz train with --validation 0.1 does")
                })?;
                (data.train().split_validation(holdout, seed)?.1, "validation")
            }
            Split::Test => (data.test(), "test"),
            Split::Train => (data.train(), "train"),
        };
        Ok(Rows { rows, name, split, binarize: reading.binarize })
    }
}

impl Rows {
    /// The first `count` rows.
    pub fn first(&self, count: usize) -> Dataset<'static> {
        self.rows.subset(0..count.min(self.rows.len()))
    }

    /// The rows as bits, if they are as wide as a model of `width` visible units; grey levels are drawn.
    pub fn bits(&self, width: usize) -> Result<BitMatrix, Failure> {
        data::bits_for(&self.rows, width, &self.name)
    }

    /// The failure of a model that the rows do not fit.
    pub fn unfit(&self, error: impl Into<Failure>) -> Failure {
        let made_for = "is this the data the model was made for?";
        error.into().about(&self.name).or_hint(match self.rows.is_real() {
            true => made_for.to_owned(),
            false => format!("{made_for} --binarize says how grey levels are read"),
        })
    }

    /// Says which rows they are.
    pub fn report(&self, report: &mut Report) {
        report.figure("data", self.name.clone());
        report.figure("split", self.split);
    }
}
