//! Pictures of a flow: draws, and its density on the plane beside the data's.

use super::sample;
use crate::cli::Failure;
use crate::pictures::{Raster, Window, densities_beside, table};
use crate::run::{DENSITY, SAMPLES, Session};
use helmholtz::data::Dataset;
use helmholtz::flow::Flow;

/// Draws of numbers beside the rows that judge the model, and on the plane its density, where no class says which: into the run folder.
pub fn of_table(flow: &Flow, session: &Session) -> Result<&'static [&'static str], Failure> {
    let seed = session.training.seed.derive("samples", 0);
    let (rows, _) = session.judged_by();
    let (points, width) = (table::points(&rows), flow.width());
    let draws = sample::given(flow, points.len() / width, None, seed)?;
    table::pairs(&draws, &points, width).save(&session.folder.file(SAMPLES))?;
    if width == 2 && flow.config().context() == 0 {
        density(flow, &rows)?.save(&session.folder.file(DENSITY))?;
        return Ok(&[DENSITY, SAMPLES]);
    }
    Ok(&[SAMPLES])
}

/// The density on the plane, and beside it that of the data, or dots where only points are known.
fn density(flow: &Flow, data: &Dataset<'_>) -> Result<Raster, Failure> {
    let points = table::points(data);
    let window = Window::around(&points);
    let model = flow.log_densities(&window.places(), &[])?;
    Ok(densities_beside(&window, &model, data, &points))
}
