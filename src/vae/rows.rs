//! Examples to evaluate on, as the numbers a network reads: the same ones each time.

use crate::data::{Binarization, Dataset};
use std::ops::Range;

/// Rows to evaluate on.
#[derive(Clone, Copy)]
pub(super) enum Rows<'a> {
    /// Of a dataset; where it samples bits, those of its one fixed stream.
    Data(&'a Dataset<'a>),
    /// Given ones, `[rows, width]`.
    Given { values: &'a [f32], width: usize },
    /// Given ones, `[rows, width]`, and the class of each.
    OfClasses { values: &'a [f32], width: usize, classes: &'a [u16] },
}

impl Rows<'_> {
    pub(super) fn len(&self) -> usize {
        match self {
            Rows::Data(data) => data.len(),
            Rows::Given { values, width } | Rows::OfClasses { values, width, .. } => values.len() / width,
        }
    }

    /// The label of a row, where it has one.
    pub(super) fn label(&self, row: usize) -> Option<u16> {
        match self {
            Rows::Data(data) => data.label(row),
            Rows::Given { .. } => None,
            Rows::OfClasses { classes, .. } => Some(classes[row]),
        }
    }

    /// The rows `range` to the front of `out`, `[at least as many, width]`. What lies behind them stays.
    pub(super) fn read(&self, range: Range<usize>, out: &mut [f32]) {
        match self {
            Rows::Given { values, width } | Rows::OfClasses { values, width, .. } => {
                let values = &values[range.start * width..range.end * width];
                out[..values.len()].copy_from_slice(values);
            }
            Rows::Data(data) if data.binarization() == Binarization::Sample => {
                let bits = data.to_bits_range(range);
                for (row, out) in (0..bits.rows()).zip(out.chunks_exact_mut(data.width())) {
                    bits.row_into(row, out);
                }
            }
            Rows::Data(data) => {
                range.zip(out.chunks_exact_mut(data.width())).for_each(|(row, out)| data.row_into(row, out));
            }
        }
    }
}
