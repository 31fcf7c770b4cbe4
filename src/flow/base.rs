//! The distributions that a flow maps the data's side to: their densities on the tape, and their draws.

use super::{Base, Dropout};
use crate::autodiff::Var;
use crate::parallel::{chunks_mut, for_each, items_mut};
use crate::random::{Lanes, Stream, Streams};
use crate::sampling::diagnostics::ln_gamma;
use crate::store::Store;
use rand::RngExt;
use std::fmt::Debug;

/// A distribution over rows of real numbers.
pub(super) trait BaseDensity: Debug + Send + Sync {
    /// ln p(u) `[rows]` of u `[rows, width]`, recorded on the tape. `context` `[rows, context]` as in
    /// [`Transform::forward`](super::Transform::forward).
    fn log_density<'t>(&self, u: Var<'t>, context: Option<Var<'t>>) -> Var<'t>;

    /// As [`Transform::hidden_units`](super::Transform::hidden_units).
    fn hidden_units(&self) -> usize {
        0
    }

    /// As [`log_density`](Self::log_density), in a training step that leaves out hidden units.
    fn log_density_dropping<'t>(&self, u: Var<'t>, context: Option<Var<'t>>, dropout: &Dropout<'t>) -> Var<'t> {
        let _ = dropout;
        self.log_density(u, context)
    }

    /// Draws into `rows` `[rows, width]`, every sixteen of them from a stream of their own. `context` `[rows, context]` is empty where the
    /// flow is not conditioned.
    fn draw(&self, store: &Store, width: usize, streams: &mut Streams, rows: &mut [f32], context: &[f32]);

    /// Whether a draw is drawn at once, so that a row has a code of its own: not where each component is one of several distributions.
    fn has_codes(&self) -> bool {
        true
    }
}

/// N(0, I).
#[derive(Debug)]
pub(super) struct Normal;

/// Independent components of Student's t distribution.
#[derive(Debug)]
pub(super) struct Student {
    degrees: f64,
}

impl Base {
    /// The distribution, where it has no parameters of its own.
    pub(super) fn without_parameters(self) -> Option<Box<dyn BaseDensity>> {
        match self {
            Base::Normal => Some(Box::new(Normal)),
            Base::Student { degrees } => Some(Box::new(Student { degrees: f64::from(degrees) })),
            Base::Mixture { .. } => None,
        }
    }
}

/// Fills every sixteen rows from their stream.
fn in_blocks(width: usize, streams: &mut Streams, rows: &mut [f32], fill: impl Fn(&mut Lanes, &mut [f32]) + Sync) {
    let blocks = (chunks_mut(rows, Streams::ROWS * width), items_mut(streams.blocks_mut()));
    for_each(blocks, |_, (rows, stream)| fill(stream, rows));
}

impl BaseDensity for Normal {
    fn log_density<'t>(&self, u: Var<'t>, _: Option<Var<'t>>) -> Var<'t> {
        let zero = u.tape().scalar(0.0);
        u.gaussian_log_density(zero, zero)
    }

    /// A row draws from a lane of its own.
    fn draw(&self, _: &Store, width: usize, streams: &mut Streams, rows: &mut [f32], _: &[f32]) {
        in_blocks(width, streams, rows, |stream, rows| {
            let mut draws = vec![0.0; width * Streams::ROWS];
            stream.fill_normal(&mut draws);
            for (lane, row) in rows.chunks_exact_mut(width).enumerate() {
                row.iter_mut().zip(draws[lane..].iter().step_by(Streams::ROWS)).for_each(|(u, &draw)| *u = draw);
            }
        });
    }
}

impl BaseDensity for Student {
    /// Σ (ln Γ((ν + 1)/2) − ln Γ(ν/2) − ½ ln νπ − ½(ν + 1) ln(1 + u²/ν)).
    fn log_density<'t>(&self, u: Var<'t>, _: Option<Var<'t>>) -> Var<'t> {
        let (nu, width) = (self.degrees, u.shape()[1] as f64);
        let constant = ln_gamma(0.5 * (nu + 1.0)) - ln_gamma(0.5 * nu) - 0.5 * (nu * std::f64::consts::PI).ln();
        let terms = (u.square() * (1.0 / nu) as f32 + 1.0).ln().sum_axis(1);
        terms * (-0.5 * (nu + 1.0)) as f32 + (width * constant) as f32
    }

    /// By Bailey's (1994) polar method: of a point (a, b) uniform in the unit disc with w = a² + b², a √(ν (w^(−2/ν) − 1) / w). The rows of
    /// a stream draw one after the other.
    fn draw(&self, _: &Store, width: usize, streams: &mut Streams, rows: &mut [f32], _: &[f32]) {
        let nu = self.degrees;
        in_blocks(width, streams, rows, |lanes, rows| {
            let mut stream = Stream::new(lanes.clone());
            for u in rows {
                let (a, w) = loop {
                    let (a, b) = (2.0 * stream.random::<f64>() - 1.0, 2.0 * stream.random::<f64>() - 1.0);
                    let w = a * a + b * b;
                    if w > 0.0 && w < 1.0 {
                        break (a, w);
                    }
                };
                *u = (a * (nu * (w.powf(-2.0 / nu) - 1.0) / w).sqrt()) as f32;
            }
        });
    }
}
