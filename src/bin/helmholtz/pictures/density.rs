//! The density of a model of the plane beside that of its data.

use super::frame::{Tick, with_axes};
use super::grid::Grid;
use super::plane::{SIDE, Window, heat, ink};
use super::raster::Raster;
use helmholtz::data::{Dataset, ToyDensity};

/// The density of a model on the plane, given by its logarithm at the window's places up to a constant, and beside it the density
/// of the data, or `points` `[count, 2]` of it as dots where only these are known.
pub fn densities_beside(window: &Window, log_densities: &[f64], data: &Dataset<'_>, points: &[f32]) -> Raster {
    let [x, y] = window.axes().map(|axis| Tick::all(&axis));
    let panel = |grid: Grid, title: &str| with_axes(&grid.raster(), title, (&x, "column 0"), (&y, "column 1"));
    let mut model = Grid::new((SIDE, SIDE), 1);
    model.push(&brightness(log_densities), heat);
    let mut beside = Grid::new((SIDE, SIDE), 1);
    let words = match data.name().parse::<ToyDensity>() {
        Ok(density) => {
            let places = window.places();
            let (places, _) = places.as_chunks::<2>();
            let known: Vec<f64> = places.iter().map(|x| density.log_density(x.map(f64::from))).collect();
            beside.push(&brightness(&known), heat);
            "density of the data"
        }
        Err(_) => {
            beside.push(&window.dots(points), ink);
            "data"
        }
    };
    Raster::side_by_side(&[panel(model, "density of the model"), panel(beside, words)])
}

/// The root of each density as a part of the largest: valleys are seen beside peaks.
fn brightness(log_densities: &[f64]) -> Vec<f32> {
    let largest = log_densities.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    log_densities.iter().map(|log_density| (0.5 * (log_density - largest)).exp() as f32).collect()
}
