//! Pictures: grids of images, the plane, and the axes of charts.

mod axis;
mod grid;
mod plane;

pub use axis::Axis;
pub use grid::{Canvas, Grid};
pub use plane::{SIDE, Window, heat, ink};
