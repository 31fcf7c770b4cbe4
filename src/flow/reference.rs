//! What the tests hold a flow against: random parameters, Jacobians by the tape's own slopes, determinants in f64.

use super::{Flow, FlowConfig};
use crate::autodiff::Program;
use crate::random::Seed;

/// A model whose every parameter is a normal draw of this deviation.
pub(super) fn random(config: FlowConfig, deviation: f32, seed: Seed) -> Flow {
    let mut flow = Flow::new(config, seed).unwrap();
    for parameter in flow.store.parameters() {
        let mut lanes = seed.lanes(flow.store.name(parameter), 1);
        let values = flow.store.get_mut(parameter);
        lanes.fill_normal(values);
        values.iter_mut().for_each(|value| *value *= deviation);
    }
    // Through a file, which leaves out what masks forbid.
    Flow::from_snapshot(&flow.to_snapshot()).unwrap()
}

/// `count` normal numbers of this deviation.
pub(super) fn normal(count: usize, deviation: f32, seed: Seed) -> Vec<f32> {
    let mut values = vec![0.0; count];
    seed.lanes("values", 0).fill_normal(&mut values);
    values.iter_mut().for_each(|value| *value *= deviation);
    values
}

/// ln |det ∂u/∂z|, and the Jacobian `[rows][width · width]` by the slopes of each component of u, of rows z.
pub(super) struct Slopes {
    pub(super) log_determinants: Vec<f32>,
    pub(super) jacobians: Vec<Vec<f64>>,
}

/// The slopes of a flow at rows z `[rows, width]`.
pub(super) fn slopes(flow: &Flow, z: &[f32], context: &[f32]) -> Slopes {
    let width = flow.width();
    let rows = z.len() / width;
    let mut program = Program::record(&flow.store, |tape| {
        let z = tape.input_with("z", [rows, width], z);
        let conditions = flow.config.context();
        let context = (conditions > 0).then(|| tape.input_with("context", [rows, conditions], context));
        let densities = flow.densities(z, context);
        tape.output("log_determinant", densities.log_determinant);
        for component in 0..width {
            let slope = tape.gradient(densities.u.slice(1, component, 1).sum(), &[z])[0];
            tape.output(&component.to_string(), slope);
        }
    });
    program.evaluate(&flow.store);
    let line =
        |component: usize, row: usize| program.output(&component.to_string())[row * width..][..width].to_vec();
    let jacobian = |row| (0..width).flat_map(|component| line(component, row)).map(f64::from).collect();
    Slopes {
        log_determinants: program.output("log_determinant").to_vec(),
        jacobians: (0..rows).map(jacobian).collect(),
    }
}

/// ln |det M| of a matrix `[width · width]`, by elimination with the largest pivot of a column.
pub(super) fn log_determinant(mut m: Vec<f64>, width: usize) -> f64 {
    let mut sum = 0.0;
    for i in 0..width {
        let pivot = (i..width).max_by(|&a, &b| m[a * width + i].abs().total_cmp(&m[b * width + i].abs())).unwrap();
        (0..width).for_each(|j| m.swap(i * width + j, pivot * width + j));
        sum += m[i * width + i].abs().ln();
        for row in i + 1..width {
            let share = m[row * width + i] / m[i * width + i];
            (i..width).for_each(|j| m[row * width + j] -= share * m[i * width + j]);
        }
    }
    sum
}
