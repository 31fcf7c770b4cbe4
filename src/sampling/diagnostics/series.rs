//! Several chains of one number, and what is done to them before anything is measured.

use super::normal::normal_quantile;

/// The chains as slices, or `None` where nothing can be said of them: fewer than 4 draws, or a value that is not finite.
///
/// # Panics
/// Where chains differ in length.
#[track_caller]
pub(super) fn usable<C: AsRef<[f64]>>(chains: &[C]) -> Option<Vec<&[f64]>> {
    let chains: Vec<&[f64]> = chains.iter().map(|chain| chain.as_ref()).collect();
    let draws = chains.first()?.len();
    for chain in &chains {
        assert_eq!(chain.len(), draws, "chains of {} and of {draws} draws", chain.len());
    }
    let finite = chains.iter().all(|chain| chain.iter().all(|x| x.is_finite()));
    (draws >= 4 && finite).then_some(chains)
}

/// Each chain as two: its first and its last half, without the middle draw of an odd number.
pub(super) fn split<'c>(chains: &[&'c [f64]]) -> Vec<&'c [f64]> {
    let half = |chain: &'c [f64]| [&chain[..chain.len() / 2], &chain[chain.len().div_ceil(2)..]];
    chains.iter().flat_map(|chain| half(chain)).collect()
}

/// `f` of every draw.
pub(super) fn map(chains: &[&[f64]], f: impl Fn(f64) -> f64) -> Vec<Vec<f64>> {
    chains.iter().map(|chain| chain.iter().map(|x| f(*x)).collect()).collect()
}

/// The slices of owned chains.
pub(super) fn slices(chains: &[Vec<f64>]) -> Vec<&[f64]> {
    chains.iter().map(Vec::as_slice).collect()
}

/// All draws, ascending.
pub(super) fn sorted(chains: &[&[f64]]) -> Vec<f64> {
    let mut sorted = chains.concat();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// The quantile of ascending values, between the two nearest (type 7 of Hyndman & Fan 1996).
pub(super) fn quantile_of(sorted: &[f64], probability: f64) -> f64 {
    let place = (sorted.len() - 1) as f64 * probability;
    let below = (place.floor() as usize).min(sorted.len() - 1);
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (place - below as f64) * (sorted[above] - sorted[below])
}

/// Each draw as Φ⁻¹((rank − 3/8) / (S + 1/4)), its rank among all S draws, that of equal draws being their mean
/// (Blom 1958).
pub(super) fn rank_normalised(chains: &[&[f64]]) -> Vec<Vec<f64>> {
    let sorted = sorted(chains);
    let normal_score = |x: f64| {
        let below = sorted.partition_point(|other| *other < x);
        let up_to = sorted.partition_point(|other| *other <= x);
        let rank = 0.5 * (below + 1 + up_to) as f64;
        normal_quantile((rank - 0.375) / (sorted.len() as f64 + 0.25))
    };
    map(chains, normal_score)
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Σ (x − mean)² / (n − 1).
pub(super) fn variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (values.len() as f64 - 1.0)
}

/// Whether all draws are the same.
pub(super) fn constant(chains: &[&[f64]]) -> bool {
    let first = chains[0][0];
    chains.iter().all(|chain| chain.iter().all(|x| *x == first))
}
