//! Pictures of a neural energy: its density on the plane beside the data's, and its draws.

use crate::cli::Failure;
use crate::pictures::{Canvas, Grid, SIDE, Window, heat, ink};
use helmholtz::data::{Dataset, ToyDensity};
use helmholtz::energy::neural::NeuralEnergy;

/// Points of the data in a picture at the most.
const POINTS: usize = 2000;

/// The first rows of `data`, `[at most POINTS, width]`.
pub fn points(data: &Dataset<'_>) -> Vec<f32> {
    let rows: Vec<usize> = (0..data.len().min(POINTS)).collect();
    let mut points = vec![0.0; rows.len() * data.width()];
    data.rows_into(&rows, &mut points);
    points
}

/// e^(−E) on the plane, and beside it the density of the data, or dots where only points are known.
pub fn density(energy: &NeuralEnergy, data: &Dataset<'_>) -> Grid {
    let points = points(data);
    let window = Window::around(&points);
    let places = window.places();
    let mut grid = Grid::new((SIDE, SIDE), 2);
    let log_densities: Vec<f64> = energy.energies(&places).into_iter().map(|energy| -energy).collect();
    grid.push(&brightness(&log_densities), heat);
    match data.name().parse::<ToyDensity>() {
        Ok(density) => {
            let (places, _) = places.as_chunks::<2>();
            let known: Vec<f64> = places.iter().map(|x| density.log_density(x.map(f64::from))).collect();
            grid.push(&brightness(&known), heat);
        }
        Err(_) => grid.push(&window.dots(&points), ink),
    }
    grid
}

/// The root of each density as a part of the largest: valleys are seen beside peaks.
fn brightness(log_densities: &[f64]) -> Vec<f32> {
    let largest = log_densities.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    log_densities.iter().map(|log_density| (0.5 * (log_density - largest)).exp() as f32).collect()
}

/// Draws `[count, 2]` as dots, and as many points of the data beside them.
pub fn samples_beside(draws: &[f32], points: &[f32]) -> Grid {
    let points = &points[..points.len().min(draws.len())];
    let window = Window::around(points);
    let mut grid = Grid::new((SIDE, SIDE), 2);
    grid.push(&window.dots(draws), ink);
    grid.push(&window.dots(points), ink);
    grid
}

/// Draws `[count, width]`: dots on the plane, or images where the model was trained on these.
pub fn samples(energy: &NeuralEnergy, draws: &[f32], canvas: Canvas) -> Result<Grid, Failure> {
    match energy.width() {
        2 => {
            let mut grid = Grid::new((SIDE, SIDE), 1);
            grid.push(&Window::around(draws).dots(draws), ink);
            Ok(grid)
        }
        1 => {
            Err(Failure::new("there is no picture of draws of one number").hint("--out FILE.npy has the numbers"))
        }
        _ => Ok(canvas.square(draws)),
    }
}
