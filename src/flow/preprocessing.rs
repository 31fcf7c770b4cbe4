//! Preprocessing: from rows of data to the real numbers z that a flow transforms, with the Jacobian of the way.
//!
//! - Real numbers are standardised, z = (x − m) / s: ln |∂z/∂x| = −Σ ln s.
//! - Grey levels x = 0, …, L − 1 are dequantised, y = (x + u) / L with u uniform on [0, 1) (Theis, van den Oord & Bethge 2016), and
//!   spread over the whole line, z = logit(λ + (1 − 2λ) y) (Dinh, Sohl-Dickstein & Bengio 2017). With w = σ(z) the way has
//!   ln |∂z/∂y| = Σ (ln(1 − 2λ) − ln w − ln(1 − w)).
//!
//! P(x) is the integral of the density of y over a cell of volume L^−width, so by Jensen's inequality ln P(x) ≥ E_u ln p(y) − width ln L.

use super::FlowError;
use crate::Setting;
use crate::data::{Binarization, Dataset, Scale, Unsuitable, Values, Wanted, check_width};
use crate::store::{Snapshot, SnapshotError};
use std::fmt;

/// Deviations below this part of the largest number differ by little more than the rounding of floats.
const ROUNDING: f64 = 1e-6;
/// Most grey levels: floats hold each with a third of their digits to spare for the noise.
const MOST_LEVELS: usize = 1 << 16;
/// How far a number may be from a level, in levels: what rounding leaves of a fraction of 65,536 of them.
const OFF_LEVEL: f32 = 1e-2;

/// The way from rows of data to the real numbers that a flow transforms.
#[derive(Clone, Debug, PartialEq)]
pub enum Preprocessing {
    /// z = (x − m) / s, of real numbers.
    Standardise {
        /// m, `[width]`.
        centre: Vec<f32>,
        /// s, positive, `[width]`.
        scale: Vec<f32>,
    },
    /// z = logit(λ + (1 − 2λ) (x + u) / L), of grey levels x = 0, …, L − 1.
    Dequantise {
        /// L, at least 2.
        levels: usize,
        /// λ, between 0 and ½.
        lambda: f64,
    },
}

/// The space of a density. Densities of different spaces are not to be compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Space {
    /// The data's own numbers.
    Data,
    /// Logits of pixels in [0, 1], λ + (1 − 2λ) of them.
    Logit {
        /// λ.
        lambda: f64,
    },
    /// Pixels in [0, 1].
    Pixels,
}

impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Space::Data => f.write_str("data"),
            Space::Logit { lambda } => write!(f, "logit, λ = {lambda:e}"),
            Space::Pixels => f.write_str("pixels"),
        }
    }
}

impl Preprocessing {
    /// λ of a fitted one: that of the literature's figures for MNIST.
    pub const LAMBDA: f64 = 1e-6;

    /// z = x.
    pub fn identity(width: usize) -> Self {
        Preprocessing::Standardise { centre: vec![0.0; width], scale: vec![1.0; width] }
    }

    /// Real numbers by their columns' means and deviations; grey levels by their number.
    ///
    /// # Errors
    /// Where the data has no rows, is bits, or has a constant column of real numbers, or fractions of an unknown number of levels.
    pub fn fitted(data: &Dataset<'_>) -> Result<Self, FlowError> {
        Values::Density.check(data)?;
        if !data.is_real() {
            let levels = levels_of(data).ok_or(FlowError::UnknownLevels)?;
            return Ok(Preprocessing::Dequantise { levels, lambda: Self::LAMBDA });
        }
        let (width, means) = (data.width(), data.means());
        let (mut squares, mut largest, mut row) = (vec![0.0; width], vec![0.0f64; width], vec![0.0; width]);
        for index in 0..data.len() {
            data.row_into(index, &mut row);
            for (j, x) in row.iter().copied().map(f64::from).enumerate() {
                squares[j] += (x - means[j]).powi(2);
                largest[j] = largest[j].max(x.abs());
            }
        }
        let scale: Vec<f64> = squares.iter().map(|square| (square / data.len() as f64).sqrt()).collect();
        let mut constant = (0..width).filter(|&j| scale[j] <= ROUNDING * largest[j]);
        if let Some(first) = constant.next() {
            return Err(FlowError::ConstantColumns { first, columns: 1 + constant.count() });
        }
        Ok(Preprocessing::Standardise {
            centre: means.into_iter().map(|mean| mean as f32).collect(),
            scale: scale.into_iter().map(|scale| scale as f32).collect(),
        })
    }

