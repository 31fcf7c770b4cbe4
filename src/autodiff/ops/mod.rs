//! The operations, a family a file: shape, forward pass, f64 reference and gradient side by side.

mod arithmetic;
mod layout;
mod reduction;

pub(super) use arithmetic::Arithmetic;
pub(super) use layout::Layout;
pub(super) use reduction::Reduction;

use super::Shape;

/// How far apart in memory neighbours along each axis of `wide` are in an operand of shape `narrow` that is repeated to
/// it: 0 along repeated axes.
fn broadcast_strides(narrow: Shape, wide: Shape) -> [usize; super::MOST_AXES] {
    let mut strides = [0; super::MOST_AXES];
    let mut stride = 1;
    for back in 1..=narrow.len() {
        let length = narrow[narrow.len() - back];
        if length != 1 {
            strides[wide.len() - back] = stride;
        }
        stride *= length;
    }
    strides
}

/// Calls `visit` with the position in each operand of every element of `shape`, in row-major order.
fn walk<const N: usize>(
    shape: Shape,
    strides: [[usize; super::MOST_AXES]; N],
    mut visit: impl FnMut(usize, [usize; N]),
) {
    let mut counters = [0; super::MOST_AXES];
    let mut positions = [0; N];
    for element in 0..shape.elements() {
        visit(element, positions);
        for axis in (0..shape.len()).rev() {
            counters[axis] += 1;
            for operand in 0..N {
                positions[operand] += strides[operand][axis];
            }
            if counters[axis] < shape[axis] {
                break;
            }
            counters[axis] = 0;
            for operand in 0..N {
                positions[operand] -= strides[operand][axis] * shape[axis];
            }
        }
    }
}
