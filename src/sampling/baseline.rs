//! What a model without any dependence between its values would reach: the figure that a likelihood stands beside.

/// The mean log-likelihood of bits under independent ones with their own means `[width]`: the best of its kind, nats an
/// example.
pub(crate) fn independent_bernoulli(means: &[f64]) -> f64 {
    let entropy = |p: f64| if p > 0.0 && p < 1.0 { -p * p.ln() - (1.0 - p) * (1.0 - p).ln() } else { 0.0 };
    -means.iter().map(|&mean| entropy(mean)).sum::<f64>()
}

/// The mean log-density of rows under independent normals about their own means, nats an example, from the sum
/// `total_variance` of their variances: with noise of variance `noise`, or of the best one where that is `None`.
pub(crate) fn independent_gaussian(width: usize, total_variance: f64, noise: Option<f64>) -> f64 {
    let noise = noise.unwrap_or(total_variance / width as f64);
    -0.5 * (width as f64 * (2.0 * std::f64::consts::PI * noise).ln() + total_variance / noise)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fair_coins_cost_a_bit_each_and_certain_ones_nothing() {
        assert_eq!(independent_bernoulli(&[0.0, 1.0]), 0.0);
        assert!((independent_bernoulli(&[0.5, 0.5]) + 2.0 * 2f64.ln()).abs() < 1e-15);
    }

    #[test]
    fn no_noise_does_better_than_the_datas_own() {
        let best = independent_gaussian(3, 6.0, None);
        assert!((best - independent_gaussian(3, 6.0, Some(2.0))).abs() < 1e-15);
        assert!([0.5, 1.0, 1.9, 2.1, 4.0].iter().all(|&noise| independent_gaussian(3, 6.0, Some(noise)) < best));
    }
}
