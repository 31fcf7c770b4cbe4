//! How far the figures made of correlated draws are off.

use super::beta::beta_quantile;
use super::{ess_mean, ess_quantile, series};

/// Standard error of the mean of `chains` `[chain][draw]`: sd / √ESS. `None` as of [`ess_mean`].
///
/// # Panics
/// Where chains differ in length, here and below.
#[track_caller]
pub fn mcse_mean<C: AsRef<[f64]>>(chains: &[C]) -> Option<f64> {
    let all = series::usable(chains)?.concat();
    Some((series::variance(&all) / ess_mean(chains)?).sqrt())
}

/// Standard error of the standard deviation, by the delta method from that of the mean of c = (x − mean)²:
/// √(var(c) / (4 mean(c) ESS(c))).
#[track_caller]
pub fn mcse_sd<C: AsRef<[f64]>>(chains: &[C]) -> Option<f64> {
    let usable = series::usable(chains)?;
    let mean = series::mean(&usable.concat());
    let squares = series::map(&usable, |x| (x - mean).powi(2));
    let effective = ess_mean(&squares)?;
    let all = squares.concat();
    let second = series::mean(&all);
    let fourth = series::mean(&all.iter().map(|c| c * c).collect::<Vec<_>>());
    Some(((fourth - second * second) / effective / second / 4.0).sqrt())
}

/// Standard error of a quantile: half the distance of the two draws between which the quantile lies with the probability
/// of one standard deviation either way, by the Beta distribution of its order statistic (Vehtari et al. 2021, §4.3).
#[track_caller]
pub fn mcse_quantile<C: AsRef<[f64]>>(chains: &[C], probability: f64) -> Option<f64> {
    let sorted = series::sorted(&series::usable(chains)?);
    let effective = ess_quantile(chains, probability)?;
    let (a, b) = (effective * probability + 1.0, effective * (1.0 - probability) + 1.0);
    let size = sorted.len() as f64;
    let place = |p: f64| beta_quantile(p, a, b) * size - 1.0;
    let low = place(0.158_655_3).floor().max(0.0) as usize;
    let high = place(0.841_344_7).ceil().clamp(0.0, size - 1.0) as usize;
    Some((sorted[high] - sorted[low]) / 2.0)
}

/// The quantile of all draws together, between the two nearest (type 7 of Hyndman & Fan 1996). `None` of fewer than 4
/// draws a chain, and where a draw is not finite.
#[track_caller]
pub fn quantile<C: AsRef<[f64]>>(chains: &[C], probability: f64) -> Option<f64> {
    Some(series::quantile_of(&series::sorted(&series::usable(chains)?), probability))
}
