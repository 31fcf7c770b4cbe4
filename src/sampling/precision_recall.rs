//! Precision and recall of draws (Kynkäänniemi, Karras, Laine, Lehtinen & Aila 2019, "Improved precision and recall metric for
//! assessing generative models").
//!
//! The support of a distribution is taken to be the balls around its rows, each as wide as the distance to the row's k-th
//! nearest neighbour among the others. Precision is the share of draws that lie in some ball of the data: how many of them look
//! like data. Recall is the share of the data that lie in some ball of the draws: how much of the data they cover.
//!
//! A ball is closed: a row at just the radius lies in it. Where k other rows are identical to a row, its ball is a point, in
//! which lie the rows that are identical to it, and no others. Distances are those of the numbers themselves, not of features of
//! some network, so that two figures can be held against one another only where rows, their number and k are the same.

use super::{TwoSampleError, TwoSamples};
use crate::parallel;

/// Precision and recall of draws beside data.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct PrecisionRecall {
    /// The share of draws that lie among the data.
    pub precision: f64,
    /// The share of the data that lies among the draws.
    pub recall: f64,
    /// k, which neighbour makes a ball.
    pub neighbours: usize,
}

impl TwoSamples {
    /// Precision and recall of the second sample, of draws, beside the first one, of data, with balls of `neighbours`
    /// neighbours; the paper has 3.
    ///
    /// # Errors
    /// Where a sample has no more rows than neighbours are wanted, or none are.
    pub fn precision_recall(&self, neighbours: usize) -> Result<PrecisionRecall, TwoSampleError> {
        TwoSamples::fewest(neighbours, 1)?;
        TwoSamples::fewest(self.first().min(self.second()), neighbours + 1)?;
        let (data, draws) = (0..self.first(), self.first()..self.len());
        Ok(PrecisionRecall {
            precision: self.covered(draws.clone(), data.clone(), neighbours),
            recall: self.covered(data, draws, neighbours),
            neighbours,
        })
    }

    /// The share of `rows` that lie in a ball of one of `others`.
    fn covered(&self, rows: std::ops::Range<usize>, others: std::ops::Range<usize>, neighbours: usize) -> f64 {
        let radii = parallel::map(others.len(), |place| {
            let row = others.start + place;
            let mut squares = self.squares(row)[others.clone()].to_vec();
            squares.swap_remove(place);
            *squares.select_nth_unstable_by(neighbours - 1, f32::total_cmp).1
        });
        let inside = parallel::map(rows.len(), |place| {
            let squares = &self.squares(rows.start + place)[others.clone()];
            squares.iter().zip(&radii).any(|(square, radius)| square <= radius)
        });
        inside.iter().filter(|&&inside| inside).count() as f64 / rows.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;

    /// The definition, by sorting distances in f64.
    fn reference(rows: &[Vec<f64>], others: &[Vec<f64>], k: usize) -> f64 {
        let square = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
        let radii: Vec<f64> = (0..others.len())
            .map(|i| {
                let mut all: Vec<f64> =
                    (0..others.len()).filter(|&j| j != i).map(|j| square(&others[i], &others[j])).collect();
                all.sort_by(f64::total_cmp);
                all[k - 1]
            })
            .collect();
        let inside = rows
            .iter()
            .filter(|row| others.iter().zip(&radii).any(|(other, radius)| square(row, other) <= *radius));
        inside.count() as f64 / rows.len() as f64
    }

    /// Whole numbers, so that distances are exact, with ties and identical rows.
    #[test]
    fn shares_are_those_of_the_definition() {
        let mut stream = Seed(21).stream("rows", 0);
        for (count, spread) in [(40, 1.0), (30, 2.0), (25, 6.0)] {
            let mut rows = |count: usize, spread: f64| -> Vec<f32> {
                (0..count * 2).map(|_| (spread * stream.normal()).round() as f32).collect()
            };
            let (data, draws) = (rows(count, 2.0), rows(33, spread));
            let split = |values: &[f32]| -> Vec<Vec<f64>> {
                values.chunks(2).map(|row| row.iter().map(|&x| f64::from(x)).collect()).collect()
            };
            let samples = TwoSamples::new(&data, &draws, 2).unwrap();
            let found = samples.precision_recall(3).unwrap();
            let (data, draws) = (split(&data), split(&draws));
            assert_eq!(found.precision, reference(&draws, &data, 3), "precision at {spread}");
            assert_eq!(found.recall, reference(&data, &draws, 3), "recall at {spread}");
        }
    }

    #[test]
    fn draws_of_one_mode_are_precise_and_recall_half() {
        let data = [0.0, 0.1, 0.2, 0.3, 0.4, 9.0, 9.1, 9.2, 9.3, 9.4];
        let draws = [0.05, 0.15, 0.25, 0.35, 0.2];
        let found = TwoSamples::new(&data, &draws, 1).unwrap().precision_recall(3).unwrap();
        assert_eq!((found.precision, found.recall), (1.0, 0.5));
    }

    #[test]
    fn identical_rows_make_a_ball_of_one_point() {
        let found =
            TwoSamples::new(&[1.0; 5], &[1.0, 1.0, 1.0, 1.0, 0.0, 0.0], 1).unwrap().precision_recall(3).unwrap();
        assert_eq!((found.precision, found.recall), (4.0 / 6.0, 1.0));
        let error = TwoSamples::new(&[1.0; 3], &[1.0; 9], 1).unwrap().precision_recall(3).unwrap_err();
        assert_eq!(error, TwoSampleError::TooFew { rows: 3, wanted: 4 });
    }
}
