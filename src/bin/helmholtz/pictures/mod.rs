//! Pictures: grids of images, tables, the plane, and what charts and axes look like.

mod axis;
mod chart;
mod density;
mod font;
mod frame;
mod grid;
mod plane;
mod raster;
pub mod table;

pub use axis::Axis;
pub use chart::{BLUE, DASH, GREEN, GREY, Key, ORANGE, RED, RULE, Stroke, title};
pub use density::densities_beside;
pub use frame::{Tick, with_axes};
pub use grid::{Canvas, Grid};
pub use plane::Window;
pub use raster::Raster;
