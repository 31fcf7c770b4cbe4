//! A recording computed again in f64: the reference for values and derivatives.

use super::operation::{Operation, View};
use super::tape::Recording;

/// The values in f64 of the `wanted` nodes, where some leaves hold other numbers than were recorded.
pub(super) fn interpret(recording: &Recording, leaves: &[(usize, &[f64])], wanted: &[usize]) -> Vec<Vec<f64>> {
    interpret_with(recording, leaves, wanted, &mut |_, operation, operands, out| {
        operation.reference(operands, out);
    })
}

/// How the result of a node, which is named by its index, is computed from its operands.
pub(super) type Compute<'a> = &'a mut dyn FnMut(usize, &dyn Operation, &[View<'_, f64>], &mut [f64]);

/// As [`interpret`], with `compute` in the place of [`Operation::reference`].
pub(super) fn interpret_with(
    recording: &Recording,
    leaves: &[(usize, &[f64])],
    wanted: &[usize],
    compute: Compute<'_>,
) -> Vec<Vec<f64>> {
    let nodes = &recording.nodes;
    let mut needed = vec![false; nodes.len()];
    for node in wanted {
        needed[*node] = true;
    }
    for index in (0..nodes.len()).rev() {
        if needed[index] {
            nodes[index].operands.iter().for_each(|operand| needed[*operand] = true);
        }
    }
    let mut values: Vec<Vec<f64>> = vec![Vec::new(); nodes.len()];
    for (index, node) in nodes.iter().enumerate().filter(|(index, _)| needed[*index]) {
        values[index] = match node.op.operation() {
            None => match leaves.iter().find(|(leaf, _)| *leaf == index) {
                Some((_, values)) => values.to_vec(),
                None => recording.values[index].iter().copied().map(f64::from).collect(),
            },
            Some(operation) => {
                let view = |operand: &usize| View { values: &values[*operand][..], shape: nodes[*operand].shape };
                let operands: Vec<View<'_, f64>> = node.operands.iter().map(view).collect();
                let mut out = vec![f64::NAN; node.shape.elements()];
                compute(index, operation, &operands, &mut out);
                out
            }
        };
    }
    wanted.iter().map(|node| values[*node].clone()).collect()
}
