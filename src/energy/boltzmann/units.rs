//! The values of units.

use std::fmt;
use std::str::FromStr;

/// The two values of a unit. States are bits whichever they are: bit 1 is the upper value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Units {
    /// 0 and 1.
    #[default]
    Binary,
    /// −1 and 1.
    Spin,
}

impl fmt::Display for Units {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Units::Binary => "binary",
            Units::Spin => "spin",
        })
    }
}

impl FromStr for Units {
    type Err = String;
    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "binary" => Ok(Units::Binary),
            "spin" => Ok(Units::Spin),
            _ => Err(format!("{name:?} is none of binary, spin")),
        }
    }
}
