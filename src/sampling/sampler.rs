//! Distributions that can be drawn from.

use crate::random::Stream;

/// A distribution that can be drawn from and whose density is known: what importance sampling and independence
/// proposals propose from, and where annealing starts.
///
/// ```
/// use helmholtz::{Seed, random::Stream, sampling::Sampler};
/// use rand::RngExt;
///
/// /// λ e^(−λx) on x ≥ 0.
/// struct Exponential(f64);
///
/// impl Sampler for Exponential {
///     type Point = f64;
///     fn draw(&self, stream: &mut Stream) -> f64 {
///         -(1.0 - stream.random::<f64>()).ln() / self.0
///     }
///     fn log_density(&self, x: &f64) -> f64 {
///         if *x < 0.0 { f64::NEG_INFINITY } else { self.0.ln() - self.0 * x }
///     }
/// }
/// assert!(Exponential(2.0).draw(&mut Seed(1).stream("example", 0)) >= 0.0);
/// ```
pub trait Sampler: Sync {
    /// A draw: a number, an index, a vector, a whole structure.
    type Point: Send + Sync;

    /// Draws a point.
    fn draw(&self, stream: &mut Stream) -> Self::Point;

    /// log q(x), nats: a probability where points are discrete. Where a density with the right normaliser is wanted,
    /// the method that wants it says so.
    fn log_density(&self, point: &Self::Point) -> f64;
}

impl<S: Sampler + ?Sized> Sampler for &S {
    type Point = S::Point;
    fn draw(&self, stream: &mut Stream) -> S::Point {
        (**self).draw(stream)
    }
    fn log_density(&self, point: &S::Point) -> f64 {
        (**self).log_density(point)
    }
}
