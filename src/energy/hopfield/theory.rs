//! What statistical mechanics says of Hebb's rule and random patterns in large networks.

/// The load P / n above which no pattern is retrieved in the limit of large networks: replica-symmetric theory at zero
/// temperature (Amit, Gutfreund & Sompolinsky 1985), where the overlap falls from 0.967 to 0.
pub const CRITICAL_LOAD: f64 = 0.1379;

/// The overlap of the retrieved state with the pattern at load α = P / n: m = erf(y), y the largest solution of
/// erf(y) = y (√(2α) + (2/√π) e^(−y²)) (Amit, Gutfreund & Sompolinsky 1987). `None` above the critical load.
pub fn retrieval_overlap(load: f64) -> Option<f64> {
    if load <= 0.0 {
        return Some(1.0);
    }
    let root_pi = std::f64::consts::PI.sqrt();
    let excess = |y: f64| erf(y) - y * ((2.0 * load).sqrt() + 2.0 / root_pi * (-y * y).exp());
    // Positive between the two solutions. The larger one is below 1 / √(2α), where the right side passes 1.
    let top = 1.0 / (2.0 * load).sqrt();
    let grid = 10_000;
    let inside =
        (1..=grid).rev().map(|step| top * f64::from(step) / f64::from(grid)).find(|&y| excess(y) > 0.0)?;
    let (mut low, mut high) = (inside, (inside + top / f64::from(grid)).min(top));
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if excess(middle) > 0.0 { low = middle } else { high = middle }
    }
    Some(erf(low))
}

/// The probability that a stored pattern is exactly fixed under Hebb's rule: each of n units independently withstands the
/// crosstalk of the other patterns, a sum of (n − 1)(P − 1) random signs against a field of n − 1. A tie holds: the sum must fall
/// below −(n − 1), and as it goes by steps of 2, the normal variable of its variance must fall below −n where there can be a tie,
/// below −(n − 1) where there can be none. A single other pattern can do no more than tie.
pub fn exactly_fixed(units: usize, patterns: usize) -> f64 {
    if units < 2 || patterns < 3 {
        return 1.0;
    }
    let field = (units - 1) as f64;
    let ties = (units - 1).is_multiple_of(2) || patterns.is_multiple_of(2);
    let margin = if ties { field + 1.0 } else { field } / (field * (patterns - 1) as f64).sqrt();
    let wrong = 0.5 * (1.0 - erf(margin / std::f64::consts::SQRT_2));
    (units as f64 * (-wrong).ln_1p()).exp()
}

/// erf(x) = 2/√π Σₖ (−1)ᵏ x²ᵏ⁺¹ / (k! (2k + 1)): its terms stay below 10⁶ up to 4, so ten digits are left there; beyond, 1
/// to eight digits.
fn erf(x: f64) -> f64 {
    if x.abs() > 4.0 {
        return x.signum();
    }
    let (mut term, mut sum) = (x, x);
    for k in 1..100 {
        term *= -x * x / f64::from(k);
        sum += term / f64::from(2 * k + 1);
    }
    2.0 / std::f64::consts::PI.sqrt() * sum
}
