//! Densities on the plane whose truth is known: what models of real numbers are tried on first.
//!
//! `gaussians8` and `checkerboard` are those of Grathwohl et al. (2019, FFJORD), to whose figures a flow or an energy is
//! compared; `ring` and `grid` those of Lin et al. (2018, PacGAN), on which one counts the modes that a model has found;
//! `moons` the two interleaved half circles that scikit-learn draws. Each can be drawn from and knows its log-density.

use super::dataset::Dataset;
use super::error::DataError;
use super::source::Source;
use super::table::{Element, Table};
use crate::random::{Seed, Stream};
use rand::RngExt;
use std::f64::consts::PI;
use std::fmt;
use std::str::FromStr;

/// A density on the plane.
///
/// ```
/// use helmholtz::data::{Dataset, ToyDensity};
/// let data = Dataset::toy(ToyDensity::Checkerboard);
/// let mut x = [0.0; 2];
/// data.row_into(0, &mut x);
/// // The same everywhere on 8 squares of area 4.
/// assert_eq!(ToyDensity::Checkerboard.log_density(x.map(f64::from)), -(32f64.ln()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ToyDensity {
    /// Eight normal distributions on a circle of radius 4 with σ = 0.5, all divided by 1.414. The best mean log-likelihood
    /// is −2.832 nats; −2.838, which is published, were the modes further apart.
    Gaussians8,
    /// Every other one of the 16 squares of side 2 in [−4, 4]²: an area of 32, so −ln 32 = −3.466 nats at best.
    Checkerboard,
    /// Two interleaved half circles of radius 1, with normal noise of σ = 0.1.
    Moons,
    /// Eight normal distributions on a circle of radius 1 with σ = 0.01.
    Ring,
    /// Twenty-five normal distributions on a square lattice of spacing 2 about 0, with σ = 0.05.
    Grid,
}

/// Rows of [`Dataset::toy`] for training, and for testing.
const TRAIN: usize = 50_000;
const TEST: usize = 10_000;
/// Of the rows of [`Dataset::toy`], which are the same for every run.
const ROWS: Seed = Seed(0x746f_7973);

/// What FFJORD divides the eight normal distributions by.
const EIGHTH: f64 = 1.414;
/// Standard deviation of the noise of the moons.
const MOON_NOISE: f64 = 0.1;
/// Intervals that a moon's arc is integrated in. An interval is at most 0.006 noise deviations of arc per unit of distance;
/// Simpson's rule is off by less than 10⁻⁶ of the density within the reach of the data.
const ARC: usize = 512;

impl ToyDensity {
    /// All of them.
    pub const ALL: [ToyDensity; 5] =
        [ToyDensity::Gaussians8, ToyDensity::Checkerboard, ToyDensity::Moons, ToyDensity::Ring, ToyDensity::Grid];

