//! The machine's own annealing against the model-free one of `sampling`, through block Gibbs transitions.

use super::Ais;
use super::reference::{Reference, machine, sigmoid};
use crate::random::{Seed, Stream};
use crate::sampling::{AnnealedImportance, AnnealingPath, DensityError};
use rand::RngExt;

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// The bridge as the model-free annealer takes it: visible states by number, block Gibbs sampling for transitions.
struct ByTheBook {
    reference: Reference,
    base: Vec<f32>,
}

impl ByTheBook {
    fn base_logit(&self, i: usize, beta: f64) -> f64 {
        beta * self.reference.a[i] + (1.0 - beta) * f64::from(self.base[i])
    }

    fn weighted(&self, state: usize, weight: impl Fn(usize) -> f64, units: usize) -> f64 {
        (0..units).filter(|unit| state >> unit & 1 == 1).map(weight).sum()
    }

    fn hidden_input(&self, v: usize, j: usize) -> f64 {
        self.reference.b[j] + self.weighted(v, |i| self.reference.weights[i][j], self.reference.visible)
    }
}

impl AnnealingPath for ByTheBook {
    type Point = usize;

    fn draw(&self, stream: &mut Stream) -> usize {
        let on =
            |i: usize, stream: &mut Stream| usize::from(stream.random::<f64>() < sigmoid(f64::from(self.base[i])));
        (0..self.reference.visible).map(|i| on(i, stream) << i).sum()
    }

    fn log_density(&self, v: &usize, beta: f64) -> Result<f64, DensityError> {
        let visible = self.weighted(*v, |i| self.base_logit(i, beta), self.reference.visible);
        let hidden = (0..self.reference.hidden).map(|j| softplus(beta * self.hidden_input(*v, j)));
        Ok(visible + hidden.sum::<f64>())
    }

    fn transition(&self, v: &mut usize, beta: f64, stream: &mut Stream) -> Result<(), DensityError> {
        let mut draw = |logit: f64| usize::from(stream.random::<f64>() < sigmoid(logit));
        let (visible, hidden) = (self.reference.visible, self.reference.hidden);
        let h: usize = (0..hidden).map(|j| draw(beta * self.hidden_input(*v, j)) << j).sum();
        let input = |i: usize| self.weighted(h, |j| self.reference.weights[i][j], hidden);
        *v = (0..visible).map(|i| draw(beta * input(i) + self.base_logit(i, beta)) << i).sum();
        Ok(())
    }

    fn log_base_normaliser(&self) -> f64 {
        let visible: f64 = self.base.iter().map(|&bias| softplus(f64::from(bias))).sum();
        visible + self.reference.hidden as f64 * std::f64::consts::LN_2
    }
}

#[test]
fn the_model_free_annealer_agrees_with_the_machines_own() {
    let rbm = machine(9, 7, 1.5, 31);
    let base: Vec<f32> = (0..9).map(|i| 0.4 * i as f32 - 0.7).collect();
    let path = ByTheBook { reference: Reference::of(&rbm), base: base.clone() };
    let exact = path.reference.log_z();
    let mut squares = [0.0; 2];
    for seed in 0..20 {
        let own = Ais { chains: 512, temperatures: 50, seed: Seed(seed) }.log_z(&rbm, &base).expect("chains");
        let schedule = AnnealedImportance::even(50);
        let free = AnnealedImportance { chains: 512, schedule, seed: Seed(seed) }.log_z(&path).expect("chains");
        // In standard errors of their difference: one in 10⁵ runs of all 20 has one beyond 5.
        let error = own.error.hypot(free.error);
        assert!((own.value - free.value).abs() < 5.0 * error, "seed {seed}: {own}, model-free {free}");
        squares[0] += ((own.value - exact) / own.error).powi(2);
        squares[1] += ((free.value - exact) / free.error).powi(2);
    }
    // χ² with 20 degrees of freedom, two-sided α = 10⁻⁵.
    println!("Σ z² of 20 seeds: own {:.1}, model-free {:.1}", squares[0], squares[1]);
    assert!(squares.iter().all(|squares| (3.06..61.0).contains(squares)), "{squares:?}");
}
