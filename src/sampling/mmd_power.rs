//! What a test by the maximum mean discrepancy would find: its power against rows of another sampler mixed into genuine ones.
//!
//! A p that is not small says nothing where the test could not have found much. So a share ε of n genuine rows is replaced by
//! foreign ones, and the result tested against n other genuine rows, again and again; the smallest ε that is found at level
//! 0.05 in 80 % of repeats is what a test of so many rows can see.
//!
//! Each repeat draws its rows anew, and divides them twice: as they are, and at random. The random divisions of all repeats of
//! one ε are draws of the permutation distribution of such rows; their quantile of 95 % is the threshold. So a repeat costs two
//! divisions, where a test of its own would cost a thousand.

use super::mmd::{Gram, division};
use super::{TwoSampleError, TwoSamples};
use crate::parallel;
use crate::random::Seed;

/// The level of the test.
const LEVEL: f64 = 0.05;
/// The share of repeats that find it.
const FOUND: f64 = 0.8;
/// Shares that are tried are 1, and each of the others smaller by this factor.
const RATIO: f64 = std::f64::consts::SQRT_2;

/// What a test by the maximum mean discrepancy can see.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct MmdPower {
    /// The smallest share of foreign rows that is found at level 0.05 in 80 % of repeats, as far as the grid of 1, 1/√2, ½, …
    /// tells; `None` where even nothing but foreign rows is not found.
    pub admixture: Option<f64>,
    /// Rows of each sample.
    pub rows: usize,
    /// Repeats at each share: the share that is found is sure to √(0.8 · 0.2 / repeats).
    pub repeats: usize,
}

impl MmdPower {
    /// The power of a test of `rows` rows against as many, where genuine ones are drawn from `genuine` `[many, width]`, at
    /// least twice as many, and foreign ones from `foreign` `[rows or more, width]`. The bandwidth is that of
    /// the genuine rows, as it is in a test of a good sampler.
    ///
    /// # Errors
    /// Where there are fewer rows than that or less than two, no repeats, or a number is not finite.
    ///
    /// # Panics
    /// Where they are no whole rows.
    #[track_caller]
    pub fn of(
        genuine: &[f32],
        foreign: &[f32],
        width: usize,
        rows: usize,
        repeats: usize,
        seed: Seed,
    ) -> Result<Self, TwoSampleError> {
        let samples = TwoSamples::new(genuine, foreign, width)?;
        TwoSamples::fewest(samples.first(), (2 * rows).max(4))?;
        TwoSamples::fewest(samples.second(), rows.max(2))?;
        TwoSamples::fewest(repeats, 1)?;
        let half = samples.first() / 2 * width;
        let bandwidth = TwoSamples::new(&genuine[..half], &genuine[half..], width)?.bandwidth();
        let gram = Gram::of(&samples, bandwidth);
        let trial = Trial { samples: &samples, gram: &gram, rows, repeats, seed };
        if !trial.finds(rows) {
            return Ok(MmdPower { admixture: None, rows, repeats });
        }
        // The larger the share, the likelier it is found: bisection of the steps between the last that is and the first that
        // is not, where no row is foreign.
        let share = |step: usize| ((rows as f64 * RATIO.powi(-(step as i32))).round() as usize).max(1);
        let (mut found, mut missed) = (0, (rows as f64).log(RATIO).ceil() as usize + 1);
        while missed - found > 1 {
            let middle = (found + missed) / 2;
            if trial.finds(share(middle)) { found = middle } else { missed = middle }
        }
        Ok(MmdPower { admixture: Some(share(found) as f64 / rows as f64), rows, repeats })
    }
}

struct Trial<'a> {
    samples: &'a TwoSamples,
    gram: &'a Gram,
    rows: usize,
    repeats: usize,
    seed: Seed,
}