    /// The name that the program calls it by.
    pub fn name(self) -> &'static str {
        match self {
            ToyDensity::Gaussians8 => "gaussians8",
            ToyDensity::Checkerboard => "checkerboard",
            ToyDensity::Moons => "moons",
            ToyDensity::Ring => "ring",
            ToyDensity::Grid => "grid",
        }
    }

    /// The centres of its modes and their common standard deviation, of a mixture of normal distributions alike.
    pub fn modes(self) -> Option<(Vec<[f64; 2]>, f64)> {
        let circle = |radius: f64| {
            let angle = |mode: usize| PI * mode as f64 / 4.0;
            (0..8).map(|mode| [radius * angle(mode).cos(), radius * angle(mode).sin()]).collect()
        };
        match self {
            ToyDensity::Gaussians8 => Some((circle(4.0 / EIGHTH), 0.5 / EIGHTH)),
            ToyDensity::Ring => Some((circle(1.0), 0.01)),
            ToyDensity::Grid => {
                let place = |index: usize| 2.0 * index as f64 - 4.0;
                Some(((0..25).map(|mode| [place(mode / 5), place(mode % 5)]).collect(), 0.05))
            }
            ToyDensity::Checkerboard | ToyDensity::Moons => None,
        }
    }

    /// Draws `count` points, `[count, 2]`.
    pub fn draw(self, count: usize, stream: &mut Stream) -> Vec<f32> {
        let modes = self.modes();
        let mut points = Vec::with_capacity(2 * count);
        for _ in 0..count {
            let point = match (self, &modes) {
                (_, Some((centres, deviation))) => {
                    let [x, y] = centres[stream.random_range(0..centres.len())];
                    let mut noise = [0.0; 2];
                    stream.fill_normal(&mut noise);
                    [x + deviation * noise[0], y + deviation * noise[1]]
                }
                (ToyDensity::Moons, None) => draw_moons(stream),
                _ => draw_checkerboard(stream),
            };
            points.extend(point.map(|x| x as f32));
        }
        points
    }

    /// ln p(x), nats; −∞ where the density is zero.
    pub fn log_density(self, x: [f64; 2]) -> f64 {
        match (self, self.modes()) {
            (_, Some((centres, deviation))) => log_mixture(x, &centres, deviation),
            (ToyDensity::Moons, None) => log_moons(x),
            _ if on_a_dark_square(x) => -(32f64.ln()),
            _ => f64::NEG_INFINITY,
        }
    }

    /// How samples `[count, 2]` cover the modes, where there are modes.
    pub fn coverage(self, samples: &[f32]) -> Option<Coverage> {
        let (centres, deviation) = self.modes()?;
        let reach = 3.0 * deviation;
        let (mut found, mut near) = (vec![false; centres.len()], 0);
        let (points, _) = samples.as_chunks::<2>();
        for point in points {
            let distance = |c: &[f64; 2]| (f64::from(point[0]) - c[0]).hypot(f64::from(point[1]) - c[1]);
            if let Some(mode) = centres.iter().position(|centre| distance(centre) <= reach) {
                found[mode] = true;
                near += 1;
            }
        }
        Some(Coverage {
            found: found.iter().filter(|&&found| found).count(),
            modes: centres.len(),
            high_quality: f64::from(near) / points.len() as f64,
        })
    }

    /// A dataset of `train` rows for training and `test` for testing.
    ///
    /// # Errors
    /// When one of them is 0.
    pub fn dataset(self, train: usize, test: usize, seed: Seed) -> Result<Dataset<'static>, DataError> {
        if train == 0 || test == 0 {
            let shape = vec![train as u64, test as u64];
            return Err(DataError::Empty { file: self.to_string(), shape });
        }
        let part = |name: &str, rows: usize| Table {
            source: Source::Owned(
                self.draw(rows, &mut seed.stream(name, 0)).iter().flat_map(|x| x.to_le_bytes()).collect(),
            ),
            offset: 0,
            rows,
            width: 2,
            image_shape: (1, 2),
            element: Element::Real,
            labels: None,
        };
        Ok(Dataset::from_tables(self.to_string(), part("training points", train), Some(part("test points", test))))
    }
}

impl Dataset<'_> {
    /// 50,000 points of a density for training and 10,000 for testing, the same ones every time. For others there is
    /// [`ToyDensity::dataset`].
    pub fn toy(density: ToyDensity) -> Dataset<'static> {
        density.dataset(TRAIN, TEST, ROWS).expect("rows on either side")
    }
}

impl fmt::Display for ToyDensity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ToyDensity {
    type Err = &'static str;
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = ToyDensity::ALL.into_iter().find(|density| density.name() == name);
        found.ok_or("wanted gaussians8, checkerboard, moons, ring or grid")
    }
}

/// How samples cover the modes of a density.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Coverage {
    /// Modes with a sample within 3 standard deviations.
    pub found: usize,
    /// Modes there are.
    pub modes: usize,
    /// The part of the samples within 3 standard deviations of a mode: 0.989 of exact ones, and more of a model whose modes
    /// have shrunk.
    pub high_quality: f64,
}

/// ln of a mixture of equal normal distributions.
fn log_mixture(x: [f64; 2], centres: &[[f64; 2]], deviation: f64) -> f64 {
    let exponents = centres.iter().map(|c| {
        let (a, b) = ((x[0] - c[0]) / deviation, (x[1] - c[1]) / deviation);
        -0.5 * (a * a + b * b)
    });
    let largest = exponents.clone().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = exponents.map(|exponent| (exponent - largest).exp()).sum();
    largest + sum.ln() - (2.0 * PI * deviation * deviation * centres.len() as f64).ln()
}

