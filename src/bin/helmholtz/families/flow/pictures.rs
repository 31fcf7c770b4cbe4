//! Pictures of a flow: draws, and its density on the plane beside the data's.

use crate::cli::Failure;
use crate::pictures::{Raster, Window, densities_beside, table};
use helmholtz::data::Dataset;
use helmholtz::flow::Flow;

/// The density on the plane, and beside it that of the data, or dots where only points are known.
pub fn density(flow: &Flow, data: &Dataset<'_>) -> Result<Raster, Failure> {
    let points = table::points(data);
    let window = Window::around(&points);
    let model = flow.log_densities(&window.places(), &[])?;
    Ok(densities_beside(&window, &model, data, &points))
}
