//! Components in another order: a volume stays what it is.

use super::{Transform, Transformed};
use crate::autodiff::{Operation, Shape, Var, View};
use crate::random::{Seed, Stream};
use crate::store::{Snapshot, SnapshotError};
use rand::RngExt;
use std::sync::Arc;

/// Component i of the result is component `order[i]` of the operand.
#[derive(Clone, Debug)]
pub(super) struct Permutation {
    order: Arc<[usize]>,
    forward: Arc<PermutedColumns>,
    backward: Arc<PermutedColumns>,
}

impl Permutation {
    /// The order, each number below its length once.
    pub(super) fn new(order: Vec<usize>) -> Self {
        let mut inverse = vec![0; order.len()];
        order.iter().enumerate().for_each(|(to, &from)| inverse[from] = to);
        let (order, inverse): (Arc<[usize]>, Arc<[usize]>) = (order.into(), inverse.into());
        let columns = |order: &Arc<[usize]>, inverse: &Arc<[usize]>| {
            Arc::new(PermutedColumns { order: Arc::clone(order), inverse: Arc::clone(inverse) })
        };
        let (forward, backward) = (columns(&order, &inverse), columns(&inverse, &order));
        Permutation { order, forward, backward }
    }

    /// Components from the last to the first.
    pub(super) fn reverse(width: usize) -> Self {
        Permutation::new((0..width).rev().collect())
    }

    /// A random order.
    pub(super) fn random(width: usize, seed: Seed) -> Self {
        Permutation::new(shuffled(width, &mut seed.stream("permutation", 0)))
    }

    /// The order.
    pub(super) fn order(&self) -> &[usize] {
        &self.order
    }

    /// Puts the order into a snapshot.
    pub(super) fn save(&self, name: &str, snapshot: &mut Snapshot) {
        let order: Vec<u32> = self.order.iter().map(|&from| from as u32).collect();
        snapshot.put_u32(name, &[order.len()], &order);
    }

    /// What [`save`](Self::save) wrote.
    pub(super) fn of(snapshot: &Snapshot, name: &str, width: usize) -> Result<Self, SnapshotError> {
        let order: Vec<usize> = snapshot.u32(name, &[width])?.iter().map(|&from| from as usize).collect();
        let mut seen = vec![false; width];
        for &from in &order {
            match seen.get_mut(from) {
                Some(seen) if !*seen => *seen = true,
                _ => {
                    return Err(SnapshotError::Metadata {
                        key: name.to_owned(),
                        value: from.to_string(),
                        wanted: "each number below the width once",
                    });
                }
            }
        }
        Ok(Permutation::new(order))
    }

    /// Columns of a matrix `[n, width]` in this order.
    pub(super) fn of_columns<'t>(&self, x: Var<'t>) -> Var<'t> {
        x.tape().apply(Arc::clone(&self.forward) as Arc<dyn Operation>, &[x])
    }

    /// Columns of a matrix `[n, width]` back from this order.
    pub(super) fn back<'t>(&self, y: Var<'t>) -> Var<'t> {
        y.tape().apply(Arc::clone(&self.backward) as Arc<dyn Operation>, &[y])
    }
}

/// A random order, by the method of Fisher and Yates.
fn shuffled(width: usize, stream: &mut Stream) -> Vec<usize> {
    let mut order: Vec<usize> = (0..width).collect();
    (1..width).for_each(|last| order.swap(last, stream.random_range(0..=last)));
    order
}

impl Transform for Permutation {
    fn forward<'t>(&self, x: Var<'t>, _: Option<Var<'t>>) -> Transformed<'t> {
        Transformed { value: self.of_columns(x), log_determinant: x.tape().scalar(0.0) }
    }

    fn inverse<'t>(&self, y: Var<'t>, _: Option<Var<'t>>) -> Option<Transformed<'t>> {
        Some(Transformed { value: self.back(y), log_determinant: y.tape().scalar(0.0) })
    }
}

/// The operation on the tape: columns in another order.
#[derive(Debug)]
struct PermutedColumns {
    order: Arc<[usize]>,
    inverse: Arc<[usize]>,
}

impl PermutedColumns {
    fn place<T: Copy>(&self, x: &[T], out: &mut [T]) {
        let width = self.order.len();
        for (x, out) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
            out.iter_mut().zip(&*self.order).for_each(|(out, &from)| *out = x[from]);
        }
    }
}

impl Operation for PermutedColumns {
    fn name(&self) -> &'static str {
        "permuted_columns"
    }

    fn shape(&self, operands: &[Shape]) -> Result<Shape, String> {
        let (given, width) = (operands[0], self.order.len());
        if given.len() == 2 && given[1] == width {
            Ok(given)
        } else {
            Err(format!("rows of shape {given}: wanted [rows, {width}]"))
        }
    }

    fn forward(&self, operands: &[View<'_, f32>], out: &mut [f32]) {
        self.place(operands[0].values, out);
    }

    fn reference(&self, operands: &[View<'_, f64>], out: &mut [f64]) {
        self.place(operands[0].values, out);
    }

    fn gradient<'t>(&self, _: usize, _: &[Var<'t>], _: Var<'t>, g: Var<'t>) -> Option<Var<'t>> {
        let back = PermutedColumns { order: Arc::clone(&self.inverse), inverse: Arc::clone(&self.order) };
        Some(g.tape().apply(Arc::new(back), &[g]))
    }
}
