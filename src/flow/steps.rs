//! Masked affine steps over somebody else's store: the flow that another model has inside.
//!
//! Run forward on noise, with what is known of an example for a context, they are an inverse autoregressive flow (Kingma et al. 2016): a draw and its
//! density in one pass. Run forward on latent variables they give these a density in one pass (Papamakarios, Pavlakou & Murray 2017), and
//! draws come back one component after the other.

use super::autoregressive::Autoregressive;
use super::permutation::Permutation;
use super::{Conditioning, FlowConfig, Structure, Transform, TransformKind, Transformed};
use crate::autodiff::{Activation, Var};
use crate::random::Seed;
use crate::store::{Parameter, Store};

/// The shape of a chain of steps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StepsShape {
    /// Components.
    pub(crate) width: usize,
    /// Numbers of the context, 0 where there is none.
    pub(crate) context: usize,
    /// Steps, each with the components in the other order than the one before.
    pub(crate) steps: usize,
    /// Hidden units of each step's network.
    pub(crate) units: usize,
    /// At the end of these.
    pub(crate) activation: Activation,
}

/// The steps. See the [module](self).
#[derive(Clone, Debug)]
pub(crate) struct Steps {
    steps: Vec<Autoregressive>,
    reversal: Permutation,
    width: usize,
    parameters: Vec<Parameter>,
}

impl Steps {
    /// Adds `{name}.0.0.weight`, … to the store. They begin as the identity.
    ///
    /// # Panics
    /// When the store has parameters of these names.
    #[track_caller]
    pub(crate) fn new(store: &mut Store, name: &str, shape: StepsShape, seed: Seed) -> Self {
        let StepsShape { width, context, steps, units, activation } = shape;
        let config = FlowConfig {
            structure: Structure::Autoregressive,
            transform: TransformKind::Affine,
            hidden: vec![units],
            activation,
            conditioning: if context > 0 { Conditioning::Targets { width: context } } else { Conditioning::None },
            ..FlowConfig::new(width)
        };
        let others = store.parameters().count();
        let step = |step| Autoregressive::new(store, &format!("{name}.{step}"), &config, seed);
        let steps = (0..steps).map(step).collect();
        let parameters = store.parameters().skip(others).collect();
        Steps { steps, reversal: Permutation::reverse(width), width, parameters }
    }

    /// Their parameters.
    pub(crate) fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// Rows `[rows, width]` after all steps, and ln |det| `[rows]`. A context `[n, context]` is that of every n-th row: `rows` is a multiple
    /// of n.
    pub(crate) fn forward<'t>(&self, x: Var<'t>, context: Option<Var<'t>>) -> Transformed<'t> {
        let mut after = Transformed { value: x, log_determinant: x.tape().scalar(0.0) };
        for (index, step) in self.steps.iter().enumerate() {
            let before = if index > 0 { self.reversal.of_columns(after.value) } else { after.value };
            let Transformed { value, log_determinant } = step.forward(before, context);
            after = Transformed { value, log_determinant: after.log_determinant + log_determinant };
        }
        Transformed { log_determinant: after.log_determinant.broadcast_to([x.shape()[0]]), ..after }
    }

    /// The rows `[rows, width]` that [`forward`](Self::forward) takes to these, in place. `context` `[rows, context]` is empty where there is
    /// none.
    pub(crate) fn invert(&self, store: &Store, rows: &mut [f32], context: &[f32]) {
        for (index, step) in self.steps.iter().enumerate().rev() {
            step.invert_in_turn(store, rows, context);
            if index > 0 {
                rows.chunks_exact_mut(self.width).for_each(<[f32]>::reverse);
            }
        }
    }
}
