//! Kernels: slices in, slices out, each written once over the instruction-set token.

pub(crate) mod activation;
pub(crate) mod affine;
pub(crate) mod ascent;
pub mod conv;
pub mod elementwise;
pub mod gemm;
pub mod lookup;
pub mod pairs;
pub mod peak;
pub mod rational_quadratic;
pub mod reduce;
pub(crate) mod sparse;
pub mod staircase;
pub(crate) mod staircase_lanes;
pub(crate) mod vector;
