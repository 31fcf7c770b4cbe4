//! The lookup-table product of a bit-packed binary matrix with an `f32` matrix, and what is built on it.
//!
//! A binary state is an index, not a number: the units are cut into groups of 4 (of 3 where a register has 8 lanes),
//! the partial sums of each group's weights are tabulated in one vector register, and one in-register permute plus one
//! add does the work of 4 × 16 multiply-adds (the Method of Four Russians, in registers).

mod epilogue;
mod few;
mod fixed;
mod fixed_tables;
mod in_turn;
mod operands;
mod product;
mod sign;
mod sweep;
mod tables;
#[cfg(test)]
mod tests;
mod transpose;

pub(crate) use epilogue::Sigmoid;
pub(crate) use few::{Columns, FEW_CHAINS, Grids};
pub use fixed_tables::FixedTables;
pub(crate) use fixed_tables::{FixedRows, WINDOW};
pub(crate) use in_turn::sample_in_turn;
pub(crate) use operands::{BitsRef, Rows};
pub(crate) use product::Weights;
pub(crate) use sign::sign;
pub(crate) use sweep::{
    Layer, MeansOut, add_exchange, add_softplus, anneal, are_few, mean, mean_and_sample, sample,
    sample_by_outputs, sample_few, sums, sums_of_blocks,
};
pub use tables::Tables;
pub(crate) use transpose::transpose_bits;
