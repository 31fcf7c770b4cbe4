//! The normaliser of a density by importance sampling, the proposal being a flow: Z = E_q[p*(x) / q(x)].
//!
//! Draws come from q = (1 − α) flow + α broad, a defensive mixture (Hesterberg 1995): heavy-tailed, so that no weight of a place that the flow
//! makes too little of is larger than that of the broad part.

use super::{Flow, FlowError};
use crate::Setting;
use crate::data::Dataset;
use crate::parallel::map;
use crate::random::Seed;
use crate::sampling::diagnostics::{ln_gamma, pareto_shape};
use crate::sampling::{DensityError, LogDensity, LogMeanExp};
use rand::RngExt;
use std::fmt;

/// Points whose target is computed by a task.
const BLOCK: usize = 256;
/// Degrees of freedom of the broad part, and how much broader than the draws it is.
const DEGREES: f64 = 3.0;
const BROADER: f64 = 1.5;
/// Part of the rows that may outweigh every draw before it is said.
const UNSEEN: f64 = 0.01;
/// k̂ from which on the weights' mean is not to be trusted, whatever the number of draws.
const HEAVY: f64 = 0.7;

/// How a flow proposes draws to importance sampling.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FlowProposal {
    /// Draws altogether.
    pub draws: usize,
    /// α: the share of draws of the broad part, at least 0 and below 1.
    pub defensive: f64,
    /// The seed of the draws.
    pub seed: Seed,
}

impl Default for FlowProposal {
    /// 20,000 draws, a tenth of them broad.
    fn default() -> Self {
        FlowProposal { draws: 20_000, defensive: 0.1, seed: Seed(0) }
    }
}

impl FlowProposal {
    /// Checks every setting against its range.
    ///
    /// # Errors
    /// Names the first setting out of its range.
    pub fn check(&self) -> Result<(), Setting> {
        Setting::at_least_one("the number of draws", self.draws)?;
        Setting::fraction("the share of defensive draws", self.defensive)
    }
}

/// ln Z of a density by a flow, with what can be known of how good it is.
///
/// E\[Ẑ\] = Z, so the figure lies below ln Z on average (Jensen), and a log-likelihood that is made with it above: optimistic. Its own error, the
/// effective draws and k̂ are made of the draws, and know nothing of a mode that has none: [`rows`](Self::rows) may.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FlowLogZ {
    /// ln Ẑ, its standard error and the effective draws.
    pub log_z: LogMeanExp,
    /// k̂ of the weights: above 0.7 their mean is not to be trusted.
    pub shape: Option<f64>,
    /// Draws.
    pub draws: usize,
    /// What rows of the target say, where some were given.
    pub rows: Option<RowWeights>,
}

/// Weights w = p*(x) / q(x) at rows of the target: data, or states of its chains.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct RowWeights {
    /// −ln of the mean of 1/w, q being the flow alone, and its standard error. Of rows that are draws of the target it lies above ln Z on
    /// average: E_p[q / p*] = 1 / Z.
    pub log_z: LogMeanExp,
    /// The share of rows that weigh more than every draw: places that no draw has seen.
    pub unseen: f64,
}

impl FlowLogZ {
    /// What speaks against the figure, in words; nothing where nothing does.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if let Some(shape) = self.shape.filter(|shape| *shape > HEAVY) {
            warnings.push(format!(
                "the weights' tail is heavy, k̂ = {shape:.2}: the error of log Z is not to be trusted"
            ));
        }
        if !self.log_z.error_is_known() {
            warnings.push("few draws carry the weights: log Z has no error that could be known".to_owned());
        }
        if let Some(rows) = self.rows.filter(|rows| rows.unseen > UNSEEN) {
            warnings.push(format!(
                "{:.1} % of the rows weigh more than every draw: if the target has mass where they are, log Z is too low",
                100.0 * rows.unseen
            ));
        }
        warnings
    }
}

impl fmt::Display for FlowLogZ {
    /// `1.234 nats (Monte Carlo error 0.003, 15034.2 effective draws), k̂ = 0.12`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.log_z.fmt(f)?;
        self.shape.map_or(Ok(()), |shape| write!(f, ", k̂ = {shape:.2}"))
    }
}

/// Independent components of Student's t distribution, around the draws and wider.
struct Broad {
    centre: Vec<f64>,
    scale: Vec<f64>,
}

impl Broad {
    /// Around points `[n, width]`.
    fn around(points: &[f32], width: usize) -> Self {
        let count = (points.len() / width).max(1) as f64;
        let column = |j: usize| points[j..].iter().step_by(width).map(|&x| f64::from(x));
        let centre: Vec<f64> = (0..width).map(|j| column(j).sum::<f64>() / count).collect();
        let deviation = |j: usize| (column(j).map(|x| (x - centre[j]).powi(2)).sum::<f64>() / count).sqrt();
        let scale = (0..width).map(|j| (BROADER * deviation(j)).max(f64::MIN_POSITIVE)).collect();
        Broad { centre, scale }
    }

    fn log_density(&self, x: &[f64]) -> f64 {
        let constant = ln_gamma(0.5 * (DEGREES + 1.0))
            - ln_gamma(0.5 * DEGREES)
            - 0.5 * (DEGREES * std::f64::consts::PI).ln();
        let terms = x.iter().zip(&self.centre).zip(&self.scale).map(|((x, m), s)| {
            let t = (x - m) / s;
            constant - s.ln() - 0.5 * (DEGREES + 1.0) * (t * t / DEGREES).ln_1p()
        });
        terms.sum()
    }

