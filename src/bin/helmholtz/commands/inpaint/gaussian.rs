//! A normal distribution of incomplete rows, by expectation maximisation (Dempster, Laird & Rubin 1977).

/// Rounds at most, and the change of the mean log-density a row below which they end.
const ROUNDS: usize = 200;
const ENOUGH: f64 = 1e-5;
/// What is added to variances, in those of the columns: with fewer rows than columns there would be none left.
const RIDGE: f64 = 1e-3;

/// A normal distribution.
pub struct Gaussian {
    mean: Vec<f64>,
    /// `[width, width]`.
    covariance: Vec<f64>,
}

/// What a row's hidden values are distributed as, given the others.
pub struct Conditional {
    /// The hidden columns.
    pub hidden: Vec<usize>,
    /// Their means.
    pub mean: Vec<f64>,
    /// `[hidden, hidden]`.
    pub covariance: Vec<f64>,
    /// ln p of what is shown.
    log_shown: f64,
}

impl Gaussian {
    /// That of rows `[rows, width]` of which `missing` values are not known.
    pub fn fitted(rows: &[f32], missing: &[bool], width: usize) -> Self {
        let count = rows.len() / width;
        let there = |row: usize, column: usize| !missing[row * width + column];
        let at = |row: usize, column: usize| f64::from(rows[row * width + column]);
        let (mut mean, mut own) = (vec![0.0; width], vec![1.0; width]);
        for column in 0..width {
            let known: Vec<f64> =
                (0..count).filter(|&row| there(row, column)).map(|row| at(row, column)).collect();
            let n = known.len().max(1) as f64;
            mean[column] = known.iter().sum::<f64>() / n;
            own[column] = (known.iter().map(|x| (x - mean[column]).powi(2)).sum::<f64>() / n).max(1e-12);
        }
        let mut covariance = vec![0.0; width * width];
        (0..width).for_each(|column| covariance[column * width + column] = own[column]);
        let mut gaussian = Gaussian { mean, covariance };
        let mut last = f64::NEG_INFINITY;
        for _ in 0..ROUNDS {
            let (mut sums, mut products, mut total) = (vec![0.0; width], vec![0.0; width * width], 0.0);
            for row in 0..count {
                let x: Vec<f64> = (0..width).map(|column| at(row, column)).collect();
                let hidden: Vec<bool> = (0..width).map(|column| !there(row, column)).collect();
                let given = gaussian.given(&x, &hidden);
                total += given.log_shown / count as f64;
                let mut full = x;
                given.hidden.iter().zip(&given.mean).for_each(|(&column, &mean)| full[column] = mean);
                sums.iter_mut().zip(&full).for_each(|(sum, x)| *sum += x);
                for i in 0..width {
                    (0..width).for_each(|j| {
                        products[i * width + j] += (full[i] - gaussian.mean[i]) * (full[j] - gaussian.mean[j]);
                    });
                }
                let n = given.hidden.len();
                for (a, &i) in given.hidden.iter().enumerate() {
                    given.hidden.iter().enumerate().for_each(|(b, &j)| {
                        products[i * width + j] += given.covariance[a * n + b];
                    });
                }
            }
            let n = count as f64;
            let mean: Vec<f64> = sums.iter().map(|sum| sum / n).collect();
            let moved: Vec<f64> = mean.iter().zip(&gaussian.mean).map(|(new, old)| new - old).collect();
            for i in 0..width {
                for j in 0..width {
                    let ridge = if i == j { RIDGE * own[i] } else { 0.0 };
                    gaussian.covariance[i * width + j] = products[i * width + j] / n - moved[i] * moved[j] + ridge;
                }
            }
            gaussian.mean = mean;
            if total - last < ENOUGH {
                break;
            }
            last = total;
        }
        gaussian
    }

