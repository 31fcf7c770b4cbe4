//! Pictures of a neural energy: its density on the plane beside the data's.

use crate::pictures::{Raster, Window, densities_beside, table};
use helmholtz::data::Dataset;
use helmholtz::energy::neural::NeuralEnergy;

/// e^(−E) on the plane, and beside it the density of the data, or dots where only points are known.
pub fn density(energy: &NeuralEnergy, data: &Dataset<'_>) -> Raster {
    let points = table::points(data);
    let window = Window::around(&points);
    let log_densities: Vec<f64> = energy.energies(&window.places()).into_iter().map(|energy| -energy).collect();
    densities_beside(&window, &log_densities, data, &points)
}
