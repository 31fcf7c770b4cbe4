//! Inpainting by an RBM: chains whose shown pixels are clamped.

use super::Filled;
use crate::failure::Failure;
use crate::mask::Mask;
use crate::size;
use clap::Args;
use helmholtz::Seed;
use helmholtz::rbm::{Rbm, RbmChains};
use helmholtz::tensor::BitMatrix;

/// The options that only an RBM has.
#[derive(Args, Debug)]
#[group(skip)]
pub struct Options {
    /// Gibbs sweeps of each chain
    #[arg(long, default_value_t = 1000, value_name = "SWEEPS", help_heading = "Restricted Boltzmann machines")]
    steps: usize,
}

impl Options {
    /// Fills the hidden pixels of `images` in, each image by a chain of its own.
    pub fn fill(&self, rbm: &Rbm, images: &BitMatrix, mask: &Mask, seed: Seed) -> Result<Filled, Failure> {
        size::check("steps", self.steps, 1)?;
        // Hidden pixels start dark; the chain forgets it.
        let shown = BitMatrix::from_fn(images.rows(), images.units(), |row, unit| {
            !mask.hides(unit) && images.get(row, unit)
        });
        let mut chains = RbmChains::from_visible(shown, rbm.hidden(), seed);
        chains.clamp(&mask.shown());
        chains.gibbs(rbm, self.steps);
        Ok(Filled { levels: rbm.mean_visible(chains.hidden()), bits: chains.visible().clone() })
    }
}
