//! What a model without any dependence between its values would reach: the figure that a likelihood stands beside.

use super::Warning;
use crate::tensor::BitMatrix;

/// Numbers whose deviation is below this part of the largest of them differ by little more than their rounding to f32, 6 · 10⁻⁸.
const ROUNDING: f64 = 1e-6;
/// A column in which one number has this share of the rows, or more, is all but constant.
const SHARE: f64 = 0.99;
/// Fewer rows than this know nothing of such shares.
const ROWS: usize = 100;
/// Numbers among which different ones are counted.
const LEVELS_LOOKED_AT: usize = 1 << 16;

/// The mean log-likelihood of bits under independent ones with their own means `[width]`: the best of its kind, nats an
/// example.
pub(crate) fn independent_bernoulli(means: &[f64]) -> f64 {
    let entropy = |p: f64| if p > 0.0 && p < 1.0 { -p * p.ln() - (1.0 - p) * (1.0 - p).ln() } else { 0.0 };
    -means.iter().map(|&mean| entropy(mean)).sum::<f64>()
}

/// The log-likelihood of each of `rows` under independent bits with the rows' own means, `[rows]`, nats: on average the most that
/// any independent bits reach on them.
pub fn independent_bits_of_rows(rows: &BitMatrix) -> Vec<f64> {
    let (count, counts) = (rows.rows() as f64, rows.column_counts());
    // A bit that is always on has no row in which it is off: no 0 · ln 0 comes up.
    let logs: Vec<[f64; 2]> =
        counts.iter().map(|&on| [1.0 - f64::from(on) / count, f64::from(on) / count].map(f64::ln)).collect();
    let of_row = |row| logs.iter().enumerate().map(|(unit, logs)| logs[usize::from(rows.get(row, unit))]).sum();
    (0..rows.rows()).map(of_row).collect()
}

/// The log-density of each of `rows` `[rows, width]` under the normal distribution with their own mean and covariance, `[rows]`,
/// nats: on average the most that any normal distribution reaches on them. `None` where they lie in a plane or a column hardly
/// varies, so that there is no most.
///
/// # Panics
/// Where they are no whole rows.
#[track_caller]
pub fn normal_of_rows(rows: &[f32], width: usize) -> Option<Vec<f64>> {
    assert!(width > 0 && rows.len().is_multiple_of(width), "{} numbers in rows of {width}", rows.len());
    if rows.is_empty() || all_but_constant(rows, width).is_some() {
        return None;
    }
    let (mean, covariance) = mean_and_covariance(rows, width);
    let factor = cholesky(width, &covariance)?;
    let log_norm: f64 =
        (0..width).map(|i| factor[i * width + i].ln() + 0.5 * (2.0 * std::f64::consts::PI).ln()).sum();
    let mut standardised = vec![0.0; width];
    let of_row = |row: &[f32]| {
        // L z = x − m by forward substitution.
        for i in 0..width {
            let known: f64 = (0..i).map(|j| factor[i * width + j] * standardised[j]).sum();
            standardised[i] = (f64::from(row[i]) - mean[i] - known) / factor[i * width + i];
        }
        -0.5 * standardised.iter().map(|z| z * z).sum::<f64>() - log_norm
    };
    Some(rows.chunks_exact(width).map(of_row).collect())
}

/// The mean `[width]` and the covariance `[width, width]` of rows `[rows, width]`.
pub(crate) fn mean_and_covariance(rows: &[f32], width: usize) -> (Vec<f64>, Vec<f64>) {
    let count = (rows.len() / width) as f64;
    let mut mean = vec![0.0; width];
    for row in rows.chunks_exact(width) {
        mean.iter_mut().zip(row).for_each(|(mean, &x)| *mean += f64::from(x) / count);
    }
    let mut covariance = vec![0.0; width * width];
    for row in rows.chunks_exact(width) {
        for (i, line) in covariance.chunks_exact_mut(width).enumerate() {
            let x = f64::from(row[i]) - mean[i];
            line.iter_mut().enumerate().for_each(|(j, sum)| *sum += x * (f64::from(row[j]) - mean[j]) / count);
        }
    }
    (mean, covariance)
}

