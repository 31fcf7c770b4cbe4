//! A masked autoregressive transform (Papamakarios, Pavlakou & Murray 2017): each component goes through an increasing function,
//! affine or a spline, whose parameters a masked network gives of the components before it. Densities take one pass. Draws take
//! the components in turn, and the multiply-adds of one pass.

use super::made::{Made, MadeShape, Outputs};
use super::univariate::LOG_SCALE_BOUND;
use super::{Dropout, FlowConfig, Transform, TransformKind, Transformed};
use crate::autodiff::Var;
use crate::kernels::affine::affine;
use crate::kernels::elementwise;
use crate::kernels::rational_quadratic::{Direction, MOST_BINS, Spline, transform};
use crate::kernels::staircase_lanes::ROWS;
use crate::random::Seed;
use crate::store::Store;

/// See the [module](self).
#[derive(Clone, Debug)]
pub(super) struct Autoregressive {
    kind: TransformKind,
    made: Made,
}

impl Autoregressive {
    /// Adds `{name}.0.weight`, … to the store. The network's last layer is zero: the identity.
    ///
    /// # Panics
    /// When the store has parameters of these names.
    #[track_caller]
    pub(super) fn new(store: &mut Store, name: &str, config: &FlowConfig, seed: Seed) -> Self {
        // Of an affine one all log-scales, then all shifts; of a spline component by component.
        let outputs = match config.transform {
            TransformKind::Affine => Outputs { groups: 2, each: 1 },
            TransformKind::Spline { .. } => Outputs { groups: 1, each: config.transform.parameters() },
        };
        let shape = MadeShape {
            width: config.width,
            context: config.context(),
            hidden: &config.hidden,
            activation: config.activation,
            outputs,
        };
        Autoregressive { kind: config.transform, made: Made::new(store, name, &shape, seed) }
    }
}

impl Transform for Autoregressive {
    fn forward<'t>(&self, x: Var<'t>, context: Option<Var<'t>>) -> Transformed<'t> {
        self.kind.forward(x, self.made.apply(x, context, None))
    }

    fn hidden_units(&self) -> usize {
        self.made.hidden_units()
    }

    fn forward_dropping<'t>(
        &self,
        x: Var<'t>,
        context: Option<Var<'t>>,
        dropout: &Dropout<'t>,
    ) -> Transformed<'t> {
        self.kind.forward(x, self.made.apply(x, context, Some(dropout)))
    }

    fn inverse<'t>(&self, _: Var<'t>, _: Option<Var<'t>>) -> Option<Transformed<'t>> {
        None
    }

    fn invert_in_turn(&self, store: &Store, rows: &mut [f32], context: &[f32]) {
        let kind = self.kind;
        self.made.in_turn(store, rows, context, &|_, parameters, values| match kind {
            TransformKind::Affine => invert_affine(parameters, values),
            TransformKind::Spline { bins, bound } => invert_spline(Spline { bins, bound }, parameters, values),
        });
    }
}

/// x for y, in place, from the unbounded log-scales and the shifts, `[2][ROWS]`.
fn invert_affine(parameters: &[f32], values: &mut [f32]) {
    let (raw, shifts) = parameters.split_at(ROWS);
    let (mut log_scales, mut y) = ([0.0; ROWS], [0.0; ROWS]);
    log_scales.iter_mut().zip(raw).for_each(|(s, raw)| *s = raw * LOG_SCALE_BOUND.recip());
    elementwise::tanh(&mut log_scales);
    log_scales.iter_mut().for_each(|s| *s *= LOG_SCALE_BOUND);
    y.copy_from_slice(values);
    affine(Direction::Inverse, &y, &log_scales, shifts, values);
}

/// x for y, in place, from the parameters of a spline, `[parameters][ROWS]`.
fn invert_spline(spline: Spline, parameters: &[f32], values: &mut [f32]) {
    const MOST: usize = 3 * MOST_BINS - 1;
    let count = spline.parameters();
    let mut of_rows = [0.0; MOST * ROWS];
    for (parameter, lanes) in parameters.chunks_exact(ROWS).enumerate() {
        let places = of_rows[parameter..].iter_mut().step_by(count);
        places.zip(lanes).for_each(|(place, value)| *place = *value);
    }
    let (mut y, mut log_slopes) = ([0.0; ROWS], [0.0; ROWS]);
    y.copy_from_slice(values);
    transform(spline, Direction::Inverse, &y, &of_rows[..count * ROWS], values, &mut log_slopes);
}
