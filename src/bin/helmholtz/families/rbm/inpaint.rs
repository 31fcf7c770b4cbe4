//! Inpainting by an RBM: chains whose shown pixels are clamped.

use crate::cli::{Failure, size};
use crate::contract::{Filled, InpaintOptions, Inpainter};
use crate::input::Mask;
use helmholtz::Seed;
use helmholtz::rbm::{Rbm, RbmChains};
use helmholtz::tensor::BitMatrix;

impl Inpainter for Rbm {
    /// Each image is filled in by a chain of its own.
    fn inpaint(
        &self,
        images: &BitMatrix,
        mask: &Mask,
        options: &InpaintOptions,
        seed: Seed,
    ) -> Result<Filled, Failure> {
        size::check("steps", options.steps, 1)?;
        // Hidden pixels start dark; the chain forgets it.
        let shown = BitMatrix::from_fn(images.rows(), images.units(), |row, unit| {
            !mask.hides(unit) && images.get(row, unit)
        });
        let mut chains = RbmChains::from_visible(shown, self.hidden(), seed);
        chains.clamp(&mask.shown());
        chains.gibbs(self, options.steps);
        Ok(Filled { levels: self.mean_visible(chains.hidden()), bits: chains.visible().clone() })
    }
}
