//! Work shared among the threads of the current rayon pool: tasks, joins, slices cut into parts.
//!
//! A task is handed over as `&dyn Fn`, once per block of work, so that what divides, steals and waits is compiled once for the
//! whole crate; a closure that reaches rayon by type brings twenty functions of its own. Nothing here allocates but the
//! result of [`map`].
//!
//! - [`tasks`] runs numbers, [`tasks_apart`] hands out each by itself.
//! - [`for_each`] runs the parts of slices: [`chunks`], [`chunks_mut`], [`items`], [`items_mut`], and tuples of them, which are
//!   walked side by side. [`for_each_in_groups`] is for short tasks, [`for_each_apart`] for long ones, [`for_each_with`] for
//!   those that need something of their own.
//! - [`map`] collects a result a task, [`join`] runs two closures.
//!
//! ```text
//! for_each((chunks_mut(sums, BLOCK), chunks(values, BLOCK)), |block, (sums, values)| …);
//! ```
//!
//! How work is cut may follow the number of threads only where the bits of the result do not.

mod cut;
mod run;

pub(crate) use cut::{chunks, chunks_mut, items, items_mut};
pub(crate) use run::{for_each, for_each_apart, for_each_in_groups, for_each_with, join, map, tasks, tasks_apart};
