//! Recorded passes over rows, a block of them at a time: from the data's side to the base's, and back.
//!
//! Blocks have a program each and are shared among the threads; a block is wide enough for the products and small enough for a cache. A row's
//! numbers depend on no other row.

use super::{Flow, Transform};
use crate::autodiff::{Program, Tape, Var};
use crate::parallel::{chunks, chunks_mut, for_each_with};
use crate::store::Store;
use std::sync::Arc;

/// Rows of a block.
pub(super) const ROWS: usize = 256;

const X: &str = "x";
const CONTEXT: &str = "context";
const Y: &str = "y";
const LOG_DETERMINANT: &str = "log_determinant";
const LOG_BASE: &str = "log_base";

/// Declares rows and what they are conditioned on.
fn inputs<'t>(tape: &'t Tape<'t>, flow: &Flow, rows: usize) -> (Var<'t>, Option<Var<'t>>) {
    let context = flow.config.context();
    (tape.input(X, [rows, flow.width()]), (context > 0).then(|| tape.input(CONTEXT, [rows, context])))
}

/// Writes rows, and what they are conditioned on, to the front of the inputs: what lies behind stays and means nothing.
fn load(program: &mut Program, rows: &[f32], context: &[f32]) {
    program.input_mut(X)[..rows.len()].copy_from_slice(rows);
    if !context.is_empty() {
        program.input_mut(CONTEXT)[..context.len()].copy_from_slice(context);
    }
}

/// The pass from preprocessed rows z to u, with its density.
#[derive(Clone, Debug)]
pub(super) struct Forward {
    program: Program,
    width: usize,
}

impl Forward {
    /// For up to `rows` rows at a time.
    pub(super) fn new(flow: &Flow, rows: usize) -> Self {
        let program = Program::record(&flow.store, |tape| {
            let (z, context) = inputs(tape, flow, rows);
            let densities = flow.densities(z, context);
            tape.output(Y, densities.u);
            tape.output(LOG_DETERMINANT, densities.log_determinant);
            tape.output(LOG_BASE, densities.log_base);
        });
        Forward { program, width: flow.width() }
    }

    /// Runs the pass on rows z `[at most as many, width]`.
    pub(super) fn run(&mut self, store: &Store, z: &[f32], context: &[f32]) {
        load(&mut self.program, z, context);
        self.program.evaluate(store);
    }

    /// u of a row, `[width]`.
    pub(super) fn u(&self, row: usize) -> &[f32] {
        &self.program.output(Y)[row * self.width..][..self.width]
    }

    /// ln p(z) of a row, nats.
    pub(super) fn log_density(&self, row: usize) -> f64 {
        let part = |name| f64::from(self.program.output(name)[row]);
        part(LOG_BASE) + part(LOG_DETERMINANT)
    }
}

/// The pass from a preprocessed row z to its density and its gradient.
#[derive(Clone, Debug)]
pub(super) struct Slope {
    program: Program,
}

const LOG_DENSITY: &str = "log_density";
const GRADIENT: &str = "gradient";

impl Slope {
    pub(super) fn new(flow: &Flow) -> Self {
        let program = Program::record(&flow.store, |tape| {
            let (z, context) = inputs(tape, flow, 1);
            let densities = flow.densities(z, context);
            let log_density = densities.log_base + densities.log_determinant;
            tape.output(LOG_DENSITY, log_density);
            tape.output(GRADIENT, tape.gradient(log_density.sum(), &[z])[0]);
        });
        Slope { program }
    }

    /// ln p(z) of one row, and ∇ ln p(z) `[width]`.
    pub(super) fn run(&mut self, store: &Store, z: &[f32], context: &[f32]) -> (f64, &[f32]) {
        load(&mut self.program, z, context);
        self.program.evaluate(store);
        (f64::from(self.program.output(LOG_DENSITY)[0]), self.program.output(GRADIENT))
    }
}

/// The pass of one transform, for rows on their way.
pub(super) fn through(transform: &dyn Transform, flow: &Flow, rows: &mut [f32], context: &[f32]) {
    let program = Program::record(&flow.store, |tape| {
        let (x, context) = inputs(tape, flow, ROWS);
        tape.output(Y, transform.forward(x, context).value);
    });
    in_blocks(&program, flow, rows, context);
}

/// Runs a program over rows, in place.
fn in_blocks(program: &Program, flow: &Flow, rows: &mut [f32], context: &[f32]) {
    let (width, length) = (flow.width(), flow.config.context() * ROWS);
    let run = |program: &mut Program, rows: &mut [f32], context: &[f32]| {
        load(program, rows, context);
        program.evaluate(&flow.store);
        rows.copy_from_slice(&program.output(Y)[..rows.len()]);
    };
    let begin = || program.clone();
    let blocks = chunks_mut(rows, ROWS * width);
    if length == 0 {
        for_each_with(blocks, begin, |program, _, rows| run(program, rows, &[]));
    } else {
        for_each_with((blocks, chunks(context, length)), begin, |program, _, (rows, context)| {
            run(program, rows, context);
        });
    }
}

/// The way back, from u to z: stretches of transforms that one recorded pass inverts, and those in between whose components are
/// inverted in turn.
#[derive(Clone, Debug)]
pub(super) struct Inverse {
    stages: Vec<Stage>,
}

#[derive(Clone, Debug)]
enum Stage {
    Recorded(Box<Program>),
    InTurn(Arc<dyn Transform>),
}

impl Inverse {
    /// For up to `rows` rows at a time.
    pub(super) fn new(flow: &Flow, rows: usize) -> Self {
        let (mut stages, mut left) = (Vec::new(), &flow.transforms[..]);
        while let Some((last, before)) = left.split_last() {
            let mut inverted = 0;
            let program = Program::record(&flow.store, |tape| {
                let (mut value, context) = inputs(tape, flow, rows);
                for transform in left.iter().rev() {
                    let Some(after) = transform.inverse(value, context) else { break };
                    value = after.value;
                    inverted += 1;
                }
                tape.output(Y, value);
            });
            if inverted > 0 {
                stages.push(Stage::Recorded(Box::new(program)));
                left = &left[..left.len() - inverted];
            } else {
                stages.push(Stage::InTurn(Arc::clone(last)));
                left = before;
            }
        }
        Inverse { stages }
    }

    /// Takes any number of rows u `[rows, width]` to z, in place; recorded for [`ROWS`].
    pub(super) fn run(&self, flow: &Flow, rows: &mut [f32], context: &[f32]) {
        for stage in &self.stages {
            match stage {
                Stage::Recorded(program) => in_blocks(program, flow, rows, context),
                Stage::InTurn(transform) => transform.invert_in_turn(&flow.store, rows, context),
            }
        }
    }

    /// Takes as many rows as it was recorded for, or fewer.
    pub(super) fn run_once(&mut self, flow: &Flow, rows: &mut [f32], context: &[f32]) {
        for stage in &mut self.stages {
            match stage {
                Stage::Recorded(program) => {
                    load(program, rows, context);
                    program.evaluate(&flow.store);
                    rows.copy_from_slice(&program.output(Y)[..rows.len()]);
                }
                Stage::InTurn(transform) => transform.invert_in_turn(&flow.store, rows, context),
            }
        }
    }
}
