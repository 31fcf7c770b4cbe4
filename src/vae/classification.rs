//! How well probabilities of classes fit labels.

use crate::random::{Seed, Stream};
use rand::Rng;

/// Bins of equal width that the calibration error is summed over.
const BINS: usize = 15;
/// Resamplings of the rows for its interval.
const RESAMPLED: usize = 400;
/// Parts of the rows that the abstention curve has: those the classifier is surest of.
const COVERAGES: [f64; 6] = [1.0, 0.99, 0.95, 0.9, 0.8, 0.5];

/// Classes of rows by their probabilities, beside the rows' labels; of the rows that have one.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Classification {
    /// Rows with a label.
    pub rows: usize,
    /// The part of them whose most probable class is the label.
    pub accuracy: f64,
    /// Its standard error: that of a mean of as many independent rows.
    pub accuracy_error: f64,
    /// The expected calibration error (Guo et al. 2017): |accuracy − mean probability of the most probable class|, a mean over 15 bins of that
    /// probability by their rows. Of a perfectly calibrated classifier it is above 0 as rows are finite.
    pub ece: f64,
    /// An interval that 95 of 100 resamplings of the rows fall into, corrected for what resampling itself adds.
    pub ece_interval: [f64; 2],
    /// Rows by label and most probable class, `[labels, classes]`: labels are as many as classes, or more where one is beyond them.
    pub counts: Vec<u32>,
    /// Accuracy among the part of the rows, `(part, accuracy)`, of which the most probable class has the largest probability.
    pub abstention: Vec<(f64, f64)>,
    /// The accuracy if each most probable class stood for the label most of its rows have: of clusters, whose numbers mean nothing.
    pub purity: f64,
}

/// The most probable class, by probabilities or what orders as they do; of equals the one with the smaller number.
pub(super) fn best<T: PartialOrd>(probabilities: &[T]) -> usize {
    best_of(probabilities, 0..probabilities.len()).unwrap_or(0)
}

/// The same among some classes, in ascending order.
pub(super) fn best_of<T: PartialOrd>(probabilities: &[T], classes: impl Iterator<Item = usize>) -> Option<usize> {
    classes.reduce(|best, class| if probabilities[class] > probabilities[best] { class } else { best })
}

impl Classification {
    /// From probabilities `[labels, classes]`; `None` where no row has a label.
    ///
    /// # Panics
    /// Where there are not as many probabilities.
    #[track_caller]
    pub fn of(probabilities: &[f64], classes: usize, labels: &[Option<u16>]) -> Option<Self> {
        assert_eq!(probabilities.len(), labels.len() * classes, "probabilities of {classes} classes");
        let rows: Vec<Row> = probabilities
            .chunks_exact(classes.max(1))
            .zip(labels)
            .filter_map(|(probabilities, label)| {
                let (label, class) = (usize::from((*label)?), best(probabilities));
                Some(Row { label, class, confidence: probabilities[class] })
            })
            .collect();
        if rows.is_empty() {
            return None;
        }
        let n = rows.len() as f64;
        let labels = rows.iter().map(|row| row.label + 1).fold(classes, usize::max);
        let mut counts = vec![0; labels * classes];
        rows.iter().for_each(|row| counts[row.label * classes + row.class] += 1);
        let accuracy = rows.iter().filter(|row| row.is_right()).count() as f64 / n;
        let of_class = |class| (0..labels).map(move |label| (label, class));
        let most =
            |class| of_class(class).map(|(label, class)| counts[label * classes + class]).max().unwrap_or(0);
        let purity = (0..classes).map(most).map(f64::from).sum::<f64>() / n;
        let ece = calibration_error(rows.iter());
        Some(Classification {
            rows: rows.len(),
            accuracy,
            accuracy_error: (accuracy * (1.0 - accuracy) / (n - 1.0).max(1.0)).sqrt(),
            ece,
            ece_interval: interval(&rows, ece),
            abstention: abstention(&rows),
            counts,
            purity,
        })
    }
}

/// A row with a label.
#[derive(Clone, Copy)]
struct Row {
    label: usize,
    class: usize,
    confidence: f64,
}

impl Row {
    fn is_right(&self) -> bool {
        self.label == self.class
    }
}

fn calibration_error<'r>(rows: impl Iterator<Item = &'r Row>) -> f64 {
    // Of each bin what confidences exceed right answers by.
    let (mut bins, mut count) = ([0.0; BINS], 0.0);
    for row in rows {
        let bin = ((row.confidence * BINS as f64) as usize).min(BINS - 1);
        bins[bin] += row.confidence - f64::from(u8::from(row.is_right()));
        count += 1.0;
    }
    bins.iter().map(|excess: &f64| excess.abs()).sum::<f64>() / count
}