fn draw_checkerboard(stream: &mut Stream) -> [f64; 2] {
    loop {
        let across = 8.0 * stream.random::<f64>() - 4.0;
        let within = 2.0 * stream.random::<f64>() - if stream.random() { 4.0 } else { 0.0 };
        // Columns of squares of side 2: every other one is moved up by a square.
        let point = [across, within + 2.0 * (across / 2.0).floor().rem_euclid(2.0)];
        // One in ten million is rounded over an edge, where the density is zero.
        let rounded = point.map(|x| f64::from(x as f32));
        if on_a_dark_square(rounded) {
            return rounded;
        }
    }
}

fn on_a_dark_square([x, y]: [f64; 2]) -> bool {
    let inside = |x: f64| (-4.0..4.0).contains(&x);
    inside(x) && inside(y) && ((x / 2.0).floor() + (y / 2.0).floor()).rem_euclid(2.0) == 0.0
}

/// A point of the first moon's arc, or of the second's.
fn arc(moon: usize, angle: f64) -> [f64; 2] {
    let (sin, cos) = angle.sin_cos();
    if moon == 0 { [cos, sin] } else { [1.0 - cos, 0.5 - sin] }
}

fn draw_moons(stream: &mut Stream) -> [f64; 2] {
    let [x, y] = arc(stream.random_range(0..2), PI * stream.random::<f64>());
    let mut noise = [0.0; 2];
    stream.fill_normal(&mut noise);
    [x + MOON_NOISE * noise[0], y + MOON_NOISE * noise[1]]
}

