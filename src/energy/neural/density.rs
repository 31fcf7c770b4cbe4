//! A neural energy as a target of the Monte Carlo toolbox: log p*(x) = −E(x), with its gradient.

use super::NeuralEnergy;
use super::field::Field;
use crate::sampling::{DensityError, GradientLogDensity, LogDensity};
use std::sync::Mutex;

/// The target that [`NeuralEnergy::density`] gives: any kernel of [`sampling`](crate::sampling) runs on it. Points are double precision,
/// the network's part of the energy is computed in single.
///
/// ```
/// use helmholtz::energy::neural::{NeuralConfig, NeuralEnergy};
/// use helmholtz::sampling::{Langevin, Run};
/// use helmholtz::Seed;
/// let energy = NeuralEnergy::new(NeuralConfig::new(2), Seed(1))?;
/// let draws = Run::default().sample(&Langevin::default(), &energy.density(), &[0.0, 0.0])?;
/// assert!(draws.summary(0).r_hat < 1.05);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct NeuralDensity<'a> {
    energy: &'a NeuralEnergy,
    /// Recorded passes that no thread is using.
    idle: Mutex<Vec<Field>>,
    first: Field,
}

impl NeuralEnergy {
    /// The unnormalised log-density, for samplers that take one point at a time.
    pub fn density(&self) -> NeuralDensity<'_> {
        NeuralDensity { energy: self, idle: Mutex::default(), first: Field::new(self, 1) }
    }
}

impl NeuralDensity<'_> {
    /// f(u) and, in `slope`, ∂f/∂u of one row u.
    pub(super) fn network(&self, u: &[f32], slope: &mut [f32]) -> f32 {
        let idle = || self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut field = idle().pop().unwrap_or_else(|| self.first.clone());
        field.input_mut().copy_from_slice(u);
        field.run(&self.energy.store);
        slope.copy_from_slice(field.slopes());
        let value = field.values()[0];
        idle().push(field);
        value
    }

    /// The model.
    pub(super) fn energy(&self) -> &NeuralEnergy {
        self.energy
    }
}

impl LogDensity for NeuralDensity<'_> {
    fn dimension(&self) -> usize {
        self.energy.width()
    }

    fn log_density(&self, x: &[f64]) -> Result<f64, DensityError> {
        self.log_density_and_gradient(x, &mut vec![0.0; x.len()])
    }
}

impl GradientLogDensity for NeuralDensity<'_> {
    fn log_density_and_gradient(&self, x: &[f64], gradient: &mut [f64]) -> Result<f64, DensityError> {
        let config = &self.energy.config;
        let confinement = f64::from(config.confinement);
        let standard = |j: usize| (x[j] - f64::from(config.centre[j])) / f64::from(config.scale[j]);
        let u: Vec<f32> = (0..x.len()).map(|j| standard(j) as f32).collect();
        let mut slope = vec![0.0; x.len()];
        let f = self.network(&u, &mut slope);
        let mut square = 0.0;
        for (j, gradient) in gradient.iter_mut().enumerate() {
            square += standard(j).powi(2);
            *gradient = -(f64::from(slope[j]) + confinement * standard(j)) / f64::from(config.scale[j]);
        }
        Ok(-(f64::from(f) + 0.5 * confinement * square))
    }
}
