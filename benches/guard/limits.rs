//! What the machine can do at best, measured beside the loops.

use helmholtz::kernels::peak::fma_peak_macs_per_second;
use helmholtz::tensor::AlignedVec;
use rayon::prelude::*;
use std::fmt;
use std::hint::black_box;
use std::time::Instant;

/// 64 MB of floats each: beyond any cache that the loops could live in.
const COUNT: usize = 16 << 20;

/// Floats of a task of the parallel loops.
const PIECE: usize = 1 << 18;

/// Passes over memory each turn: about 20 ms each.
const SHOTS: usize = 4;

/// What bounds a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Multiply-adds a second of all threads, nothing but registers touched.
    Fma,
    /// The same, of one core. Of a loop that computes no products: lanes of such operations an element.
    FmaOneCore,
    /// Bytes read plus bytes written a second by one core that copies.
    CopyOneCore,
    /// Bytes a second that all threads read.
    Read,
}

impl Limit {
    pub fn name(self) -> &'static str {
        match self {
            Limit::Fma => "FMA peak",
            Limit::FmaOneCore => "FMA peak, one core",
            Limit::CopyOneCore => "copy bandwidth, one core",
            Limit::Read => "read bandwidth",
        }
    }
}

/// The best rates seen so far.
pub struct Limits {
    fma_one_core: f64,
    copy_one_core: f64,
    read: f64,
    source: AlignedVec<f32>,
    target: AlignedVec<f32>,
}

impl Limits {
    pub fn new() -> Self {
        let source = (0..COUNT).map(|i| i as f32).collect();
        let target = AlignedVec::zeroed(COUNT);
        Limits { fma_one_core: 0.0, copy_one_core: 0.0, read: 0.0, source, target }
    }

    /// Measures all of them once more.
    pub fn measure(&mut self) {
        self.fma_one_core = self.fma_one_core.max(fma_peak_macs_per_second());
        let bytes = (COUNT * size_of::<f32>()) as f64;

        for _ in 0..SHOTS {
            let begun = Instant::now();
            self.target.copy_from_slice(black_box(&self.source));
            black_box(&self.target);
            self.copy_one_core = self.copy_one_core.max(2.0 * bytes / begun.elapsed().as_secs_f64());

            let begun = Instant::now();
            black_box(self.source.par_chunks(PIECE).map(or_of_bits).reduce(|| 0, |a, b| a | b));
            self.read = self.read.max(bytes / begun.elapsed().as_secs_f64());
        }
    }

    pub fn of(&self, limit: Limit) -> f64 {
        match limit {
            Limit::Fma => self.fma_one_core * rayon::current_num_threads() as f64,
            Limit::FmaOneCore => self.fma_one_core,
            Limit::CopyOneCore => self.copy_one_core,
            Limit::Read => self.read,
        }
    }
}

/// The cheapest thing that reads every value: the compiler makes vectors of it.
fn or_of_bits(values: &[f32]) -> u32 {
    values.iter().fold(0, |bits, value| bits | value.to_bits())
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let giga = |limit| self.of(limit) / 1e9;
        writeln!(f, "{:<26} {:8.1} GMAC/s", Limit::FmaOneCore.name(), giga(Limit::FmaOneCore))?;
        writeln!(f, "{:<26} {:8.1} GB/s", Limit::CopyOneCore.name(), giga(Limit::CopyOneCore))?;
        writeln!(f, "{:<26} {:8.1} GB/s", Limit::Read.name(), giga(Limit::Read))
    }
}