    /// Checks its numbers, for rows of `width` values.
    ///
    /// # Errors
    /// Names the first one that makes no sense.
    pub fn check(&self, width: usize) -> Result<(), Setting> {
        match self {
            Preprocessing::Standardise { centre, scale } => {
                let wanted = "as many as there are values a row";
                Setting::check(centre.len() == width, "the number of centres", centre.len(), wanted)?;
                Setting::check(scale.len() == width, "the number of scales", scale.len(), wanted)?;
                if let Some(centre) = centre.iter().find(|centre| !centre.is_finite()) {
                    return Err(Setting::new("a centre", centre, "a finite number"));
                }
                scale.iter().try_for_each(|&scale| Setting::positive("a scale", scale))
            }
            &Preprocessing::Dequantise { levels, lambda } => {
                let good = (2..=MOST_LEVELS).contains(&levels);
                Setting::check(good, "the number of grey levels", levels, "from 2 to 65536")?;
                let good = lambda > 0.0 && lambda < 0.5;
                Setting::check(good, "the margin of the logits", lambda, "between 0 and 0.5")
            }
        }
    }

    /// The space of the density of z, or of x where the way there is the same everywhere.
    pub fn space(&self) -> Space {
        match self {
            Preprocessing::Standardise { .. } => Space::Data,
            &Preprocessing::Dequantise { lambda, .. } => Space::Logit { lambda },
        }
    }

    /// Levels of a value, where there are levels.
    pub fn levels(&self) -> Option<usize> {
        match self {
            Preprocessing::Standardise { .. } => None,
            &Preprocessing::Dequantise { levels, .. } => Some(levels),
        }
    }

    /// Whether rows of `data` can be taken this way. Looks at rows only where their levels are fractions.
    pub(super) fn check_data(&self, data: &Dataset<'_>, width: usize) -> Result<(), FlowError> {
        let Some(model) = self.levels() else {
            Wanted { width, values: Values::Density }.check(data)?;
            return if data.is_real() { Ok(()) } else { Err(FlowError::Levels) };
        };
        check_width(data.width(), width)?;
        Values::Measured.check(data)?;
        if data.is_real() {
            return Err(Unsuitable::Real.into());
        }
        match levels_of(data) {
            Some(levels) if levels == model => Ok(()),
            Some(levels) => Err(FlowError::LevelCount { data: Some(levels), model }),
            None => {
                let mut row = vec![0.0; width];
                let on_levels = (0..data.len()).all(|index| {
                    data.row_into(index, &mut row);
                    let place = |x: f32| x / data.largest() * (model - 1) as f32;
                    row.iter().all(|&x| (place(x) - place(x).round()).abs() <= OFF_LEVEL)
                });
                if on_levels { Ok(()) } else { Err(FlowError::LevelCount { data: None, model }) }
            }
        }
    }

    /// z of a row x of `data`, in place: read on the data's scale, up to `largest`. `noise` `[width]` is uniform on [0, 1) where there are
    /// levels, else empty.
    pub(super) fn apply(&self, row: &mut [f32], largest: f32, noise: &[f32]) {
        match self {
            Preprocessing::Standardise { centre, scale } => {
                for ((x, &m), &s) in row.iter_mut().zip(centre).zip(scale) {
                    *x = ((f64::from(*x) - f64::from(m)) / f64::from(s)) as f32;
                }
            }
            &Preprocessing::Dequantise { levels, lambda } => {
                let (levels, spread) = (levels as f64, 1.0 - 2.0 * lambda);
                for (x, &u) in row.iter_mut().zip(noise) {
                    let level = (f64::from(*x) / f64::from(largest) * (levels - 1.0)).round();
                    let y = (level + f64::from(u)) / levels;
                    // 1 − y without the digits that a y near 1 has lost.
                    let rest = ((levels - level) - f64::from(u)) / levels;
                    *x = ((lambda + spread * y) / (lambda + spread * rest)).ln() as f32;
                }
            }
        }
    }

