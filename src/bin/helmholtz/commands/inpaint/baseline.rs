//! What filling without a model comes to: by the means of columns, and by a normal distribution.

use super::gaussian::Gaussian;
use crate::contract::Scores;
use helmholtz::data::Dataset;

/// Columns up to which a normal distribution is fitted, and rows.
const MOST_COLUMNS: usize = 100;
const MOST_ROWS: usize = 20_000;

/// Rows to learn from, and rows to fill.
pub struct Baselines<'a> {
    /// Training rows.
    pub train: &'a Dataset<'static>,
    /// `[rows, width]`, with the truth where it is known.
    pub truth: &'a [f32],
    /// What is hidden, be it known or not, `[rows, width]`.
    pub hidden: &'a [bool],
    /// What is hidden and known.
    pub scored: &'a [bool],
}

/// Rows that are filled.
pub struct Baseline {
    /// How, in a word or two.
    pub name: &'static str,
    /// `[rows, width]`.
    pub means: Vec<f32>,
    /// The log-probability or log-density of what is hidden.
    pub scores: Scores,
}

impl Baselines<'_> {
    /// By means, and for real numbers by a normal distribution.
    pub fn all(&self) -> Vec<Baseline> {
        let mut all = vec![self.by_means()];
        if !self.train.is_binary() && self.train.width() <= MOST_COLUMNS {
            all.push(self.by_gaussian());
        }
        all
    }

    fn width(&self) -> usize {
        self.train.width()
    }

    /// Independent columns, with the training rows' means, and of real numbers their variances.
    fn by_means(&self) -> Baseline {
        let (width, n) = (self.width(), self.train.len() as f64);
        let means = self.train.means();
        let bits = self.train.largest() <= 1.0 && !self.train.is_real();
        let variances = if bits { vec![1.0; width] } else { self.train.variances() };
        let log_density = |column: usize, x: f64| {
            if bits {
                let p = means[column].clamp(0.5 / n, 1.0 - 0.5 / n);
                return x * p.ln() + (1.0 - x) * (-p).ln_1p();
            }
            let (variance, by) = (variances[column].max(1e-30), x - means[column]);
            -0.5 * (by * by / variance + (2.0 * std::f64::consts::PI * variance).ln())
        };
        let of_row = |row: usize| -> f64 {
            let scored = (0..width).filter(|column| self.scored[row * width + column]);
            scored.map(|column| log_density(column, f64::from(self.truth[row * width + column]))).sum()
        };
        let rows = self.truth.len() / width;
        let filled = self
            .truth
            .iter()
            .enumerate()
            .map(|(place, &x)| if self.hidden[place] { means[place % width] as f32 } else { x });
        let values: Vec<f64> = (0..rows).map(of_row).collect();
        Baseline {
            name: "means",
            means: filled.collect(),
            scores: Scores { errors: vec![0.0; rows], values, exact: true },
        }
    }

    /// The normal distribution of the training rows.
    fn by_gaussian(&self) -> Baseline {
        let width = self.width();
        let train = self.train.subset(0..self.train.len().min(MOST_ROWS));
        let mut rows = vec![0.0; train.len() * width];
        rows.chunks_exact_mut(width).enumerate().for_each(|(row, out)| train.row_into(row, out));
        let missing: Vec<bool> = (0..train.len())
            .flat_map(|row| (0..width).map(move |column| (row, column)))
            .map(|(row, column)| train.is_missing(row, column))
            .collect();
        let gaussian = Gaussian::fitted(&rows, &missing, width);
        let (mut means, mut values) = (self.truth.to_vec(), Vec::new());
        for (row, filled) in means.chunks_exact_mut(width).enumerate() {
            let own = row * width..(row + 1) * width;
            let x: Vec<f64> = filled.iter().map(|&x| f64::from(x)).collect();
            let given = gaussian.given(&x, &self.hidden[own.clone()]);
            values.push(given.log_density(&x, |column| self.scored[own.start + column]));
            given.hidden.iter().zip(&given.mean).for_each(|(&column, &mean)| filled[column] = mean as f32);
        }
        Baseline { name: "normal", means, scores: Scores { errors: vec![0.0; values.len()], values, exact: true } }
    }
}
