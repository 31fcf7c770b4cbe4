//! A machine's weights as products look sums up in them: in tables kept whole where they are small, else row by row.

use super::Rbm;
use crate::kernels::lookup::{FixedRows, FixedTables, Tables, Weights};

/// Tables are kept whole while those of both directions take no more than this in 32 bits; beyond, each thread tabulates
/// a few outputs at a time. 40 MB: a machine of 1024 × 1024 units, and about the last-level cache of a server.
const TABLE_BYTES: usize = 40 << 20;

/// The tables of both directions of a machine, or what tells that there are none. Sums are the same bits either way.
#[derive(Clone, Debug)]
pub(super) struct Tabulated {
    /// Bytes that may be kept whole.
    limit: usize,
    whole: bool,
    /// The grid's step, where sums are of 16 bits.
    step: Option<f32>,
    /// Towards hidden units, then towards visible ones.
    float: [Tables; 2],
    fixed: [FixedTables; 2],
}

impl Default for Tabulated {
    fn default() -> Self {
        Self::new()
    }
}

impl Tabulated {
    pub(super) fn new() -> Self {
        Tabulated {
            limit: TABLE_BYTES,
            whole: false,
            step: None,
            float: [Tables::new(), Tables::new()],
            fixed: [FixedTables::new(), FixedTables::new()],
        }
    }

    /// None kept whole, however small.
    #[cfg(test)]
    pub(super) fn tile_by_tile() -> Self {
        Tabulated { limit: 0, ..Self::new() }
    }

    /// Prepares f32 sums of `rbm`, or with a `step` 16-bit sums of the nearest machine on that grid.
    pub(super) fn build(&mut self, rbm: &Rbm, step: Option<f32>) {
        // 16 entries of 4 bytes for 4 weights, both directions.
        self.whole = 2 * 16 * rbm.visible * rbm.hidden <= self.limit;
        self.step = step;
        if !self.whole {
            return;
        }
        let rows = [rbm.hidden_rows(), rbm.visible_rows()];
        match step {
            None => {
                for (tables, rows) in self.float.iter_mut().zip(rows) {
                    tables.build(rows.values, [rows.outputs, rows.inputs], rows.stride);
                }
            }
            Some(step) => {
                for (tables, rows) in self.fixed.iter_mut().zip(rows) {
                    tables.build(rows.values, [rows.outputs, rows.inputs], rows.stride, step);
                }
            }
        }
    }

    /// The weights towards hidden units, then towards visible ones, of the `rbm` last [built](Self::build).
    pub(super) fn weights<'a>(&'a self, rbm: &'a Rbm) -> [Weights<'a>; 2] {
        let rows = [rbm.hidden_rows(), rbm.visible_rows()];
        match (self.whole, self.step) {
            (true, None) => self.float.each_ref().map(Weights::Tables),
            (true, Some(_)) => self.fixed.each_ref().map(Weights::Fixed),
            (false, None) => rows.map(Weights::Rows),
            (false, Some(step)) => rows.map(|rows| Weights::FixedRows(FixedRows { rows, step })),
        }
    }
}
