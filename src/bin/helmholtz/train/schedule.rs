//! How the learning rate falls, as it is named on the command line.

use helmholtz::optim::Decay;
use std::fmt;
use std::str::FromStr;

/// `constant`, `linear`, `cosine` or `step:EVERY,FACTOR`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fall(pub Decay);

impl fmt::Display for Fall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Decay::Constant => f.write_str("constant"),
            Decay::Linear => f.write_str("linear"),
            Decay::Cosine => f.write_str("cosine"),
            Decay::Step { every, factor } => write!(f, "step:{every},{factor}"),
        }
    }
}

impl FromStr for Fall {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wanted = "wanted constant, linear, cosine, or step:EVERY,FACTOR like step:1000,0.5";
        let step = |text: &str| {
            let (every, factor) = text.strip_prefix("step:")?.split_once(',')?;
            let (every, factor): (u64, f32) = (every.trim().parse().ok()?, factor.trim().parse().ok()?);
            (every > 0 && factor > 0.0 && factor <= 1.0).then_some(Decay::Step { every, factor })
        };
        match text {
            "constant" => Ok(Fall(Decay::Constant)),
            "linear" => Ok(Fall(Decay::Linear)),
            "cosine" => Ok(Fall(Decay::Cosine)),
            _ => step(text).map(Fall).ok_or(wanted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn falls_are_read_as_they_are_printed() {
        for text in ["constant", "linear", "cosine", "step:1000,0.5"] {
            assert_eq!(text.parse::<Fall>().unwrap().to_string(), text);
        }
        for wrong in ["", "step", "step:0,0.5", "step:10,0", "step:10,1.5", "step:10,NaN", "step:x,1", "fast"] {
            assert!(wrong.parse::<Fall>().is_err(), "{wrong}");
        }
    }
}
