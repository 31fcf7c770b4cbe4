//! Reading rows: as numbers, as bits, as column means.

use super::dataset::Dataset;
use super::levels::{Binarization, Polarity};
use super::pack::{self, Reading};
use super::table::{Element, f32s, f64s};
use crate::random::{Lanes, Seed};
use crate::tensor::{BitMatrix, LANES};
use std::ops::Range;

/// The seed of the one stream that evaluation binarises with, whatever the seed of the run.
const EVALUATION: Seed = Seed(0x7465_7374);

impl Dataset<'_> {
    /// Row `row` into `out`, `[width]`: thresholded where the dataset thresholds, grey otherwise, in [0,
    /// [`largest`](Self::largest)], and 0 where a value is [missing](Self::is_missing).
    ///
    /// # Panics
    /// When there is no such row, or `out` is not `[width]`.
    #[track_caller]
    pub fn row_into(&self, row: usize, out: &mut [f32]) {
        assert_eq!(out.len(), self.width(), "a row of {} values into a slice of {}", self.width(), out.len());
        let stored = self.stored(row);
        match self.element() {
            Element::U8 { scale } => {
                let unit = f32::from(scale) / self.largest();
                for (value, &level) in out.iter_mut().zip(stored) {
                    *value = f32::from(level) / unit;
                }
            }
            Element::F32 | Element::Real => {
                out.iter_mut().zip(f32s(stored)).for_each(|(value, stored)| *value = stored);
            }
            Element::F64 => out.iter_mut().zip(f64s(stored)).for_each(|(value, stored)| *value = stored as f32),
        }
        if self.binarization == Binarization::Threshold {
            // A level of at least half the scale is at least 0.5 after the division too, and an f64 below 0.5 that
            // rounds to 0.5 is settled by the f64.
            match self.element() {
                Element::F64 => {
                    for (value, stored) in out.iter_mut().zip(f64s(stored)) {
                        *value = f32::from(u8::from(stored >= 0.5));
                    }
                }
                _ => out.iter_mut().for_each(|value| *value = f32::from(u8::from(*value >= 0.5))),
            }
        }
        if self.polarity == Polarity::Flipped {
            let largest = self.largest();
            out.iter_mut().for_each(|value| *value = largest - *value);
        }
        self.blank_missing(row, out);
    }

    /// The named rows into `out`, `[rows, width]`, each as [`row_into`](Self::row_into) reads it.
    ///
    /// # Panics
    /// When there is no such row, or `out` is not `[rows, width]`.
    #[track_caller]
    pub fn rows_into(&self, rows: &[usize], out: &mut [f32]) {
        assert_eq!(
            out.len(),
            rows.len() * self.width(),
            "{} rows of {} values into a slice of {}",
            rows.len(),
            self.width(),
            out.len()
        );
        for (&row, values) in rows.iter().zip(out.chunks_exact_mut(self.width())) {
            self.row_into(row, values);
        }
    }

    /// The named rows as bits, `[rows, width]`. Where grey levels are sampled, row `i` of the batch draws from lane
    /// `i mod 16` of `lanes[i div 16]`, one word a pixel, in ascending order; elsewhere `lanes` may be empty.
    /// Allocates only when `out` grows past what it ever was.
    ///
    /// # Panics
    /// When there is no such row, when `lanes` are too few, or when grey levels are to stay what they are.
    #[track_caller]
    pub fn bits_into(&self, rows: &[usize], lanes: &mut [Lanes], out: &mut BitMatrix) {
        let reading = self.reading(rows.first().copied().unwrap_or(0));
        out.reset(rows.len(), self.width());
        let words = out.words_per_row() * LANES;
        let blocks = rows.chunks(LANES).zip(out.words_mut().chunks_exact_mut(words));
        match reading {
            Reading::Threshold => blocks.for_each(|(rows, words)| self.threshold_block(rows, words)),
            Reading::Sample => {
                let wanted = rows.len().div_ceil(LANES);
                assert!(
                    lanes.len() >= wanted,
                    "{} streams for {} sampled rows, wanted {wanted}",
                    lanes.len(),
                    rows.len()
                );
                for ((rows, words), lanes) in blocks.zip(lanes) {
                    self.sample_block(rows, lanes, words);
                }
            }
        }
    }

    /// All rows as bits, `[len, width]`, for evaluation. Where grey levels are sampled, one fixed stream is drawn from,
    /// whatever the seed of the run: the same bits every time.
    ///
    /// # Panics
    /// When grey levels are to stay what they are.
    #[track_caller]
    pub fn to_bits(&self) -> BitMatrix {
        self.to_bits_range(0..self.len())
    }

    /// The rows `range` as bits, the same ones that [`to_bits`](Self::to_bits) has there: for evaluation in pieces.
    ///
    /// # Panics
    /// When the rows are not all there, or when grey levels are to stay what they are.
    #[track_caller]
    pub fn to_bits_range(&self, range: Range<usize>) -> BitMatrix {
        assert!(
            range.start <= range.end && range.end <= self.len(),
            "rows {range:?} of a dataset of {} rows",
            self.len()
        );
        let reading = self.reading(range.start);
        let mut out = BitMatrix::zeros(range.len(), self.width());
        let words = out.words_per_row();
        let mut block_words = vec![0; words * LANES];
        for block in range.start / LANES..range.end.div_ceil(LANES) {
            let rows: [usize; LANES] = std::array::from_fn(|lane| block * LANES + lane);
            let rows = &rows[..LANES.min(self.len() - rows[0])];
            block_words.fill(0);
            match reading {
                Reading::Threshold => self.threshold_block(rows, &mut block_words),
                Reading::Sample => {
                    let mut lanes = EVALUATION.lanes("test binarization", block as u64);
                    self.sample_block(rows, &mut lanes, &mut block_words);
                }
            }
            for (lane, row) in rows.iter().enumerate().filter(|(_, row)| range.contains(row)) {
                let place = row - range.start;
                let to = place / LANES * words * LANES + place % LANES;
                for word in 0..words {
                    out.words_mut()[to + word * LANES] = block_words[word * LANES + lane];
                }
            }
        }
        out
    }

    /// Mean of each column, `[width]`, of what training sees: of the bits where the dataset thresholds, of the grey
    /// levels otherwise; of the values that are not missing. Zeros for a dataset without rows.
    pub fn means(&self) -> Vec<f64> {
        if self.has_missing() {
            return self.means_of_what_is_there();
        }
        let mut sums = vec![0.0; self.width()];
        let rows = self.len().max(1) as f64;
        let unit = match (self.element(), self.binarization) {
            (Element::U8 { scale }, Binarization::Threshold) => {
                self.add_levels(&mut sums, |level| u64::from(level >= pack::half(scale)));
                1.0
            }
            (Element::U8 { scale }, _) => {
                self.add_levels(&mut sums, u64::from);
                f64::from(scale) / f64::from(self.largest())
            }
            (Element::F32 | Element::Real, _) => {
                self.add_floats(&mut sums, |stored, add| f32s(stored).map(f64::from).enumerate().for_each(add));
                1.0
            }
            (Element::F64, _) => {
                // A double may lie beside [0, 1] by less than floats tell.
                self.add_floats(&mut sums, |stored, add| {
                    f64s(stored).map(|value| value.clamp(0.0, 1.0)).enumerate().for_each(add);
                });
                1.0
            }
        };
        for sum in &mut sums {
            let mean = *sum / (rows * unit);
            *sum = match self.polarity {
                Polarity::Flipped if !self.is_empty() => f64::from(self.largest()) - mean,
                _ => mean,
            };
        }
        sums
    }

    fn add_levels(&self, sums: &mut [f64], read: impl Fn(u8) -> u64) {
        let mut counts = vec![0u64; sums.len()];
        for row in 0..self.len() {
            for (count, &level) in counts.iter_mut().zip(self.stored(row)) {
                *count += read(level);
            }
        }
        for (sum, count) in sums.iter_mut().zip(counts) {
            *sum = count as f64;
        }
    }

    fn add_floats(&self, sums: &mut [f64], each: impl Fn(&[u8], &mut dyn FnMut((usize, f64)))) {
        let threshold = self.binarization == Binarization::Threshold;
        for row in 0..self.len() {
            each(self.stored(row), &mut |(column, value)| {
                sums[column] += if threshold { f64::from(u8::from(value >= 0.5)) } else { value };
            });
        }
    }

    /// How rows become bits. Panics, naming `row`, when they do not.
    #[track_caller]
    fn reading(&self, row: usize) -> Reading {
        match self.binarization {
            _ if self.source_is_binary() => Reading::Threshold,
            Binarization::Threshold => Reading::Threshold,
            Binarization::Sample => Reading::Sample,
            Binarization::None => {
                let what = if self.is_real() { "real numbers" } else { "grey and not binarised" };
                panic!("row {row} of {} is {what}: it cannot be read as bits", self.name())
            }
        }
    }

    /// The complement of every bit, where the dataset is flipped.
    fn flip(&self) -> u32 {
        match self.polarity {
            Polarity::Plain => 0,
            Polarity::Flipped => !0,
        }
    }

    /// Up to 16 rows into `[word][lane]`.
    fn threshold_block(&self, rows: &[usize], words: &mut [u32]) {
        for (lane, &row) in rows.iter().enumerate() {
            let words = words[lane..].iter_mut().step_by(LANES);
            let stored = self.stored(row);
            match self.element() {
                Element::U8 { scale } => pack::levels(stored, pack::half(scale), self.flip(), words),
                Element::F32 | Element::Real => {
                    pack::numbers(stored, |b| f32::from_le_bytes(b) >= 0.5, self.flip(), words)
                }
                Element::F64 => pack::numbers(stored, |b| f64::from_le_bytes(b) >= 0.5, self.flip(), words),
            }
        }
    }

    /// Up to 16 rows into `[word][lane]`, each drawing from its lane.
    fn sample_block(&self, rows: &[usize], lanes: &mut Lanes, words: &mut [u32]) {
        let mut stored: [&[u8]; LANES] = [&[]; LANES];
        for (lane, &row) in rows.iter().enumerate() {
            stored[lane] = self.stored(row);
        }
        let stored = &stored[..rows.len()];
        match self.element() {
            Element::U8 { .. } => {
                let chances = &self.origin.chances;
                pack::sample(stored, |[level]| chances[usize::from(level)], self.flip(), lanes, words);
            }
            Element::F32 | Element::Real => {
                let chance = |b| pack::chance(f64::from(f32::from_le_bytes(b)));
                pack::sample(stored, chance, self.flip(), lanes, words);
            }
            Element::F64 => {
                pack::sample(stored, |b| pack::chance(f64::from_le_bytes(b)), self.flip(), lanes, words)
            }
        }
    }
}
