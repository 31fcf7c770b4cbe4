//! χ² tests of counts: the one home of the statistic and its quantiles, for the tests of every sampler.

use super::diagnostics::normal_quantile;

/// The value that a χ² variable with `degrees` degrees of freedom exceeds with probability `alpha` (Wilson & Hilferty 1931).
pub(crate) fn chi_squared_quantile(degrees: f64, alpha: f64) -> f64 {
    let c = 2.0 / (9.0 * degrees);
    degrees * (1.0 - c - normal_quantile(alpha) * c.sqrt()).max(0.0).powi(3)
}

/// The value below which it lies with probability `alpha`.
pub(crate) fn chi_squared_quantile_below(degrees: f64, alpha: f64) -> f64 {
    chi_squared_quantile(degrees, 1.0 - alpha)
}

/// Pearson's χ² of `counts` against `probabilities`, cells of less than 5 expected pooled, and its degrees of freedom.
pub(crate) fn chi_squared(counts: &[u64], probabilities: &[f64]) -> (f64, f64) {
    let total = counts.iter().sum::<u64>() as f64;
    let (mut statistic, mut cells) = (0.0, 0.0f64);
    let (mut rare_count, mut rare_expected) = (0.0, 0.0);
    for (&count, probability) in counts.iter().zip(probabilities) {
        let (count, expected) = (count as f64, probability * total);
        if expected < 5.0 {
            rare_count += count;
            rare_expected += expected;
        } else {
            statistic += (count - expected).powi(2) / expected;
            cells += 1.0;
        }
    }
    if rare_expected > 1.0 {
        statistic += (rare_count - rare_expected).powi(2) / rare_expected;
        cells += 1.0;
    }
    (statistic, (cells - 1.0).max(1.0))
}

/// Tables of χ² (Abramowitz & Stegun, table 26.8), to the cube's precision of half a per cent at these degrees.
#[test]
fn quantiles_are_the_tables() {
    for (degrees, alpha, wanted) in [(10.0, 0.05, 18.307), (30.0, 0.001, 59.703), (63.0, 0.01, 92.010)] {
        let value = chi_squared_quantile(degrees, alpha);
        assert!((value / wanted - 1.0).abs() < 5e-3, "{value}, wanted {wanted}");
    }
    let below = chi_squared_quantile_below(30.0, 0.05);
    assert!((below / 18.493 - 1.0).abs() < 5e-3, "{below}");
}
