//! Whether chains of an RBM forget where they began: chains from two kinds of starts must end alike.

use helmholtz::Seed;
use helmholtz::rbm::{Rbm, RbmChains};
use helmholtz::tensor::BitMatrix;

/// Chains of a kind that are compared: enough to see a difference of half a standard deviation.
pub const CHAINS: usize = 128;
/// Standard errors that two kinds of chains may differ by. For normal draws a mixing machine exceeds them once in 30,000
/// times, for Student's t with the fewest chains, 16 of a kind, once in 4,000.
const ALLOWED: f64 = 4.0;
/// Chains in a half of the starts.
const FEWEST: usize = 16;
/// The root mean square that the draws' means may be off those of the rows by, noise taken off.
const FAR: f64 = 0.1;
/// Draws whose means are worth comparing with those of the rows.
const ENOUGH: usize = 32;

/// The ends of chains from two kinds of starts.
#[derive(Clone, Debug)]
pub struct Mixing {
    /// The kinds of starts, in words.
    pub starts: [String; 2],
    /// The parts of units that are on at the ends of either.
    pub lit: [f64; 2],
    /// How far apart the ends are, in standard errors.
    pub errors_apart: f64,
}

impl Mixing {
    /// The ends of chains from `starts`, compared.
    pub fn of(ends: [&BitMatrix; 2], starts: [&str; 2]) -> Self {
        Mixing {
            starts: starts.map(str::to_owned),
            lit: ends.map(lit),
            errors_apart: errors_apart(ends[0], ends[1]),
        }
    }

    /// The same chains, compared with one another: do those that began in one half of the starts, as `start` lay along the
    /// direction in which it varies most, end where the others do? `None` where one half has too few.
    pub fn within(start: &BitMatrix, ends: &BitMatrix, name: &str) -> Option<Self> {
        let [low, high] = halves(start).map(|rows| rows_of(ends, &rows));
        (low.rows() >= FEWEST && high.rows() >= FEWEST).then(|| {
            Mixing::of([&low, &high], [&format!("one half of {name}"), &format!("the other half of {name}")])
        })
    }

    /// The one that tells more.
    pub fn worse(self, other: Option<Self>) -> Self {
        match other {
            Some(other) if other.errors_apart > self.errors_apart => other,
            _ => self,
        }
    }

    /// Whether the ends tell where the chains began.
    pub fn fails(&self) -> bool {
        self.errors_apart > ALLOWED
    }
}

/// The ends of `sweeps` sweeps from the rows of `start`.
pub fn ends(rbm: &Rbm, start: BitMatrix, sweeps: usize, seed: Seed) -> BitMatrix {
    let mut chains = RbmChains::from_visible(start, rbm.hidden(), seed);
    chains.gibbs(rbm, sweeps);
    chains.into_visible()
}

/// The rows on either side of the mean along the direction in which they vary most, by the power method.
fn halves(states: &BitMatrix) -> [Vec<usize>; 2] {
    const ITERATIONS: usize = 20;
    let (rows, units) = (states.rows().min(CHAINS), states.units());
    let mut mean = vec![0.0f32; units];
    let mut centred: Vec<f32> = (0..rows)
        .flat_map(|row| (0..units).map(move |unit| (row, unit)))
        .map(|(row, unit)| f32::from(u8::from(states.get(row, unit))))
        .collect();
    for row in centred.chunks_exact(units.max(1)) {
        mean.iter_mut().zip(row).for_each(|(mean, value)| *mean += value / rows as f32);
    }
    for row in centred.chunks_exact_mut(units.max(1)) {
        row.iter_mut().zip(&mean).for_each(|(value, mean)| *value -= mean);
    }
    let along = |direction: &[f32]| -> Vec<f32> {
        centred.chunks_exact(units.max(1)).map(|row| row.iter().zip(direction).map(|(x, d)| x * d).sum()).collect()
    };
    // A start that no symmetry of the rows makes orthogonal to what is looked for.
    let mut direction: Vec<f32> = (0..units).map(|unit| 1.0 + (unit as f32 * 0.618).fract()).collect();
    for _ in 0..ITERATIONS {
        let lengths = along(&direction);
        direction.fill(0.0);
        for (row, length) in centred.chunks_exact(units.max(1)).zip(&lengths) {
            direction.iter_mut().zip(row).for_each(|(d, x)| *d += length * x);
        }
        let norm = direction.iter().map(|d| d * d).sum::<f32>().sqrt();
        if norm == 0.0 {
            break;
        }
        direction.iter_mut().for_each(|d| *d /= norm);
    }
    let lengths = along(&direction);
    let side = |high: bool| (0..lengths.len()).filter(|row| (lengths[*row] > 0.0) == high).collect();
    [side(false), side(true)]
}

fn rows_of(states: &BitMatrix, rows: &[usize]) -> BitMatrix {
    BitMatrix::from_fn(rows.len(), states.units(), |row, unit| states.get(rows[row], unit))
}

/// The part of the units that are on.
pub fn lit(states: &BitMatrix) -> f64 {
    let on: u64 = states.column_counts().into_iter().map(u64::from).sum();
    on as f64 / (states.rows() * states.units()).max(1) as f64
}

