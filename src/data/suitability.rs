//! Suitability: whether the rows of a dataset are of the width and the kind that a model takes.

use super::dataset::Dataset;
use std::fmt;

/// The kinds of values a model can take, from the narrowest support to the widest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// 0 and 1: stored so, or binarised grey levels. The likelihood of a Bernoulli model is one of bits.
    Bits,
    /// Bits and grey levels in [0, 1], which are probabilities of bits: a Bernoulli model trains on them.
    Probabilities,
    /// Numbers of any size as they were measured: a Gaussian model. Grey levels that are binarised are refused; a source
    /// that holds nothing but bits is not.
    Measured,
    /// Real numbers and grey levels that stay as they are: a density, which bits have none of.
    Density,
}

/// The rows a model takes: their width and the kind of their values.
///
/// ```
/// use helmholtz::data::{Binarization, Dataset, Unsuitable, Values, Wanted};
/// let wanted = Wanted { width: 64, values: Values::Bits };
/// let digits = Dataset::digits();
/// assert_eq!(wanted.check(&digits.binarized(Binarization::Threshold)), Ok(()));
/// assert_eq!(wanted.check(&digits.binarized(Binarization::None)), Err(Unsuitable::Grey));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Values a row.
    pub width: usize,
    /// Their kind.
    pub values: Values,
}

impl Wanted {
    /// Whether `data` has rows, and they are such rows. Looks at the kind of the data, never at its rows.
    ///
    /// # Errors
    /// The first of: another width, no rows, values of another kind.
    pub fn check(&self, data: &Dataset<'_>) -> Result<(), Unsuitable> {
        check_width(data.width(), self.width)?;
        self.values.check(data)
    }

    /// [`check`](Self::check) of a model that takes rows with missing values.
    ///
    /// # Errors
    /// As [`check`](Self::check), but for these.
    pub fn check_observed(&self, data: &Dataset<'_>) -> Result<(), Unsuitable> {
        check_width(data.width(), self.width)?;
        self.values.check_observed(data)
    }
}

impl Values {
    /// Whether `data` has rows, and their values are of this kind, whatever their width.
    ///
    /// # Errors
    /// Where there are no rows, values of another kind, or missing ones.
    pub fn check(self, data: &Dataset<'_>) -> Result<(), Unsuitable> {
        self.check_observed(data)?;
        match data.first_missing() {
            Some([row, column]) => Err(Unsuitable::Missing { row, column }),
            None => Ok(()),
        }
    }

    /// [`check`](Self::check) of a model that takes rows with missing values.
    ///
    /// # Errors
    /// Where there are no rows, or values of another kind.
    pub fn check_observed(self, data: &Dataset<'_>) -> Result<(), Unsuitable> {
        if data.is_empty() {
            return Err(Unsuitable::NoRows);
        }
        let largest = data.largest();
        match self {
            Values::Bits | Values::Probabilities if data.is_real() => Err(Unsuitable::Real),
            Values::Bits if data.is_grey() => Err(Unsuitable::Grey),
            Values::Probabilities if largest > 1.0 => Err(Unsuitable::Support { largest }),
            Values::Measured | Values::Density if data.is_binarized() => Err(Unsuitable::Binarized),
            Values::Density if data.is_binary() => Err(Unsuitable::Bits),
            _ => Ok(()),
        }
    }
}

/// Whether rows of `data` values suit a model of `model` values a row.
///
/// # Errors
/// [`Unsuitable::Width`] where they do not.
pub fn check_width(data: usize, model: usize) -> Result<(), Unsuitable> {
    if data == model { Ok(()) } else { Err(Unsuitable::Width { data, model }) }
}

/// Why data does not suit a model. Displayed as one line.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Unsuitable {
    /// Rows of another width.
    Width {
        /// Values a row of the data.
        data: usize,
        /// Values a row of the model.
        model: usize,
    },
    /// No rows.
    NoRows,
    /// Grey levels where bits are wanted.
    Grey,
    /// Real numbers where bits or their probabilities are wanted.
    Real,
    /// Bits where a density is wanted.
    Bits,
    /// Binarised grey levels where the levels themselves are wanted.
    Binarized,
    /// Missing values where whole rows are wanted.
    Missing {
        /// The row of the first of them.
        row: usize,
        /// Its column.
        column: usize,
    },
    /// Numbers above 1 where probabilities are wanted.
    Support {
        /// The largest number a row of the data can hold.
        largest: f32,
    },
}

