//! The widths of hidden layers: as they are named on the command line, and in words.

use crate::cli::{Failure, size};
use std::fmt;
use std::str::FromStr;

/// The widths of hidden layers, from the data on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Widths(pub Vec<usize>);

impl Widths {
    /// The same layers in the other order.
    pub fn reversed(&self) -> Vec<usize> {
        self.0.iter().rev().copied().collect()
    }
}

impl fmt::Display for Widths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { f.write_str("0") } else { f.write_str(&joined(&self.0, ",")) }
    }
}

impl FromStr for Widths {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim() == "0" {
            return Ok(Widths(Vec::new()));
        }
        let widths: Result<_, _> = text.split(',').map(|width| width.trim().parse()).collect();
        widths.map(Widths).map_err(|_| "wanted widths like 400 or 200,200, or 0 for no hidden layer")
    }
}

/// Refuses an empty layer, and layers on `inputs` numbers that no memory holds. The width of the last one.
pub fn check(hidden: &[usize], inputs: usize) -> Result<usize, Failure> {
    hidden.iter().try_fold(inputs, |inputs, &width| {
        size::check("hidden", width, inputs)?;
        Ok(width)
    })
}

/// The numbers with a separator between them.
fn joined(numbers: &[usize], separator: &str) -> String {
    numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(separator)
}

/// Layers in words: `784-400-20-400-784`.
pub fn layers(parts: &[&[usize]]) -> String {
    joined(&parts.concat(), "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_read_as_they_are_printed() {
        for text in ["0", "400", "200,100"] {
            assert_eq!(text.parse::<Widths>().unwrap().to_string(), text);
        }
        assert_eq!(" 200, 100".parse::<Widths>().unwrap().reversed(), [100, 200]);
        for wrong in ["", " ", "x", "-1", "200;100", "200,"] {
            assert!(wrong.parse::<Widths>().is_err(), "{wrong}");
        }
    }
}
