//! Spread: from where to where the numbers of a dataset go, and what a threshold leaves of them.

use super::dataset::Dataset;
use super::levels::Binarization;
use super::pack;
use super::table::{Element, f32s, f64s};

/// Spread: the range of the numbers as they are stored, and what becomes of them as bits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The smallest number stored.
    pub smallest: f64,
    /// The largest number stored.
    pub largest: f64,
    /// The number that stands for 1 on the unit scale: 255 of MNIST, 16 of the digits; of floats 1.
    pub scale: f64,
    /// The smallest number that [`Binarization::Threshold`] reads as 1.
    pub threshold: f64,
}

impl Dataset<'_> {
    /// The range of the numbers, as they are stored: plain, whatever is read of them. Looks at all rows. `None` where there are
    /// no rows.
    ///
    /// ```
    /// use helmholtz::data::Dataset;
    /// let spread = Dataset::digits().spread().unwrap();
    /// assert_eq!((spread.smallest, spread.largest, spread.threshold), (0.0, 16.0, 8.0));
    /// ```
    pub fn spread(&self) -> Option<Spread> {
        let (mut smallest, mut largest) = (f64::INFINITY, f64::NEG_INFINITY);
        let mut widen = |low: f64, high: f64| (smallest, largest) = (smallest.min(low), largest.max(high));
        for row in 0..self.len() {
            let stored = self.stored(row);
            match self.element() {
                Element::U8 { .. } => {
                    let (low, high) =
                        stored.iter().fold((u8::MAX, 0), |(low, high), &x| (low.min(x), high.max(x)));
                    widen(f64::from(low), f64::from(high));
                }
                Element::F32 | Element::Real => f32s(stored).for_each(|x| widen(f64::from(x), f64::from(x))),
                Element::F64 => f64s(stored).for_each(|x| widen(x, x)),
            }
        }
        let (scale, threshold) = match self.element() {
            Element::U8 { scale } => (f64::from(scale), f64::from(pack::half(scale))),
            Element::F32 | Element::F64 | Element::Real => (1.0, 0.5),
        };
        (!self.is_empty()).then_some(Spread { smallest, largest, scale, threshold })
    }

    /// Whether a threshold makes all rows equal that are not: they are read by one, and it tells no row from another.
    pub fn threshold_merges_all(&self) -> bool {
        if self.binarization() != Binarization::Threshold || !self.is_binarized() || self.is_empty() {
            return false;
        }
        let mut first = vec![0.0; self.width()];
        let mut other = first.clone();
        self.row_into(0, &mut first);
        let mut differ = false;
        for row in 1..self.len() {
            self.row_into(row, &mut other);
            if other != first {
                return false;
            }
            differ |= self.stored(row) != self.stored(0);
        }
        differ
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_is_that_of_the_rows_as_they_are_stored() {
        let levels = Dataset::from_u8(vec![3, 9, 200, 16], &[2, 2], 255).unwrap().flipped();
        let spread = Spread { smallest: 3.0, largest: 200.0, scale: 255.0, threshold: 128.0 };
        assert_eq!(levels.spread(), Some(spread));
        let first = Spread { largest: 9.0, ..spread };
        assert_eq!(levels.subset(0..1).spread(), Some(first));
        assert_eq!(levels.subset(0..0).spread(), None);
        let floats = Dataset::from_f32(vec![0.25, 0.75], &[2, 1]).unwrap();
        assert_eq!(floats.spread(), Some(Spread { smallest: 0.25, largest: 0.75, scale: 1.0, threshold: 0.5 }));
    }

    #[test]
    fn a_threshold_that_tells_no_rows_apart_is_found() {
        let rows = |values: [u8; 4]| Dataset::from_u8(values.to_vec(), &[2, 2], 255).unwrap();
        assert!(rows([3, 200, 16, 255]).threshold_merges_all());
        assert!(!rows([3, 200, 200, 3]).threshold_merges_all());
        // Rows that are the same as stored are no fault of the threshold's.
        assert!(!rows([3, 200, 3, 200]).threshold_merges_all());
        assert!(!rows([3, 200, 16, 255]).binarized(Binarization::None).threshold_merges_all());
        assert!(!rows([3, 200, 16, 255]).subset(0..1).threshold_merges_all());
    }
}
