//! Which instruction set this process computes on.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

/// An instruction set the kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Isa {
    /// 8-lane vectors of the `wide` crate, compiled for the target's baseline.
    Portable,
    /// AVX2 and FMA, 8 lanes.
    Avx2,
    /// AVX-512 (F, BW, DQ, VL), 16 lanes.
    Avx512,
}

/// Why an instruction set cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IsaError {
    /// `HELMHOLTZ_ISA` holds no instruction set's name.
    Unknown(String),
    /// This CPU lacks it.
    Unsupported(Isa),
}

impl fmt::Display for IsaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IsaError::Unknown(name) => {
                write!(f, "HELMHOLTZ_ISA={name} is none of portable, avx2, avx512")
            }
            IsaError::Unsupported(isa) => {
                write!(f, "HELMHOLTZ_ISA={isa}, but this CPU does not have it")
            }
        }
    }
}

impl std::error::Error for IsaError {}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Isa::Portable => "portable",
            Isa::Avx2 => "avx2",
            Isa::Avx512 => "avx512",
        })
    }
}

impl FromStr for Isa {
    type Err = IsaError;
    fn from_str(name: &str) -> Result<Self, IsaError> {
        match name {
            "portable" => Ok(Isa::Portable),
            "avx2" => Ok(Isa::Avx2),
            "avx512" => Ok(Isa::Avx512),
            _ => Err(IsaError::Unknown(name.to_owned())),
        }
    }
}

impl Isa {
    /// Every instruction set there is code for, the slowest first.
    pub const ALL: [Isa; 3] = [Isa::Portable, Isa::Avx2, Isa::Avx512];

    /// Whether this CPU has it.
    pub fn is_supported(self) -> bool {
        match self {
            Isa::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => super::Avx2::new().is_some(),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => super::Avx512::new().is_some(),
            #[cfg(not(target_arch = "x86_64"))]
            Isa::Avx2 | Isa::Avx512 => false,
        }
    }

    /// The best instruction set of this CPU, or the one `HELMHOLTZ_ISA` names. The variable is read once.
    ///
    /// # Errors
    /// Where the variable names none, or one this CPU lacks.
    pub fn select() -> Result<Isa, IsaError> {
        static CHOICE: OnceLock<Result<Isa, IsaError>> = OnceLock::new();
        CHOICE
            .get_or_init(|| match std::env::var("HELMHOLTZ_ISA") {
                Ok(name) => {
                    let isa: Isa = name.parse()?;
                    if isa.is_supported() { Ok(isa) } else { Err(IsaError::Unsupported(isa)) }
                }
                Err(std::env::VarError::NotUnicode(name)) => {
                    Err(IsaError::Unknown(name.to_string_lossy().into_owned()))
                }
                Err(std::env::VarError::NotPresent) => {
                    Ok(Isa::ALL.into_iter().rfind(|isa| isa.is_supported()).unwrap_or(Isa::Portable))
                }
            })
            .clone()
    }

    /// The instruction set of this process. Panics with one line where [`select`](Self::select) fails; a program that
    /// wants to say it kindly asks that first.
    #[inline]
    pub fn current() -> Isa {
        static CURRENT: OnceLock<Isa> = OnceLock::new();
        *CURRENT.get_or_init(|| match Self::select() {
            Ok(isa) => isa,
            Err(error) => panic!("{error}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_printed() {
        for isa in Isa::ALL {
            assert_eq!(isa.to_string().parse::<Isa>(), Ok(isa));
        }
        assert!("sse9".parse::<Isa>().is_err());
    }
}
