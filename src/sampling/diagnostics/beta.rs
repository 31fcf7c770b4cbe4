//! The quantiles of the Beta distribution.

/// The x at which the Beta(a, b) distribution function is `p`, to 10⁻¹³, by bisection.
pub(super) fn beta_quantile(p: f64, a: f64, b: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    while high - low > 1e-14 * high {
        let middle = 0.5 * (low + high);
        if beta_distribution(middle, a, b) < p {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// Iₓ(a, b), by its continued fraction on the side where that is quick (Abramowitz & Stegun 26.5.8).
fn beta_distribution(x: f64, a: f64, b: f64) -> f64 {
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta_distribution(1.0 - x, b, a);
    }
    if x <= 0.0 {
        return 0.0;
    }
    let log_front = a * x.ln() + b * (-x).ln_1p() + ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b);
    log_front.exp() / a * fraction(x, a, b)
}

/// 1 / (1 + d₁ / (1 + d₂ / (1 + …))), by Lentz's method.
fn fraction(x: f64, a: f64, b: f64) -> f64 {
    let nonzero = |value: f64| if value.abs() < 1e-300 { 1e-300 } else { value };
    let (mut value, mut c, mut d) = (1.0, 1.0, 0.0);
    for term in 0..10_000 {
        let m = f64::from(term / 2);
        let coefficient = match term {
            0 => 1.0,
            _ if term % 2 == 0 => m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m)),
            _ => -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0)),
        };
        d = 1.0 / nonzero(1.0 + coefficient * d);
        c = nonzero(1.0 + coefficient / c);
        value *= c * d;
        if (c * d - 1.0).abs() < 1e-15 {
            break;
        }
    }
    // The leading 1 and the first coefficient, 1, make 1 + 1 / (…).
    value - 1.0
}

/// ln Γ(x) for x > 0: Stirling's series, after moving up to x ≥ 10.
pub(crate) fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut shift) = (x, 0.0);
    while x < 10.0 {
        shift += x.ln();
        x += 1.0;
    }
    let z = 1.0 / (x * x);
    let series =
        [1.0 / 12.0, -1.0 / 360.0, 1.0 / 1260.0, -1.0 / 1680.0, 1.0 / 1188.0, -691.0 / 360_360.0, 1.0 / 156.0];
    let tail = series.iter().rev().fold(0.0, |sum, c| sum * z + c) / x;
    (x - 0.5) * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI).ln() + tail - shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_the_tables() {
        // scipy 1.17.1: scipy.special.betaincinv.
        let known = [
            (0.3, 2.0, 3.0, 0.272_383_942_075_105_36),
            (0.158_655_3, 51.5, 951.0, 0.044_418_872_640_843_51),
            (0.841_344_7, 20_001.5, 380_001.0, 0.050_348_046_329_914_76),
            (0.158_655_3, 1.0, 41.5, 0.004_154_090_777_862_367_4),
        ];
        for (p, a, b, x) in known {
            assert!((beta_quantile(p, a, b) / x - 1.0).abs() < 1e-10, "{} {x}", beta_quantile(p, a, b));
        }
        assert!((ln_gamma(0.5) - 0.5 * std::f64::consts::PI.ln()).abs() < 1e-14);
        assert!((ln_gamma(101.0) - 363.739_375_555_563_5).abs() < 1e-11);
    }
}