/// The mean log-likelihood of `rows` under independent bits with the rows' own means, nats an example.
pub(crate) fn independent_bits(rows: &BitMatrix) -> f64 {
    let mean = |on| f64::from(on) / rows.rows() as f64;
    independent_bernoulli(&rows.column_counts().into_iter().map(mean).collect::<Vec<f64>>())
}

/// The mean log-density of rows under independent normals about their own means, nats an example, from the sum
/// `total_variance` of their variances: with noise of variance `noise`, or of the best one where that is `None`.
pub(crate) fn independent_gaussian(width: usize, total_variance: f64, noise: Option<f64>) -> f64 {
    let noise = noise.unwrap_or(total_variance / width as f64);
    -0.5 * (width as f64 * (2.0 * std::f64::consts::PI * noise).ln() + total_variance / noise)
}

/// The mean log-density of rows under the normal distribution with their own mean and covariance `[width, width]`: the best of
/// its kind, nats an example. `None` where the rows lie in a plane, so that there is no best.
pub(crate) fn correlated_gaussian(width: usize, covariance: &[f64]) -> Option<f64> {
    // −½ ln |2πe Σ|.
    let factor = cholesky(width, covariance)?;
    let log_density = |i: usize| -0.5 * ((2.0 * std::f64::consts::PI * factor[i * width + i].powi(2)).ln() + 1.0);
    Some((0..width).map(log_density).sum())
}

/// Cholesky's factor of a covariance `[width, width]`, lower triangle, whose diagonal holds the deviations given the components
/// before. `None` where a component follows from those before it.
fn cholesky(width: usize, covariance: &[f64]) -> Option<Vec<f64>> {
    let mut factor = covariance.to_vec();
    for i in 0..width {
        for j in 0..=i {
            let known: f64 = (0..j).map(|k| factor[i * width + k] * factor[j * width + k]).sum();
            let rest = covariance[i * width + j] - known;
            if i == j && rest <= 1e-12 * covariance[i * width + i] {
                return None;
            }
            factor[i * width + j] = if i == j { rest.sqrt() } else { rest / factor[j * width + j] };
        }
    }
    Some(factor)
}

/// The first column of rows `[rows, width]` that is constant, or nearly so, and how many there are: a density of real numbers can
/// grow without bound along them, and what the best normal distribution reaches says nothing. Of a single row none is looked for.
pub(crate) fn all_but_constant(rows: &[f32], width: usize) -> Option<Warning> {
    let count = rows.len() / width;
    if count < 2 {
        return None;
    }
    let mut columns = (0..width).filter(|&j| {
        let mut column: Vec<f32> = rows.chunks_exact(width).map(|row| row[j]).collect();
        let largest = column.iter().fold(0.0f64, |largest, &x| largest.max(f64::from(x).abs()));
        let mean = column.iter().map(|&x| f64::from(x)).sum::<f64>() / count as f64;
        let variance = column.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / count as f64;
        column.sort_unstable_by(f32::total_cmp);
        let same = column.chunk_by(|a, b| a == b).map(<[f32]>::len).max().unwrap_or(0);
        variance.sqrt() <= ROUNDING * largest || (count >= ROWS && same as f64 >= SHARE * count as f64)
    });
    let column = columns.next()?;
    Some(Warning::ConstantColumns { first: column, columns: 1 + columns.count() })
}

