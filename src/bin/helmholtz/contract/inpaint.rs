//! `inpaint`: hidden pixels, filled in given the others.

use crate::cli::Failure;
use crate::input::Mask;
use clap::Args;
use helmholtz::Seed;
use helmholtz::tensor::BitMatrix;

/// The options of `inpaint` that only some families have.
#[derive(Args, Debug)]
#[group(skip)]
pub struct InpaintOptions {
    /// Gibbs sweeps of each chain
    #[arg(long, default_value_t = 1000, value_name = "SWEEPS", help_heading = "Restricted Boltzmann machines")]
    pub steps: usize,
}

/// Images whose hidden pixels are filled in.
pub struct Filled {
    /// The probabilities of the pixels, `[count, pixels]`; those of the shown ones are not looked at.
    pub levels: Vec<f32>,
    /// The pixels as they were drawn.
    pub bits: BitMatrix,
}

/// A model that fills in hidden pixels.
pub trait Inpainter {
    /// Fills in the pixels of `images` `[count, pixels]` that the mask hides.
    fn inpaint(
        &self,
        images: &BitMatrix,
        mask: &Mask,
        options: &InpaintOptions,
        seed: Seed,
    ) -> Result<Filled, Failure>;
}