    /// `count` draws `[count, width]`, by Bailey's (1994) polar method.
    fn draw(&self, count: usize, seed: Seed) -> Vec<f32> {
        let mut stream = seed.stream("defensive draws", 0);
        let mut one = || loop {
            let (a, b) = (2.0 * stream.random::<f64>() - 1.0, 2.0 * stream.random::<f64>() - 1.0);
            let w = a * a + b * b;
            if w > 0.0 && w < 1.0 {
                break a * (DEGREES * (w.powf(-2.0 / DEGREES) - 1.0) / w).sqrt();
            }
        };
        let place = |index: usize, t: f64| (self.centre[index] + self.scale[index] * t) as f32;
        (0..count * self.centre.len()).map(|index| place(index % self.centre.len(), one())).collect()
    }
}

impl Flow {
    /// ln Z = ln ∫ p*(x) dx of `target` by importance sampling with this flow for a proposal. `rows` are data of the target, or states of its
    /// chains, on which the weights are looked at besides.
    ///
    /// # Errors
    /// Where the flow is conditional or one of levels, the target has another dimension or gives up for good, a setting is out of its range, or
    /// `rows` do not suit the flow. Points where the target gives up for once weigh nothing.
    pub fn log_normaliser<T: LogDensity>(
        &self,
        target: &T,
        proposal: &FlowProposal,
        rows: Option<&Dataset<'_>>,
    ) -> Result<FlowLogZ, FlowError> {
        proposal.check()?;
        if self.config.preprocessing.levels().is_some() {
            return Err(FlowError::NotReal);
        }
        let width = self.width();
        if target.dimension() != width {
            return Err(FlowError::setting("the dimension of the target", target.dimension(), "that of the flow"));
        }
        let defensive = (proposal.defensive * proposal.draws as f64).round() as usize;
        let own = self.sample(proposal.draws - defensive, proposal.seed)?;
        let known = rows.map(|rows| self.values_of(rows)).transpose()?;
        let around = [&own[..], known.as_deref().unwrap_or_default()].concat();
        let broad = Broad::around(&around, width);
        let draws = [own, broad.draw(defensive, proposal.seed)].concat();
        let share = defensive as f64 / proposal.draws as f64;
        let log_weights = self.log_weights(target, &draws, &broad, share)?;
        let log_z = LogMeanExp::of(&log_weights);
        if log_z.value == f64::NEG_INFINITY {
            return Err(FlowError::Target { why: "it is zero at every draw of the flow".to_owned() });
        }
        let rows = match known {
            None => None,
            Some(known) => {
                let at_rows = self.log_weights(target, &known, &broad, share)?;
                let largest = log_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let unseen = at_rows.iter().filter(|weight| **weight > largest).count();
                // By the flow alone: a broad tail over that of the target has no variance.
                let by_flow = self.log_weights(target, &known, &broad, 0.0)?;
                let inverse = LogMeanExp::of(&by_flow.iter().map(|weight| -weight).collect::<Vec<_>>());
                let log_z = LogMeanExp { value: -inverse.value, ..inverse };
                Some(RowWeights { log_z, unseen: unseen as f64 / at_rows.len().max(1) as f64 })
            }
        };
        Ok(FlowLogZ { log_z, shape: pareto_shape(&log_weights), draws: proposal.draws, rows })
    }

    /// The rows of checked data, `[rows, width]`.
    fn values_of(&self, rows: &Dataset<'_>) -> Result<Vec<f32>, FlowError> {
        self.check_data(rows)?;
        let mut values = vec![0.0; rows.len() * self.width()];
        let each = values.chunks_exact_mut(self.width()).enumerate();
        each.for_each(|(row, values)| rows.row_into(row, values));
        Ok(values)
    }

    /// ln p* − ln q of points `[n, width]`, q being the mixture.
    fn log_weights<T: LogDensity>(
        &self,
        target: &T,
        points: &[f32],
        broad: &Broad,
        share: f64,
    ) -> Result<Vec<f64>, FlowError> {
        let width = self.width();
        let own = self.log_densities(points, &[])?;
        let block = |index: usize| -> Result<Vec<f64>, FlowError> {
            let of_block = points.chunks(BLOCK * width).nth(index).unwrap_or_default();
            let points = of_block.chunks_exact(width).zip(&own[index * BLOCK..]);
            let mut x = vec![0.0; width];
            let weight = |(point, own): (&[f32], &f64)| {
                x.iter_mut().zip(point).for_each(|(x, &value)| *x = f64::from(value));
                let log_target = match target.log_density(&x) {
                    Ok(value) if value < f64::INFINITY => value,
                    Ok(value) => {
                        let why = format!("its log-density is {value} at {x:?}");
                        return Err(FlowError::Target { why });
                    }
                    Err(DensityError::Recoverable(_)) => f64::NEG_INFINITY,
                    Err(DensityError::Fatal(why)) => return Err(FlowError::Target { why }),
                };
                let parts = [(1.0 - share).ln() + own, share.ln() + broad.log_density(&x)];
                let largest = parts[0].max(parts[1]);
                let log_q = largest + parts.iter().map(|part| (part - largest).exp()).sum::<f64>().ln();
                Ok(log_target - log_q)
            };
            points.map(weight).collect()
        };
        let blocks = map((points.len() / width).div_ceil(BLOCK), block);
        let mut weights = Vec::with_capacity(points.len() / width);
        for block in blocks {
            weights.extend(block?);
        }
        Ok(weights)
    }
}
