//! One component after another through a masked network, at the price of one pass.
//!
//! A component is known once the outputs for it are, which depend on the components before it; it then completes the sums of the
//! hidden units of its degree, and these those of the next layer. So every weight is used once: the multiply-adds of one pass,
//! however many layers there are, where passes through the whole network would take D times as many.
//!
//! Components are taken some at a time. What is known at their beginning is added to the sums of all units that they will
//! complete, several rows of weights at once; what is found on the way, a few terms, is added one unit after the other.

use super::made::Made;
use crate::autodiff::Activation;
use crate::kernels::elementwise;
use crate::kernels::staircase_lanes::{ROWS, add_products};
use crate::parallel::{chunks_mut, for_each_with};
use crate::store::Store;
use crate::tensor::AlignedVec;

/// Components taken together: whole tiles of rows of weights on every instruction set.
const COMPONENTS: usize = 24;

/// A component of a block of [`ROWS`] rows, of which the last block may have fewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    /// The first row of the block.
    pub(super) row: usize,
    /// Which component, from 0.
    pub(super) component: usize,
}

/// What becomes of a component when its turn comes: from the outputs for it, `[groups · each][ROWS]`, its value in each row of the
/// block is put in the place of what was in the rows before. A closure of it is not generic: it runs once for 32 rows.
pub(super) type Solve<'a> = dyn Fn(Turn, &[f32], &mut [f32]) + Sync + 'a;

impl Made {
    /// Runs `solve` for one component of `rows` `[rows, width]` after the other, each with the outputs for it. `context`
    /// `[rows, context]` is empty where there is none.
    ///
    /// A row comes out the same whatever rows there are besides, on any number of threads.
    ///
    /// # Panics
    /// Where rows or context have another width.
    #[track_caller]
    pub(super) fn in_turn(&self, store: &Store, rows: &mut [f32], context: &[f32], solve: &Solve<'_>) {
        assert!(rows.len().is_multiple_of(self.width), "{} values in rows of {}", rows.len(), self.width);
        let count = rows.len() / self.width;
        assert_eq!(
            context.len(),
            count * self.context,
            "the context of {count} rows has {} numbers each",
            self.context
        );
        let blocks = chunks_mut(rows, ROWS * self.width);
        for_each_with(
            blocks,
            || Lanes::new(self, store),
            |lanes, block, rows| {
                let count = rows.len() / self.width;
                let context = &context[block * ROWS * self.context..][..count * self.context];
                lanes.run(block * ROWS, rows, context, solve);
            },
        );
    }
}

/// A block of rows side by side: everything is `[unit][ROWS]`.
struct Lanes<'a> {
    made: &'a Made,
    store: &'a Store,
    context: AlignedVec<f32>,
    /// What each layer reads: the components, then the units of each hidden layer. Of those that are not complete it holds the
    /// sum so far.
    units: Vec<AlignedVec<f32>>,
    /// How many of these had been added to the sums of a layer when the components that are being taken began.
    added: Vec<usize>,
    /// Sums of the outputs for the components that are being taken, `[groups][COMPONENTS][each]`.
    outputs: AlignedVec<f32>,
    /// The outputs for one component, `[groups][each]`.
    parameters: AlignedVec<f32>,
}

/// `[rows, width]` as `[width][ROWS]`, with zeros for rows that are missing.
fn side_by_side(rows: &[f32], width: usize, lanes: &mut [f32]) {
    lanes.fill(0.0);
    for (row, values) in rows.chunks_exact(width.max(1)).enumerate() {
        values.iter().zip(lanes[row..].iter_mut().step_by(ROWS)).for_each(|(value, lane)| *lane = *value);
    }
}

impl<'a> Lanes<'a> {
    fn new(made: &'a Made, store: &'a Store) -> Self {
        let zeros = |units: usize| AlignedVec::zeroed(units * ROWS);
        let outputs = made.outputs.of_component();
        Lanes {
            made,
            store,
            context: zeros(made.context),
            units: made.layers.iter().map(|layer| zeros(layer.staircase.inputs())).collect(),
            added: vec![0; made.layers.len()],
            outputs: zeros(COMPONENTS * outputs),
            parameters: zeros(outputs),
        }
    }

    /// How many of the values that a layer reads have degree `degree` or less: these are known once that many components are.
    fn known(&self, layer: usize, degree: usize) -> usize {
        layer.checked_sub(1).map_or(degree, |before| self.made.layers[before].up_to(degree))
    }

