//! The difference of two models' mean log-likelihoods on the same rows.
//!
//! Rows that are hard for one model are hard for the other: ln p(x) varies by tens of nats from row to row, and ln p_A(x) −
//! ln p_B(x) by a few. So the error of the mean difference is that of the mean of the differences, not what two errors of
//! the data would give:
//!
//! d = (1/n) Σᵢ (aᵢ − bᵢ),   error² = s²(aᵢ − bᵢ) / n + ε_A² + ε_B².
//!
//! Noise that every row has for itself, as that of importance sampling row by row, scatters the aᵢ and is in the first term
//! already. What all rows share, the error ε of log Z, moves them together: n rows do not average it out, and it counts
//! once.

use super::estimate::mean_and_error;

/// The log-likelihoods of the rows of some data under one model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RowLikelihoods<'a> {
    /// ln p(x) of each row, `[rows]`, nats.
    pub rows: &'a [f64],
    /// The standard error that all rows share, that of log Z, nats; 0 where there is none, infinite where it is not known.
    pub shared_error: f64,
}

/// The mean difference of two models' log-likelihoods on the same rows, nats an example.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Paired {
    /// The first model's mean less the second's.
    pub difference: f64,
    /// Standard error of the difference, of the rows and of what they share; infinite where it is not known.
    pub error: f64,
    /// The part of it that more rows make smaller; infinite for a single row.
    pub data_error: f64,
    /// The part that all rows share.
    pub shared_error: f64,
    /// Rows.
    pub rows: usize,
}

/// What it would take to tell two models apart.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Distinction {
    /// They are apart already.
    Apart,
    /// So many rows, were the difference to stay.
    Rows(f64),
    /// A smaller error of what rows share: no number of rows is enough.
    SharedError {
        /// The most that it may be, nats, for any number of rows to be enough.
        below: f64,
    },
    /// An error is not known.
    Unknown,
    /// Nothing: the difference is 0.
    Equal,
}

impl Paired {
    /// The difference between `a` and `b`. Of one and the same figures, row for row and bit for bit with the same error in
    /// common, it is 0 without any error: one model, and the same random numbers.
    ///
    /// # Panics
    /// Where there are no rows, or not the same number of both.
    #[track_caller]
    pub fn between(a: RowLikelihoods<'_>, b: RowLikelihoods<'_>) -> Self {
        let rows = a.rows.len();
        assert!(rows > 0 && b.rows.len() == rows, "{rows} and {} rows in pairs", b.rows.len());
        if a == b {
            return Paired { difference: 0.0, error: 0.0, data_error: 0.0, shared_error: 0.0, rows };
        }
        let differences: Vec<f64> = a.rows.iter().zip(b.rows).map(|(a, b)| a - b).collect();
        let (difference, data_error) = mean_and_error(&differences);
        let shared_error = a.shared_error.hypot(b.shared_error);
        Paired { difference, error: data_error.hypot(shared_error), data_error, shared_error, rows }
    }

    /// Whether the first model's figure lies above the second's by more than `errors` standard errors of their difference.
    pub fn is_above(&self, errors: f64) -> bool {
        self.difference > 0.0 && self.error.is_finite() && self.difference > errors * self.error
    }

    /// What would bring the difference to `errors` of its standard errors, by n · s² / ((d / errors)² − ε²) rows.
    pub fn distinction(&self, errors: f64) -> Distinction {
        let allowed = self.difference.abs() / errors;
        if !self.error.is_finite() || !self.difference.is_finite() {
            return Distinction::Unknown;
        }
        if self.difference == 0.0 {
            return Distinction::Equal;
        }
        if self.error < allowed {
            return Distinction::Apart;
        }
        let room = allowed * allowed - self.shared_error * self.shared_error;
        if room <= 0.0 {
            return Distinction::SharedError { below: allowed };
        }
        Distinction::Rows((self.rows as f64 * self.data_error * self.data_error / room).ceil())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;
    use rand::RngExt;

    fn of(rows: &[f64], shared_error: f64) -> RowLikelihoods<'_> {
        RowLikelihoods { rows, shared_error }
    }

    #[test]
    fn what_rows_share_counts_once() {
        let paired = Paired::between(of(&[-1.0, -4.0, -7.0], 0.3), of(&[-2.0, -4.0, -9.0], 0.4));
        // Differences 1, 0, 2: their mean is sure to 1 / √3.
        assert_eq!((paired.difference, paired.rows), (1.0, 3));
        assert!((paired.data_error - 3f64.powf(-0.5)).abs() < 1e-15);
        assert!((paired.shared_error - 0.5).abs() < 1e-15);
        assert!((paired.error - (1.0f64 / 3.0 + 0.25).sqrt()).abs() < 1e-15);
    }

