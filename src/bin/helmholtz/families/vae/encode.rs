//! Codes of a variational autoencoder, and what is decoded from them.

use crate::cli::Failure;
use crate::contract::{Autoencoder, Codes, Encoder};
use crate::input::{Rows, data};
use helmholtz::vae::Vae;

/// Rows that are read at a time.
const BLOCK: usize = 4096;

impl Encoder for Vae {
    fn encode(&self, rows: &Rows) -> Result<Codes, Failure> {
        let (count, latent) = (rows.rows.len(), self.config().latent);
        let mut values = Vec::with_capacity(count * 2 * latent);
        for first in (0..count).step_by(BLOCK) {
            let block = rows.rows.subset(first..count.min(first + BLOCK));
            // Not this trait's `encode`: the library's, of numbers.
            let codes = Vae::encode(self, &data::values_for(&block, self.width(), &rows.name)?);
            for (means, log_variances) in
                codes.means.chunks_exact(latent).zip(codes.log_variances.chunks_exact(latent))
            {
                values.extend_from_slice(means);
                values.extend_from_slice(log_variances);
            }
        }
        let words = format!("{latent} means and {latent} log-variances");
        Ok(Codes { values, columns: 2 * latent, words, size: ("latent", latent) })
    }
}

impl Autoencoder for Vae {
    fn reconstruct(&self, originals: &[f32]) -> Vec<f32> {
        Vae::reconstruct(self, originals)
    }

    fn interpolate(&self, originals: &[f32], steps: usize) -> Vec<f32> {
        let width = self.width();
        let pairs = originals.chunks_exact(2 * width).map(|pair| pair.split_at(width));
        pairs.flat_map(|(from, to)| Vae::interpolate(self, from, to, steps)).collect()
    }
}
