//! Activation functions: one set for the product's epilogue and for the tape.

use std::fmt;
use std::str::FromStr;

/// The function a layer ends with, applied element by element.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Activation {
    /// x
    #[default]
    Identity,
    /// max(x, 0); derivative 0 at 0.
    Relu,
    /// x, or this slope ≥ 0 times x below 0; its derivative at 0 is the slope.
    LeakyRelu(f32),
    /// tanh x
    Tanh,
    /// 1 / (1 + e⁻ˣ)
    Sigmoid,
    /// ln(1 + eˣ)
    Softplus,
}

impl Activation {
    /// As messages and files say it, without the slope.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Activation::Identity => "identity",
            Activation::Relu => "relu",
            Activation::LeakyRelu(_) => "leaky_relu",
            Activation::Tanh => "tanh",
            Activation::Sigmoid => "sigmoid",
            Activation::Softplus => "softplus",
        }
    }

    /// Refuses a negative slope: the sign of y would no longer tell the sign of x.
    pub(crate) fn check(self) -> Result<(), String> {
        match self {
            Activation::LeakyRelu(slope) if slope.is_nan() || slope < 0.0 => {
                Err(format!("a slope of {slope}: wanted one of at least 0"))
            }
            _ => Ok(()),
        }
    }

    /// In f64, as plainly as it can be written.
    pub(crate) fn reference(self, x: f64) -> f64 {
        match self {
            Activation::Identity => x,
            Activation::Relu => x.max(0.0),
            Activation::LeakyRelu(slope) => x.max(0.0) + f64::from(slope) * x.min(0.0),
            Activation::Tanh => x.tanh(),
            Activation::Sigmoid => 1.0 / (1.0 + (-x).exp()),
            Activation::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
        }
    }
}

/// The name that [`FromStr`] reads: `identity`, `relu`, `leaky-relu:SLOPE`, `tanh`, `sigmoid` or `softplus`.
impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Activation::LeakyRelu(slope) => write!(f, "leaky-relu:{slope}"),
            plain => f.write_str(plain.name()),
        }
    }
}

impl FromStr for Activation {
    type Err = &'static str;
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let plain =
            [Activation::Identity, Activation::Relu, Activation::Tanh, Activation::Sigmoid, Activation::Softplus];
        let leaky = || {
            let slope: f32 = name.strip_prefix("leaky-relu:")?.parse().ok()?;
            (slope >= 0.0 && slope.is_finite()).then_some(Activation::LeakyRelu(slope))
        };
        let found = plain.into_iter().find(|activation| activation.name() == name).or_else(leaky);
        found.ok_or("wanted identity, relu, leaky-relu:SLOPE, tanh, sigmoid or softplus")
    }
}
