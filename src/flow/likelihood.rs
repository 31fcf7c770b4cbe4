//! Likelihoods: ln p(x) = ln p(u) + ln |det ∂u/∂z| + ln |∂z/∂x|, each row's put together in double precision.

use super::pass::{Forward, Inverse, ROWS};
use super::rows::fill_noise;
use super::{Flow, FlowError, Space};
use crate::Setting;
use crate::data::Dataset;
use crate::parallel::{chunks_mut, for_each_with};
use crate::random::{Seed, Streams};
use crate::sampling::{
    Estimate, Kind, all_but_constant, correlated_gaussian, error_of_mean, few_levels, mean_and_covariance,
};

/// Rows of more values than this stand beside no normal distribution: its covariance would take longer than the flow.
const BASELINE_WIDTH: usize = 64;

/// The settings by which grey levels are scored. A likelihood of real numbers is exact, and has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowScoring {
    /// Draws of the noise of each row. The Monte Carlo error is that of their mean: of a single one it is not known.
    pub draws: usize,
    /// The seed of the noise.
    pub seed: Seed,
}

impl Default for FlowScoring {
    /// Two draws.
    fn default() -> Self {
        FlowScoring { draws: 2, seed: Seed(0) }
    }
}

/// The log-likelihoods of some rows: in the [space](Self::space) of the model, and of grey levels in others.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FlowScore {
    /// The space of the figures: the data's own numbers, or logits of grey levels.
    pub space: Space,
    /// Each row's, nats, `[rows]`.
    pub log_likelihoods: Vec<f64>,
    /// Their mean, nats a row: exact of real numbers; of dequantised levels a lower bound, up to the volume of a level.
    pub estimate: Estimate,
    /// Of grey levels: how many, and the mean log-density of pixels in [0, 1].
    pixels: Option<(usize, Estimate)>,
    width: usize,
}

impl FlowScore {
    /// The mean log-density of dequantised pixels in [0, 1], nats a row, of a model of grey levels.
    pub fn in_pixels(&self) -> Option<&Estimate> {
        self.pixels.as_ref().map(|(_, estimate)| estimate)
    }

    /// Bits a value that the levels can be coded with, of a model of grey levels: log₂ L less the log-density of pixels, a value.
    pub fn bits_per_dimension(&self) -> Option<f64> {
        let per_value = |nats: f64| nats / self.width as f64 / std::f64::consts::LN_2;
        self.pixels.as_ref().map(|(levels, pixels)| (*levels as f64).log2() - per_value(pixels.value))
    }
}

/// The log-density of a row: a mean over draws of the noise, and the error of that mean.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RowDensity {
    /// Of z, nats.
    of_z: Mean,
    /// Of x, or of pixels, nats.
    of_x: Mean,
}

#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    value: f64,
    error: f64,
}

impl Mean {
    fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let value = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|x| (x - value).powi(2)).sum();
        Mean { value, error: if n > 1.0 { (squares / (n - 1.0) / n).sqrt() } else { f64::INFINITY } }
    }
}

impl RowDensity {
    /// In the space of the model.
    pub(super) fn value(&self, space: Space) -> f64 {
        self.mean(space).value
    }

    fn mean(&self, space: Space) -> Mean {
        match space {
            Space::Logit { .. } => self.of_z,
            Space::Data | Space::Pixels => self.of_x,
        }
    }
}

impl Flow {
    /// The space of its likelihoods.
    pub fn space(&self) -> Space {
        self.config.preprocessing.space()
    }

    /// ln p(x) of each row of real numbers x `[rows, width]`, nats, `[rows]`. `context` `[rows, context]` is empty where the flow is not
    /// conditioned.
    ///
    /// # Errors
    /// Where the model is one of grey levels, or the context is of another size.
    ///
    /// # Panics
    /// Where `x` is no whole number of rows.
    #[track_caller]
    pub fn log_densities(&self, x: &[f32], context: &[f32]) -> Result<Vec<f64>, FlowError> {
        let width = self.width();
        assert!(x.len().is_multiple_of(width), "rows of {width} numbers in a slice of {}", x.len());
        if self.config.preprocessing.levels().is_some() {
            return Err(FlowError::NotReal);
        }
        let rows = x.len() / width;
        self.check_context(rows, context)?;
        let (forward, conditions) = (Forward::new(self, ROWS), self.config.context());
        let mut densities = vec![0.0; rows];
        for_each_with(
            chunks_mut(&mut densities, ROWS),
            || forward.clone(),
            |forward, block, densities| {
                let rows = block * ROWS..block * ROWS + densities.len();
                let mut z = x[rows.start * width..rows.end * width].to_vec();
                z.chunks_exact_mut(width).for_each(|row| self.config.preprocessing.apply(row, 1.0, &[]));
                forward.run(&self.store, &z, &context[rows.start * conditions..rows.end * conditions]);
                for ((row, z), density) in z.chunks_exact(width).enumerate().zip(densities) {
                    *density = forward.log_density(row) + self.config.preprocessing.log_jacobian(z);
                }
            },
        );
        Ok(densities)
    }

