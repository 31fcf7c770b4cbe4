//! A flow as a density of the Monte Carlo toolbox: a proposal that knows its normaliser, and a target.

use super::pass::{Forward, Inverse, Slope};
use super::preprocessing::Preprocessing;
use super::{Flow, FlowError};
use crate::random::{Seed, Stream, Streams};
use crate::sampling::{DensityError, GradientLogDensity, LogDensity, Sampler};
use rand::RngExt;
use std::sync::{Mutex, PoisonError};

/// The normalised density that [`Flow::density`] gives: importance sampling weighs its draws, independence
/// [`Metropolis`](crate::sampling::Metropolis) proposes them. Points are double precision; the flow computes in single.
///
/// ```
/// use helmholtz::flow::{Flow, FlowConfig};
/// use helmholtz::sampling::ImportanceSampling;
/// use helmholtz::Seed;
/// // Untrained, the flow is the standard normal distribution: ln Z of e^(−x² / 2) is ln 2π in two dimensions.
/// let flow = Flow::new(FlowConfig::new(2), Seed(1))?;
/// let target = |x: &Vec<f64>| Ok(-0.5 * x.iter().map(|x| x * x).sum::<f64>());
/// let sampling = ImportanceSampling { draws: 100, ..ImportanceSampling::default() };
/// let estimate = sampling.self_normalised_mean(target, &flow.density(&[])?, |x| x[0])?;
/// assert!((estimate.log_normaliser.value - (2.0 * std::f64::consts::PI).ln()).abs() < 1e-5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FlowDensity<'a> {
    flow: &'a Flow,
    /// What it is conditioned on, `[context]`.
    context: Vec<f32>,
    /// Recorded passes that no thread is using.
    idle: Mutex<Vec<Passes>>,
    first: Passes,
}

/// Passes over a single row.
#[derive(Clone, Debug)]
struct Passes {
    forward: Forward,
    inverse: Inverse,
    /// Recorded when a gradient is first asked for.
    slope: Option<Slope>,
}

impl Flow {
    /// The density of single points, given `context` `[context]`, which is empty where the flow is not conditioned.
    ///
    /// # Errors
    /// Where the model is one of grey levels, or the context is of another size.
    pub fn density(&self, context: &[f32]) -> Result<FlowDensity<'_>, FlowError> {
        self.check_context(1, context)?;
        if self.config.preprocessing.levels().is_some() {
            return Err(FlowError::NotReal);
        }
        let first = Passes { forward: Forward::new(self, 1), inverse: Inverse::new(self, 1), slope: None };
        Ok(FlowDensity { flow: self, context: context.to_vec(), idle: Mutex::default(), first })
    }
}

impl FlowDensity<'_> {
    /// Lends passes to `task`.
    fn with_passes<T>(&self, task: impl FnOnce(&mut Passes) -> T) -> T {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let lent = idle().pop();
        let mut passes = lent.unwrap_or_else(|| self.first.clone());
        let result = task(&mut passes);
        idle().push(passes);
        result
    }

    /// ln p(x), nats.
    fn log_density_at(&self, x: &[f64]) -> f64 {
        let flow = self.flow;
        let mut z: Vec<f32> = x.iter().map(|&x| x as f32).collect();
        flow.config.preprocessing.apply(&mut z, 1.0, &[]);
        self.with_passes(|passes| {
            passes.forward.run(&flow.store, &z, &self.context);
            passes.forward.log_density(0) + flow.config.preprocessing.log_jacobian(&z)
        })
    }
}

impl Clone for FlowDensity<'_> {
    fn clone(&self) -> Self {
        FlowDensity {
            flow: self.flow,
            context: self.context.clone(),
            idle: Mutex::default(),
            first: self.first.clone(),
        }
    }
}

impl Sampler for FlowDensity<'_> {
    type Point = Vec<f64>;

    fn draw(&self, stream: &mut Stream) -> Vec<f64> {
        let flow = self.flow;
        let mut row = vec![0.0; flow.width()];
        let mut streams = Streams::new(Seed(stream.random()), "flow", 1);
        flow.base.draw(&flow.store, flow.width(), &mut streams, &mut row, &self.context);
        self.with_passes(|passes| passes.inverse.run_once(flow, &mut row, &self.context));
        flow.config.preprocessing.invert(&mut row);
        row.into_iter().map(f64::from).collect()
    }

    fn log_density(&self, point: &Vec<f64>) -> f64 {
        self.log_density_at(point)
    }
}

impl LogDensity for FlowDensity<'_> {
    fn dimension(&self) -> usize {
        self.flow.width()
    }

    fn log_density(&self, x: &[f64]) -> Result<f64, DensityError> {
        Ok(self.log_density_at(x))
    }
}

impl GradientLogDensity for FlowDensity<'_> {
    fn log_density_and_gradient(&self, x: &[f64], gradient: &mut [f64]) -> Result<f64, DensityError> {
        let flow = self.flow;
        let mut z: Vec<f32> = x.iter().map(|&x| x as f32).collect();
        flow.config.preprocessing.apply(&mut z, 1.0, &[]);
        let log_jacobian = flow.config.preprocessing.log_jacobian(&z);
        self.with_passes(|passes| {
            let slope = passes.slope.get_or_insert_with(|| Slope::new(flow));
            let (log_density, by_z) = slope.run(&flow.store, &z, &self.context);
            gradient.iter_mut().zip(by_z).for_each(|(out, &slope)| *out = f64::from(slope));
            if let Preprocessing::Standardise { scale, .. } = &flow.config.preprocessing {
                gradient.iter_mut().zip(scale).for_each(|(out, &scale)| *out /= f64::from(scale));
            }
            Ok(log_density + log_jacobian)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Dataset;
    use crate::flow::{FlowConfig, FlowRecipe};
    use crate::train::{Fit, Training};

    /// Against central differences of the density itself, of columns of other units.
    #[test]
    fn the_gradient_is_that_of_the_density() {
        let rows = Dataset::resolve("moons").unwrap().subset(0..500);
        let mut values = vec![0.0; 1000];
        (0..500).for_each(|row| rows.row_into(row, &mut values[2 * row..2 * row + 2]));
        values.iter_mut().step_by(2).for_each(|x| *x = 10.0 * *x + 3.0);
        let data = Dataset::from_real(values, &[500, 2]).unwrap();
        let mut flow = Flow::new(FlowConfig::new(2), Seed(1)).unwrap();
        flow.fit(&data, &FlowRecipe::default(), &Training { epochs: 20, batch: 100, ..Training::default() })
            .unwrap();
        let density = flow.density(&[]).unwrap();
        for point in [[3.0, 0.5], [-4.0, 0.1], [12.0, -0.3]] {
            let mut gradient = [0.0; 2];
            let value = density.log_density_and_gradient(&point, &mut gradient).unwrap();
            assert!((value - LogDensity::log_density(&density, &point).unwrap()).abs() < 1e-4);
            for (column, step) in [(0, 0.05), (1, 0.005)] {
                let at = |by: f64| {
                    let mut moved = point;
                    moved[column] += by;
                    LogDensity::log_density(&density, &moved).unwrap()
                };
                let slope = (at(step) - at(-step)) / (2.0 * step);
                let difference = (gradient[column] - slope).abs();
                assert!(
                    difference < 0.02 * (1.0 + slope.abs()),
                    "{point:?} {column}: {} {slope}",
                    gradient[column]
                );
            }
        }
    }
}
