//! A way to draw, apart from what it fills.

use super::LanesVector;
use crate::simd::Simd;

/// A way to turn the words of some steps into `VECTORS` vectors of results, which follow one another in the output,
/// sixteen lanes each.
pub(super) trait Draw<const VECTORS: usize>: Copy {
    /// The results of the next steps of `lanes`.
    fn draw<S: Simd>(self, simd: S, lanes: &mut LanesVector<S>) -> [S::U32; VECTORS];
}
