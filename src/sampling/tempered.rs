//! A density that is heated in parts: prior · likelihood^β.

use super::{DensityError, GradientLogDensity, LogDensity};

/// log p_β(x) = log prior(x) + β log likelihood(x): the target itself at β = 1, the prior at β = 0.
///
/// [`Tempered::whole`] heats all of a density, p^β.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tempered<P, L> {
    /// The prior, which stays at every temperature.
    pub prior: P,
    /// The likelihood, which is heated.
    pub likelihood: L,
    /// β.
    pub inverse_temperature: f64,
}

/// A constant: the prior of a density that is heated as a whole. It cannot be normalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flat {
    /// Components of a point.
    pub dimension: usize,
}

impl<P, L> Tempered<P, L> {
    /// Of a prior and a likelihood, at β = 1. References will do.
    pub fn new(prior: P, likelihood: L) -> Self {
        Tempered { prior, likelihood, inverse_temperature: 1.0 }
    }

    /// The same at another β.
    pub fn at(self, inverse_temperature: f64) -> Self {
        Tempered { inverse_temperature, ..self }
    }
}

impl<L: LogDensity> Tempered<Flat, L> {
    /// p^β, at β = 1.
    pub fn whole(density: L) -> Self {
        Tempered::new(Flat { dimension: density.dimension() }, density)
    }
}

impl<P: LogDensity, L: LogDensity> LogDensity for Tempered<P, L> {
    fn dimension(&self) -> usize {
        self.prior.dimension()
    }

    fn log_density(&self, x: &[f64]) -> Result<f64, DensityError> {
        let prior = self.prior.log_density(x)?;
        // At β = 0 the likelihood does not count, not even where it is zero.
        if self.inverse_temperature == 0.0 || prior == f64::NEG_INFINITY {
            return Ok(prior);
        }
        Ok(prior + self.inverse_temperature * self.likelihood.log_density(x)?)
    }
}

impl<P: GradientLogDensity, L: GradientLogDensity> GradientLogDensity for Tempered<P, L> {
    fn log_density_and_gradient(&self, x: &[f64], gradient: &mut [f64]) -> Result<f64, DensityError> {
        let prior = self.prior.log_density_and_gradient(x, gradient)?;
        if self.inverse_temperature == 0.0 || prior == f64::NEG_INFINITY {
            return Ok(prior);
        }
        let mut of_likelihood = vec![0.0; x.len()];
        let likelihood = self.likelihood.log_density_and_gradient(x, &mut of_likelihood)?;
        for (slope, of_likelihood) in gradient.iter_mut().zip(of_likelihood) {
            *slope += self.inverse_temperature * of_likelihood;
        }
        Ok(prior + self.inverse_temperature * likelihood)
    }
}

impl LogDensity for Flat {
    fn dimension(&self) -> usize {
        self.dimension
    }

    fn log_density(&self, _: &[f64]) -> Result<f64, DensityError> {
        Ok(0.0)
    }
}

impl GradientLogDensity for Flat {
    fn log_density_and_gradient(&self, _: &[f64], gradient: &mut [f64]) -> Result<f64, DensityError> {
        gradient.fill(0.0);
        Ok(0.0)
    }
}