/// The basic bootstrap interval: resampled figures lie about as far above the figure as this lies above the truth.
fn interval(rows: &[Row], ece: f64) -> [f64; 2] {
    let mut stream = Stream::new(Seed(0).lanes("calibration", 0));
    let mut figures: Vec<f64> = (0..RESAMPLED)
        .map(|_| {
            calibration_error(
                (0..rows.len())
                    .map(|_| &rows[((u64::from(stream.next_u32()) * rows.len() as u64) >> 32) as usize]),
            )
        })
        .collect();
    figures.sort_by(f64::total_cmp);
    let at = |part: f64| figures[((part * RESAMPLED as f64) as usize).min(RESAMPLED - 1)];
    [at(0.975), at(0.025)].map(|bound| (2.0 * ece - bound).max(0.0))
}

fn abstention(rows: &[Row]) -> Vec<(f64, f64)> {
    let mut surest: Vec<&Row> = rows.iter().collect();
    surest.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    let at = |part: f64| {
        let count = ((part * rows.len() as f64).round() as usize).max(1);
        let right = surest[..count].iter().filter(|row| row.is_right()).count();
        (part, right as f64 / count as f64)
    };
    COVERAGES.into_iter().map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows whose two classes have the probabilities that they say.
    fn calibrated(rows: usize, excess: f64, set: u64) -> (Vec<f64>, Vec<Option<u16>>) {
        let mut stream = Stream::new(Seed(1).lanes("rows", set));
        let mut uniform = move || f64::from(stream.next_u32()) / 4_294_967_296.0;
        let (mut probabilities, mut labels) = (Vec::new(), Vec::new());
        for _ in 0..rows {
            let p = uniform();
            labels.push(Some(u16::from(uniform() >= p)));
            let said = if p > 0.5 { (p + excess).min(1.0) } else { (p - excess).max(0.0) };
            probabilities.extend([said, 1.0 - said]);
        }
        (probabilities, labels)
    }

    #[test]
    fn figures_are_counted_by_hand() {
        let probabilities = [0.7, 0.3, 0.6, 0.4, 0.1, 0.9, 0.5, 0.5];
        let labels = [Some(0), Some(1), Some(1), None];
        let found = Classification::of(&probabilities, 2, &labels).unwrap();
        assert_eq!((found.rows, found.counts.clone()), (3, vec![1, 0, 1, 1]));
        assert!((found.accuracy - 2.0 / 3.0).abs() < 1e-12);
        assert!((found.accuracy_error - (2.0 / 9.0 / 2.0f64).sqrt()).abs() < 1e-12);
        // Bins of a fifteenth: 0.7 is in one of its own, so are 0.6 and 0.9.
        let ece = (0.3 + 0.6 + 0.1) / 3.0;
        assert!((found.ece - ece).abs() < 1e-12, "{}", found.ece);
        assert_eq!(found.abstention[0], (1.0, 2.0 / 3.0));
        assert_eq!(found.abstention[5], (0.5, 1.0));
        assert_eq!(found.purity, 2.0 / 3.0);
        // Clusters whose names are exchanged are as pure.
        let exchanged = Classification::of(&[0.0, 1.0, 1.0, 0.0], 2, &[Some(0), Some(1)]).unwrap();
        assert_eq!((exchanged.accuracy, exchanged.purity), (0.0, 1.0));
        // Of clusters there may be fewer than labels.
        let fewer = Classification::of(&[1.0, 0.0, 0.0, 1.0], 2, &[Some(3), Some(1)]).unwrap();
        assert_eq!((fewer.counts, fewer.purity), (vec![0, 0, 0, 1, 0, 0, 1, 0], 1.0));
        assert_eq!(Classification::of(&probabilities, 2, &[None; 4]), None);
    }

    /// Of calibrated rows, whose error is 0, the interval begins at about 0. Of rows that say 0.1 too much 0.09 is the truth: 0.1 but for the
    /// fifth of the rows that are cut off at 1, which say 0.05 too much on average. Of 40 sets 38 should hold it; 33 or fewer would be chance
    /// once in 300 times.
    #[test]
    fn the_interval_of_the_calibration_error_holds_the_truth() {
        let (probabilities, labels) = calibrated(4000, 0.0, 0);
        let found = Classification::of(&probabilities, 2, &labels).unwrap();
        assert!(found.ece < 0.03 && found.ece_interval[0] < 0.005, "{found:?}");
        let held = (0..40).filter(|&set| {
            let (probabilities, labels) = calibrated(2000, 0.1, set);
            let [low, high] = Classification::of(&probabilities, 2, &labels).unwrap().ece_interval;
            assert!(high - low < 0.06, "{low} to {high}");
            (low..high).contains(&0.09)
        });
        let held = held.count();
        assert!(held > 33, "{held} of 40");
    }
}
