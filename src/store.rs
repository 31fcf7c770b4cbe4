//! Named arrays with metadata: what a checkpoint or a model file holds, in memory.

use std::collections::BTreeMap;

/// The numbers of one array.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Values {
    /// 32-bit floats.
    F32(Vec<f32>),
    /// 64-bit floats.
    F64(Vec<f64>),
    /// 32-bit words.
    U32(Vec<u32>),
    /// 64-bit words.
    U64(Vec<u64>),
}

/// One named array: its shape and its numbers in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// The length of each axis.
    pub shape: Vec<usize>,
    /// The numbers, row-major.
    pub values: Values,
}

/// Named arrays and a flat, sorted map of metadata.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Snapshot {
    /// The arrays by name.
    pub arrays: BTreeMap<String, Array>,
    /// The metadata; no clock in it, so that equal states are equal bytes.
    pub metadata: BTreeMap<String, String>,
}
