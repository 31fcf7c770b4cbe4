//! From the confinement's normal distribution to the model: p*_β(u) = e^(−β f(u) − ½κ|u|²), for annealed importance sampling.

use super::density::NeuralDensity;
use super::langevin::{Place, acceptance, propose};
use crate::random::Stream;
use crate::sampling::{AnnealingPath, DensityError, Work};
use rand::RngExt;
use std::f64::consts::PI;

/// The step size at β = 0 in units of the deviation there, and what it has fallen to at β = 1 in units of the deviations of the data,
/// or of those of the confinement where these are smaller.
const STEP: [f32; 2] = [0.8, 0.2];

/// The path of one model, whose transitions are `steps` Langevin steps each.
pub(super) struct Path<'a> {
    density: NeuralDensity<'a>,
    steps: usize,
    /// Counts transitions, for those who wait.
    work: &'a Work,
}

/// A point with what the network says of it, so that only a transition asks the network.
pub(super) struct Point {
    u: Vec<f32>,
    network: f32,
    /// ∂f/∂u.
    slope: Vec<f32>,
}

impl<'a> Path<'a> {
    pub(super) fn new(density: NeuralDensity<'a>, steps: usize, work: &'a Work) -> Self {
        Path { density, steps, work }
    }

    fn point(&self, u: Vec<f32>) -> Point {
        let mut slope = vec![0.0; u.len()];
        let network = self.density.network(&u, &mut slope);
        Point { u, network, slope }
    }

    /// ∂E_β/∂u.
    fn slope(&self, point: &Point, beta: f64) -> Vec<f32> {
        let confinement = self.density.energy().config.confinement;
        point.slope.iter().zip(&point.u).map(|(slope, u)| beta as f32 * slope + confinement * u).collect()
    }

    fn energy(&self, point: &Point, beta: f64) -> f64 {
        self.density.energy().energy_at(&point.u, point.network, beta)
    }
}

impl AnnealingPath for Path<'_> {
    type Point = Point;

    fn draw(&self, stream: &mut Stream) -> Point {
        let energy = self.density.energy();
        let mut noise = vec![0.0; energy.width()];
        stream.fill_normal(&mut noise);
        self.point(noise.into_iter().map(|noise| energy.base_deviation() * noise as f32).collect())
    }

    fn log_density(&self, point: &Point, beta: f64) -> Result<f64, DensityError> {
        let energy = self.energy(point, beta);
        if energy.is_nan() { Err(DensityError::Fatal("the energy is NaN".to_owned())) } else { Ok(-energy) }
    }

    fn transition(&self, point: &mut Point, beta: f64, stream: &mut Stream) -> Result<(), DensityError> {
        let deviation = self.density.energy().base_deviation();
        let [first, last] = [STEP[0] * deviation, STEP[1] * deviation.min(1.0)];
        let step = first * (last / first).powf(beta as f32);
        let mut noise = vec![0.0; point.u.len()];
        for _ in 0..self.steps {
            let here = self.slope(point, beta);
            stream.fill_normal(&mut noise);
            let moves = point.u.iter().zip(&here).zip(&noise);
            let next =
                self.point(moves.map(|((&u, &slope), &noise)| propose(u, slope, noise as f32, step)).collect());
            let there = self.slope(&next, beta);
            let probability = acceptance(
                Place { u: &point.u, energy: self.energy(point, beta), slope: &here },
                Place { u: &next.u, energy: self.energy(&next, beta), slope: &there },
                step,
            );
            if stream.random::<f64>() < probability {
                *point = next;
            }
        }
        self.work.add(1);
        Ok(())
    }

    /// ln of ∫ e^(−½κ|u|²) du = (2π/κ)^(d/2).
    fn log_base_normaliser(&self) -> f64 {
        let energy = self.density.energy();
        0.5 * energy.width() as f64 * (2.0 * PI / f64::from(energy.config.confinement)).ln()
    }
}
