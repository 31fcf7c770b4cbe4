//! Settings and their ranges: one value says which setting was wrong, whatever it is a setting of.

use std::fmt;

/// A setting out of its range: its name, the value given, and the values that would do.
///
/// ```
/// use helmholtz::Setting;
/// let wrong = Setting::new("the batch size", 0, "at least 1");
/// assert_eq!(wrong.to_string(), "the batch size is 0, but must be at least 1");
/// assert_eq!(Setting::positive("the learning rate", 0.1), Ok(()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Setting {
    /// Its name, as a sentence would have it: "the learning rate".
    pub name: &'static str,
    /// The value given.
    pub given: String,
    /// The values that would do.
    pub wanted: &'static str,
}

impl Setting {
    /// The setting `name`, which is `given` but must be `wanted`.
    pub fn new(name: &'static str, given: impl fmt::Display, wanted: &'static str) -> Self {
        Setting { name, given: given.to_string(), wanted }
    }

    /// Checks that x > 0, finite.
    ///
    /// # Errors
    /// Where it is not.
    pub fn positive(name: &'static str, given: impl Into<f64> + fmt::Display + Copy) -> Result<(), Self> {
        let x: f64 = given.into();
        Self::check(x > 0.0 && x.is_finite(), name, given, "a positive number")
    }

    /// Checks that x ≥ 0, finite.
    ///
    /// # Errors
    /// Where it is not.
    pub fn not_negative(name: &'static str, given: impl Into<f64> + fmt::Display + Copy) -> Result<(), Self> {
        let x: f64 = given.into();
        Self::check(x >= 0.0 && x.is_finite(), name, given, "0 or a positive number")
    }

    /// Checks that 0 ≤ x < 1.
    ///
    /// # Errors
    /// Where it is not.
    pub fn fraction(name: &'static str, given: impl Into<f64> + fmt::Display + Copy) -> Result<(), Self> {
        Self::check((0.0..1.0).contains(&given.into()), name, given, "at least 0 and below 1")
    }

    /// Checks that there is at least one.
    ///
    /// # Errors
    /// Where there is none.
    pub fn at_least_one(name: &'static str, given: usize) -> Result<(), Self> {
        Self::check(given > 0, name, given, "at least 1")
    }

    /// `Ok` where the value given is `good`, else the setting.
    ///
    /// # Errors
    /// Where it is not.
    pub fn check(
        good: bool,
        name: &'static str,
        given: impl fmt::Display,
        wanted: &'static str,
    ) -> Result<(), Self> {
        if good { Ok(()) } else { Err(Self::new(name, given, wanted)) }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}, but must be {}", self.name, self.given, self.wanted)
    }
}

impl std::error::Error for Setting {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_what_they_say() {
        assert_eq!(Setting::positive("x", f32::MIN_POSITIVE), Ok(()));
        assert_eq!(Setting::not_negative("x", 0.0), Ok(()));
        assert_eq!(Setting::fraction("x", 0.0), Ok(()));
        assert_eq!(Setting::at_least_one("x", 1), Ok(()));
        for wrong in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Setting::positive("x", wrong).is_err(), "{wrong}");
        }
        for wrong in [-1e-9, f64::NAN, f64::INFINITY] {
            assert!(Setting::not_negative("x", wrong).is_err(), "{wrong}");
        }
        for wrong in [-0.1, 1.0, f64::NAN] {
            assert!(Setting::fraction("x", wrong).is_err(), "{wrong}");
        }
        let said = Setting::at_least_one("the number of chains", 0).unwrap_err();
        assert_eq!(said.to_string(), "the number of chains is 0, but must be at least 1");
    }
}
