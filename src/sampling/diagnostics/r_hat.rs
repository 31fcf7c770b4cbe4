//! Whether chains agree.

use super::series;

/// Rank-normalised split R̂ of `chains` `[chain][draw]` (Vehtari, Gelman, Simpson, Carpenter & Bürkner 2021).
///
/// Each chain is cut in two and every draw replaced by the normal score of its rank; with W the mean variance within the
/// n draws of a half and B that between the halves, R̂ = √((B/W + n − 1) / n). The larger of that of the draws (do they
/// agree in location?) and of their distances from the median (in scale?). Above 1.01 they have not mixed. A single
/// chain is judged by its halves.
///
/// `None` of constant chains, of fewer than 4 draws, and where a draw is not finite.
///
/// # Panics
/// Where chains differ in length.
#[track_caller]
pub fn r_hat<C: AsRef<[f64]>>(chains: &[C]) -> Option<f64> {
    let halves = series::split(&series::usable(chains)?);
    if series::constant(&halves) {
        return None;
    }
    let median = series::quantile_of(&series::sorted(&halves), 0.5);
    let folded = series::map(&halves, |x| (x - median).abs());
    let location = potential_scale_reduction(&series::rank_normalised(&halves));
    let scale = potential_scale_reduction(&series::rank_normalised(&series::slices(&folded)));
    // Where all distances from the median are equal, the scale says nothing: NaN, which `max` passes over.
    Some(location.max(scale))
}

fn potential_scale_reduction(chains: &[Vec<f64>]) -> f64 {
    let n = chains[0].len() as f64;
    let means: Vec<f64> = chains.iter().map(|chain| series::mean(chain)).collect();
    let variances: Vec<f64> = chains.iter().map(|chain| series::variance(chain)).collect();
    let (between, within) = (n * series::variance(&means), series::mean(&variances));
    ((between / within + n - 1.0) / n).sqrt()
}