    #[test]
    fn one_and_the_same_figures_differ_by_nothing() {
        let rows = [-3.5, -2.25, -9.125];
        let same = Paired::between(of(&rows, 0.2), of(&rows, 0.2));
        assert_eq!((same.difference, same.error), (0.0, 0.0));
        assert_eq!(same.distinction(2.0), Distinction::Equal);
        assert!(!same.is_above(2.0));
        // The same figures by other random numbers are two estimates.
        assert!((Paired::between(of(&rows, 0.3), of(&rows, 0.4)).error - 0.5).abs() < 1e-15);
    }

    #[test]
    fn what_is_not_known_stays_unknown() {
        let unknown = Paired::between(of(&[-1.0, -2.0], f64::INFINITY), of(&[-8.0, -9.5], 0.0));
        assert_eq!((unknown.error, unknown.distinction(2.0)), (f64::INFINITY, Distinction::Unknown));
        assert!(!unknown.is_above(2.0));
        let single = Paired::between(of(&[-1.0], 0.0), of(&[-8.0], 0.0));
        assert!(single.error.is_infinite() && !single.is_above(2.0));
    }

    /// With as many rows as it asks for the difference is exactly `errors` of its errors.
    #[test]
    fn it_says_how_many_rows_would_tell() {
        let paired =
            Paired { difference: 0.5, error: 0.41f64.sqrt(), data_error: 0.625, shared_error: 0.15, rows: 80 };
        let Distinction::Rows(rows) = paired.distinction(2.0) else { panic!("{:?}", paired.distinction(2.0)) };
        assert_eq!(rows, (80.0 * 0.625f64.powi(2) / (0.0625 - 0.0225)).ceil());
        let shared = Paired { shared_error: 0.3, ..paired };
        assert_eq!(shared.distinction(2.0), Distinction::SharedError { below: 0.25 });
        assert_eq!(Paired { error: 0.1, ..paired }.distinction(2.0), Distinction::Apart);
    }

    /// Models of independent bits with probabilities of their own, judged by rows of a third: how many of `pairs` intervals of
    /// two errors' 95 % width hold the true difference. Each model's log Z is off by a normal error of `shared` nats that all
    /// of its rows have in common.
    fn covered(pairs: u64, shared: f64) -> u64 {
        const WIDTH: usize = 20;
        const ROWS: usize = 300;
        let mut held = 0;
        for pair in 0..pairs {
            let mut stream = Seed(17).stream("pairs", pair);
            let mut model = || -> Vec<f64> { (0..WIDTH).map(|_| stream.random_range(0.1..0.9)).collect() };
            let (truth, a, b) = (model(), model(), model());
            let log = |p: f64, bit: bool| if bit { p.ln() } else { (1.0 - p).ln() };
            let expected: f64 = (0..WIDTH)
                .map(|j| {
                    let gain = |bit| log(a[j], bit) - log(b[j], bit);
                    truth[j] * gain(true) + (1.0 - truth[j]) * gain(false)
                })
                .sum();
            let mut stream = Seed(18).stream("rows", pair);
            let off = [0, 1].map(|_| shared * stream.normal());
            let mut rows: [Vec<f64>; 2] = Default::default();
            for _ in 0..ROWS {
                let bits: Vec<bool> = truth.iter().map(|&p| stream.random::<f64>() < p).collect();
                for (rows, (p, off)) in rows.iter_mut().zip([(&a, off[0]), (&b, off[1])]) {
                    rows.push(off + bits.iter().zip(p).map(|(&bit, &p)| log(p, bit)).sum::<f64>());
                }
            }
            let paired = Paired::between(of(&rows[0], shared), of(&rows[1], shared));
            held += u64::from((paired.difference - expected).abs() < 1.959_964 * paired.error);
        }
        held
    }

    /// Of 1,000 intervals of 95 % between 917 and 977 hold the truth but once in 10⁵ (binomial tails, 5 · 10⁻⁶ a side).
    #[test]
    fn intervals_hold_the_truth_as_often_as_they_say() {
        for shared in [0.0, 0.3] {
            let held = covered(1000, shared);
            assert!((917..=977).contains(&held), "{held} of 1000 with a shared error of {shared}");
        }
    }

    /// α is that of the stated 93–97 %: 6.6 % a run of 400; seeds are fixed, and so is the outcome.
    #[test]
    #[ignore = "a measurement: prints coverage"]
    fn coverage_of_400_pairs() {
        for shared in [0.0, 0.05, 0.3] {
            let held = covered(400, shared);
            println!(
                "log Z's error {shared}: {held} of 400 intervals of 95 % hold the truth, {:.2} %",
                held as f64 / 4.0
            );
            assert!((372..=388).contains(&held), "{held} of 400");
        }
    }
}