    /// The mean log-likelihood of `data`, nats a row, in the [space](Self::space) of the model. See [`score`](Self::score).
    ///
    /// # Errors
    /// As for `score`.
    pub fn log_likelihood(&self, data: &Dataset<'_>, scoring: &FlowScoring) -> Result<Estimate, FlowError> {
        Ok(self.score(data, scoring)?.estimate)
    }

    /// The log-likelihood of each row of `data`, nats, in the [space](Self::space) of the model, and their mean. See
    /// [`score`](Self::score).
    ///
    /// # Errors
    /// As for `score`.
    pub fn log_likelihoods(
        &self,
        data: &Dataset<'_>,
        scoring: &FlowScoring,
    ) -> Result<(Vec<f64>, Estimate), FlowError> {
        let FlowScore { log_likelihoods, estimate, .. } = self.score(data, scoring)?;
        Ok((log_likelihoods, estimate))
    }

    /// The log-likelihoods of `data` in every space that it has. The baseline of real numbers, up to 64 values a row, is the normal
    /// distribution with the rows' own mean and covariance; there is none where a column is constant or nearly so.
    ///
    /// # Errors
    /// Where there are no draws, the data does not suit the model or lacks what it is conditioned on, or a density is not finite.
    pub fn score(&self, data: &Dataset<'_>, scoring: &FlowScoring) -> Result<FlowScore, FlowError> {
        Setting::at_least_one("the number of draws of the noise", scoring.draws)?;
        self.check_data(data)?;
        let densities = self.densities_of(data, &Forward::new(self, ROWS), *scoring);
        let estimate = |space| {
            let means: Vec<Mean> = densities.iter().map(|density| density.mean(space)).collect();
            let values: Vec<f64> = means.iter().map(|mean| mean.value).collect();
            if let Some(row) = values.iter().position(|value| !value.is_finite()) {
                return Err(FlowError::NonFinite { row });
            }
            let estimate = match space {
                Space::Data => Estimate::of(&values, Kind::Exact, "change of variables"),
                Space::Logit { .. } | Space::Pixels => {
                    let errors: Vec<f64> = means.iter().map(|mean| mean.error).collect();
                    let draws = match scoring.draws {
                        1 => "one draw of noise a row".to_owned(),
                        draws => format!("{draws} draws of noise a row"),
                    };
                    Estimate::of(&values, Kind::Lower, format!("dequantised, {draws}"))
                        .with_monte_carlo_error(error_of_mean(&values, &errors))
                }
            };
            Ok((values, estimate))
        };
        let space = self.space();
        let (log_likelihoods, native) = estimate(space)?;
        let pixels = match self.config.preprocessing.levels() {
            None => None,
            Some(levels) => Some((levels, estimate(Space::Pixels)?.1)),
        };
        let estimate = if data.is_real() { beside_a_normal(native, data) } else { native };
        Ok(FlowScore { space, log_likelihoods, estimate, pixels, width: self.width() })
    }