    /// What is hidden of a row, given the rest.
    pub fn given(&self, x: &[f64], hidden: &[bool]) -> Conditional {
        let width = self.mean.len();
        let (missing, shown): (Vec<usize>, Vec<usize>) = (0..width).partition(|&column| hidden[column]);
        let block = |rows: &[usize], columns: &[usize]| -> Vec<f64> {
            rows.iter().flat_map(|&i| columns.iter().map(move |&j| self.covariance[i * width + j])).collect()
        };
        let n = shown.len();
        let factor = cholesky(n, block(&shown, &shown));
        // L⁻¹ (x − m) of what is shown, and L⁻¹ Σ_sh column by column.
        let solve = |mut v: Vec<f64>| {
            for i in 0..n {
                let known: f64 = (0..i).map(|j| factor[i * n + j] * v[j]).sum();
                v[i] = (v[i] - known) / factor[i * n + i];
            }
            v
        };
        let z = solve(shown.iter().map(|&column| x[column] - self.mean[column]).collect());
        let of_hidden: Vec<Vec<f64>> = missing.iter().map(|&column| solve(block(&shown, &[column]))).collect();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let mean = missing.iter().zip(&of_hidden).map(|(&column, own)| self.mean[column] + dot(own, &z)).collect();
        let mut covariance = block(&missing, &missing);
        for (a, own) in of_hidden.iter().enumerate() {
            for (b, other) in of_hidden.iter().enumerate() {
                covariance[a * missing.len() + b] -= dot(own, other);
            }
        }
        let log_norm: f64 = (0..n).map(|i| factor[i * n + i].ln() + 0.5 * (2.0 * std::f64::consts::PI).ln()).sum();
        Conditional { hidden: missing, mean, covariance, log_shown: -0.5 * dot(&z, &z) - log_norm }
    }
}

impl Conditional {
    /// ln p of these of the hidden values, whose truth is in `x` `[width]`.
    pub fn log_density(&self, x: &[f64], scored: impl Fn(usize) -> bool) -> f64 {
        let kept: Vec<usize> = (0..self.hidden.len()).filter(|&index| scored(self.hidden[index])).collect();
        let n = kept.len();
        let own = kept.iter().flat_map(|&i| kept.iter().map(move |&j| self.covariance[i * self.hidden.len() + j]));
        let factor = cholesky(n, own.collect());
        let mut z = vec![0.0; n];
        let mut log_density = 0.0;
        for (i, &index) in kept.iter().enumerate() {
            let known: f64 = (0..i).map(|j| factor[i * n + j] * z[j]).sum();
            z[i] = (x[self.hidden[index]] - self.mean[index] - known) / factor[i * n + i];
            log_density -= 0.5 * z[i] * z[i] + factor[i * n + i].ln() + 0.5 * (2.0 * std::f64::consts::PI).ln();
        }
        log_density
    }
}

/// L with L Lᵀ = `a` `[n, n]`; what rounding makes negative counts as a little.
fn cholesky(n: usize, mut a: Vec<f64>) -> Vec<f64> {
    for i in 0..n {
        for j in 0..=i {
            let known: f64 = (0..j).map(|k| a[i * n + k] * a[j * n + k]).sum();
            let left = a[i * n + j] - known;
            a[i * n + j] = if i == j { left.max(1e-12).sqrt() } else { left / a[j * n + j] };
        }
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;
    use helmholtz::Seed;

    /// Rows x, y = x / 2 + noise: the regression of what is hidden on what is shown.
    #[test]
    fn a_regression_is_found_though_a_third_is_missing() {
        let mut normal = vec![0.0f32; 6000];
        Seed(4).lanes("rows", 0).fill_normal(&mut normal);
        let rows: Vec<f32> = normal.chunks_exact(2).flat_map(|z| [z[0], 0.5 * z[0] + 0.3 * z[1] + 2.0]).collect();
        let missing: Vec<bool> = (0..6000).map(|place| place % 3 == 1 && place % 2 == 1).collect();
        let found = Gaussian::fitted(&rows, &missing, 2);
        let given = found.given(&[1.0, 0.0], &[false, true]);
        // The slope's standard error is 0.3 / √2000 = 0.007, the ridge a thousandth.
        assert!((given.mean[0] - 2.5).abs() < 0.04, "{}", given.mean[0]);
        assert!((given.covariance[0] - 0.09).abs() < 0.015, "{}", given.covariance[0]);
        let density = given.log_density(&[1.0, 2.5], |_| true);
        let exact = -0.5 * (2.0 * std::f64::consts::PI * 0.09f64).ln();
        assert!((density - exact).abs() < 0.1, "{density} {exact}");
    }
}
