//! Draws of each model beside the rows: how alike they are, and how much of a difference the test would see.

use super::contestant::Contestant;
use super::seating::Seat;
use crate::cli::{Console, Failure};
use crate::contract::{FileFormat, Numbers, SampleAsk, SampleOptions};
use crate::input::{Rows, data};
use helmholtz::Seed;
use helmholtz::sampling::{Mmd, MmdPower, PrecisionRecall, TwoSamples};
use rand::RngExt;
use std::time::Instant;

/// Rows and draws that are held against one another at the most.
pub const MOST: usize = 1000;
/// Which neighbour makes a ball, as in the paper.
pub const NEIGHBOURS: usize = 3;
/// Random divisions of the pooled rows: p is at least 0.001.
const PERMUTATIONS: usize = 999;
/// Repeats at each share of foreign rows.
const REPEATS: usize = 100;

/// Draws of a model.
pub struct Drawn {
    /// The draws, `[count, width]`.
    pub values: Vec<f32>,
    /// How they were made.
    pub method: String,
    /// Draws a second; none where they are no model's.
    pub per_second: Option<f64>,
}

/// How like the rows draws are.
#[derive(Clone, Copy, Debug)]
pub struct Likeness {
    /// Rows, and as many draws.
    pub count: usize,
    /// Whether they could be of one distribution.
    pub mmd: Mmd,
    /// Precision and recall.
    pub shares: PrecisionRecall,
}

/// Rows that draws are held against, `[count, width]`: evenly spaced ones of all of them.
pub fn of_rows(rows: &Rows, count: usize) -> Result<Vec<f32>, Failure> {
    let width = rows.rows.width();
    let all = data::values_for(&rows.rows, width, &rows.name)?;
    Ok(evenly(&all, width, count))
}

fn evenly(rows: &[f32], width: usize, count: usize) -> Vec<f32> {
    let all = rows.len() / width;
    let count = count.min(all);
    (0..count).flat_map(|row| &rows[row * all / count * width..][..width]).copied().collect()
}

/// `count` draws of a contestant, of its seeds in turn.
pub fn draw(contestant: &Contestant, count: usize, seed: Seed, console: &Console) -> Result<Drawn, Failure> {
    let members = contestant.members.len();
    let options = SampleOptions::default();
    let mut all = Vec::new();
    let (mut method, mut seconds) = (String::new(), 0.0);
    for (index, member) in contestant.members.iter().enumerate() {
        let sampler = member.model.sampler()?;
        let own = count / members + usize::from(index < count % members);
        if own == 0 {
            continue;
        }
        let ask =
            SampleAsk { options: &options, count: own, format: FileFormat::Npy, seed, origin: &member.origin };
        let begun = Instant::now();
        let draws = sampler.sample(&ask)?;
        seconds += begun.elapsed().as_secs_f64();
        for warning in draws.warnings {
            console.warn(format!("{}: {warning}", member.origin.file.display()));
        }
        all.push(match draws.numbers {
            Numbers::Bits(bits) => bits.into_iter().map(f32::from).collect(),
            Numbers::Floats(numbers) => numbers,
        });
        method = draws.method;
    }
    Ok(Drawn {
        values: in_turn(&all, contestant.width()),
        method,
        per_second: Some(count as f64 / seconds.max(1e-9)),
    })
}

/// The rows of several samples in turn.
fn in_turn(samples: &[Vec<f32>], width: usize) -> Vec<f32> {
    let longest = samples.iter().map(|sample| sample.len() / width).max().unwrap_or(0);
    (0..longest)
        .flat_map(|row| samples.iter().filter_map(move |sample| sample.get(row * width..(row + 1) * width)))
        .flatten()
        .copied()
        .collect()
}

/// `count` rows of independent values: each is that of some row of `rows` `[many, width]` in its column.
pub fn independent(rows: &[f32], width: usize, count: usize, seed: Seed) -> Vec<f32> {
    let mut stream = seed.stream("independent pixels", 0);
    let many = rows.len() / width;
    (0..count * width).map(|place| rows[stream.random_range(0..many) * width + place % width]).collect()
}

/// How like `rows` `[count, width]` draws are, as many of them.
pub fn likeness(rows: &[f32], draws: &[f32], width: usize, seed: Seed) -> Result<Likeness, Failure> {
    let samples = TwoSamples::new(rows, draws, width)?;
    Ok(Likeness {
        count: samples.first(),
        mmd: samples.mmd(PERMUTATIONS, seed.derive("mmd", 0)),
        shares: samples.precision_recall(NEIGHBOURS)?,
    })
}

/// What a test of `count` rows would see of independent pixels mixed into genuine rows: training rows, where there are enough
/// other than those of the seat, else halves of these.
pub fn power(contestant: &Contestant, seat: &Seat, count: usize, seed: Seed) -> Result<MmdPower, Failure> {
    let width = seat.rows.rows.width();
    let own = of_rows(&seat.rows, MOST)?;
    let others = contestant.first().origin.rows(&seat.choice.train());
    let same = |other: &Rows| other.rows.original_row(0) == seat.rows.rows.original_row(0);
    let (genuine, count) = match others {
        Ok(other) if seat.rows.split == "test" && other.rows.len() >= 2 * count && !same(&other) => {
            (of_rows(&other, 2 * count)?, count)
        }
        _ => (own.clone(), own.len() / width / 2),
    };
    let foreign = independent(&own, width, count.max(2), seed.derive("foreign", 0));
    Ok(MmdPower::of(&genuine, &foreign, width, count, REPEATS, seed.derive("power", 0))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_taken_evenly_and_draws_in_turn() {
        let rows: Vec<f32> = (0..20).map(|x| x as f32).collect();
        assert_eq!(evenly(&rows, 2, 3), [0.0, 1.0, 6.0, 7.0, 12.0, 13.0]);
        assert_eq!(evenly(&rows, 2, 99).len(), 20);
        let turns = in_turn(&[vec![1.0, 2.0, 3.0], vec![4.0, 5.0]], 1);
        assert_eq!(turns, [1.0, 4.0, 2.0, 5.0, 3.0]);
    }

    #[test]
    fn independent_values_are_those_of_their_columns() {
        let rows = [0.0, 5.0, 1.0, 6.0, 0.0, 7.0];
        let draws = independent(&rows, 2, 200, Seed(1));
        assert!(draws.chunks(2).all(|row| row[0] <= 1.0 && row[1] >= 5.0));
        for value in [0.0, 1.0, 5.0, 6.0, 7.0] {
            assert!(draws.contains(&value), "{value}");
        }
    }
}
