//! Optimisers: one pass over the flat buffers of a [`Store`](crate::store::Store) and its
//! [`Gradients`](crate::store::Gradients), with what they remember at the same places.
//!
//! Everything here is element-wise or a sum in a fixed order: the same bits on every instruction set (but for what the
//! gradients bring) and for any number of threads.
//!
//! ```
//! use helmholtz::autodiff::Program;
//! use helmholtz::optim::{Adam, Decay, Optimiser, Schedule, clip_by_global_norm};
//! use helmholtz::store::Store;
//!
//! let mut store = Store::new();
//! let x = store.add("x", &[2]);
//! let mut program = Program::record(&store, |tape| {
//!     let error = tape.parameter(x) - tape.constant([2], &[3.0, -1.0]);
//!     tape.gradients((error * error).sum_to([]));
//! });
//! let mut gradients = store.gradients();
//! let mut adam = Optimiser::new(Adam::default(), &store)?;
//! let (schedule, steps) = (Schedule { decay: Decay::Cosine, warm_up: 10 }, 300);
//! for step in 0..steps {
//!     program.run(&store, &mut gradients);
//!     clip_by_global_norm(&mut gradients, 10.0);
//!     adam.step(&mut store, &gradients, 0.1 * schedule.factor(step, steps));
//! }
//! assert!((store.get(x)[0] - 3.0).abs() < 1e-3 && (store.get(x)[1] + 1.0).abs() < 1e-3);
//! # Ok::<(), helmholtz::Setting>(())
//! ```

mod adam;
mod average;
mod clip;
mod descending;
mod descent;
mod optimiser;
#[cfg(test)]
mod regression_tests;
mod schedule;
mod sgd;

pub use adam::Adam;
pub use average::WeightAverage;
pub use clip::clip_by_global_norm;
pub use descending::{Descending, Part};
pub use descent::Descent;
pub use optimiser::{Optimiser, Rule};
pub use schedule::{Decay, Schedule};
pub use sgd::{Momentum, Sgd};

/// The decay of weights, in messages.
const WEIGHT_DECAY: &str = "the weight decay";
/// Values that a task updates, 64 KB of each buffer.
const BLOCK: usize = 1 << 14;