/// How far the means of two groups of independent states are apart, in standard errors, along the one direction in which
/// every other state of both differs most (Fisher's, with the units' variances). It is judged by the states in between,
/// which had no part in its choice: however many units there are, the figure is of a standard normal where the groups are of
/// one distribution, or nearly so where they are small.
fn errors_apart(a: &BitMatrix, b: &BitMatrix) -> f64 {
    let units = a.units();
    let halves_of =
        |states: &BitMatrix, first: usize| (first..states.rows().min(CHAINS)).step_by(2).collect::<Vec<_>>();
    let means = |states: &BitMatrix| -> Vec<f64> {
        let rows = halves_of(states, 0);
        let on = |unit: usize| rows.iter().filter(|row| states.get(**row, unit)).count();
        (0..units).map(|unit| on(unit) as f64 / rows.len().max(1) as f64).collect()
    };
    let (of_a, of_b) = (means(a), means(b));
    // A unit that is the same in all is as good as sure: its variance is that of one state among them.
    let least = 1.0 / CHAINS as f64;
    let direction: Vec<f64> =
        of_a.iter().zip(&of_b).map(|(a, b)| (a - b) / (a * (1.0 - a) + b * (1.0 - b) + least)).collect();
    let along = |states: &BitMatrix| -> (f64, f64, f64) {
        let sums: Vec<f64> = halves_of(states, 1)
            .into_iter()
            .map(|row| (0..units).filter(|unit| states.get(row, *unit)).map(|unit| direction[unit]).sum())
            .collect();
        let count = sums.len() as f64;
        let mean = sums.iter().sum::<f64>() / count.max(1.0);
        let squares: f64 = sums.iter().map(|sum| (sum - mean).powi(2)).sum();
        (mean, squares / (count - 1.0).max(1.0), count)
    };
    let ((mean_a, variance_a, count_a), (mean_b, variance_b, count_b)) = (along(a), along(b));
    let error = (variance_a / count_a.max(1.0) + variance_b / count_b.max(1.0)).sqrt();
    match (mean_a - mean_b, error) {
        (difference, _) if difference <= 0.0 => 0.0,
        // No state of either group moves: they are as far apart as can be.
        (_, 0.0) => f64::MAX,
        (difference, error) => difference / error,
    }
}

/// The root mean square by which the means of draws are off `means` `[units]`, less what so few draws are off anyway, where
/// it is too much for draws of a machine that has learnt those means; `None` where it is not, or there are too few.
pub fn far_from(draws: &BitMatrix, means: &[f32]) -> Option<f64> {
    let count = draws.rows() as f64;
    if draws.rows() < ENOUGH {
        return None;
    }
    let squares = draws.column_counts().into_iter().zip(means).map(|(on, &mean)| {
        let mean = f64::from(mean);
        (f64::from(on) / count - mean).powi(2) - mean * (1.0 - mean) / count
    });
    let rms = (squares.sum::<f64>() / means.len().max(1) as f64).max(0.0).sqrt();
    (rms > FAR).then_some(rms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;

    fn states(rows: usize, units: usize, mean: impl Fn(usize, usize) -> f64, seed: u64) -> BitMatrix {
        let mut stream = Seed(seed).stream("states", 0);
        BitMatrix::from_fn(rows, units, |row, unit| stream.random::<f64>() < mean(row, unit))
    }

    /// Under the null the figure exceeds 4 with p < 1e-4 a pair: none of 200 does but once in 50 such tests, and its mean
    /// square is near ½ (only one side counts).
    #[test]
    fn groups_of_one_distribution_are_not_apart_and_others_are() {
        let mut squares = 0.0;
        for seed in 0..200 {
            // Units that go together in blocks of eight, so that they are far from independent.
            let block =
                |row: usize, unit: usize| f64::from(u8::from((row * 31 + unit / 8 * 17 + seed).is_multiple_of(3)));
            let [a, b] = [0, 1].map(|side| {
                states(64, 40, |r, u| 0.2 + 0.6 * block(r + 64 * side, u), 2 * seed as u64 + side as u64)
            });
            let apart = errors_apart(&a, &b);
            assert!(apart < 4.5, "{seed}: {apart}");
            squares += apart * apart / 200.0;
        }
        assert!((0.2..1.0).contains(&squares), "{squares}");
        let (a, b) = (states(64, 40, |_, _| 0.3, 1), states(64, 40, |_, _| 0.6, 2));
        assert!(errors_apart(&a, &b) > 8.0);
        // Two wells, one of which the first group visits twice as often: only whole states tell.
        let well = |often: usize| move |row: usize, _: usize| if row / 2 % 6 < often { 0.95 } else { 0.05 };
        let apart = errors_apart(&states(128, 40, well(4), 3), &states(128, 40, well(1), 4));
        assert!(apart > 4.0, "{apart}");
        let still = |on: bool| BitMatrix::from_fn(32, 8, |_, _| on);
        assert_eq!(errors_apart(&still(true), &still(false)), f64::MAX);
        assert_eq!(errors_apart(&still(true), &still(true)), 0.0);
    }

    #[test]
    fn chains_that_stay_in_their_half_are_found_out() {
        let wells = states(128, 40, |row, _| if row % 3 == 0 { 0.9 } else { 0.1 }, 1);
        let stay = states(128, 40, |row, _| if row % 3 == 0 { 0.9 } else { 0.1 }, 2);
        assert!(Mixing::within(&wells, &stay, "starts").expect("halves").fails());
        let forget = states(128, 40, |row, _| if row % 5 < 2 { 0.9 } else { 0.1 }, 3);
        assert!(!Mixing::within(&wells, &forget, "starts").expect("halves").fails());
        assert!(Mixing::within(&still(), &forget, "starts").is_none());
    }

    fn still() -> BitMatrix {
        BitMatrix::zeros(128, 40)
    }

    #[test]
    fn draws_are_far_from_means_that_they_do_not_have() {
        let draws = states(64, 100, |_, _| 0.5, 1);
        assert_eq!(far_from(&draws, &[0.5; 100]), None);
        let far = far_from(&draws, &[0.3; 100]).expect("far");
        assert!((far - 0.2).abs() < 0.05, "{far}");
        assert_eq!(far_from(&states(8, 100, |_, _| 0.5, 1), &[0.1; 100]), None);
    }
}
