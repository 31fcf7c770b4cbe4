//! A trained model as commands see it: what it is, and an answer to each question that its family has one to.

use super::encode::{Autoencoder, Encoder};
use super::inpaint::Inpainter;
use super::recall::Recaller;
use super::sample::Sampler;
use super::score::Scorer;
use crate::cli::{Failure, Report};
use crate::input::{Binarize, Domain, PixelScale};

/// What a log-likelihood is of. Figures of different measures say nothing beside one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Rows of bits, which have probabilities.
    Probability,
    /// Rows of numbers, which have densities: they depend on the numbers' scale.
    Density,
}

/// A trained model of some family. A command asks for the part that answers it before it reads any data; where a family
/// has none, the default is a refusal in one line.
pub trait Model {
    /// Its family's name in files and on the command line.
    fn kind(&self) -> &'static str;

    /// Values of a row of its data.
    fn width(&self) -> usize;

    /// Numbers that training sets: each weight between two units once.
    fn parameters(&self) -> usize;

    /// Says how large it is.
    fn describe(&self, report: &mut Report);

    /// The numbers that it takes.
    fn domain(&self) -> Domain {
        Domain::Levels
    }

    /// What its log-likelihood is of.
    fn measure(&self) -> Measure {
        Measure::Probability
    }

    /// The name of the space that its density is of, where this is not the data's own.
    fn space(&self) -> Option<String> {
        None
    }

    /// Whether it is given labels, in training or in use.
    fn takes_labels(&self) -> bool {
        false
    }

    /// How it reads grey levels, unless it was trained on another reading or the command line says so.
    fn binarize(&self) -> Binarize {
        match self.domain() {
            Domain::Reals | Domain::Any => Binarize::None,
            Domain::Levels => Binarize::Threshold,
        }
    }

    /// The scale on which it reads levels that stay grey, under the same conditions.
    fn scale(&self) -> PixelScale {
        PixelScale::Unit
    }

    /// Answers `eval`.
    fn scorer(&self) -> Result<&dyn Scorer, Failure> {
        Err(refusal(self.kind(), "has no likelihood"))
    }

    /// Answers `sample`.
    fn sampler(&self) -> Result<&dyn Sampler, Failure> {
        Err(refusal(self.kind(), "has nothing to draw from"))
    }

    /// Answers `inpaint`.
    fn inpainter(&self) -> Result<&dyn Inpainter, Failure> {
        Err(refusal(self.kind(), "cannot fill in images yet")
            .hint("helmholtz recall --erase half completes what a Hopfield network has stored"))
    }

    /// Answers `encode`.
    fn encoder(&self) -> Result<&dyn Encoder, Failure> {
        let whose = "encode is for variational autoencoders and restricted Boltzmann machines";
        Err(Failure::new(format!("a model of kind {}, and {whose}", self.kind())))
    }

    /// Answers `command`, which is `reconstruct` or `interpolate`.
    fn autoencoder(&self, command: &str) -> Result<&dyn Autoencoder, Failure> {
        Err(Failure::new(format!(
            "a model of kind {}, and {command} is for variational autoencoders",
            self.kind()
        )))
    }

    /// Answers `recall`.
    fn recaller(&self) -> Result<&dyn Recaller, Failure> {
        Err(refusal(self.kind(), "recalls nothing").hint("helmholtz train hopfield makes one that does"))
    }
}

fn refusal(kind: &str, why: &str) -> Failure {
    Failure::new(format!("a model of kind {kind:?} {why}"))
}
