//! The lengths of a tensor's axes.

use std::fmt;
use std::ops::Deref;

/// Most axes of a tensor on the tape.
pub const MOST_AXES: usize = 6;

/// The lengths of a tensor's axes, the last one contiguous; no axes for a scalar. A small `Copy` value that reads like a
/// slice.
///
/// ```
/// use helmholtz::autodiff::Shape;
/// let shape = Shape::from([128, 784]);
/// assert_eq!((shape.len(), shape[1], shape.elements()), (2, 784, 100_352));
/// assert_eq!(format!("{shape}"), "[128, 784]");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    lengths: [usize; MOST_AXES],
    axes: usize,
}

impl Shape {
    /// No axes: one element.
    pub const SCALAR: Shape = Shape { lengths: [1; MOST_AXES], axes: 0 };

    /// The shape with these lengths.
    ///
    /// # Panics
    /// When there are more than [`MOST_AXES`].
    #[track_caller]
    pub fn new(lengths: &[usize]) -> Self {
        assert!(lengths.len() <= MOST_AXES, "a tensor has at most {MOST_AXES} axes, not {}", lengths.len());
        let mut shape = Shape { axes: lengths.len(), ..Shape::SCALAR };
        shape.lengths[..lengths.len()].copy_from_slice(lengths);
        shape
    }

    /// The product of the lengths.
    #[inline]
    pub fn elements(&self) -> usize {
        self.iter().product()
    }

    /// This shape with one axis of another length.
    ///
    /// # Panics
    /// When there is no such axis.
    #[track_caller]
    pub fn with(mut self, axis: usize, length: usize) -> Self {
        assert!(axis < self.axes, "no axis {axis} in {self}");
        self.lengths[axis] = length;
        self
    }

    /// This shape with another axis at its end.
    ///
    /// # Panics
    /// When it has [`MOST_AXES`] already.
    #[track_caller]
    pub fn and(mut self, length: usize) -> Self {
        assert!(self.axes < MOST_AXES, "a tensor has at most {MOST_AXES} axes: no room in {self}");
        self.lengths[self.axes] = length;
        self.axes += 1;
        self
    }

    /// This shape without one axis.
    ///
    /// # Panics
    /// When there is no such axis.
    #[track_caller]
    pub fn without(self, axis: usize) -> Self {
        assert!(axis < self.axes, "no axis {axis} in {self}");
        let mut shape = Shape { axes: self.axes - 1, ..Shape::SCALAR };
        shape.lengths[..axis].copy_from_slice(&self[..axis]);
        shape.lengths[axis..self.axes - 1].copy_from_slice(&self[axis + 1..]);
        shape
    }

    /// The shape both spread to when they meet in an element-wise operation: axes are matched from the last one, and a
    /// missing axis or one of length 1 repeats. `None` where lengths differ otherwise.
    pub fn broadcast(self, other: Shape) -> Option<Shape> {
        let axes = self.axes.max(other.axes);
        let mut joint = Shape { axes, ..Shape::SCALAR };
        for back in 1..=axes {
            let of = |shape: &Shape| if back <= shape.axes { shape.lengths[shape.axes - back] } else { 1 };
            joint.lengths[axes - back] = match (of(&self), of(&other)) {
                (a, b) if a == b => a,
                (1, b) => b,
                (a, 1) => a,
                _ => return None,
            };
        }
        Some(joint)
    }
}

impl Deref for Shape {
    type Target = [usize];
    #[inline]
    fn deref(&self) -> &[usize] {
        &self.lengths[..self.axes]
    }
}

impl<const N: usize> From<[usize; N]> for Shape {
    #[track_caller]
    fn from(lengths: [usize; N]) -> Self {
        Shape::new(&lengths)
    }
}

impl From<&[usize]> for Shape {
    #[track_caller]
    fn from(lengths: &[usize]) -> Self {
        Shape::new(lengths)
    }
}

impl From<usize> for Shape {
    fn from(length: usize) -> Self {
        Shape::new(&[length])
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_meet_from_the_last_axis() {
        let meet = |a: &[usize], b: &[usize]| Shape::new(a).broadcast(Shape::new(b)).map(|shape| shape.to_vec());
        assert_eq!(meet(&[2, 3], &[3]), Some(vec![2, 3]));
        assert_eq!(meet(&[2, 1], &[1, 3]), Some(vec![2, 3]));
        assert_eq!(meet(&[], &[4]), Some(vec![4]));
        assert_eq!(meet(&[0, 3], &[1, 1]), Some(vec![0, 3]));
        assert_eq!(meet(&[2, 3], &[2]), None);
        assert_eq!(meet(&[0], &[2]), None);
    }
}
