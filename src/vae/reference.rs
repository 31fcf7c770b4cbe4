//! Linear-Gaussian models in closed form, in f64: what the tests compare with.

use super::{Vae, VaeConfig};
use crate::autodiff::Activation;
use crate::data::Dataset;

/// The eigenvalues of a symmetric matrix `[n, n]`, largest first, by Jacobi's rotations.
pub(super) fn eigenvalues(mut a: Vec<f64>, n: usize) -> Vec<f64> {
    for _ in 0..100 {
        let off: f64 = (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| a[i * n + j].powi(2)).sum();
        if off < 1e-22 * (0..n).map(|i| a[i * n + i].powi(2)).sum::<f64>() {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                rotate(&mut a, n, p, q);
            }
        }
    }
    let mut values: Vec<f64> = (0..n).map(|i| a[i * n + i]).collect();
    values.sort_by(|x, y| y.total_cmp(x));
    values
}

/// The rotation of axes p and q that makes element (p, q) zero.
fn rotate(a: &mut [f64], n: usize, p: usize, q: usize) {
    if a[p * n + q] == 0.0 {
        return;
    }
    let theta = (a[q * n + q] - a[p * n + p]) / (2.0 * a[p * n + q]);
    let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
    let c = 1.0 / (t * t + 1.0).sqrt();
    let s = t * c;
    for k in 0..n {
        let (x, y) = (a[k * n + p], a[k * n + q]);
        (a[k * n + p], a[k * n + q]) = (c * x - s * y, s * x + c * y);
    }
    for k in 0..n {
        let (x, y) = (a[p * n + k], a[q * n + k]);
        (a[p * n + k], a[q * n + k]) = (c * x - s * y, s * x + c * y);
    }
}

/// The rows of a dataset, and their covariance `[width, width]` with 1/N.
fn covariance(data: &Dataset<'_>) -> Vec<f64> {
    let (n, width) = (data.len(), data.width());
    let mut rows = vec![0.0; n * width];
    data.rows_into(&(0..n).collect::<Vec<_>>(), &mut rows);
    let means = data.means();
    let mut covariance = vec![0.0; width * width];
    for row in rows.chunks_exact(width) {
        for i in 0..width {
            for j in 0..width {
                covariance[i * width + j] +=
                    (f64::from(row[i]) - means[i]) * (f64::from(row[j]) - means[j]) / n as f64;
            }
        }
    }
    covariance
}

/// The largest mean log-likelihood of `data` under x = W z + b + σ ε with `latent` dimensions of z (Tipping & Bishop 1999):
/// with the given σ², W spans the principal directions of larger variance and brings theirs to the data's; else σ² is the
/// mean of the variances left out.
pub(super) fn best_linear_log_likelihood(data: &Dataset<'_>, latent: usize, noise: Option<f64>) -> f64 {
    let lambda = eigenvalues(covariance(data), data.width());
    let left_out = &lambda[latent..];
    let noise = noise.unwrap_or(left_out.iter().sum::<f64>() / left_out.len() as f64);
    let term = |(index, &lambda): (usize, &f64)| {
        let variance = if index < latent { lambda.max(noise) } else { noise };
        (2.0 * std::f64::consts::PI * variance).ln() + lambda / variance
    };
    -0.5 * lambda.iter().enumerate().map(term).sum::<f64>()
}

/// The shape of a model without hidden layers.
pub(super) fn linear(visible: usize, latent: usize) -> VaeConfig {
    let (encoder, decoder) = (Vec::new(), Vec::new());
    VaeConfig { encoder, decoder, activation: Activation::Identity, ..VaeConfig::new(visible, latent) }
}

/// The log-density of each row of `x` under a linear model: N(b, W Wᵀ + σ² I).
pub(super) fn exact_log_likelihoods(vae: &Vae, x: &[f32]) -> Vec<f64> {
    let VaeConfig { visible: d, latent, .. } = vae.config;
    let tensor = |name: &str| vae.store.get(vae.store.find(name).expect("a linear decoder"));
    let (w, b) = (tensor("decoder.0.weight"), tensor("decoder.0.bias"));
    let noise = f64::from(vae.noise_variance().expect("a Gaussian"));
    let mut factor = vec![0.0; d * d];
    for i in 0..d {
        for j in 0..=i {
            let product: f64 =
                (0..latent).map(|k| f64::from(w[i * latent + k]) * f64::from(w[j * latent + k])).sum();
            let sum: f64 = (0..j).map(|k| factor[i * d + k] * factor[j * d + k]).sum();
            let rest = product + if i == j { noise } else { 0.0 } - sum;
            factor[i * d + j] = if i == j { rest.sqrt() } else { rest / factor[j * d + j] };
        }
    }
    x.chunks_exact(d)
        .map(|x| {
            let mut total = -0.5 * d as f64 * (2.0 * std::f64::consts::PI).ln();
            let mut solved = vec![0.0; d];
            for i in 0..d {
                let sum: f64 = (0..i).map(|k| factor[i * d + k] * solved[k]).sum();
                solved[i] = (f64::from(x[i]) - f64::from(b[i]) - sum) / factor[i * d + i];
                total -= factor[i * d + i].ln() + 0.5 * solved[i] * solved[i];
            }
            total
        })
        .collect()
}

#[test]
fn eigenvalues_of_a_known_matrix() {
    // The second difference on four points has the eigenvalues 2 − 2 cos(kπ/5).
    let a = (0..16).map(|at| match (at / 4usize).abs_diff(at % 4) {
        0 => 2.0,
        1 => -1.0,
        _ => 0.0,
    });
    for (value, k) in eigenvalues(a.collect(), 4).into_iter().zip((1..5).rev()) {
        assert!((value - 2.0 + 2.0 * (std::f64::consts::PI * f64::from(k) / 5.0).cos()).abs() < 1e-12);
    }
}
