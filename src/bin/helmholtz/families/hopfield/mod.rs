//! Hopfield networks.

mod capacity_chart;
mod memory;
mod model;
mod recall;
mod train;

pub use model::FAMILY;
