//! The network's part of the energy, f(u), and its slopes, for a fixed number of rows at a time, again and again.

use super::NeuralEnergy;
use crate::autodiff::Program;
use crate::store::Store;

/// A recorded pass.
#[derive(Clone, Debug)]
pub(super) struct Field {
    program: Program,
}

const U: &str = "u";
const F: &str = "f";
const SLOPES: &str = "slopes";

impl Field {
    /// Values and slopes of `rows` rows.
    pub(super) fn new(energy: &NeuralEnergy, rows: usize) -> Self {
        let program = Program::record(&energy.store, |tape| {
            let u = tape.input(U, [rows, energy.width()]);
            let f = energy.network.output(u);
            tape.output(F, f);
            tape.output(SLOPES, tape.gradient(f.sum(), &[u])[0]);
        });
        Field { program }
    }

    /// Values alone.
    pub(super) fn of_values(energy: &NeuralEnergy, rows: usize) -> Self {
        let program = Program::record(&energy.store, |tape| {
            tape.output(F, energy.network.output(tape.input(U, [rows, energy.width()])));
        });
        Field { program }
    }

    /// u, `[rows, width]`, to be written.
    pub(super) fn input_mut(&mut self) -> &mut [f32] {
        self.program.input_mut(U)
    }

    /// Runs the pass.
    pub(super) fn run(&mut self, store: &Store) {
        self.program.evaluate(store);
    }

    /// f(u), `[rows]`.
    pub(super) fn values(&self) -> &[f32] {
        self.program.output(F)
    }

    /// ∂f/∂u, `[rows, width]`, of a pass with slopes.
    pub(super) fn slopes(&self) -> &[f32] {
        self.program.output(SLOPES)
    }
}
