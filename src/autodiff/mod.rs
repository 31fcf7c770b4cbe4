//! Reverse-mode differentiation: a tape that becomes a program.
//!
//! A loss is written as its formula with [`Var`]s, small handles to tensors on a [`Tape`]. Each operation is run as it is
//! written, so shapes are checked at the caller's line and [`Var::value`] shows what came out, and it is remembered. One
//! that was recorded before, of the same operands, is the same variable again.
//!
//! [`Tape::gradient`] walks what was recorded backwards and **appends** the derivatives to the same tape: each
//! operation's rule is written in operations. So a gradient is a variable like any other and can be differentiated
//! again. What has no derivative (a mask, an index) gives none, and [`Var::stop_gradient`] cuts it off.
//!
//! No operation draws random numbers: noise, dropout and masks are inputs. Shapes are fixed when they are recorded. Element-wise
//! operations repeat their operands along missing axes and axes of length 1 ([`Shape::broadcast`]); reductions over an
//! axis drop it. Sums accumulate in f64. The bits do not depend on the number of threads.
//!
//! Layers and likelihoods have fused operations ([`Var::linear`], [`Var::bernoulli_cross_entropy`],
//! [`Var::gaussian_kl`], …). An operation of one's own implements [`Operation`] and enters through [`Tape::apply`];
//! [`check_gradients`] compares its rule with central differences.
//!
//! [`Program::record`] plans once what was recorded: what no output needs is dropped, results share memory where their lives
//! do not overlap. A [`Program`] then runs again and again and allocates nothing. It reads the parameters straight from the
//! store, and gradients land at the same offsets, where an optimiser is one pass over both.
//!
//! ```
//! use helmholtz::autodiff::{Activation, Program};
//! use helmholtz::{Seed, store::Store};
//!
//! let mut store = Store::new();
//! let (weight, bias) = (store.add("weight", &[10, 64]), store.add("bias", &[10]));
//! let mut step = Program::record(&store, |tape| {
//!     let (x, y) = (tape.input("x", [32, 64]), tape.input("y", [32, 10]));
//!     let output = x.linear(tape.parameter(weight), tape.parameter(bias), Activation::Tanh);
//!     let loss = (output - y).square().mean();
//!     tape.output("loss", loss);
//!     tape.gradients(loss);
//! });
//! let mut gradients = store.gradients();
//! Seed(1).lanes("x", 0).fill_normal(step.input_mut("x"));
//! step.input_mut("y").fill(0.5);
//! step.run(&store, &mut gradients);
//! assert_eq!(step.scalar("loss"), 0.25);
//! assert!(gradients.get(bias).iter().all(|slope| *slope < 0.0));
//! ```

mod arena;
mod check;
#[cfg(test)]
mod check_tests;
mod interpret;
mod op;
mod operation;
mod ops;
mod plan;
mod planner;
mod program;
#[cfg(test)]
mod program_tests;
mod shape;
mod tape;
#[cfg(test)]
mod tests;
mod var;

pub use crate::kernels::activation::Activation;
pub use crate::kernels::staircase::Staircase;
pub use check::{GradientMismatch, check_gradients, check_parameter_gradients};
pub use operation::{Operation, View};
pub use ops::Orientation;
pub use program::Program;
pub use shape::{MOST_AXES, Shape};
pub use tape::Tape;
pub use var::{Sliding, Var};
