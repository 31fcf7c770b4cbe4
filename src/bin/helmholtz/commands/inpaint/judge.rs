//! What is imputed, held against what was hidden.

use crate::contract::{Filled, Scores};
use serde_json::{Map, Value, json};

/// The rows that were completed.
pub struct Truth<'a> {
    /// `[rows, width]`.
    pub values: &'a [f32],
    /// What was hidden and is known, `[rows, width]`.
    pub scored: &'a [bool],
    /// The variances of the columns, of real numbers.
    pub variances: Option<&'a [f64]>,
    /// Values of a row.
    pub width: usize,
}

/// The figures of one way of imputing.
#[derive(Default)]
pub struct Judged {
    /// The mean of the scores, its error over rows, and its Monte Carlo error.
    pub score: Option<[f64; 3]>,
    /// The part of rows whose Monte Carlo error is not known, and not in it.
    pub unknown: f64,
    /// Whether that is exact.
    pub exact: bool,
    /// Root mean squared error of the means, in the data's units.
    pub rmse: Option<f64>,
    /// Their mean squared error, in the columns' variances.
    pub standardised: Option<f64>,
    /// The parts of the hidden values in the central intervals of 50 and 90 %.
    pub coverage: Option<[f64; 2]>,
    /// The part of hidden bits that were drawn other than they were.
    pub wrong: Option<f64>,
    /// The mean bound of completion and its error over rows.
    pub bound: Option<[f64; 2]>,
    /// The largest k̂, the part of rows above the threshold.
    pub shapes: Option<[f64; 2]>,
}

impl Truth<'_> {
    /// The figures of what a model imputed, `count` times a row, by so many draws where it has weights.
    pub fn judge(&self, filled: &Filled, count: usize, draws: usize) -> Judged {
        let mut judged = self.judge_means(&filled.means, filled.scores.as_ref());
        if let Some(quantiles) = &filled.quantiles {
            let inside = |low: usize, high: usize| {
                self.mean(|place, x| {
                    let quantiles = &quantiles[4 * place..4 * place + 4];
                    f64::from(u8::from(quantiles[low] <= x && x <= quantiles[high]))
                })
            };
            judged.coverage = inside(1, 2).zip(inside(0, 3)).map(|(half, most)| [half, most]);
        } else {
            let wrong = |place: usize, x: f32| {
                let (row, column) = (place / self.width, place % self.width);
                let drawn = (0..count).map(|index| filled.values[(row * count + index) * self.width + column]);
                drawn.filter(|drawn| (drawn - x).abs() > 0.5).count() as f64 / count as f64
            };
            judged.wrong = self.mean(wrong);
        }
        judged.bound = filled.bounds.as_ref().map(|bounds| mean_and_error(bounds));
        judged.shapes = filled.shapes.as_ref().map(|shapes| {
            let threshold = helmholtz::sampling::diagnostics::pareto_threshold(draws);
            let told: Vec<f64> = shapes.iter().flatten().copied().collect();
            let beyond = told.iter().filter(|shape| **shape > threshold).count();
            let largest = told.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            [largest, beyond as f64 / shapes.len().max(1) as f64]
        });
        judged.shapes = judged.shapes.filter(|shapes| shapes[0] > f64::NEG_INFINITY);
        judged
    }

    /// The figures of means and of scores.
    pub fn judge_means(&self, means: &[f32], scores: Option<&Scores>) -> Judged {
        let mut judged = Judged::default();
        if let Some(scores) = scores {
            let rows = self.scored_rows();
            let of = |values: &[f64]| -> Vec<f64> { rows.iter().map(|&row| values[row]).collect() };
            let [mean, error] = mean_and_error(&of(&scores.values));
            let errors = of(&scores.errors);
            let known: Vec<f64> = errors.iter().copied().filter(|error| error.is_finite()).collect();
            let square = known.iter().map(|error| error * error).sum::<f64>() / known.len() as f64;
            judged.score = (!rows.is_empty()).then_some([mean, error, (square / rows.len().max(1) as f64).sqrt()]);
            judged.unknown = (errors.len() - known.len()) as f64 / errors.len().max(1) as f64;
            judged.exact = scores.exact;
        }
        if let Some(variances) = self.variances {
            let by = |place: usize, x: f32| f64::from(means[place] - x).powi(2);
            let rmse = self.mean(by).map(f64::sqrt);
            judged.rmse = rmse;
            // Of columns that hardly vary there is no such figure.
            judged.standardised = self
                .mean(|place, x| by(place, x) / variances[place % self.width])
                .filter(|_| variances.iter().all(|variance| *variance > 1e-20));
        }
        judged
    }

    /// The mean of a figure over the values that are scored, each with its place.
    fn mean(&self, of: impl Fn(usize, f32) -> f64) -> Option<f64> {
        let scored: Vec<usize> = (0..self.values.len()).filter(|&place| self.scored[place]).collect();
        let sum: f64 = scored.iter().map(|&place| of(place, self.values[place])).sum();
        (!scored.is_empty()).then(|| sum / scored.len() as f64)
    }

    /// Rows of which something is scored.
    pub fn scored_rows(&self) -> Vec<usize> {
        let rows = self.scored.chunks_exact(self.width).enumerate();
        rows.filter(|(_, scored)| scored.contains(&true)).map(|(row, _)| row).collect()
    }

    /// The mean of the differences of two scores, row by row, and its error.
    pub fn paired(&self, scores: &Scores, other: &Scores) -> [f64; 2] {
        let differences: Vec<f64> =
            self.scored_rows().iter().map(|&row| scores.values[row] - other.values[row]).collect();
        mean_and_error(&differences)
    }
}

impl Judged {
    /// The figures by their keys.
    pub fn figures(&self) -> Map<String, Value> {
        let mut figures = Map::new();
        let mut put = |key: &str, value: Option<f64>| {
            if let Some(value) = value {
                // What is not finite is null.
                figures.insert(key.to_owned(), json!(value));
            }
        };
        let of = |pair: Option<[f64; 2]>, index: usize| pair.map(|pair| pair[index]);
        put("score", self.score.map(|score| score[0]));
        put("score_error", self.score.map(|score| score[1]));
        put("score_monte_carlo_error", self.score.map(|score| score[2]));
        put("score_error_unknown", self.score.map(|_| self.unknown));
        put("completion_bound", of(self.bound, 0));
        put("completion_bound_error", of(self.bound, 1));
        put("rmse", self.rmse);
        put("mse_standardised", self.standardised);
        put("coverage50", of(self.coverage, 0));
        put("coverage90", of(self.coverage, 1));
        put("wrong_fraction", self.wrong);
        put("k_hat", of(self.shapes, 0));
        put("k_hat_beyond", of(self.shapes, 1));
        if self.score.is_some() {
            figures.insert("score_exact".to_owned(), json!(self.exact));
        }
        figures
    }
}

/// The mean and its standard error; that of a single number is infinite.
fn mean_and_error(values: &[f64]) -> [f64; 2] {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    [mean, if values.len() > 1 { (squares / (n - 1.0) / n).sqrt() } else { f64::INFINITY }]
}