/// Each moon's noise averaged over its arc by Simpson's rule.
fn log_moons(x: [f64; 2]) -> f64 {
    let places: Vec<[f64; 2]> =
        (0..2).flat_map(|moon| (0..=ARC).map(move |i| arc(moon, PI * i as f64 / ARC as f64))).collect();
    let weight = |i: usize| match i % (ARC + 1) {
        0 | ARC => 1.0,
        i if i % 2 == 1 => 4.0,
        _ => 2.0,
    };
    let exponent = |c: &[f64; 2]| -0.5 * ((x[0] - c[0]).powi(2) + (x[1] - c[1]).powi(2)) / MOON_NOISE.powi(2);
    let largest = places.iter().map(exponent).fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = places.iter().enumerate().map(|(i, c)| weight(i) * (exponent(c) - largest).exp()).sum();
    // Weights of Simpson's rule add up to 3 ARC for either moon.
    largest + (sum / (6.0 * ARC as f64)).ln() - (2.0 * PI * MOON_NOISE * MOON_NOISE).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ∫ p and −∫ p ln p by the midpoint rule on a square of half-width `reach`, in cells of `step`.
    fn mass_and_entropy(density: ToyDensity, reach: f64, step: f64) -> (f64, f64) {
        let cells = (2.0 * reach / step).round() as usize;
        let (mut mass, mut entropy) = (0.0, 0.0);
        for i in 0..cells * cells {
            let at = |i: usize| (i as f64 + 0.5) * step - reach;
            let log_p = density.log_density([at(i / cells), at(i % cells)]);
            if log_p > f64::NEG_INFINITY {
                mass += log_p.exp() * step * step;
                entropy -= log_p * log_p.exp() * step * step;
            }
        }
        (mass, entropy)
    }

    /// The best that any model can do. What is published of the eight normal distributions, −2.838, leaves out that
    /// neighbours overlap, which makes a mixture a little easier to tell: by the sum here the truth is −2.832.
    #[test]
    fn the_best_log_likelihoods_are_the_published_ones() {
        for (density, reach, step, best, digits) in [
            (ToyDensity::Gaussians8, 6.0, 0.05, -2.8319, 0.0001),
            (ToyDensity::Checkerboard, 4.0, 0.1, -3.4657, 0.0001),
        ] {
            let (mass, entropy) = mass_and_entropy(density, reach, step);
            assert!((mass - 1.0).abs() < 1e-6, "{density}: {mass}");
            assert!((entropy + best).abs() < digits, "{density}: {entropy}");
        }
        let (mass, _) = mass_and_entropy(ToyDensity::Moons, 2.6, 0.04);
        assert!((mass - 1.0).abs() < 1e-5, "{mass}");
        assert_eq!(ToyDensity::Checkerboard.log_density([0.5, 0.5]), -(32f64.ln()));
        assert_eq!(ToyDensity::Checkerboard.log_density([-0.5, 0.5]), f64::NEG_INFINITY);
        // Without overlap a mixture of n has −ln n − ln 2πe σ², and a mode's peak is one nat above that.
        for (density, n, apart) in [
            (ToyDensity::Gaussians8, 8.0, -2.838),
            (ToyDensity::Ring, 8.0, 4.293),
            (ToyDensity::Grid, 25.0, -0.065),
        ] {
            let (centres, deviation) = density.modes().unwrap();
            let mean = -f64::ln(n) - (2.0 * PI * deviation * deviation).ln() - 1.0;
            assert!((mean - apart).abs() < 0.0005, "{density}: {mean}");
            assert!((density.log_density(centres[3]) - mean - 1.0).abs() < 1e-6, "{density}");
        }
    }

    /// Draws have the mean log-density that the entropy says, within 4.9 standard errors: α = 10⁻⁶ for each.
    #[test]
    fn draws_are_of_the_density() {
        for (density, reach, step) in [
            (ToyDensity::Gaussians8, 6.0, 0.05),
            (ToyDensity::Checkerboard, 4.0, 0.1),
            (ToyDensity::Moons, 2.6, 0.04),
            (ToyDensity::Ring, 1.1, 0.004),
        ] {
            let (_, entropy) = mass_and_entropy(density, reach, step);
            let draws = density.draw(20_000, &mut Seed(4).stream("draws", 0));
            let (points, _) = draws.as_chunks::<2>();
            let scores: Vec<f64> = points.iter().map(|x| density.log_density(x.map(f64::from))).collect();
            let (mean, error) = crate::sampling::mean_and_error(&scores);
            assert!(
                (mean + entropy).abs() <= 4.9 * error + 1e-4,
                "{density}: {mean} ± {error}, wanted {}",
                -entropy
            );
            // Of each half plane as much as the density has there: by symmetry half, but for the moons.
            if density != ToyDensity::Moons {
                let right = points.iter().filter(|x| x[0] + 0.001 * x[1] > 0.0).count() as f64;
                assert!((right - 10_000.0).abs() < 4.9 * 5000f64.sqrt(), "{density}: {right}");
            }
        }
    }

    #[test]
    fn exact_draws_cover_every_mode() {
        for (density, modes) in [(ToyDensity::Gaussians8, 8), (ToyDensity::Ring, 8), (ToyDensity::Grid, 25)] {
            let draws = density.draw(10_000, &mut Seed(5).stream("draws", 0));
            let coverage = density.coverage(&draws).unwrap();
            assert_eq!((coverage.found, coverage.modes), (modes, modes));
            // 1 − e^(−9/2) of a two-dimensional normal distribution lies within 3 σ.
            let within = 1.0 - (-4.5f64).exp();
            let error = (within * (1.0 - within) / 10_000.0).sqrt();
            assert!((coverage.high_quality - within).abs() < 4.9 * error + 1e-3, "{density}: {coverage:?}");
        }
        let one = ToyDensity::Ring.coverage(&[1.0, 0.0, 5.0, 5.0]).unwrap();
        assert_eq!((one.found, one.high_quality), (1, 0.5));
        assert!(ToyDensity::Moons.coverage(&[0.0, 0.0]).is_none());
    }

    #[test]
    fn a_toy_is_a_dataset_of_real_numbers() {
        for density in ToyDensity::ALL {
            assert_eq!(density.to_string().parse(), Ok(density));
        }
        let data = Dataset::resolve("gaussians8").unwrap();
        assert_eq!(
            (data.name(), data.train().len(), data.test().len(), data.width()),
            ("gaussians8", TRAIN, TEST, 2)
        );
        assert!(data.is_real() && !data.is_binary() && !data.is_grey() && data.largest().is_infinite());
        assert_eq!(data.fingerprint(), Dataset::toy(ToyDensity::Gaussians8).fingerprint());
        assert_ne!(data.fingerprint(), Dataset::toy(ToyDensity::Moons).fingerprint());
        let other = ToyDensity::Gaussians8.dataset(TRAIN, TEST, Seed(1)).unwrap();
        assert_ne!(data.fingerprint(), other.fingerprint());
        assert!(ToyDensity::Grid.dataset(0, 1, Seed(1)).is_err());
        let bad = Dataset::from_real(vec![0.0, f32::NAN], &[1, 2]).unwrap_err();
        assert_eq!(bad.to_string(), "array: row 0, column 1 is NaN, wanted a finite number");
    }

    #[test]
    #[should_panic(expected = "moons are real numbers: they have no complement")]
    fn real_numbers_have_no_complement() {
        let _ = Dataset::toy(ToyDensity::Moons).flipped();
    }
}
