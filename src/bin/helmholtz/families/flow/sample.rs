//! Draws of a flow: of the base, and back; of a conditional one given classes.

use crate::cli::Failure;
use crate::contract::{Draws, SampleAsk, Sampler};
use helmholtz::Seed;
use helmholtz::flow::{Conditioning, Flow};

impl Sampler for Flow {
    fn options(&self) -> &'static [&'static str] {
        match self.config().conditioning {
            Conditioning::Labels { .. } => &["class"],
            Conditioning::None | Conditioning::Targets { .. } => &[],
        }
    }

    fn sample(&self, ask: &SampleAsk<'_>) -> Result<Draws, Failure> {
        let draws = given(self, ask.count, ask.options.class, ask.seed.derive("samples", 0))?;
        let mut method = format!("independent, from the base {}", self.config().base);
        if let Conditioning::Labels { classes } = self.config().conditioning {
            method += &match ask.options.class {
                Some(class) => format!(", given class {class}"),
                None => format!(", given the {classes} classes in turn"),
            };
        }
        Ok(Draws::of_floats(draws, method))
    }
}

/// `count` draws; of a flow that is conditioned on labels given this class, or all classes in turn.
pub fn given(flow: &Flow, count: usize, class: Option<u16>, seed: Seed) -> Result<Vec<f32>, Failure> {
    let Conditioning::Labels { classes } = flow.config().conditioning else {
        return Ok(Flow::sample(flow, count, seed)?);
    };
    if let Some(class) = class.filter(|class| usize::from(*class) >= classes) {
        return Err(Failure::new(format!("--class is {class}, but the model knows 0 to {}", classes - 1)));
    }
    let labels: Vec<u16> = (0..count).map(|row| class.unwrap_or((row % classes) as u16)).collect();
    Ok(flow.sample_given(count, &flow.context_of(&labels)?, seed)?)
}
