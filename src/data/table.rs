//! One part of a dataset: rows of equal width somewhere in a source, in the type they were stored in.

use super::error::DataError;
use super::source::Source;

/// The type that the numbers are stored in; floats are little-endian and need not be aligned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Element {
    /// Levels from 0 to `scale`, which is not 0.
    U8 { scale: u8 },
    /// Numbers in [0, 1].
    F32,
    /// Numbers in [0, 1] once they are rounded to `f32`.
    F64,
    /// Any finite numbers, as `f32`.
    Real,
}

impl Element {
    /// Bytes of one number.
    pub(super) fn size(self) -> usize {
        match self {
            Element::U8 { .. } => 1,
            Element::F32 | Element::Real => 4,
            Element::F64 => 8,
        }
    }

    /// The first number that is not finite, or outside [0, 1] where that is the range, is an error that names its row, column
    /// and value.
    pub(super) fn check(self, name: &str, values: &[u8], width: usize) -> Result<(), DataError> {
        let (found, largest) = match self {
            Element::U8 { scale: 255 } => (None, 255.0),
            Element::U8 { scale } => {
                let place = values.iter().position(|&level| level > scale);
                (place.map(|place| (place, f64::from(values[place]))), f64::from(scale))
            }
            Element::F32 => (outside(f32s(values).map(f64::from), |value| value), 1.0),
            Element::F64 => (outside(f64s(values), |value| f64::from(value as f32)), 1.0),
            Element::Real => {
                let mut numbers = f32s(values).map(f64::from).enumerate();
                (numbers.find(|(_, value)| !value.is_finite()), f64::INFINITY)
            }
        };
        match found {
            None => Ok(()),
            Some((place, value)) => Err(DataError::Value {
                file: name.to_owned(),
                row: place / width,
                column: place % width,
                value,
                largest,
            }),
        }
    }
}

/// The first of the values that `rounded` does not bring into [0, 1], and its place.
fn outside(values: impl Iterator<Item = f64>, rounded: impl Fn(f64) -> f64) -> Option<(usize, f64)> {
    values.enumerate().find(|(_, value)| !(0.0..=1.0).contains(&rounded(*value)))
}

/// The floats stored in `bytes`.
#[inline]
pub(super) fn f32s(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
}

/// The floats stored in `bytes`.
#[inline]
pub(super) fn f64s(bytes: &[u8]) -> impl Iterator<Item = f64> {
    bytes.chunks_exact(8).map(|b| f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]))
}

/// Rows `[rows, width]` that start at byte `offset` of `source`, one after the other.
pub(super) struct Table<'a> {
    pub(super) source: Source<'a>,
    pub(super) offset: usize,
    pub(super) rows: usize,
    pub(super) width: usize,
    pub(super) image_shape: (usize, usize),
    pub(super) element: Element,
    /// One byte a row from the given offset on.
    pub(super) labels: Option<(Source<'a>, usize)>,
}

impl Table<'_> {
    /// The bytes of row `row`.
    #[inline]
    pub(super) fn row(&self, row: usize) -> &[u8] {
        let length = self.width * self.element.size();
        &self.source[self.offset + row * length..][..length]
    }

    /// Whether all numbers are 0 or 1. Real numbers are points of a density even then.
    pub(super) fn holds_bits(&self) -> bool {
        let values = &self.source[self.offset..][..self.rows * self.width * self.element.size()];
        match self.element {
            Element::U8 { scale } => scale == 1,
            Element::F32 => f32s(values).all(|value| value == 0.0 || value == 1.0),
            Element::F64 => f64s(values).map(|value| value as f32).all(|value| value == 0.0 || value == 1.0),
            Element::Real => false,
        }
    }

    pub(super) fn label(&self, row: usize) -> Option<u8> {
        self.labels.as_ref().map(|(source, offset)| source[offset + row])
    }
}

/// A square when `width` is one, else one line.
pub(super) fn square_shape(width: usize) -> (usize, usize) {
    let side = width.isqrt();
    if side * side == width { (side, side) } else { (1, width) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_are_judged_by_the_floats_they_become() {
        let check = |value: f64| Element::F64.check("x", &value.to_le_bytes(), 1).is_ok();
        assert!(check(1.0 + f64::EPSILON) && check(0.0) && check(-1e-60));
        assert!(!check(1.0 + 1e-7) && !check(-1e-30) && !check(f64::NAN) && !check(f64::INFINITY));
    }
}
