//! What correlated draws are worth: effective sample sizes.
//!
//! The mean of S correlated draws is worth S / τ independent ones, τ = 1 + 2 Σ ρ_t. The autocorrelations ρ_t are those of
//! all chains together, ρ_t = 1 − (W − mean acov_t) / V with W the variance within and V that of all, so that chains that
//! disagree count as correlated; the sum ends where Geyer's (1992) pairs ρ₂ₖ + ρ₂ₖ₊₁ turn negative, and the pairs before
//! are made to fall. Chains are cut in two throughout (Vehtari, Gelman, Simpson, Carpenter & Bürkner 2021), and no
//! figure exceeds S log₁₀ S, antithetic as draws may be. Lags are computed one by one as far as the sum goes.
//!
//! Of constant chains nothing is known, so that their figures are `None`; so are those of fewer than 4 draws, or of
//! draws that are not finite.

use super::series;

/// Effective draws for the location of the bulk: of the normal scores of the ranks, of `chains` `[chain][draw]`.
///
/// # Panics
/// Where chains differ in length, here and below.
#[track_caller]
pub fn ess_bulk<C: AsRef<[f64]>>(chains: &[C]) -> Option<f64> {
    let halves = series::split(&series::usable(chains)?);
    if series::constant(&halves) {
        return None;
    }
    effective_sample_size(&series::slices(&series::rank_normalised(&halves)))
}

/// Effective draws for the tails: the smaller of those for the 5% and the 95% quantile.
#[track_caller]
pub fn ess_tail<C: AsRef<[f64]>>(chains: &[C]) -> Option<f64> {
    let (low, high) = (ess_quantile(chains, 0.05), ess_quantile(chains, 0.95));
    match (low, high) {
        (Some(low), Some(high)) => Some(low.min(high)),
        (one, other) => one.or(other),
    }
}

/// Effective draws for the mean.
#[track_caller]
pub fn ess_mean<C: AsRef<[f64]>>(chains: &[C]) -> Option<f64> {
    effective_sample_size(&series::split(&series::usable(chains)?))
}

/// Effective draws for the standard deviation: of (x − mean)².
#[track_caller]
pub fn ess_sd<C: AsRef<[f64]>>(chains: &[C]) -> Option<f64> {
    let chains = series::usable(chains)?;
    let mean = series::mean(&chains.concat());
    let squares = series::map(&chains, |x| (x - mean).powi(2));
    effective_sample_size(&series::split(&series::slices(&squares)))
}

/// Effective draws for a quantile: of whether x lies at or below it. `None` as well where all do.
#[track_caller]
pub fn ess_quantile<C: AsRef<[f64]>>(chains: &[C], probability: f64) -> Option<f64> {
    let chains = series::usable(chains)?;
    let quantile = series::quantile_of(&series::sorted(&chains), probability);
    let below = series::map(&chains, |x| f64::from(x <= quantile));
    effective_sample_size(&series::split(&series::slices(&below)))
}

/// The integrated autocorrelation time τ: draws that are worth one independent draw of the mean.
#[track_caller]
pub fn autocorrelation_time<C: AsRef<[f64]>>(chains: &[C]) -> Option<f64> {
    let draws = chains.iter().map(|chain| chain.as_ref().len()).sum::<usize>();
    ess_mean(chains).map(|effective| draws as f64 / effective)
}

fn effective_sample_size(chains: &[&[f64]]) -> Option<f64> {
    if series::constant(chains) {
        return None;
    }
    let draws = chains[0].len();
    let (n, all) = (draws as f64, (chains.len() * draws) as f64);
    let means: Vec<f64> = chains.iter().map(|chain| series::mean(chain)).collect();
    let centred: Vec<Vec<f64>> =
        chains.iter().zip(&means).map(|(chain, mean)| chain.iter().map(|x| x - mean).collect()).collect();
    let covariance = |lag: usize| {
        let of = |chain: &Vec<f64>| chain.iter().zip(&chain[lag..]).map(|(x, y)| x * y).sum::<f64>() / n;
        centred.iter().map(of).sum::<f64>() / chains.len() as f64
    };
    let within = covariance(0) * n / (n - 1.0);
    let between = if chains.len() > 1 { series::variance(&means) } else { 0.0 };
    let total = within * (n - 1.0) / n + between;
    let correlation = |lag: usize| 1.0 - (within - covariance(lag)) / total;

    let (mut even, mut odd) = (1.0, correlation(1));
    let (mut sum, mut smallest_pair, mut lag) = (0.0, f64::INFINITY, 2);
    while lag + 2 < draws && even + odd > 0.0 {
        smallest_pair = (even + odd).min(smallest_pair);
        sum += smallest_pair;
        (even, odd) = (correlation(lag), correlation(lag + 1));
        lag += 2;
    }
    // Half of the pair that ends the sum: its even part, where that is positive or the pair is.
    let last = if even > 0.0 || even + odd >= 0.0 { even } else { 0.0 };
    let time = (-1.0 + 2.0 * sum + last).max(1.0 / all.log10());
    Some(all / time)
}
