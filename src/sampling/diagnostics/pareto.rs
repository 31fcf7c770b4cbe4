//! How heavy the tail of importance weights is: the shape k̂ of a generalised Pareto distribution.
//!
//! Above a high enough threshold any tail looks like F(x) = 1 − (1 + k x / σ)^(−1/k). Its moments exist up to 1/k: from
//! k = ½ on the weights have no variance, from k = 1 on no mean. The fit is Zhang & Stephens's (2009) posterior mean
//! under a data-dependent prior, drawn to ½ by the weight of ten draws; the size of the tail and the threshold of what
//! to trust are those of Vehtari, Simpson, Gelman, Yao & Gabry (2024), "Pareto smoothed importance sampling".

/// Draws of the tail that a fit needs.
const FEWEST: usize = 5;

/// k̂ of the upper tail of e^w, of log-weights w `[draws]`.
///
/// −∞ where the largest weight is as common as the tail: the weights are bounded as far as the draws can tell. `None`
/// where fewer than 25 draws, or fewer than five of the tail's own, leave nothing to fit.
pub fn pareto_shape(log_weights: &[f64]) -> Option<f64> {
    let mut sorted = log_weights.to_vec();
    sorted.sort_by(f64::total_cmp);
    let draws = sorted.len() as f64;
    let tail = (0.2 * draws).min(3.0 * draws.sqrt()).ceil() as usize;
    let largest = *sorted.last()?;
    if tail < FEWEST || !largest.is_finite() {
        return None;
    }
    let threshold = sorted[sorted.len() - tail - 1];
    if threshold == largest {
        return Some(f64::NEG_INFINITY);
    }
    let beyond = sorted.partition_point(|w| *w <= threshold);
    let excess = |w: &f64| (w - largest).exp() - (threshold - largest).exp();
    let excesses: Vec<f64> = sorted[beyond..].iter().map(excess).filter(|excess| *excess > 0.0).collect();
    (excesses.len() >= FEWEST).then(|| fit(&excesses)).filter(|k| !k.is_nan())
}

/// The largest k̂ at which `draws` draws give an estimate that can be trusted: min(1 − 1 / log₁₀ S, 0.7).
pub fn pareto_threshold(draws: usize) -> f64 {
    (1.0 - 1.0 / (draws as f64).log10()).min(0.7)
}

/// k̂ of ascending positive `excesses`. With θ = −k/σ, the profile of the likelihood is one-dimensional:
/// k(θ) = mean ln(1 − θx), ℓ(θ) = n (ln(−θ/k) − k − 1); its mean over a grid of the prior's quantiles is the estimate.
fn fit(excesses: &[f64]) -> f64 {
    let count = excesses.len();
    let n = count as f64;
    let quartile = excesses[((n / 4.0 + 0.5) as usize).max(1) - 1];
    let grid = 30 + n.sqrt() as usize;
    let shape = |theta: f64| excesses.iter().map(|x| (-theta * x).ln_1p()).sum::<f64>() / n;
    let thetas: Vec<f64> = (1..=grid)
        .map(|i| 1.0 / excesses[count - 1] + (1.0 - (grid as f64 / (i as f64 - 0.5)).sqrt()) / (3.0 * quartile))
        .collect();
    let profile = |&theta: &f64| {
        let k = shape(theta);
        n * ((-theta / k).ln() - k - 1.0)
    };
    let profiles: Vec<f64> = thetas.iter().map(profile).collect();
    let highest = profiles.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (mut total, mut theta) = (0.0, 0.0);
    for (profile, value) in profiles.iter().zip(&thetas) {
        let weight = (profile - highest).exp();
        total += weight;
        theta += weight * value;
    }
    (n * shape(theta / total) + 10.0 * 0.5) / (n + 10.0)
}
