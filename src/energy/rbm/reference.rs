//! The machine by the book, in f64 and one state at a time: what the tests hold the fast code against.

use super::Rbm;
use crate::tensor::BitMatrix;

pub(in crate::energy) struct Reference {
    pub visible: usize,
    pub hidden: usize,
    /// `[visible][hidden]`.
    pub weights: Vec<Vec<f64>>,
    pub a: Vec<f64>,
    pub b: Vec<f64>,
}

pub(super) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn bit(state: usize, unit: usize) -> f64 {
    (state >> unit & 1) as f64
}

impl Reference {
    pub fn of(rbm: &Rbm) -> Self {
        let f64s = |values: &[f32]| values.iter().map(|&value| f64::from(value)).collect::<Vec<_>>();
        Reference {
            visible: rbm.visible(),
            hidden: rbm.hidden(),
            weights: rbm.weights().chunks(rbm.hidden()).map(f64s).collect(),
            a: f64s(rbm.visible_bias()),
            b: f64s(rbm.hidden_bias()),
        }
    }

    pub fn energy(&self, v: usize, h: usize) -> f64 {
        let mut energy = 0.0;
        for i in 0..self.visible {
            energy -= self.a[i] * bit(v, i);
            for j in 0..self.hidden {
                energy -= bit(v, i) * self.weights[i][j] * bit(h, j);
            }
        }
        energy - (0..self.hidden).map(|j| self.b[j] * bit(h, j)).sum::<f64>()
    }

    /// p(v, h), `[v + h · 2^visible]`.
    pub fn joint(&self) -> Vec<f64> {
        let states = (0..1usize << (self.visible + self.hidden)).map(|s| {
            let (v, h) = (s & ((1 << self.visible) - 1), s >> self.visible);
            (-self.energy(v, h)).exp()
        });
        let weights: Vec<f64> = states.collect();
        let total: f64 = weights.iter().sum();
        weights.into_iter().map(|weight| weight / total).collect()
    }

    pub fn log_z(&self) -> f64 {
        let mut total = 0.0;
        for v in 0..1usize << self.visible {
            for h in 0..1usize << self.hidden {
                total += (-self.energy(v, h)).exp();
            }
        }
        total.ln()
    }

    pub fn p_hidden(&self, v: usize, j: usize) -> f64 {
        sigmoid(self.b[j] + (0..self.visible).map(|i| bit(v, i) * self.weights[i][j]).sum::<f64>())
    }

    pub fn p_visible(&self, h: usize, i: usize) -> f64 {
        sigmoid(self.a[i] + (0..self.hidden).map(|j| self.weights[i][j] * bit(h, j)).sum::<f64>())
    }

    /// −ln Σ_h e^(−E(v, h)).
    pub fn free_energy(&self, v: usize) -> f64 {
        -(0..1usize << self.hidden).map(|h| (-self.energy(v, h)).exp()).sum::<f64>().ln()
    }

    pub fn mean_log_likelihood(&self, rows: &[usize]) -> f64 {
        let log_z = self.log_z();
        rows.iter().map(|&v| -self.free_energy(v) - log_z).sum::<f64>() / rows.len() as f64
    }
}

/// A machine with weights and biases spread evenly over ±`scale`, by a fixed recipe.
pub(in crate::energy) fn machine(visible: usize, hidden: usize, scale: f32, seed: u64) -> Rbm {
    let mut values = vec![0.0f32; visible * hidden + visible + hidden];
    crate::random::Seed(seed).lanes("test machine", 0).fill_uniform(&mut values);
    values.iter_mut().for_each(|value| *value = (2.0 * *value - 1.0) * scale);
    let (weights, biases) = values.split_at(visible * hidden);
    Rbm::from_parameters(visible, hidden, weights, &biases[..visible], &biases[visible..])
        .expect("a well-formed machine")
}

/// Row `row` as a number, unit `u` being bit `u`.
pub(in crate::energy) fn state(bits: &BitMatrix, row: usize) -> usize {
    (0..bits.units()).map(|unit| usize::from(bits.get(row, unit)) << unit).sum()
}

/// The rows with these numbers.
pub(in crate::energy) fn rows(states: &[usize], units: usize) -> BitMatrix {
    BitMatrix::from_fn(states.len(), units, |row, unit| states[row] >> unit & 1 == 1)
}
