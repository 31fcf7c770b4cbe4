//! The density of one value of a row given the others, by quadrature.

use super::{Flow, FlowError};
use crate::random::Seed;

/// Points of the coarsest grid, less one, and how often it may be halved.
const INTERVALS: usize = 1 << 11;
const HALVINGS: u32 = 6;
/// The grid is one of u in t = centre + scale · sinh u: 10⁴ scales to either side, where also heavy tails have ended.
const REACH: f64 = 9.9;
/// Where a grid and one of every other point agree to so many nats the finer one is taken.
const AGREEMENT: f64 = 1e-4;

impl Flow {
    /// ln p(x_h | x_s) of each row of real numbers x `[rows, width]`, nats, of which `hidden` `[rows, width]` names one value h: ln p(x) less the logarithm
    /// of its integral over x_h, by the trapezoidal rule on a grid that is halved until it changes nothing. `None` for a row of which
    /// not one value alone is hidden, and where the finest grid does not suffice.
    ///
    /// # Errors
    /// Where the model is one of grey levels, or a conditioned one.
    ///
    /// # Panics
    /// Where `hidden` is not as long as `x`, or that is no whole number of rows.
    #[track_caller]
    pub fn conditional_log_densities(&self, x: &[f32], hidden: &[bool]) -> Result<Vec<Option<f64>>, FlowError> {
        const OWN: usize = 512;
        assert_eq!(x.len(), hidden.len(), "a mask of {} values for {}", hidden.len(), x.len());
        let (width, joint) = (self.width(), self.log_densities(x, &[])?);
        let own = self.sample(OWN, Seed(0))?;
        let rows = x.chunks_exact(width).zip(hidden.chunks_exact(width)).zip(joint);
        rows.map(|((row, hidden), joint)| {
            let mut free = (0..width).filter(|&column| hidden[column]);
            let (Some(column), None) = (free.next(), free.next()) else { return Ok(None) };
            let values = own[column..].iter().step_by(width).map(|&value| f64::from(value));
            let centre = values.clone().sum::<f64>() / OWN as f64;
            let variance = values.map(|value| (value - centre).powi(2)).sum::<f64>() / OWN as f64;
            let line = Line { flow: self, row, column, centre, scale: variance.sqrt().max(1e-6) };
            Ok(line.log_integral()?.map(|log_integral| joint - log_integral))
        })
        .collect()
    }
}

/// A row of which one value runs.
struct Line<'a> {
    flow: &'a Flow,
    row: &'a [f32],
    column: usize,
    centre: f64,
    scale: f64,
}

impl Line<'_> {
    /// ln of p · dt/du at so many points of u.
    fn at(&self, points: impl Iterator<Item = f64>) -> Result<Vec<f64>, FlowError> {
        let points: Vec<f64> = points.collect();
        let mut terms = Vec::with_capacity(points.len());
        // Some at a time: rows may be wide, and points many.
        for points in points.chunks(INTERVALS) {
            let mut rows = self.row.repeat(points.len());
            for (row, u) in rows.chunks_exact_mut(self.row.len()).zip(points) {
                row[self.column] = (self.centre + self.scale * u.sinh()) as f32;
            }
            let densities = self.flow.log_densities(&rows, &[])?;
            terms.extend(densities.iter().zip(points).map(|(density, u)| density + (self.scale * u.cosh()).ln()));
        }
        Ok(terms)
    }

    /// ln ∫ p(row) dt, where the grids agree on it.
    fn log_integral(&self) -> Result<Option<f64>, FlowError> {
        let place = |index: usize, intervals: usize| REACH * (2.0 * index as f64 / intervals as f64 - 1.0);
        let (mut intervals, mut previous) = (INTERVALS, f64::NAN);
        let mut terms = self.at((0..=intervals).map(|index| place(index, intervals)))?;
        for _ in 0..=HALVINGS {
            let largest = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = terms.iter().map(|term| (term - largest).exp()).sum();
            let found = largest + (sum * 2.0 * REACH / intervals as f64).ln();
            if (found - previous).abs() < AGREEMENT {
                return Ok(Some(found));
            }
            (previous, intervals) = (found, 2 * intervals);
            // The points between are new.
            terms.extend(self.at((0..intervals / 2).map(|index| place(2 * index + 1, intervals)))?);
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Dataset;
    use crate::flow::{Base, FlowConfig, FlowRecipe};
    use crate::train::{Fit, Training};

    #[test]
    fn of_the_standard_normal_distribution_it_is_that_of_the_value_alone() {
        let flow = Flow::new(FlowConfig::new(3), Seed(1)).unwrap();
        let x = [0.3, -1.0, 2.0, 7.0, 0.0, 0.5];
        let found = flow.conditional_log_densities(&x, &[false, false, true, true, false, false]).unwrap();
        for (found, x) in found.iter().zip([2.0f64, 7.0]) {
            let wanted = -0.5 * (x * x + (2.0 * std::f64::consts::PI).ln());
            assert!((found.unwrap() - wanted).abs() < 1e-3, "{found:?} {wanted}");
        }
        let none = flow.conditional_log_densities(&x, &[true, true, false, false, false, false]).unwrap();
        assert_eq!(none, [None, None]);
    }

    /// Against a plain sum over a fine even grid: of two moons, whose conditionals have two narrow peaks, and with the heavy tails of a Student base.
    #[test]
    fn it_is_the_joint_density_over_its_integral() {
        let data = Dataset::resolve("moons").unwrap().subset(0..400);
        for base in [Base::Normal, Base::Student { degrees: 3.0 }] {
            let config = FlowConfig { layers: 4, base, ..FlowConfig::new(2) };
            let mut flow = Flow::new(config, Seed(2)).unwrap();
            let training = Training { steps: Some(300), batch: 100, ..Training::default() };
            flow.fit(&data, &FlowRecipe::default(), &training).unwrap();
            for (row, column) in [([0.5, 0.25], 0), ([-0.2, 1.0], 1), ([1.0, 0.1], 1)] {
                let hidden = [column == 0, column == 1];
                let found = flow.conditional_log_densities(&row, &hidden).unwrap()[0].unwrap();
                let step = 1e-3;
                let grid = (-200_000..=200_000).flat_map(|point| {
                    let mut row = row;
                    row[column] = (f64::from(point) * step) as f32;
                    row
                });
                let densities = flow.log_densities(&grid.collect::<Vec<_>>(), &[]).unwrap();
                let integral: f64 = densities.iter().map(|density| density.exp() * step).sum();
                let wanted = flow.log_densities(&row, &[]).unwrap()[0] - integral.ln();
                assert!((found - wanted).abs() < 2e-3, "{base:?} {row:?}: {found} {wanted}");
            }
        }
    }
}
