//! A base of mixtures (Papamakarios, Pavlakou & Murray 2017): each component is one of K normal distributions, whose weights, means
//! and deviations a masked network gives of the components before it.
//!
//! ln p(u) = Σ_d ln Σ_k π_dk N(u_d; μ_dk, σ_dk²), with π, μ, σ of u_1, …, u_(d−1).

use super::Dropout;
use super::base::BaseDensity;
use super::made::{Made, MadeShape, Outputs};
use super::mixture_density::{GROUPS, LOG_DEVIATION_BOUND, MixtureDensity};
use crate::autodiff::{Activation, Operation, Var};
use crate::kernels::elementwise;
use crate::kernels::staircase_lanes::ROWS;
use crate::parallel::{chunks_mut, for_each, items_mut};
use crate::random::{Lanes, Seed, Streams};
use crate::store::Store;
use std::sync::Arc;

/// The means start spread over as many deviations.
const SPREAD: f64 = 3.0;
/// Shape of the network behind a mixture.
#[derive(Clone, Copy, Debug)]
pub(super) struct MixtureShape<'a> {
    /// Components of a row.
    pub(super) width: usize,
    /// Numbers of the context, 0 where there is none.
    pub(super) context: usize,
    /// Normal distributions K of each.
    pub(super) components: usize,
    /// Widths of the hidden layers.
    pub(super) hidden: &'a [usize],
    /// Between the layers.
    pub(super) activation: Activation,
}

/// See the [module](self).
#[derive(Clone, Debug)]
pub(super) struct Mixture {
    made: Made,
    density: Arc<MixtureDensity>,
}

impl Mixture {
    /// Adds the network's parameters to the store, `{name}.0.weight` and so on. Before training every component of a row is the
    /// same mixture of normal distributions of deviation 1, their means spread evenly.
    ///
    /// # Panics
    /// When the store has parameters of these names.
    #[track_caller]
    pub(super) fn new(store: &mut Store, name: &str, shape: &MixtureShape<'_>, seed: Seed) -> Self {
        let MixtureShape { width, context, components, hidden, activation } = *shape;
        let outputs = Outputs { groups: GROUPS, each: components };
        let made = Made::new(store, name, &MadeShape { width, context, hidden, activation, outputs }, seed);
        let last = made.layers.last().expect("a network has a layer").bias;
        let means = &mut store.get_mut(last)[width * components..2 * width * components];
        for (place, mean) in means.iter_mut().enumerate() {
            let part = ((place % components) as f64 + 0.5) / components as f64;
            *mean = (SPREAD * (part - 0.5)) as f32;
        }
        Mixture { made, density: Arc::new(MixtureDensity::new(components)) }
    }
}

impl Mixture {
    fn density_of<'t>(&self, u: Var<'t>, parameters: Var<'t>) -> Var<'t> {
        let density: Arc<dyn Operation> = Arc::clone(&self.density) as _;
        u.tape().apply(density, &[u, parameters])
    }
}

impl BaseDensity for Mixture {
    fn log_density<'t>(&self, u: Var<'t>, context: Option<Var<'t>>) -> Var<'t> {
        self.density_of(u, self.made.apply(u, context, None))
    }

    fn hidden_units(&self) -> usize {
        self.made.hidden_units()
    }

    fn log_density_dropping<'t>(&self, u: Var<'t>, context: Option<Var<'t>>, dropout: &Dropout<'t>) -> Var<'t> {
        self.density_of(u, self.made.apply(u, context, Some(dropout)))
    }

    /// A row draws from a lane of its own. One component after the other: first which of the normal distributions it is, then a
    /// draw of that.
    fn draw(&self, store: &Store, width: usize, streams: &mut Streams, rows: &mut [f32], context: &[f32]) {
        let components = self.made.outputs.each;
        let mut uniforms = vec![0.0; rows.len()];
        let block = Streams::ROWS * width;
        let blocks = (chunks_mut(rows, block), chunks_mut(&mut uniforms, block), items_mut(streams.blocks_mut()));
        for_each(blocks, |_, (normals, uniforms, lanes)| {
            fill(lanes, width, normals, Lanes::fill_normal);
            fill(lanes, width, uniforms, Lanes::fill_uniform);
        });
        self.made.in_turn(store, rows, context, &|turn, outputs, values| {
            let mut u = [0.0; ROWS];
            let place = |lane: usize| (turn.row + lane) * width + turn.component;
            for (lane, u) in u.iter_mut().enumerate() {
                *u = uniforms.get(place(lane)).copied().unwrap_or_default();
            }
            draw(components, outputs, &u, values);
        });
    }

    fn has_codes(&self) -> bool {
        false
    }
}

/// Fills `rows` `[rows, width]`, up to sixteen of them, each from its lane.
fn fill(lanes: &mut Lanes, width: usize, rows: &mut [f32], fill: fn(&mut Lanes, &mut [f32])) {
    let mut draws = vec![0.0; width * Streams::ROWS];
    fill(lanes, &mut draws);
    for (lane, row) in rows.chunks_exact_mut(width).enumerate() {
        row.iter_mut().zip(draws[lane..].iter().step_by(Streams::ROWS)).for_each(|(value, draw)| *value = *draw);
    }
}

/// A component of [`ROWS`] rows, by uniform draws and, in `values`, standard normal ones, which become its values.
fn draw(components: usize, outputs: &[f32], uniforms: &[f32; ROWS], values: &mut [f32]) {
    let group = |group: usize| outputs[group * components * ROWS..][..components * ROWS].chunks_exact(ROWS);
    let mut largest = [f32::NEG_INFINITY; ROWS];
    for logits in group(0) {
        largest.iter_mut().zip(logits).for_each(|(largest, logit)| *largest = largest.max(*logit));
    }
    let weights = |logits: &[f32]| {
        let mut weights = [0.0; ROWS];
        for lane in 0..ROWS {
            weights[lane] = logits[lane] - largest[lane];
        }
        elementwise::exp(&mut weights);
        weights
    };
    let mut totals = [0.0; ROWS];
    for logits in group(0) {
        totals.iter_mut().zip(weights(logits)).for_each(|(total, weight)| *total += weight);
    }
    // The first whose cumulative weight is above the uniform draw's; the last one where rounding leaves none.
    let (mut chosen, mut below) = ([components - 1; ROWS], [0.0; ROWS]);
    for (component, logits) in group(0).enumerate() {
        let weights = weights(logits);
        for lane in 0..ROWS {
            let before = below[lane];
            below[lane] += weights[lane];
            let wanted = uniforms[lane] * totals[lane];
            if before <= wanted && wanted < below[lane] {
                chosen[lane] = component;
            }
        }
    }
    let mut deviations = [0.0; ROWS];
    for lane in 0..ROWS {
        deviations[lane] = outputs[(2 * components + chosen[lane]) * ROWS + lane] / LOG_DEVIATION_BOUND;
    }
    elementwise::tanh(&mut deviations);
    deviations.iter_mut().for_each(|deviation| *deviation *= LOG_DEVIATION_BOUND);
    elementwise::exp(&mut deviations);
    for lane in 0..ROWS {
        let mean = outputs[(components + chosen[lane]) * ROWS + lane];
        values[lane] = mean + deviations[lane] * values[lane];
    }
}
