//! Hopfield networks.

mod capacity_chart;
mod capacity_theory;
mod memory;
mod model;
mod recall;
mod train;

pub use model::FAMILY;
