//! Dropout: a random mask over the units of a layer, an input like any other randomness of a program.

use crate::autodiff::{Program, Var};
use crate::random::Lanes;
use std::fmt;

/// Dropout (Srivastava et al. 2014), inverted: while training a unit is zero with probability `rate`, else divided by
/// 1 − `rate`, so that its mean is as without.
///
/// ```
/// use helmholtz::{Seed, autodiff::Program, nn::Dropout, store::Store};
/// let dropout = Dropout::new(0.5)?;
/// let store = Store::new();
/// let mut program = Program::record(&store, |tape| {
///     let x = tape.input_with("x", [2, 64], &[1.0; 128]);
///     tape.output("y", dropout.apply(x, "mask"));
/// });
/// program.evaluate(&store);
/// assert_eq!(program.output("y"), [1.0; 128]);
///
/// dropout.fill(&mut program, "mask", &mut Seed(1).lanes("dropout", 0));
/// program.evaluate(&store);
/// assert!(program.output("y").iter().all(|y| [0.0, 2.0].contains(y)));
/// # Ok::<(), helmholtz::nn::DropoutError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    rate: f32,
}

impl Dropout {
    /// With the probability that a unit is dropped; at 0 nothing is.
    ///
    /// # Errors
    /// Unless 0 ≤ `rate` < 1.
    pub fn new(rate: f32) -> Result<Self, DropoutError> {
        if (0.0..1.0).contains(&rate) { Ok(Dropout { rate }) } else { Err(DropoutError { rate }) }
    }

    /// The probability that a unit is dropped.
    pub fn rate(self) -> f32 {
        self.rate
    }

    /// x times a mask of its shape, which becomes an input of this name and drops nothing until it is
    /// [filled](Self::fill). At rate 0 x itself, without such an input.
    ///
    /// # Panics
    /// When the tape has an input of that name.
    #[track_caller]
    pub fn apply<'t>(self, x: Var<'t>, mask: &str) -> Var<'t> {
        if self.rate == 0.0 {
            return x;
        }
        x * x.tape().input_with(mask, x.shape(), &vec![1.0; x.shape().elements()])
    }

    /// Draws the mask anew. Fill it with ones to drop nothing.
    ///
    /// # Panics
    /// When the program has no such input.
    #[track_caller]
    pub fn fill(self, program: &mut Program, mask: &str, lanes: &mut Lanes) {
        if self.rate == 0.0 {
            return;
        }
        let (mask, kept) = (program.input_mut(mask), 1.0 / (1.0 - self.rate));
        lanes.fill_uniform(mask);
        mask.iter_mut().for_each(|unit| *unit = if *unit < self.rate { 0.0 } else { kept });
    }
}

/// A rate that is no probability below 1.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct DropoutError {
    /// The rate.
    pub rate: f32,
}

impl fmt::Display for DropoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a dropout rate of {}, wanted one from 0 on and below 1", self.rate)
    }
}

impl std::error::Error for DropoutError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;
    use crate::store::Store;

    #[test]
    fn units_are_dropped_at_the_rate_and_keep_their_mean() {
        let store = Store::new();
        for rate in [0.1f32, 0.5, 0.9] {
            let dropout = Dropout::new(rate).unwrap();
            let mut program = Program::record(&store, |tape| {
                tape.output("y", dropout.apply(tape.input("x", [100, 1000]), "mask"));
            });
            dropout.fill(&mut program, "mask", &mut Seed(4).lanes("dropout", 0));
            let mask = program.input_mut("mask");
            let (dropped, rate) = (mask.iter().filter(|unit| **unit == 0.0).count() as f64, f64::from(rate));
            // Five standard errors of a binomial count: chance exceeds them 6 times in 10⁷.
            assert!((dropped - 1e5 * rate).abs() < 5.0 * (1e5 * rate * (1.0 - rate)).sqrt(), "{dropped} of 10⁵");
            assert!(mask.iter().all(|unit| [0.0, 1.0 / (1.0 - rate as f32)].contains(unit)));
        }
    }

    #[test]
    fn without_a_rate_there_is_no_mask() {
        let (store, dropout) = (Store::new(), Dropout::new(0.0).unwrap());
        let mut program = Program::record(&store, |tape| {
            let x = tape.input_with("x", [2], &[3.0, 4.0]);
            tape.output("y", dropout.apply(x, "mask"));
        });
        dropout.fill(&mut program, "mask", &mut Seed(4).lanes("dropout", 0));
        assert_eq!(program.output("y"), [3.0, 4.0]);
    }

    #[test]
    fn a_rate_is_a_probability_below_one() {
        for rate in [-0.1, 1.0, f32::NAN, f32::INFINITY] {
            assert!(Dropout::new(rate).is_err());
        }
        let said = Dropout::new(1.5).unwrap_err().to_string();
        assert_eq!(said, "a dropout rate of 1.5, wanted one from 0 on and below 1");
    }
}