impl Trial<'_> {
    /// Whether enough repeats find `foreign` foreign rows.
    fn finds(&self, foreign: usize) -> bool {
        let seed = self.seed.derive("foreign rows", foreign as u64);
        let both = parallel::map(self.repeats, |index| self.divided(foreign, seed, index as u64));
        let mut null: Vec<f64> = both.iter().map(|[_, random]| *random).collect();
        null.sort_by(f64::total_cmp);
        // As p ≤ level: at most level · (1 + B) of the B divisions and the true one are as far apart.
        let beyond = (LEVEL * (1 + null.len()) as f64).floor() as usize;
        let Some(threshold) = beyond.checked_sub(1).map(|beyond| null[null.len() - 1 - beyond]) else {
            return false;
        };
        let found = both.iter().filter(|[mixed, _]| *mixed > threshold).count();
        found as f64 >= FOUND * self.repeats as f64
    }

    /// MMD² of genuine rows against a mixture of which `foreign` rows are foreign, and of a random division of the same rows.
    fn divided(&self, foreign: usize, seed: Seed, index: u64) -> [f64; 2] {
        let (rows, genuine) = (self.rows, self.samples.first());
        let mut pool = division(genuine, 2 * rows - foreign, seed.derive("genuine", 0), index);
        // In ascending order the genuine rows of the first block would be the first ones of the data.
        let order = division(pool.len(), rows, seed.derive("first block", 0), index);
        let others = division(self.samples.second(), foreign, seed.derive("foreign", 0), index);
        pool.extend(others.into_iter().map(|row| genuine + row));
        let pool = self.gram.pool(pool);
        let random = division(2 * rows, rows, seed.derive("null", 0), index);
        [pool.squared(self.gram, &order), pool.squared(self.gram, &random)]
    }
}

#[cfg(test)]
mod tests {
    use super::super::mmd::tests::bits;
    use super::*;

    /// Rows that differ in every bit are found in small numbers, rows of the same kind never; a test of more rows sees more.
    #[test]
    fn it_sees_what_is_unlike_and_more_of_it_with_more_rows() {
        let mut stream = Seed(11).stream("rows", 0);
        let genuine = bits(400, 16, 0.2, &mut stream);
        let (unlike, alike) = (bits(200, 16, 0.8, &mut stream), bits(200, 16, 0.2, &mut stream));
        let power =
            |foreign: &[f32], rows: usize| MmdPower::of(&genuine, foreign, 16, rows, 100, Seed(12)).unwrap();
        let few = power(&unlike, 50).admixture.unwrap();
        let many = power(&unlike, 200).admixture.unwrap();
        assert!(many < few && few < 0.5, "{many} of 200, {few} of 50");
        assert_eq!(power(&alike, 200).admixture, None);
    }

    /// What it says is found, is: by tests with divisions of their own, of rows that it has not seen. Of 100 tests at least 80 %
    /// find it, less four errors for both counts, √(0.16 / 100 + 0.16 / 100) each, and the grid lies above the truth.
    #[test]
    fn tests_of_their_own_find_as_much() {
        let mut stream = Seed(13).stream("rows", 0);
        let genuine = bits(300, 12, 0.2, &mut stream);
        let power = MmdPower::of(&genuine, &bits(100, 12, 0.6, &mut stream), 12, 100, 100, Seed(14)).unwrap();
        let foreign = (power.admixture.unwrap() * 100.0).round() as usize;
        let found = (0..100).filter(|&index| {
            let mut stream = Seed(15).stream("test", index);
            let mixed = [bits(foreign, 12, 0.6, &mut stream), bits(100 - foreign, 12, 0.2, &mut stream)].concat();
            let genuine = bits(100, 12, 0.2, &mut stream);
            TwoSamples::new(&genuine, &mixed, 12).unwrap().mmd(199, Seed(16).derive("test", index)).p <= 0.05
        });
        let found = found.count();
        assert!(found >= 57, "{found} of 100 tests find {foreign} foreign rows of 100");
    }

    #[test]
    fn too_few_rows_are_refused() {
        let error = MmdPower::of(&[0.0; 10], &[0.0; 10], 1, 6, 10, Seed(1)).unwrap_err();
        assert_eq!(error, TwoSampleError::TooFew { rows: 10, wanted: 12 });
        assert!(MmdPower::of(&[0.0; 10], &[0.0; 2], 1, 5, 10, Seed(1)).is_err());
    }
}