    /// The densities of each row of checked data, by a pass that was recorded for [`ROWS`].
    pub(super) fn densities_of(
        &self,
        data: &Dataset<'_>,
        forward: &Forward,
        scoring: FlowScoring,
    ) -> Vec<RowDensity> {
        let (width, conditions) = (self.width(), self.config.context());
        let levels = self.config.preprocessing.levels().is_some();
        let draws = if levels { scoring.draws } else { 1 };
        let mut densities = vec![RowDensity::default(); data.len()];
        for_each_with(
            chunks_mut(&mut densities, ROWS),
            || forward.clone(),
            |forward, block, densities| {
                let count = densities.len();
                let (mut z, mut context) = (vec![0.0; count * width], vec![0.0; count * conditions]);
                // Of each draw, a row's two figures.
                let mut values = vec![[0.0; 2]; draws * count];
                let mut noise = Noise::new(scoring.seed, block, if levels { width } else { 0 });
                for draw in values.chunks_exact_mut(count) {
                    let first = block * ROWS;
                    self.read_rows(data, first..first + count, noise.next(), &mut z, &mut context);
                    forward.run(&self.store, &z, &context);
                    for ((row, z), value) in z.chunks_exact(width).enumerate().zip(draw) {
                        let of_z = forward.log_density(row);
                        *value = [of_z, of_z + self.config.preprocessing.log_jacobian(z)];
                    }
                }
                for (row, density) in densities.iter_mut().enumerate() {
                    let of = |space: usize| -> Vec<f64> {
                        values[row..].iter().step_by(count).map(|value| value[space]).collect()
                    };
                    *density = RowDensity { of_z: Mean::of(&of(0)), of_x: Mean::of(&of(1)) };
                }
            },
        );
        densities
    }

    /// The largest error of a way there and back, max |z − g⁻¹(g(z))| / (1 + |z|), over the standardised numbers, or the logits of the
    /// dequantised levels, of `data`: how far the transform in single precision is from one that can be inverted. Infinite where a number
    /// is not finite.
    ///
    /// # Errors
    /// Where the data does not suit the model or lacks what it is conditioned on.
    pub fn round_trip_error(&self, data: &Dataset<'_>) -> Result<f64, FlowError> {
        self.check_data(data)?;
        let (width, conditions) = (self.width(), self.config.context());
        let levels = self.config.preprocessing.levels().is_some();
        let (mut forward, inverse) = (Forward::new(self, ROWS), Inverse::new(self, ROWS));
        let mut largest = 0.0f64;
        for (block, first) in (0..data.len()).step_by(ROWS).enumerate() {
            let count = ROWS.min(data.len() - first);
            let (mut z, mut context) = (vec![0.0; count * width], vec![0.0; count * conditions]);
            let mut noise = Noise::new(Seed(0), block, if levels { width } else { 0 });
            self.read_rows(data, first..first + count, noise.next(), &mut z, &mut context);
            forward.run(&self.store, &z, &context);
            let mut back: Vec<f32> = (0..count).flat_map(|row| forward.u(row).to_vec()).collect();
            inverse.run(self, &mut back, &context);
            for (&z, &back) in z.iter().zip(&back) {
                let error = f64::from(z - back).abs() / (1.0 + f64::from(z).abs());
                // Not `max`, which a NaN would pass by.
                largest = if error <= largest { largest } else { error };
            }
        }
        Ok(if largest.is_finite() { largest } else { f64::INFINITY })
    }
}

/// The noise of a block of rows: sixteen of them share a stream, whatever the block.
struct Noise {
    streams: Vec<crate::random::Lanes>,
    drawn: Vec<f32>,
    noise: Vec<f32>,
}

impl Noise {
    /// Of rows `width` wide, 0 where there is none.
    fn new(seed: Seed, block: usize, width: usize) -> Self {
        let of_block = ROWS / Streams::ROWS;
        let first = block * of_block;
        let streams = if width == 0 { 0..0 } else { first..first + of_block };
        Noise {
            streams: streams.map(|stream| seed.lanes("evaluation noise", stream as u64)).collect(),
            drawn: vec![0.0; Streams::ROWS * width],
            noise: vec![0.0; ROWS * width],
        }
    }

    /// The next draw, `[ROWS, width]`.
    fn next(&mut self) -> &[f32] {
        let Self { streams, drawn, noise } = self;
        let length = drawn.len().max(1);
        for (stream, noise) in streams.iter_mut().zip(noise.chunks_exact_mut(length)) {
            fill_noise(stream, drawn, noise);
        }
        noise
    }
}

/// The figure beside that of a normal distribution, and with what speaks against a density of these rows.
fn beside_a_normal(estimate: Estimate, data: &Dataset<'_>) -> Estimate {
    let width = data.width();
    if width > BASELINE_WIDTH {
        return estimate;
    }
    let mut rows = vec![0.0; data.len() * width];
    rows.chunks_exact_mut(width).enumerate().for_each(|(row, values)| data.row_into(row, values));
    let constant = all_but_constant(&rows, width);
    let baseline = match constant {
        None => correlated_gaussian(width, &mean_and_covariance(&rows, width).1),
        Some(_) => None,
    };
    let warnings = few_levels(&rows).into_iter().chain(constant).collect();
    Estimate { baseline, warnings, ..estimate }
}
