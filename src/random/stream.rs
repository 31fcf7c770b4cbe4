//! A stream behind `rand`'s traits, so that any distribution of that ecosystem can draw from it.

use super::lanes::Lanes;
use rand::{RngExt, TryRng};
use std::convert::Infallible;

/// A stream of random words, lane 0 to lane 15 of each step in turn, that implements [`rand::Rng`].
///
/// ```
/// use helmholtz::Seed;
/// use rand::RngExt;
/// let mut stream = Seed(1).stream("example", 0);
/// let x: f64 = stream.random();
/// assert!((0.0..1.0).contains(&x));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Stream {
    lanes: Lanes,
    block: [u32; 16],
    used: usize,
}

impl Stream {
    /// A stream that starts with the next step of `lanes`.
    pub fn new(lanes: Lanes) -> Self {
        Stream { lanes, block: [0; 16], used: 16 }
    }

    /// The whole state as 65 words: the 64 of the lanes before the current block, then how many of it are used.
    pub fn state(&self) -> [u32; 65] {
        let mut state = [0; 65];
        state[..64].copy_from_slice(&self.lanes.state());
        state[64] = self.used as u32;
        if self.used < 16 {
            let mut before = self.lanes.clone();
            before.step_back();
            state[..64].copy_from_slice(&before.state());
        }
        state
    }

    /// The stream whose [`state`](Self::state) this is.
    pub fn from_state(state: &[u32; 65]) -> Self {
        let mut words = [0; 64];
        words.copy_from_slice(&state[..64]);
        let mut stream = Stream::new(Lanes::from_state(&words));
        if state[64] < 16 {
            stream.block = stream.lanes.next_words();
            stream.used = state[64] as usize;
        }
        stream
    }

    /// Independent standard normal draws, in double precision, by Marsaglia's polar method (Marsaglia & Bray 1964): a
    /// point (a, b) uniform in the unit disc, times √(−2 ln s / s) with s = a² + b², is two of them. Of an odd number,
    /// the last pair's second is dropped, so that a stream's state is its words alone.
    pub fn fill_normal(&mut self, out: &mut [f64]) {
        for pair in out.chunks_mut(2) {
            let (a, b, s) = loop {
                let (a, b) = (2.0 * self.random::<f64>() - 1.0, 2.0 * self.random::<f64>() - 1.0);
                let s = a * a + b * b;
                if s > 0.0 && s < 1.0 {
                    break (a, b, s);
                }
            };
            let radius = (-2.0 * s.ln() / s).sqrt();
            pair.iter_mut().zip([a, b]).for_each(|(out, x)| *out = radius * x);
        }
    }

    /// One standard normal draw; [`fill_normal`](Self::fill_normal) draws many at half the cost.
    pub fn normal(&mut self) -> f64 {
        let mut x = [0.0];
        self.fill_normal(&mut x);
        x[0]
    }

    fn word(&mut self) -> u32 {
        if self.used == 16 {
            self.block = self.lanes.next_words();
            self.used = 0;
        }
        self.used += 1;
        self.block[self.used - 1]
    }
}

impl TryRng for Stream {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.word())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let low = u64::from(self.word());
        Ok(low | u64::from(self.word()) << 32)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(4) {
            chunk.copy_from_slice(&self.word().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;
    use rand::Rng;

    #[test]
    fn a_restored_stream_goes_on_where_it_was() {
        for drawn in 0..40 {
            let mut stream = Seed(7).stream("restore", 1);
            for _ in 0..drawn {
                stream.next_u32();
            }
            let mut restored = Stream::from_state(&stream.state());
            for _ in 0..40 {
                assert_eq!(restored.next_u32(), stream.next_u32());
            }
        }
    }

    #[test]
    fn double_precision_normals_have_the_moments_of_a_normal() {
        const N: usize = 1 << 21;
        let mut draws = vec![0.0; N];
        Seed(3).stream("normal", 0).fill_normal(&mut draws);
        let mut sums = [0.0; 5];
        for pair in draws.chunks_exact(2) {
            for x in pair {
                let powers = [*x, x * x - 1.0, x.powi(3), x.powi(4) - 3.0, pair[0] * pair[1]];
                sums.iter_mut().zip(powers).for_each(|(sum, power)| *sum += power);
            }
        }
        // Two-sided α = 10⁻⁶ over five moments, whose variances are 1, 2, 15, 96, and 2 for a product counted twice.
        for (sum, variance) in sums.into_iter().zip([1.0, 2.0, 15.0, 96.0, 2.0f64]) {
            assert!((sum / N as f64).abs() <= 5.2 * (variance / N as f64).sqrt(), "{sums:?}");
        }
        let beyond = draws.iter().filter(|x| x.abs() > 3.0).count() as f64;
        let p: f64 = 0.002_699_796_063_260_19;
        assert!((beyond - p * N as f64).abs() <= 5.2 * (p * (1.0 - p) * N as f64).sqrt(), "{beyond}");
    }
}
