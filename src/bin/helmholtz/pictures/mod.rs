//! Pictures: grids of images, the plane, and the axes of charts.

pub mod axis;
pub mod grid;
pub mod plane;
