//! Imputations by a flow: Hamiltonian chains on the hidden values, the others being held.

use crate::cli::{Failure, size};
use crate::contract::{Filled, InpaintAsk, Inpainter, Scores};
use crate::input::data;
use helmholtz::flow::{Flow, FlowDensity};
use helmholtz::sampling::{DensityError, GradientLogDensity, Hamiltonian, LogDensity, Run};

/// A row's density in its hidden values.
struct OfHidden<'a> {
    density: &'a FlowDensity<'a>,
    row: Vec<f64>,
    hidden: Vec<usize>,
}

impl OfHidden<'_> {
    fn with(&self, x: &[f64]) -> Vec<f64> {
        let mut row = self.row.clone();
        self.hidden.iter().zip(x).for_each(|(&column, &x)| row[column] = x);
        row
    }
}

impl LogDensity for OfHidden<'_> {
    fn dimension(&self) -> usize {
        self.hidden.len()
    }

    fn log_density(&self, x: &[f64]) -> Result<f64, DensityError> {
        LogDensity::log_density(self.density, &self.with(x))
    }
}

impl GradientLogDensity for OfHidden<'_> {
    fn log_density_and_gradient(&self, x: &[f64], gradient: &mut [f64]) -> Result<f64, DensityError> {
        let mut all = vec![0.0; self.row.len()];
        let value = self.density.log_density_and_gradient(&self.with(x), &mut all)?;
        self.hidden.iter().zip(gradient).for_each(|(&column, out)| *out = all[column]);
        Ok(value)
    }
}

const CHAINS: usize = 4;
/// Draws of the flow of which the likeliest begins a row's chains.
const STARTS: usize = 200;

impl Inpainter for Flow {
    /// Some chains of each row, which begin where draws of the flow make its shown values likeliest.
    fn inpaint(&self, ask: &InpaintAsk<'_>) -> Result<Filled, Failure> {
        size::check("steps", ask.options.steps, 1)?;
        let density = self.density(&[]).map_err(|_| {
            Failure::new("a flow of grey levels, or one given labels, fills in no hidden values").about(ask.name)
        })?;
        let width = self.width();
        let values = data::values_for(ask.rows, width, ask.name)?;
        let own = self.sample(STARTS, ask.seed.derive("starts", 0))?;
        let each = ask.latents.max(ask.count).div_ceil(CHAINS);
        let (mut filled, mut means) = (Vec::new(), Vec::new());
        let mut quantiles = Vec::new();
        ask.work.plan(ask.rows.len() as u64);
        for (row, x) in values.chunks_exact(width).enumerate() {
            let hidden: Vec<usize> = (0..width).filter(|column| ask.mask.hidden[row * width + column]).collect();
            let row_of = |x: &[f32]| -> Vec<f64> { x.iter().map(|&x| f64::from(x)).collect() };
            let target = OfHidden { density: &density, row: row_of(x), hidden };
            let mut draws = vec![x.to_vec(); each * CHAINS];
            if !target.hidden.is_empty() {
                let mut starts: Vec<(f64, Vec<f64>)> = own
                    .chunks_exact(width)
                    .map(|own| target.hidden.iter().map(|&column| f64::from(own[column])).collect::<Vec<f64>>())
                    .map(|start| (LogDensity::log_density(&target, &start).unwrap_or(f64::NEG_INFINITY), start))
                    .collect();
                starts.sort_by(|a, b| b.0.total_cmp(&a.0));
                let start: Vec<f64> = starts.iter().take(CHAINS).flat_map(|(_, start)| start.clone()).collect();
                let seed = ask.seed.derive("inpainting", row as u64);
                let run = Run { chains: CHAINS, warm_up: ask.options.steps, draws: each, thin: 1, seed };
                let found = run.sample(&Hamiltonian::default(), &target, &start)?;
                for chain in 0..CHAINS {
                    for draw in 0..each {
                        let point = found.point(chain, draw);
                        let out = &mut draws[draw * CHAINS + chain];
                        target.hidden.iter().zip(point).for_each(|(&column, &x)| out[column] = x as f32);
                    }
                }
            }
            // The last draws are furthest from one another and from the start.
            let stride = (draws.len() / ask.count).max(1);
            (0..ask.count)
                .for_each(|index| filled.extend_from_slice(&draws[(index * stride).min(draws.len() - 1)]));
            for column in 0..width {
                let mut own: Vec<f32> = draws.iter().map(|draw| draw[column]).collect();
                means.push((own.iter().map(|&x| f64::from(x)).sum::<f64>() / own.len() as f64) as f32);
                own.sort_by(f32::total_cmp);
                let at = |part: f64| own[((part * own.len() as f64) as usize).min(own.len() - 1)];
                quantiles.extend([0.05, 0.25, 0.75, 0.95].map(at));
            }
            ask.work.add(1);
        }
        Ok(Filled {
            values: filled,
            means,
            quantiles: Some(quantiles),
            scores: exact_scores(self, &values, &ask.mask.hidden)?,
            bounds: None,
            method: format!(
                "{CHAINS} Hamiltonian chains a row, {} steps and then {each} draws of each",
                ask.options.steps
            ),
            shapes: None,
        })
    }
}

/// ln p(hidden | shown) where of each row one value is hidden at most, as on the plane.
fn exact_scores(flow: &Flow, values: &[f32], hidden: &[bool]) -> Result<Option<Scores>, Failure> {
    let width = flow.width();
    let alone = |hidden: &[bool]| hidden.iter().filter(|hidden| **hidden).count() < 2;
    if !hidden.chunks_exact(width).all(alone) {
        return Ok(None);
    }
    let found = flow.conditional_log_densities(values, hidden)?;
    let of_rows = found.iter().zip(hidden.chunks_exact(width));
    let known: Option<Vec<f64>> =
        of_rows.map(|(found, hidden)| found.or((!hidden.contains(&true)).then_some(0.0))).collect();
    Ok(known.map(|values| Scores { errors: vec![0.0; values.len()], values, exact: true }))
}
