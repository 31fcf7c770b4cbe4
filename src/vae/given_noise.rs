//! The bound with noise that is given instead of drawn: what two programs with the same parameters must agree on.

use super::evaluator::Evaluator;
use super::rows::Rows;
use super::{Vae, VaeError};
use crate::data::Dataset;

/// Rows at a time.
const BATCH: usize = 256;

/// The two parts of the ELBO, means over examples, nats.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ElboParts {
    /// ln p(x | z) at z = μ(x) + e^(s(x)/2) ε, or where the steps of an inverse autoregressive flow take that.
    pub reconstruction: f64,
    /// KL(q(z | x) ‖ p(z)) in closed form, or ln q(z | x) − ln p(z) where one of the two is a flow.
    pub divergence: f64,
}

impl ElboParts {
    /// The reconstruction less the divergence.
    pub fn elbo(&self) -> f64 {
        self.reconstruction - self.divergence
    }
}

impl Vae {
    /// The ELBO of `data` with the noise ε of each row given, `[rows, latent]`; grey levels of bits give the expectation.
    ///
    /// # Errors
    /// Where the data has no rows, is not as wide as the model, or is outside of its likelihood's support.
    ///
    /// # Panics
    /// Where `noise` is not `[rows, latent]`.
    #[track_caller]
    pub fn elbo_with_noise(&self, data: &Dataset<'_>, noise: &[f32]) -> Result<ElboParts, VaeError> {
        let (rows, latent) = (data.len(), self.config.latent);
        assert_eq!(noise.len(), rows * latent, "{} values of noise for {rows} rows of {latent}", noise.len());
        self.check_data(data)?;
        self.check_labels(data)?;
        let mut evaluator = Evaluator::new(self, BATCH, 1);
        let (mut reconstruction, mut divergence) = (0.0, 0.0);
        for first in (0..rows).step_by(BATCH) {
            let count = BATCH.min(rows - first);
            evaluator.load(Rows::Data(data), first..first + count);
            for (row, noise) in noise[first * latent..].chunks_exact(latent).take(count).enumerate() {
                evaluator.set_noise(row, noise);
            }
            evaluator.run(&self.store);
            for row in 0..count {
                reconstruction += evaluator.log_likelihoods(row).sum::<f64>();
                divergence += evaluator.divergences(row).sum::<f64>();
            }
        }
        let rows = rows as f64;
        Ok(ElboParts { reconstruction: reconstruction / rows, divergence: divergence / rows })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;
    use crate::vae::{Likelihood, VaeConfig};

    /// Linear encoder and decoder, so that the sums can be written down.
    #[test]
    fn the_parts_are_those_of_the_formula() {
        let config = VaeConfig {
            encoder: vec![],
            decoder: vec![],
            likelihood: Likelihood::Gaussian,
            ..VaeConfig::new(3, 2)
        };
        let vae = Vae::new(config, Seed(4)).unwrap();
        let rows = 300;
        let (mut x, mut noise) = (vec![0.0; rows * 3], vec![0.0; rows * 2]);
        Seed(5).lanes("x", 0).fill_uniform(&mut x);
        Seed(5).lanes("noise", 0).fill_normal(&mut noise);
        let data = Dataset::from_f32(&x, &[rows, 3]).unwrap().binarized(crate::data::Binarization::None);
        let parts = vae.elbo_with_noise(&data, &noise).unwrap();

        let array = |name: &str| {
            let snapshot = vae.to_snapshot();
            let shape = snapshot.shape(name).unwrap().to_vec();
            snapshot.f32(name, &shape).unwrap().to_vec()
        };
        let affine = |layer: &str, x: &[f64]| -> Vec<f64> {
            let (weight, bias) = (array(&format!("{layer}.weight")), array(&format!("{layer}.bias")));
            let product = |row: &[f32]| row.iter().zip(x).map(|(w, x)| f64::from(*w) * x).sum::<f64>();
            weight.chunks(x.len()).zip(bias).map(|(row, bias)| product(row) + f64::from(bias)).collect()
        };
        let (mut reconstruction, mut divergence) = (0.0, 0.0);
        for (x, noise) in x.chunks(3).zip(noise.chunks(2)) {
            let x: Vec<f64> = x.iter().map(|x| f64::from(*x)).collect();
            let (mean, s) = (affine("mean", &x), affine("log_variance", &x));
            let z: Vec<f64> = (0..2).map(|j| mean[j] + (0.5 * s[j]).exp() * f64::from(noise[j])).collect();
            let squares: f64 = affine("decoder.0", &z).iter().zip(&x).map(|(y, x)| (x - y).powi(2)).sum();
            reconstruction -= 0.5 * squares + 1.5 * (2.0 * std::f64::consts::PI).ln();
            divergence += (0..2).map(|j| 0.5 * (s[j].exp() + mean[j] * mean[j] - 1.0 - s[j])).sum::<f64>();
        }
        let close = |a: f64, b: f64| (a - b / rows as f64).abs() < 1e-5 * a.abs().max(1.0);
        assert!(close(parts.reconstruction, reconstruction) && close(parts.divergence, divergence), "{parts:?}");
        assert_eq!(parts.elbo(), parts.reconstruction - parts.divergence);
    }
}
