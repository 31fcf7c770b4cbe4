//! Single-precision matrix product with a fused epilogue, in the manner of BLIS (Van Zee & van de Geijn 2015).
//!
//! The operand with fewer lines (rows of a, columns of b) is packed first, into panels that the tile kernel reads in
//! order. Then the lines of the other one are cut into tasks that run in parallel: each packs its own lines while it
//! multiplies them by all of the first, one tile of registers after the other. So a product waits twice for all
//! threads, and what a task packs is still in its cache.
//!
//! Where a task meets few lines of the first operand, it reads its own rows where they lie. Products of up to four columns that lie
//! along the depth, as rows of weights do, are dot products instead of tiles.
//!
//! An element of the product is summed over the depth in an order that depends on columns and depth alone, in ascending order within
//! a tile, whichever it falls into: the bits are the same for any number of threads on one instruction set, and in any company of rows.
//! The packed panels live in buffers of the threads that only grow, so a steady state allocates nothing.

mod epilogue;
mod matrix;
mod narrow;
pub(super) mod pack;
pub(super) mod product;
pub(super) mod scratch;
mod staircase;
#[cfg(test)]
mod staircase_tests;
pub(super) mod task;
#[cfg(test)]
mod tests;
pub(super) mod tile;

pub use super::activation::Activation;
pub use epilogue::{Epilogue, Output};
pub use matrix::MatrixRef;
pub use product::gemm;
pub use scratch::{Scratch, with_scratch};
pub use staircase::{staircase_input_gradient, staircase_product, staircase_weight_gradient};
