//! A dense `f32` tensor in row-major order, 64-byte aligned.

use super::AlignedVec;

/// A dense `f32` tensor, row-major: the last axis is contiguous.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Tensor {
    shape: Vec<usize>,
    values: AlignedVec<f32>,
}

impl Tensor {
    /// Zeros of the given shape.
    pub fn zeros(shape: &[usize]) -> Self {
        Tensor { shape: shape.to_vec(), values: AlignedVec::zeroed(shape.iter().product()) }
    }

    /// A tensor with a copy of `values`. Panics where their number is not the shape's.
    #[track_caller]
    pub fn from_slice(shape: &[usize], values: &[f32]) -> Self {
        assert_eq!(
            shape.iter().product::<usize>(),
            values.len(),
            "a tensor of shape {shape:?} from {} values",
            values.len()
        );
        Tensor { shape: shape.to_vec(), values: AlignedVec::from_slice(values) }
    }

    /// The length of each axis.
    #[inline]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The values, row-major.
    #[inline]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The values, row-major.
    #[inline]
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// Row `index` of the first axis. Panics outside it.
    #[track_caller]
    #[inline]
    pub fn row(&self, index: usize) -> &[f32] {
        let rows = self.shape.first().copied().unwrap_or(0);
        assert!(index < rows, "row {index} of a tensor of shape {:?}", self.shape);
        let width = self.values.len() / rows;
        &self.values[index * width..][..width]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_contiguous() {
        let tensor = Tensor::from_slice(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(tensor.row(1), &[4.0, 5.0, 6.0]);
    }

    #[test]
    #[should_panic(expected = "a tensor of shape [2, 2] from 3 values")]
    fn a_wrong_shape_is_named() {
        Tensor::from_slice(&[2, 2], &[0.0; 3]);
    }
}
