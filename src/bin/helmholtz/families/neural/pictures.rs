//! Pictures of a neural energy: its density on the plane beside the data's.

use crate::pictures::{Grid, Raster, SIDE, Tick, Window, heat, ink, table, with_axes};
use helmholtz::data::{Dataset, ToyDensity};
use helmholtz::energy::neural::NeuralEnergy;

/// e^(−E) on the plane, and beside it the density of the data, or dots where only points are known.
pub fn density(energy: &NeuralEnergy, data: &Dataset<'_>) -> Raster {
    let points = table::points(data);
    let window = Window::around(&points);
    let places = window.places();
    let [x, y] = window.axes().map(|axis| Tick::all(&axis));
    let panel = |grid: Grid, title: &str| with_axes(&grid.raster(), title, (&x, "column 0"), (&y, "column 1"));

    let mut model = Grid::new((SIDE, SIDE), 1);
    let log_densities: Vec<f64> = energy.energies(&places).into_iter().map(|energy| -energy).collect();
    model.push(&brightness(&log_densities), heat);
    let mut beside = Grid::new((SIDE, SIDE), 1);
    let words = match data.name().parse::<ToyDensity>() {
        Ok(density) => {
            let (places, _) = places.as_chunks::<2>();
            let known: Vec<f64> = places.iter().map(|x| density.log_density(x.map(f64::from))).collect();
            beside.push(&brightness(&known), heat);
            "density of the data"
        }
        Err(_) => {
            beside.push(&window.dots(&points), ink);
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
