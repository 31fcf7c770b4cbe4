//! Densities whose every figure is known: what the tests hold the samplers against.

use super::{DensityError, GradientLogDensity, LogDensity};

/// Φ(x) = ½ + φ(x) (x + x³/3 + x⁵/15 + …), whose terms are positive.
pub(super) fn normal_distribution(x: f64) -> f64 {
    if x.abs() > 8.0 {
        return if x > 0.0 { 1.0 } else { 0.0 };
    }
    let (mut term, mut sum, mut k) = (x, x, 1.0);
    while term.abs() > 1e-17 * sum.abs() {
        k += 2.0;
        term *= x * x / k;
        sum += term;
    }
    0.5 + sum * (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

/// An autoregression x₀ ~ N(0, 1), xᵢ ~ N(ρ xᵢ₋₁, 1 − ρ²): every component is standard normal.
pub(super) struct Autoregression {
    pub dimension: usize,
    pub correlation: f64,
}

impl LogDensity for Autoregression {
    fn dimension(&self) -> usize {
        self.dimension
    }
    fn log_density(&self, x: &[f64]) -> Result<f64, DensityError> {
        let noise = 1.0 - self.correlation * self.correlation;
        let steps: f64 = x.windows(2).map(|pair| (pair[1] - self.correlation * pair[0]).powi(2)).sum();
        Ok(-0.5 * (x[0] * x[0] + steps / noise))
    }
}

impl GradientLogDensity for Autoregression {
    fn log_density_and_gradient(&self, x: &[f64], gradient: &mut [f64]) -> Result<f64, DensityError> {
        let noise = 1.0 - self.correlation * self.correlation;
        gradient.fill(0.0);
        gradient[0] = -x[0];
        for i in 1..x.len() {
            let step = (x[i] - self.correlation * x[i - 1]) / noise;
            gradient[i] -= step;
            gradient[i - 1] += self.correlation * step;
        }
        self.log_density(x)
    }
}

/// Neal's (2003) funnel v ~ N(0, 3²), xᵢ ~ N(0, e^v), not centred: in v and zᵢ = xᵢ e^(−v/2).
pub(super) struct Funnel;

impl LogDensity for Funnel {
    fn dimension(&self) -> usize {
        10
    }
    fn log_density(&self, x: &[f64]) -> Result<f64, DensityError> {
        Ok(-0.5 * (x[0] * x[0] / 9.0 + x[1..].iter().map(|z| z * z).sum::<f64>()))
    }
}

impl GradientLogDensity for Funnel {
    fn log_density_and_gradient(&self, x: &[f64], gradient: &mut [f64]) -> Result<f64, DensityError> {
        gradient.iter_mut().zip(x).for_each(|(slope, x)| *slope = -x);
        gradient[0] /= 9.0;
        self.log_density(x)
    }
}

/// The same funnel in v and x: its neck is too narrow for any one step size.
pub(super) struct CentredFunnel;

impl LogDensity for CentredFunnel {
    fn dimension(&self) -> usize {
        10
    }
    fn log_density(&self, x: &[f64]) -> Result<f64, DensityError> {
        let squares: f64 = x[1..].iter().map(|x| x * x).sum();
        Ok(-0.5 * (x[0] * x[0] / 9.0 + squares * (-x[0]).exp() + 9.0 * x[0]))
    }
}

impl GradientLogDensity for CentredFunnel {
    fn log_density_and_gradient(&self, x: &[f64], gradient: &mut [f64]) -> Result<f64, DensityError> {
        let squares: f64 = x[1..].iter().map(|x| x * x).sum();
        gradient[0] = -x[0] / 9.0 + 0.5 * squares * (-x[0]).exp() - 4.5;
        gradient[1..].iter_mut().zip(&x[1..]).for_each(|(slope, z)| *slope = -z * (-x[0]).exp());
        self.log_density(x)
    }
}

/// Effects of coaching in eight schools, and their standard errors (Rubin 1981).
const EFFECTS: [f64; 8] = [28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0];
const ERRORS: [f64; 8] = [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0];

/// μ ~ N(0, 5²), τ ~ half-Cauchy(0, 5), θᵢ ~ N(μ, τ²), yᵢ ~ N(θᵢ, σᵢ²), not centred: in μ, ln τ and ηᵢ = (θᵢ − μ) / τ.
pub(super) struct EightSchools;

impl LogDensity for EightSchools {
    fn dimension(&self) -> usize {
        10
    }
    fn log_density(&self, x: &[f64]) -> Result<f64, DensityError> {
        self.log_density_and_gradient(x, &mut [0.0; 10])
    }
}

impl GradientLogDensity for EightSchools {
    fn log_density_and_gradient(&self, x: &[f64], gradient: &mut [f64]) -> Result<f64, DensityError> {
        let (mu, tau) = (x[0], x[1].exp());
        // ln τ has the density of τ times τ.
        let mut value = -mu * mu / 50.0 - (tau * tau / 25.0).ln_1p() + x[1];
        gradient[0] = -mu / 25.0;
        gradient[1] = 1.0 - 2.0 * tau * tau / (25.0 + tau * tau);
        for (i, eta) in x[2..].iter().enumerate() {
            let residual = (EFFECTS[i] - mu - tau * eta) / ERRORS[i];
            value -= 0.5 * (eta * eta + residual * residual);
            let slope = residual / ERRORS[i];
            gradient[0] += slope;
            gradient[1] += slope * tau * eta;
            gradient[2 + i] = slope * tau - eta;
        }
        Ok(value)
    }
}

/// What is known of one number: mean, standard deviation, 5% and 95% quantile.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub mean: f64,
    pub sd: f64,
    pub quantiles: [f64; 2],
}

impl Known {
    /// Of a normal distribution.
    pub fn normal(mean: f64, sd: f64) -> Self {
        let reach = 1.644_853_626_951_472_7 * sd;
        Known { mean, sd, quantiles: [mean - reach, mean + reach] }
    }

    /// Of a mixture of normal distributions (weight, mean, variance), its quantiles by bisection.
    fn mixture(parts: &[(f64, f64, f64)]) -> Self {
        let total: f64 = parts.iter().map(|(weight, ..)| weight).sum();
        let mean = parts.iter().map(|(weight, mean, _)| weight * mean).sum::<f64>() / total;
        let square = parts.iter().map(|(weight, mean, variance)| weight * (mean * mean + variance)).sum::<f64>();
        let below = |x: f64| {
            let part = |(weight, mean, variance): &(f64, f64, f64)| {
                weight * normal_distribution((x - mean) / variance.sqrt().max(1e-300))
            };
            parts.iter().map(part).sum::<f64>() / total
        };
        let quantile = |p: f64| {
            let (mut low, mut high) = (-200.0, 200.0);
            for _ in 0..50 {
                let middle = 0.5 * (low + high);
                *(if below(middle) < p { &mut low } else { &mut high }) = middle;
            }
            low
        };
        Known { mean, sd: (square / total - mean * mean).sqrt(), quantiles: [quantile(0.05), quantile(0.95)] }
    }
}

impl EightSchools {
    /// Of μ, ln τ and θ₁, without Monte Carlo: given τ all is normal, and the integral over ln τ is a sum over 1,000
    /// points from −12 to 8, where what is left out is below 10⁻⁵ of the whole (the density falls as τ either way, and
    /// faster above).
    pub fn known() -> [Known; 3] {
        let (mut of_mu, mut of_log_tau, mut of_theta) = (Vec::new(), Vec::new(), Vec::new());
        for point in 0..=1000 {
            let log_tau = -12.0 + 0.02 * f64::from(point);
            let tau2 = (2.0 * log_tau).exp();
            // μ | τ, y: precisions 1/25 and 1/(σᵢ² + τ²); p(y | τ) by completing the square.
            let (mut precision, mut pull, mut log_weight) = (1.0 / 25.0, 0.0, log_tau - (tau2 / 25.0).ln_1p());
            for (y, error) in EFFECTS.iter().zip(ERRORS) {
                let variance = error * error + tau2;
                precision += 1.0 / variance;
                pull += y / variance;
                log_weight -= 0.5 * (variance.ln() + y * y / variance);
            }
            let (mean, variance) = (pull / precision, 1.0 / precision);
            log_weight += 0.5 * (pull * mean - precision.ln());
            let weight = (log_weight + 60.0).exp();
            of_mu.push((weight, mean, variance));
            of_log_tau.push((weight, log_tau, 0.0));
            // θ₁ | μ, τ, y: a mean of μ and y₁ by their precisions.
            let share = tau2 / (tau2 + ERRORS[0].powi(2));
            let spread = share * ERRORS[0].powi(2) + (1.0 - share).powi(2) * variance;
            of_theta.push((weight, share * EFFECTS[0] + (1.0 - share) * mean, spread));
        }
        [Known::mixture(&of_mu), Known::mixture(&of_log_tau), Known::mixture(&of_theta)]
    }
}

#[test]
fn the_reference_of_the_eight_schools_is_the_published_one() {
    // posteriordb, eight_schools: μ 4.41 (sd 3.31), θ₁ 6.15 (sd 5.6), from 10,000 draws with errors below 0.05.
    let [mu, _, theta] = EightSchools::known();
    assert!((mu.mean - 4.41).abs() < 0.15 && (mu.sd - 3.31).abs() < 0.15, "{mu:?}");
    assert!((theta.mean - 6.15).abs() < 0.25 && (theta.sd - 5.6).abs() < 0.25, "{theta:?}");
    assert!((normal_distribution(1.0) - 0.841_344_746_068_542_9).abs() < 1e-15);
}

#[test]
fn gradients_are_slopes() {
    let targets: [&dyn GradientLogDensity; 4] =
        [&Autoregression { dimension: 10, correlation: 0.9 }, &Funnel, &CentredFunnel, &EightSchools];
    for target in targets {
        let mut x: Vec<f64> = (0..10).map(|i| 0.3 * f64::from(i) - 1.1).collect();
        let mut gradient = [0.0; 10];
        target.log_density_and_gradient(&x, &mut gradient).unwrap();
        for i in 0..10 {
            let mut at = |shift: f64| {
                x[i] += shift;
                let value = target.log_density(&x).unwrap();
                x[i] -= shift;
                value
            };
            let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!((slope - gradient[i]).abs() < 1e-6 * (1.0 + slope.abs()), "{i}: {slope} {}", gradient[i]);
        }
    }
}
