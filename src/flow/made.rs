//! Masked autoencoder for distribution estimation (Germain, Gregor, Murray & Larochelle 2015): a network whose outputs for
//! component d depend on the components before d alone.
//!
//! Component d = 1, …, D has degree d. A hidden unit has a degree m as well, and reads what has degree at most m: inputs, or units
//! of the layer before; the outputs for component d read units of degree below d. Units are sorted by degree, so what one reads
//! are the first so many of its inputs, and the weights of a layer are a [`Staircase`]: half of them are zeros, which are neither
//! stored nor multiplied. What the network is conditioned on besides, its context, is read by every unit.

use super::dropout::{Dropout, drop_from};
use crate::autodiff::{Activation, Staircase, Var};
use crate::nn::Initialiser;
use crate::random::Seed;
use crate::store::{Parameter, Store};
use std::ops::Range;
use std::sync::Arc;

/// Shape of the network.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct MadeShape<'a> {
    /// Components D.
    pub width: usize,
    /// Numbers of the context, 0 where there is none.
    pub context: usize,
    /// Widths of the hidden layers; none for outputs that are linear in the components before.
    pub hidden: &'a [usize],
    /// Between the layers.
    pub activation: Activation,
    /// What there is for each component.
    pub outputs: Outputs,
}

/// Outputs `[groups, width, each]` of a row: of every group, each component has so many side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outputs {
    pub groups: usize,
    pub each: usize,
}

impl Outputs {
    /// Outputs of a component.
    pub(super) fn of_component(self) -> usize {
        self.groups * self.each
    }
}

/// A masked layer over a store.
#[derive(Clone, Debug)]
pub(super) struct MaskedLayer {
    pub(super) staircase: Arc<Staircase>,
    /// W, as the staircase stores it.
    pub(super) weight: Parameter,
    /// b `[out]`.
    pub(super) bias: Parameter,
    /// The weights `[out, context]` of the context, where there is one: a staircase of one step.
    pub(super) context: Option<(Parameter, Arc<Staircase>)>,
    /// How many units have a degree below m, for m = 0, …, D + 1. Of outputs, those of one group: component d counts as degree d.
    below: Vec<usize>,
}

impl MaskedLayer {
    /// Units of degree m.
    pub(super) fn of_degree(&self, m: usize) -> Range<usize> {
        self.below[m]..self.below[m + 1]
    }

    /// How many units have degree m or less.
    pub(super) fn up_to(&self, m: usize) -> usize {
        self.below[m + 1]
    }
}

/// The network. See the [module](self).
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) width: usize,
    pub(super) context: usize,
    pub(super) outputs: Outputs,
    pub(super) activation: Activation,
    pub(super) layers: Vec<MaskedLayer>,
}

/// Degrees of `units` hidden units, ascending: spread evenly from the lowest to D − 1. The lowest is 0 where there is a context to be
/// read, or no other component.
fn degrees(units: usize, width: usize, context: usize) -> Vec<usize> {
    let lowest = usize::from(context == 0 && width > 1);
    (1..=units).map(|unit| lowest + (unit * (width - lowest)).div_ceil(units) - 1).collect()
}

/// How many of ascending `degrees` are below m, for m = 0, …, D + 1.
fn below(degrees: &[usize], width: usize) -> Vec<usize> {
    (0..=width + 1).map(|m| degrees.partition_point(|degree| *degree < m)).collect()
}

