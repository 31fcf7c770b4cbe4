//! How a model of tensors descends, as the command line says it: Adam's rate, its schedule, clipping, decay, average.

use super::settings::Settings;
use crate::cli::Failure;
use clap::{Arg, Args};
use helmholtz::optim::{Adam, Decay, Descent, Schedule};
use std::fmt;
use std::str::FromStr;

/// How a model of tensors descends.
#[derive(Args, Debug)]
#[group(skip)]
pub struct DescentOptions {
    /// Adam's learning rate
    #[arg(long, value_name = "RATE", allow_negative_numbers = true, help_heading = "Learning")]
    learning_rate: Option<f32>,
    /// How it falls: constant, linear, cosine, or step:EVERY,FACTOR
    #[arg(long, value_name = "HOW", help_heading = "Learning")]
    schedule: Option<Fall>,
    /// Updates in which it rises first
    #[arg(long, value_name = "UPDATES", help_heading = "Learning")]
    warm_up: Option<u64>,
    /// The gradient's largest norm, a longer one is shortened to it; 0: as it is
    #[arg(long, value_name = "NORM", allow_negative_numbers = true, help_heading = "Learning")]
    clip: Option<f64>,
    /// What weights lose in an update, times the rate (AdamW)
    #[arg(long, value_name = "RATE", allow_negative_numbers = true, help_heading = "Learning")]
    weight_decay: Option<f64>,
    /// What an average of the weights, which is kept beside them and becomes the model, keeps in an update; 0: no
    /// average, the weights are the model
    #[arg(long, value_name = "PART", allow_negative_numbers = true, help_heading = "Learning")]
    average: Option<f64>,
}

impl DescentOptions {
    /// An option of the command line, its help ending in the `usual` value where it is one of these.
    pub fn with_defaults(option: Arg, usual: &Descent) -> Arg {
        let default = match option.get_id().as_str() {
            "learning_rate" => usual.learning_rate.to_string(),
            "schedule" => Fall(usual.schedule.decay).to_string(),
            "warm_up" => usual.schedule.warm_up.to_string(),
            "clip" => usual.clip.unwrap_or(0.0).to_string(),
            "weight_decay" => usual.adam.weight_decay.to_string(),
            "average" => usual.average_decay.to_string(),
            _ => return option,
        };
        let help = option.get_help().map(ToString::to_string).unwrap_or_default();
        option.help(format!("{help} [default: {default}]"))
    }

    /// The options as given or as the resumed run has them, else as usual.
    pub fn settle(&self, settings: &mut Settings, usual: &Descent) -> Result<Descent, Failure> {
        let clip = settings.settle("clip", self.clip, usual.clip.unwrap_or(0.0))?;
        let decay = usual.adam.weight_decay;
        Ok(Descent {
            learning_rate: settings.settle("learning-rate", self.learning_rate, usual.learning_rate)?,
            schedule: Schedule {
                decay: settings.settle("schedule", self.schedule, Fall(usual.schedule.decay))?.0,
                warm_up: settings.settle("warm-up", self.warm_up, usual.schedule.warm_up)?,
            },
            adam: Adam { weight_decay: settings.settle("weight-decay", self.weight_decay, decay)?, ..usual.adam },
            clip: (clip != 0.0).then_some(clip),
            average_decay: settings.settle("average", self.average, usual.average_decay)?,
        })
    }
}

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