/// Rows of a few levels alone: different numbers, where each comes ten times on average or more often.
pub(crate) fn few_levels(rows: &[f32]) -> Option<Warning> {
    let mut bits: Vec<u32> = rows.iter().take(LEVELS_LOOKED_AT).map(|x| x.to_bits()).collect();
    let numbers = bits.len();
    bits.sort_unstable();
    bits.dedup();
    (10 * bits.len() <= numbers).then_some(Warning::DiscreteLevels { levels: bits.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_that_hardly_vary_are_found() {
        // An odd one in 1 of 150 rows; rounding; a thousand and little more; a slow wave; 1 of 20.
        let column = |j: usize, i: usize| match j {
            0 => f32::from(u8::from(i == 70)),
            1 => 0.3f32 * [1.0, 1.0 + f32::EPSILON][i % 2],
            2 => 1000.0 + 0.01 * (i % 7) as f32,
            3 => (0.1 * i as f32).sin(),
            _ => f32::from(u8::from(i.is_multiple_of(20))),
        };
        let rows = |of: &[usize], count: usize| -> Vec<f32> {
            (0..count).flat_map(|i| of.iter().map(move |&j| column(j, i))).collect()
        };
        let found = |of: &[usize]| all_but_constant(&rows(of, 150), of.len());
        assert_eq!(found(&[2, 3, 4]), None);
        assert_eq!(found(&[3, 0, 4]), Some(Warning::ConstantColumns { first: 1, columns: 1 }));
        assert_eq!(found(&[1, 2, 0]), Some(Warning::ConstantColumns { first: 0, columns: 2 }));
        assert_eq!(all_but_constant(&rows(&[4], 30), 1), None);
        assert_eq!(all_but_constant(&[2.0; 3], 1), Some(Warning::ConstantColumns { first: 0, columns: 1 }));
        assert_eq!(all_but_constant(&[2.0], 1), None);
        assert_eq!(all_but_constant(&[0.0; 3], 1), Some(Warning::ConstantColumns { first: 0, columns: 1 }));
    }

    #[test]
    fn fair_coins_cost_a_bit_each_and_certain_ones_nothing() {
        assert_eq!(independent_bernoulli(&[0.0, 1.0]), 0.0);
        assert!((independent_bernoulli(&[0.5, 0.5]) + 2.0 * 2f64.ln()).abs() < 1e-15);
        let rows = BitMatrix::from_fn(4, 2, |row, unit| unit == 0 && row < 2);
        assert!((independent_bits(&rows) + 2f64.ln()).abs() < 1e-15);
    }

    #[test]
    fn a_normal_distribution_has_minus_its_entropy() {
        // |Σ| = 4 · 9 · (1 − ½²) = 27.
        let wanted = -(2.0 * std::f64::consts::PI * 1f64.exp()).ln() - 0.5 * 27f64.ln();
        assert!((correlated_gaussian(2, &[4.0, 3.0, 3.0, 9.0]).unwrap() - wanted).abs() < 1e-14);
        assert_eq!(correlated_gaussian(2, &[4.0, 6.0, 6.0, 9.0]), None);
        assert_eq!(correlated_gaussian(1, &[0.0]), None);
    }

    /// The mean over rows is the mean log-likelihood in closed form; a single row is the sum of its bits.
    #[test]
    fn rows_have_the_mean_that_is_known() {
        let rows = BitMatrix::from_fn(7, 5, |row, unit| unit == 4 || (row * 3 + unit) % (unit + 2) == 0);
        let each = independent_bits_of_rows(&rows);
        assert!((each.iter().sum::<f64>() / 7.0 - independent_bits(&rows)).abs() < 1e-14, "{each:?}");
        let counts = rows.column_counts();
        let first: f64 = (0..5)
            .map(|unit| {
                let on = f64::from(counts[unit]) / 7.0;
                if rows.get(0, unit) { on.ln() } else { (1.0 - on).ln() }
            })
            .sum();
        assert!((each[0] - first).abs() < 1e-14);

        let values: Vec<f32> = (0..60).map(|i| ((i * i) % 17) as f32 + 0.1 * i as f32).collect();
        let each = normal_of_rows(&values, 3).unwrap();
        let best = correlated_gaussian(3, &mean_and_covariance(&values, 3).1).unwrap();
        assert!((each.iter().sum::<f64>() / 20.0 - best).abs() < 1e-12, "{each:?}, {best}");
        assert_eq!(normal_of_rows(&[1.0, 2.0, 1.0, 3.0, 1.0, 4.0], 2), None);
        assert_eq!(normal_of_rows(&[], 2), None);
    }

    #[test]
    fn no_noise_does_better_than_the_datas_own() {
        let best = independent_gaussian(3, 6.0, None);
        assert!((best - independent_gaussian(3, 6.0, Some(2.0))).abs() < 1e-15);
        assert!([0.5, 1.0, 1.9, 2.1, 4.0].iter().all(|&noise| independent_gaussian(3, 6.0, Some(noise)) < best));
    }
}