    /// ln |∂z/∂x| of a row, or of dequantised pixels y in the place of x, at z `[width]`.
    pub(super) fn log_jacobian(&self, z: &[f32]) -> f64 {
        match self {
            Preprocessing::Standardise { scale, .. } => -scale.iter().map(|&s| f64::from(s).ln()).sum::<f64>(),
            &Preprocessing::Dequantise { lambda, .. } => {
                // −ln σ(z) − ln σ(−z) = |z| + 2 ln(1 + e^−|z|).
                let term = |z: f64| z.abs() + 2.0 * (-z.abs()).exp().ln_1p();
                let terms: f64 = z.iter().map(|&z| term(f64::from(z))).sum();
                z.len() as f64 * (-2.0 * lambda).ln_1p() + terms
            }
        }
    }

    /// m and s, of real numbers.
    pub(super) fn standardisation(&self) -> Option<(&[f32], &[f32])> {
        match self {
            Preprocessing::Standardise { centre, scale } => Some((centre, scale)),
            Preprocessing::Dequantise { .. } => None,
        }
    }

    /// x of z `[rows, width]`, in place: levels as fractions of the largest, 0 to 1.
    pub(super) fn invert(&self, rows: &mut [f32]) {
        match self {
            Preprocessing::Standardise { centre, scale } => {
                for row in rows.chunks_exact_mut(centre.len().max(1)) {
                    for ((x, &m), &s) in row.iter_mut().zip(centre).zip(scale) {
                        *x = (f64::from(m) + f64::from(s) * f64::from(*x)) as f32;
                    }
                }
            }
            &Preprocessing::Dequantise { levels, lambda } => {
                let highest = (levels - 1) as f64;
                for x in rows {
                    let w = 1.0 / (1.0 + (-f64::from(*x)).exp());
                    let y = (w - lambda) / (1.0 - 2.0 * lambda);
                    *x = ((y * levels as f64).floor().clamp(0.0, highest) / highest) as f32;
                }
            }
        }
    }

    /// Numbers as arrays, the kind as metadata.
    pub(super) fn save(&self, snapshot: &mut Snapshot) {
        match self {
            Preprocessing::Standardise { centre, scale } => {
                snapshot.set(KIND, STANDARDISE);
                snapshot.put_f32(CENTRE, &[centre.len()], centre);
                snapshot.put_f32(SCALE, &[scale.len()], scale);
            }
            Preprocessing::Dequantise { levels, lambda } => {
                snapshot.set(KIND, DEQUANTISE);
                snapshot.set(LEVELS, levels);
                snapshot.set(LAMBDA, lambda);
            }
        }
    }

    /// What [`save`](Self::save) wrote, of rows of `width` values.
    pub(super) fn of(snapshot: &Snapshot, width: usize) -> Result<Self, FlowError> {
        match snapshot.get(KIND)? {
            STANDARDISE => Ok(Preprocessing::Standardise {
                centre: snapshot.f32(CENTRE, &[width])?.to_vec(),
                scale: snapshot.f32(SCALE, &[width])?.to_vec(),
            }),
            DEQUANTISE => {
                Ok(Preprocessing::Dequantise { levels: snapshot.parse(LEVELS)?, lambda: snapshot.parse(LAMBDA)? })
            }
            other => Err(SnapshotError::Metadata {
                key: KIND.to_owned(),
                value: other.to_owned(),
                wanted: "standardise or dequantise",
            }
            .into()),
        }
    }
}

/// Levels of a value, where the data is stored in levels.
fn levels_of(data: &Dataset<'_>) -> Option<usize> {
    let largest = data.binarized(Binarization::None).scaled(Scale::Raw).largest();
    (largest > 1.0 && largest.is_finite()).then_some(largest as usize + 1)
}

const CENTRE: &str = "centre";
const SCALE: &str = "scale";
const KIND: &str = "flow.preprocessing";
const LEVELS: &str = "flow.levels";
const LAMBDA: &str = "flow.lambda";
const STANDARDISE: &str = "standardise";
const DEQUANTISE: &str = "dequantise";
