//! What the latent variable may be distributed as: the families of q(z | x) and of p(z).

use crate::Setting;
use crate::nn::check_width;
use std::fmt;
use std::str::FromStr;

/// The family of q(z | x).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Posterior {
    /// N(μ(x), diag e^s(x)).
    #[default]
    Gaussian,
    /// An inverse autoregressive flow (Kingma et al. 2016): draws z₀ of that normal distribution go through masked affine steps, whose networks
    /// also read the last hidden layer of the encoder. A draw and its density take one pass; a given z is led back to z₀ one component
    /// after the other.
    Iaf {
        /// Steps, every second one with the components in reverse order.
        steps: usize,
        /// Hidden units of each step's network.
        units: usize,
    },
}

/// The family of p(z).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Prior {
    /// N(0, I).
    #[default]
    Normal,
    /// A masked autoregressive flow (Papamakarios, Pavlakou & Murray 2017), learned with the decoder: z goes through masked affine steps to u from
    /// N(0, I). A density takes one pass, a draw one component after the other.
    Flow {
        /// Steps, every second one with the components in reverse order.
        steps: usize,
        /// Hidden units of each step's network.
        units: usize,
    },
}

const STEPS: usize = 2;
const UNITS: usize = 256;

impl Posterior {
    /// Checks both numbers.
    ///
    /// # Errors
    /// Names the one that is 0 or absurd.
    pub fn check(self) -> Result<(), Setting> {
        let Posterior::Iaf { steps, units } = self else { return Ok(()) };
        check_width("the number of steps of the posterior", steps)?;
        check_width("the number of hidden units of a step of the posterior", units)
    }
}

impl Prior {
    /// Checks both numbers.
    ///
    /// # Errors
    /// Names the one that is 0 or absurd.
    pub fn check(self) -> Result<(), Setting> {
        let Prior::Flow { steps, units } = self else { return Ok(()) };
        check_width("the number of steps of the prior", steps)?;
        check_width("the number of hidden units of a step of the prior", units)
    }
}

/// The numbers of `NAME:STEPS:UNITS`, of which both may be left out.
fn steps_of(text: &str, name: &str) -> Option<(usize, usize)> {
    let mut numbers = match text.strip_prefix(name)? {
        "" => "".split(':'),
        rest => rest.strip_prefix(':')?.split(':'),
    };
    let mut next = |usual: usize| match numbers.next() {
        None | Some("") => Some(usual),
        Some(number) => number.parse().ok(),
    };
    let found = (next(STEPS)?, next(UNITS)?);
    numbers.next().is_none().then_some(found)
}

/// The name that [`FromStr`] reads: `gaussian`, or `iaf:STEPS:UNITS`, of which both numbers may be left out.
impl fmt::Display for Posterior {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Posterior::Gaussian => f.write_str("gaussian"),
            Posterior::Iaf { steps, units } => write!(f, "iaf:{steps}:{units}"),
        }
    }
}

impl FromStr for Posterior {
    type Err = Setting;
    fn from_str(name: &str) -> Result<Self, Setting> {
        let found = match name {
            "gaussian" => Some(Posterior::Gaussian),
            _ => steps_of(name, "iaf").map(|(steps, units)| Posterior::Iaf { steps, units }),
        };
        found.ok_or_else(|| Setting::new("the posterior", name, "gaussian, iaf or iaf:STEPS:UNITS"))
    }
}

/// The name that [`FromStr`] reads: `normal`, or `flow:STEPS:UNITS`, of which both numbers may be left out.
impl fmt::Display for Prior {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Prior::Normal => f.write_str("normal"),
            Prior::Flow { steps, units } => write!(f, "flow:{steps}:{units}"),
        }
    }
}

impl FromStr for Prior {
    type Err = Setting;
    fn from_str(name: &str) -> Result<Self, Setting> {
        let found = match name {
            "normal" => Some(Prior::Normal),
            _ => steps_of(name, "flow").map(|(steps, units)| Prior::Flow { steps, units }),
        };
        found.ok_or_else(|| Setting::new("the prior", name, "normal, flow or flow:STEPS:UNITS"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back() {
        for posterior in [Posterior::Gaussian, Posterior::Iaf { steps: 3, units: 7 }] {
            assert_eq!(posterior.to_string().parse(), Ok(posterior));
        }
        for prior in [Prior::Normal, Prior::Flow { steps: 3, units: 7 }] {
            assert_eq!(prior.to_string().parse(), Ok(prior));
        }
        assert_eq!("iaf".parse(), Ok(Posterior::Iaf { steps: 2, units: 256 }));
        assert_eq!("flow:4".parse(), Ok(Prior::Flow { steps: 4, units: 256 }));
        for wrong in ["planar", "iaf2", "iaf:x", "iaf:2:3:4", "iaf:-1"] {
            let said = wrong.parse::<Posterior>().unwrap_err().to_string();
            assert_eq!(said, format!("the posterior is {wrong}, but must be gaussian, iaf or iaf:STEPS:UNITS"));
        }
        let said = "vamp".parse::<Prior>().unwrap_err().to_string();
        assert_eq!(said, "the prior is vamp, but must be normal, flow or flow:STEPS:UNITS");
        let said = Prior::Flow { steps: 0, units: 3 }.check().unwrap_err().to_string();
        assert!(said.starts_with("the number of steps of the prior is 0"), "{said}");
        assert!(Posterior::Iaf { steps: 1, units: 0 }.check().is_err());
    }
}
