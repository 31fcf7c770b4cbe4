//! Fills: uniform, normal and Bernoulli draws into slices. Each takes whole steps of the sixteen lanes and drops what
//! is left of the last one, so the state after a fill depends on its length alone.

use super::Lanes;

impl Lanes {
    /// Uniform draws from [0, 1), multiples of 2⁻²⁴.
    pub fn fill_uniform(&mut self, out: &mut [f32]) {
        for chunk in out.chunks_mut(16) {
            let words = self.next_words();
            for (value, word) in chunk.iter_mut().zip(words) {
                *value = (word >> 8) as f32 * (1.0 / 16_777_216.0);
            }
        }
    }
}
