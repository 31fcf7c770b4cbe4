//! Pictures of a variational autoencoder: what it draws, what it makes of examples, and what lies between them.

use crate::contract::Autoencoder;
use crate::pictures::{Canvas, Grid};
use helmholtz::Seed;
use helmholtz::vae::{Observation, Vae};

/// Samples in a picture.
const SAMPLES: usize = 100;
/// Pictures along one side of the latent plane.
const SIDE: usize = 20;

/// Draws from the prior: the mean of p(x | z), the probabilities of pixels that are bits.
pub fn samples(vae: &Vae, canvas: Canvas, seed: Seed) -> Grid {
    canvas.square(&vae.sample(SAMPLES, Observation::Mean, seed))
}

/// Examples `[count, pixels]`, and below them what the mean of q(z | x) is decoded to.
pub fn reconstructions(vae: &Vae, canvas: Canvas, originals: &[f32]) -> Grid {
    canvas.pairs(originals, &vae.reconstruct(originals))
}

/// From each example of `originals` with an even number to the next one, a line each of `steps` images.
pub fn interpolations(vae: &dyn Autoencoder, canvas: Canvas, originals: &[f32], steps: usize) -> Grid {
    canvas.lines(&vae.interpolate(originals, steps), steps)
}

/// The latent plane, where there is one.
pub fn manifold(vae: &Vae, canvas: Canvas) -> Option<Grid> {
    vae.manifold(SIDE).ok().map(|plane| canvas.lines(&plane, SIDE))
}