impl Unsuitable {
    /// A hint of one line, where something usually helps.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Unsuitable::Grey => Some("binarise the data, or choose a Gaussian likelihood"),
            Unsuitable::Real => {
                Some("a flow, a neural energy or a VAE with a Gaussian likelihood learns real numbers")
            }
            Unsuitable::Bits => Some("an RBM, a Boltzmann machine or a VAE learns bits"),
            Unsuitable::Binarized => Some("read the grey levels as they are, or choose a Bernoulli likelihood"),
            Unsuitable::Support { .. } => Some("read the data on the unit scale, or choose a Gaussian likelihood"),
            Unsuitable::Missing { .. } => Some("a VAE whose encoder sees masks learns from what is there"),
            Unsuitable::Width { .. } | Unsuitable::NoRows => None,
        }
    }
}

impl fmt::Display for Unsuitable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unsuitable::Width { data, model } => {
                write!(f, "the data has {data} values a row, the model {model}")
            }
            Unsuitable::NoRows => f.write_str("the data has no rows"),
            Unsuitable::Grey => f.write_str("the data is grey levels, and the model gives a likelihood to bits"),
            Unsuitable::Real => f.write_str("the data is real numbers, and the model is one of bits"),
            Unsuitable::Bits => f.write_str("the data is bits, and the model is a density of real numbers"),
            Unsuitable::Binarized => {
                f.write_str("the data is bits of grey levels, and the model is a density of real numbers")
            }
            Unsuitable::Missing { row, column } => {
                write!(
                    f,
                    "the data has missing values (row {row}, column {column} is NaN or hidden), and the model wants whole rows"
                )
            }
            Unsuitable::Support { largest } => {
                write!(f, "the model needs numbers from 0 to 1, the data go up to {largest}")
            }
        }
    }
}

impl std::error::Error for Unsuitable {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Binarization, Scale};

    /// Every kind of data beside every kind of model.
    #[test]
    fn each_kind_of_data_suits_the_models_it_should() {
        let bits = Dataset::bars(2).unwrap();
        let grey = Dataset::from_f32(vec![0.6, 0.9, 0.1, 0.2], &[1, 4]).unwrap().binarized(Binarization::None);
        let raw = Dataset::from_u8(vec![0, 3, 16, 8], &[1, 4], 16)
            .unwrap()
            .binarized(Binarization::None)
            .scaled(Scale::Raw);
        let real = Dataset::from_real(vec![-3.0, 2.0, 0.0, 1.0], &[1, 4]).unwrap();
        let wanted = [Values::Bits, Values::Probabilities, Values::Measured, Values::Density];
        let support = Err(Unsuitable::Support { largest: 16.0 });
        let (grey_levels, numbers, binarized) =
            (Err(Unsuitable::Grey), Err(Unsuitable::Real), Err(Unsuitable::Binarized));
        for (data, answers) in [
            (bits.clone(), [Ok(()), Ok(()), Ok(()), Err(Unsuitable::Bits)]),
            (bits.binarized(Binarization::None), [Ok(()), Ok(()), Ok(()), Err(Unsuitable::Bits)]),
            (grey.binarized(Binarization::Threshold), [Ok(()), Ok(()), binarized, binarized]),
            (grey.binarized(Binarization::Sample), [Ok(()), Ok(()), binarized, binarized]),
            (grey.clone(), [grey_levels, Ok(()), Ok(()), Ok(())]),
            (raw, [grey_levels, support, Ok(()), Ok(())]),
            (real, [numbers, numbers, Ok(()), Ok(())]),
        ] {
            for (values, answer) in wanted.into_iter().zip(answers) {
                assert_eq!(Wanted { width: 4, values }.check(&data), answer, "{values:?} of {data:?}");
                let width = Unsuitable::Width { data: 4, model: 5 };
                assert_eq!(Wanted { width: 5, values }.check(&data), Err(width));
                assert_eq!(values.check(&data.subset(0..0)), Err(Unsuitable::NoRows));
            }
        }
    }

    #[test]
    fn faults_are_told_in_one_line() {
        let faults = [
            Unsuitable::Width { data: 64, model: 2 },
            Unsuitable::NoRows,
            Unsuitable::Grey,
            Unsuitable::Real,
            Unsuitable::Bits,
            Unsuitable::Binarized,
            Unsuitable::Support { largest: 16.0 },
            Unsuitable::Missing { row: 3, column: 4 },
        ];
        for fault in faults {
            assert!(fault.to_string().starts_with("the ") && !fault.to_string().contains('\n'), "{fault}");
            assert!(fault.hint().is_none_or(|hint| !hint.contains("--") && !hint.contains('\n')));
        }
        assert_eq!(faults[0].to_string(), "the data has 64 values a row, the model 2");
        assert_eq!(faults[6].to_string(), "the model needs numbers from 0 to 1, the data go up to 16");
    }
}