impl Made {
    /// Adds `{name}.0.weight`, `{name}.0.bias`, `{name}.2.weight` and so on to the store, and `{name}.0.context` where there is one.
    /// In a file a weight is a whole matrix `[out, in]`. Weights are drawn for as many inputs as a unit reads; the last layer's are
    /// zero.
    ///
    /// # Panics
    /// When the store has parameters of these names.
    #[track_caller]
    pub(super) fn new(store: &mut Store, name: &str, shape: &MadeShape<'_>, seed: Seed) -> Self {
        let MadeShape { width, context, hidden, activation, outputs } = *shape;
        let mut layers = Vec::with_capacity(hidden.len() + 1);
        // Components have the degrees 1 to D.
        let mut before: Vec<usize> = (1..=width).collect();
        for units in hidden.iter().map(|units| Some(*units)).chain([None]) {
            let (own, limits): (Vec<usize>, Vec<usize>) = match units {
                Some(units) => {
                    let own = degrees(units, width, context);
                    let limits = own.iter().map(|m| before.partition_point(|degree| degree <= m)).collect();
                    (own, limits)
                }
                None => {
                    let own: Vec<usize> = (1..=width).flat_map(|d| vec![d; outputs.each]).collect();
                    let limits = own.iter().map(|d| before.partition_point(|degree| degree < d));
                    let limits: Vec<usize> = limits.collect();
                    (own, limits.repeat(outputs.groups))
                }
            };
            let staircase = Arc::new(Staircase::new(before.len(), limits));
            let name = format!("{name}.{}", 2 * layers.len());
            let layer = MaskedLayer {
                weight: store.add_staircase(&format!("{name}.weight"), &staircase),
                bias: store.add(&format!("{name}.bias"), &[staircase.outputs()]),
                context: (context > 0).then(|| {
                    let whole = Staircase::new(context, vec![context; staircase.outputs()]);
                    (store.add(&format!("{name}.context"), &[staircase.outputs(), context]), Arc::new(whole))
                }),
                below: below(&own, width),
                staircase,
            };
            if units.is_some() {
                layer.initialise(store, context, Initialiser::before(activation), seed);
            }
            layers.push(layer);
            before = own;
        }
        Made { width, context, outputs, activation, layers }
    }

    /// Units of all hidden layers.
    pub(super) fn hidden_units(&self) -> usize {
        self.layers.iter().skip(1).map(|layer| layer.staircase.inputs()).sum()
    }

    /// Outputs `[rows, groups · width · each]` for x `[rows, width]` and the context `[rows, context]`. A context of n rows is that of every
    /// n-th row, and multiplied once.
    ///
    /// # Panics
    /// When x or the context has another width.
    #[track_caller]
    pub(super) fn apply<'t>(
        &self,
        x: Var<'t>,
        context: Option<Var<'t>>,
        dropout: Option<&Dropout<'t>>,
    ) -> Var<'t> {
        let tape = x.tape();
        let mut x = x;
        for (index, layer) in self.layers.iter().enumerate() {
            let activation = if index + 1 < self.layers.len() { self.activation } else { Activation::Identity };
            let bias = tape.parameter(layer.bias);
            let bias = match (context, &layer.context) {
                (Some(context), Some((weight, _))) => {
                    let bias = context.linear(tape.parameter(*weight), bias, Activation::Identity);
                    repeated(bias, x.shape()[0])
                }
                _ => bias,
            };
            x = x.masked_linear(tape.parameter(layer.weight), &layer.staircase, bias, activation);
            if index + 1 < self.layers.len() {
                x = drop_from(dropout, x);
            }
        }
        x
    }
}

/// Rows `[n, width]`, one block of n after the other: `[rows, width]`.
fn repeated(of_context: Var<'_>, rows: usize) -> Var<'_> {
    let (count, width) = (of_context.shape()[0], of_context.shape()[1]);
    of_context.broadcast_to([rows / count.max(1), count, width]).reshape([rows, width])
}

impl MaskedLayer {
    /// Draws the weights as those of a whole matrix, and then makes a unit's as much larger as it reads fewer inputs than there are:
    /// its sum varies as much as another's.
    fn initialise(&self, store: &mut Store, context: usize, initialiser: Initialiser, seed: Seed) {
        let (outputs, inputs) = (self.staircase.outputs(), self.staircase.inputs());
        let draw = |store: &Store, parameter: Parameter, inputs: usize| {
            let mut whole = vec![0.0; outputs * inputs];
            initialiser.fill_weights(outputs, inputs, &mut seed.lanes(store.name(parameter), 0), &mut whole);
            whole
        };
        let mut whole = draw(store, self.weight, inputs);
        for (row, limit) in whole.chunks_exact_mut(inputs.max(1)).zip(self.staircase.limits()) {
            let wider = (inputs as f64 / (*limit).max(1) as f64).sqrt() as f32;
            row.iter_mut().for_each(|weight| *weight *= wider);
        }
        self.staircase.pack(&whole, store.get_mut(self.weight));
        if let Some((parameter, _)) = &self.context {
            let whole = draw(store, *parameter, context);
            store.get_mut(*parameter).copy_from_slice(&whole);
        }
    }
}
