//! How far Monte Carlo can be trusted.

mod pareto;

pub use pareto::{pareto_shape, pareto_threshold};
