//! The machine by the book, in f64, one state at a time and in the units' own values: what the tests hold the fast code
//! against.

use super::{BoltzmannMachine, Units};
use crate::random::Seed;

pub(super) struct Reference {
    pub n: usize,
    /// The lower value of a unit.
    pub low: f64,
    pub w: Vec<Vec<f64>>,
    pub b: Vec<f64>,
}

impl Reference {
    pub fn of(machine: &BoltzmannMachine) -> Self {
        let f64s = |values: &[f32]| values.iter().map(|&value| f64::from(value)).collect::<Vec<_>>();
        Reference {
            n: machine.len(),
            low: if machine.units() == Units::Spin { -1.0 } else { 0.0 },
            w: machine.weights().chunks(machine.len()).map(f64s).collect(),
            b: f64s(machine.bias()),
        }
    }

    /// The value of unit `unit` in state number `state`.
    pub fn x(&self, state: usize, unit: usize) -> f64 {
        if state >> unit & 1 == 1 { 1.0 } else { self.low }
    }

    pub fn energy(&self, state: usize) -> f64 {
        let mut energy = 0.0;
        for i in 0..self.n {
            energy -= self.b[i] * self.x(state, i);
            for j in 0..self.n {
                energy -= 0.5 * self.x(state, i) * self.w[i][j] * self.x(state, j);
            }
        }
        energy
    }

    pub fn log_z(&self) -> f64 {
        (0..1 << self.n).map(|state| (-self.energy(state)).exp()).sum::<f64>().ln()
    }

    pub fn joint(&self) -> Vec<f64> {
        let log_z = self.log_z();
        (0..1 << self.n).map(|state| (-self.energy(state) - log_z).exp()).collect()
    }

    /// Mean ln p(v) of the states `rows` of the first `visible` units.
    pub fn log_likelihood(&self, visible: usize, rows: &[usize]) -> f64 {
        let joint = self.joint();
        let marginal = |v: usize| joint.iter().skip(v).step_by(1 << visible).sum::<f64>().ln();
        rows.iter().map(|&v| marginal(v)).sum::<f64>() / rows.len() as f64
    }

    /// p(unit at its upper value | the other units of `state`), by the formula: σ(h) of units 0 and 1, σ(2 h) of spins.
    pub fn conditional(&self, state: usize, unit: usize) -> f64 {
        let others = (0..self.n).filter(|&other| other != unit);
        let field: f64 =
            self.b[unit] + others.map(|other| self.w[unit][other] * self.x(state, other)).sum::<f64>();
        let factor = if self.low < 0.0 { 2.0 } else { 1.0 };
        1.0 / (1.0 + (-factor * field).exp())
    }

    /// The distribution after drawing `units` in turn, from the distribution `p`.
    pub fn draw_in_turn(&self, p: &[f64], units: impl IntoIterator<Item = usize>) -> Vec<f64> {
        let mut p = p.to_vec();
        for unit in units {
            for off in (0..1 << self.n).filter(|state| state >> unit & 1 == 0) {
                let (on, both) = (off | 1 << unit, p[off] + p[off | 1 << unit]);
                p[on] = both * self.conditional(off, unit);
                p[off] = both - p[on];
            }
        }
        p
    }

    /// The second largest eigenvalue of a sweep in this order, in size: by what a difference shrinks in the long run.
    pub fn second_eigenvalue(&self, order: &[usize]) -> f64 {
        let pi = self.joint();
        let mut x: Vec<f64> = (0..1 << self.n).map(|state| ((state * 37 + 11) % 17) as f64 - 8.0).collect();
        let mut eigenvalue = 0.0;
        for _ in 0..200 {
            let shift: f64 = x.iter().sum();
            x.iter_mut().zip(&pi).for_each(|(x, pi)| *x -= shift * pi);
            let norm = x.iter().map(|x| x * x).sum::<f64>().sqrt();
            x.iter_mut().for_each(|x| *x /= norm);
            x = self.draw_in_turn(&x, order.iter().copied());
            eigenvalue = x.iter().map(|x| x * x).sum::<f64>().sqrt();
        }
        eigenvalue
    }
}

/// A machine with weights and biases spread evenly over ±`scale`; `connected` says which pairs have a weight.
pub(super) fn machine(
    [visible, hidden]: [usize; 2],
    units: Units,
    scale: f32,
    seed: u64,
    connected: impl Fn(usize, usize) -> bool,
) -> BoltzmannMachine {
    let n = visible + hidden;
    let mut values = vec![0.0f32; n * n + n];
    Seed(seed).lanes("test machine", 0).fill_uniform(&mut values);
    values.iter_mut().for_each(|value| *value = (2.0 * *value - 1.0) * scale);
    let mut weights = vec![0.0; n * n];
    for i in 0..n {
        for j in (0..i).filter(|&j| connected(i, j)) {
            weights[i * n + j] = values[i * n + j];
            weights[j * n + i] = values[i * n + j];
        }
    }
    BoltzmannMachine::from_parameters(visible, hidden, units, &weights, &values[n * n..]).expect("a machine")
}