    fn run(&mut self, row: usize, rows: &mut [f32], context: &[f32], solve: &Solve<'_>) {
        let width = self.made.width;
        side_by_side(rows, width, &mut self.units[0]);
        side_by_side(context, self.made.context, &mut self.context);
        self.added.fill(0);
        for layer in 1..self.made.layers.len() {
            self.begin(layer - 1, 0..self.made.layers[layer - 1].staircase.outputs());
        }
        self.complete(0);
        for first in (0..width).step_by(COMPONENTS) {
            let end = width.min(first + COMPONENTS);
            self.add_known(first, end);
            for component in first..end {
                self.find_outputs(first, component);
                let value = &mut self.units[0][component * ROWS..(component + 1) * ROWS];
                solve(Turn { row, component }, &self.parameters, value);
                self.complete(component + 1);
            }
        }
        for (row, values) in rows.chunks_exact_mut(width).enumerate() {
            let lane = self.units[0][row..].iter().step_by(ROWS);
            values.iter_mut().zip(lane).for_each(|(value, lane)| *value = *lane);
        }
    }

    /// Bias and context of some units of a hidden layer, with which their sums begin.
    fn begin(&mut self, layer: usize, units: std::ops::Range<usize>) {
        let sums = &mut self.units[layer + 1][units.start * ROWS..units.end * ROWS];
        begin(self.made, self.store, layer, units, &self.context, sums);
    }

    /// Adds what is known before component `first` to the sums of all that components `first..end` complete.
    fn add_known(&mut self, first: usize, end: usize) {
        let (made, store) = (self.made, self.store);
        for (index, layer) in made.layers.iter().enumerate() {
            self.added[index] = self.known(index, first);
            let (weights, columns) = (store.get(layer.weight), 0..self.added[index]);
            let (before, after) = self.units.split_at_mut(index + 1);
            if let Some(sums) = after.first_mut() {
                let rows = layer.up_to(first)..layer.up_to(end);
                let sums = &mut sums[rows.start * ROWS..rows.end * ROWS];
                add_products(&layer.staircase, weights, rows, columns, &before[index], sums);
                continue;
            }
            let each = made.outputs.each;
            for group in 0..made.outputs.groups {
                let rows = (group * made.width + first) * each..(group * made.width + end) * each;
                let sums = &mut self.outputs[group * COMPONENTS * each * ROWS..][..rows.len() * ROWS];
                begin(made, store, index, rows.clone(), &self.context, sums);
                add_products(&layer.staircase, weights, rows, columns.clone(), &before[index], sums);
            }
        }
    }

    /// The outputs for a component: what was found since the components that are being taken began at `first` is added.
    fn find_outputs(&mut self, first: usize, component: usize) {
        let (made, last) = (self.made, self.made.layers.len() - 1);
        let layer = &made.layers[last];
        let columns = self.added[last]..self.known(last, component);
        let each = made.outputs.each;
        for group in 0..made.outputs.groups {
            let row = (group * made.width + component) * each;
            let place = (group * COMPONENTS + component - first) * each;
            let sums = &mut self.outputs[place * ROWS..(place + each) * ROWS];
            let weights = self.store.get(layer.weight);
            add_products(&layer.staircase, weights, row..row + each, columns.clone(), &self.units[last], sums);
            self.parameters[group * each * ROWS..(group + 1) * each * ROWS].copy_from_slice(sums);
        }
    }

    /// Completes the hidden units of a degree, layer after layer.
    fn complete(&mut self, degree: usize) {
        let made = self.made;
        for (index, layer) in made.layers[..made.layers.len() - 1].iter().enumerate() {
            let rows = layer.of_degree(degree);
            let columns = self.added[index]..self.known(index, degree);
            let (before, after) = self.units.split_at_mut(index + 1);
            let sums = &mut after[0][rows.start * ROWS..rows.end * ROWS];
            add_products(&layer.staircase, self.store.get(layer.weight), rows, columns, &before[index], sums);
            activate(made.activation, sums);
        }
    }
}

/// Bias, and the context by its weights.
fn begin(
    made: &Made,
    store: &Store,
    layer: usize,
    rows: std::ops::Range<usize>,
    context: &[f32],
    sums: &mut [f32],
) {
    let layer = &made.layers[layer];
    let biases = &store.get(layer.bias)[rows.clone()];
    sums.chunks_exact_mut(ROWS).zip(biases).for_each(|(sum, bias)| sum.fill(*bias));
    if let Some((weight, whole)) = &layer.context {
        add_products(whole, store.get(*weight), rows, 0..made.context, context, sums);
    }
}

/// The activation, in place.
fn activate(activation: Activation, values: &mut [f32]) {
    match activation {
        Activation::Identity => {}
        Activation::Relu => values.iter_mut().for_each(|x| *x = x.max(0.0)),
        Activation::LeakyRelu(slope) => {
            values.iter_mut().for_each(|x| *x = if *x < 0.0 { slope * *x } else { *x })
        }
        Activation::Tanh => elementwise::tanh(values),
        Activation::Sigmoid => elementwise::sigmoid(values),
        Activation::Softplus => elementwise::softplus(values),
    }
}
