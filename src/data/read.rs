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
    /// [`largest`](Self::largest)].
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
    /// levels otherwise. Zeros for a dataset without rows.
    pub fn means(&self) -> Vec<f64> {
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
                self.add_floats(&mut sums, |stored, add| f64s(stored).enumerate().for_each(add));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Scale;

    const READINGS: [Binarization; 2] = [Binarization::Threshold, Binarization::Sample];

    /// The same grey levels, stored in each of the ways, thresholded.
    fn stored_in_every_way(rows: usize, width: usize) -> Vec<Dataset<'static>> {
        let levels: Vec<u8> = (0..rows * width).map(|place| (place * 37 % 256) as u8).collect();
        let numbers: Vec<f64> = levels.iter().map(|&level| f64::from(level) / 255.0).collect();
        let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({rows}, {width})}}");
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend((header.len() as u16).to_le_bytes());
        file.extend(header.as_bytes());
        file.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        [
            Dataset::from_u8(levels, &[rows, width], 255).unwrap(),
            Dataset::from_f32(numbers.iter().map(|&number| number as f32).collect::<Vec<_>>(), &[rows, width])
                .unwrap(),
            Dataset::from_bytes(crate::data::NamedBytes::new("x.npy", file)).unwrap(),
        ]
        .map(|data| data.binarized(Binarization::Threshold))
        .to_vec()
    }

    fn streams(count: usize) -> Vec<Lanes> {
        (0..count as u64).map(|block| Seed(5).lanes("batch", block)).collect()
    }

    #[test]
    fn the_raw_scale_is_the_stored_one_and_bits_know_none() {
        let data = Dataset::from_u8(vec![0, 3, 9, 16], &[2, 2], 16).unwrap().scaled(Scale::Raw);
        let grey = data.binarized(Binarization::None);
        let rows = |data: &Dataset<'_>| {
            let mut out = [0.0; 4];
            data.rows_into(&[0, 1], &mut out);
            out
        };
        assert_eq!((rows(&grey), grey.means()), ([0.0, 3.0, 9.0, 16.0], vec![4.5, 9.5]));
        assert_eq!((rows(&grey.flipped()), grey.flipped().means()), ([16.0, 13.0, 7.0, 0.0], vec![11.5, 6.5]));
        assert_eq!((rows(&data), data.means(), data.largest()), ([0.0, 0.0, 1.0, 1.0], vec![0.5, 0.5], 1.0));
        assert_eq!(data.binarized(Binarization::Sample).largest(), 1.0);
    }

    #[test]
    fn thresholded_bits_are_the_thresholded_numbers() {
        for width in [1, 7, 31, 32, 33, 64, 100] {
            for data in stored_in_every_way(37, width) {
                for data in [data.clone(), data.flipped()] {
                    let rows: Vec<usize> = (0..37).rev().chain([3, 3]).collect();
                    let mut bits = BitMatrix::default();
                    data.bits_into(&rows, &mut [], &mut bits);
                    let mut numbers = vec![0.0; rows.len() * width];
                    data.rows_into(&rows, &mut numbers);
                    assert_eq!(bits.to_f32(), numbers);
                    assert_eq!(
                        bits.words().iter().map(|word| word.count_ones()).sum::<u32>() as f32,
                        numbers.iter().sum::<f32>()
                    );
                }
            }
        }
    }

    #[test]
    fn a_flip_complements_bits_levels_and_means() {
        for data in stored_in_every_way(20, 33) {
            for binarization in READINGS {
                let data = data.binarized(binarization);
                let rows: Vec<usize> = (0..20).collect();
                let (mut plain, mut flipped) = (BitMatrix::default(), BitMatrix::default());
                data.bits_into(&rows, &mut streams(2), &mut plain);
                data.flipped().bits_into(&rows, &mut streams(2), &mut flipped);
                assert!(plain.to_f32().iter().zip(flipped.to_f32()).all(|(a, b)| a + b == 1.0));
                assert_eq!(data.flipped().flipped().to_bits(), data.to_bits());
                for (mean, complement) in data.means().iter().zip(data.flipped().means()) {
                    assert!((mean + complement - 1.0).abs() < 1e-12);
                }
            }
        }
    }

    /// The definition: row i draws from lane i mod 16 of stream i div 16, one word a pixel, in ascending order.
    #[test]
    fn a_sampled_row_draws_from_its_lane() {
        for data in stored_in_every_way(40, 45) {
            let data = data.binarized(Binarization::Sample);
            let rows: Vec<usize> = (0..40).map(|row| (row * 7) % 40).collect();
            let mut bits = BitMatrix::default();
            let mut used = streams(3);
            data.bits_into(&rows, &mut used, &mut bits);
            let mut grey = vec![0.0; 45];
            for (block, lanes) in streams(3).iter_mut().enumerate() {
                let words: Vec<[u32; 16]> = (0..45).map(|_| lanes.next_words()).collect();
                assert_eq!(&used[block], lanes);
                for (lane, &row) in rows[block * 16..].iter().take(16).enumerate() {
                    data.row_into(row, &mut grey);
                    for pixel in 0..45 {
                        let uniform = f64::from(words[pixel][lane] >> 8) / 16_777_216.0;
                        let wanted = uniform < f64::from(grey[pixel]);
                        // Only a draw within rounding of the level could go the other way.
                        assert!(
                            bits.get(block * 16 + lane, pixel) == wanted
                                || (uniform - f64::from(grey[pixel])).abs() < 1e-6
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn level_zero_is_never_drawn_and_the_full_one_always() {
        let ends = [0, 255].repeat(500);
        let data = Dataset::from_u8(&ends, &[20, 50], 255).unwrap().binarized(Binarization::Sample);
        let wanted: Vec<f32> = ends.iter().map(|&level| f32::from(level / 255)).collect();
        assert_eq!(data.to_bits().to_f32(), wanted);
    }

    /// 60,000 draws at each of the 17 levels of a digit: within five standard errors of the level.
    #[test]
    fn drawn_bits_have_the_mean_of_the_level() {
        let levels: Vec<u8> = (0..=16).collect();
        let data = Dataset::from_u8(&levels, &[1, 17], 16).unwrap().binarized(Binarization::Sample);
        let mut lanes = streams(1);
        let mut counts = [0u32; 17];
        let mut bits = BitMatrix::default();
        for _ in 0..3750 {
            data.bits_into(&[0; 16], &mut lanes, &mut bits);
            for (count, drawn) in counts.iter_mut().zip(bits.column_counts()) {
                *count += drawn;
            }
        }
        for (level, count) in counts.iter().enumerate() {
            let chance = level as f64 / 16.0;
            let error = (chance * (1.0 - chance) / 60_000.0).sqrt();
            assert!((f64::from(*count) / 60_000.0 - chance).abs() <= 5.0 * error, "level {level}: {count}");
        }
    }

    #[test]
    fn evaluation_in_pieces_sees_the_same_bits() {
        for data in stored_in_every_way(75, 40) {
            for binarization in READINGS {
                let data = data.binarized(binarization);
                let whole = data.to_bits();
                for range in [0..16, 16..48, 5..6, 15..17, 30..75, 75..75, 3..70] {
                    let piece = data.to_bits_range(range.clone());
                    assert_eq!(piece.rows(), range.len());
                    for (at, row) in range.enumerate() {
                        assert!((0..40).all(|unit| piece.get(at, unit) == whole.get(row, unit)));
                    }
                }
            }
        }
    }

    #[test]
    fn means_are_of_what_training_sees() {
        let data = Dataset::from_u8(&[0, 8, 16, 7, 16, 8], &[3, 2], 16).unwrap();
        assert_eq!(data.means(), [2.0 / 3.0, 2.0 / 3.0]);
        for grey in [Binarization::None, Binarization::Sample] {
            assert_eq!(data.binarized(grey).means(), [32.0 / 48.0, 23.0 / 48.0]);
        }
        for data in stored_in_every_way(30, 20) {
            let bits = data.to_bits();
            let counts: Vec<f64> = bits.column_counts().iter().map(|&count| f64::from(count) / 30.0).collect();
            assert_eq!(data.means(), counts);
        }
        assert_eq!(data.subset(1..1).means(), [0.0, 0.0]);
    }

    #[test]
    fn bits_of_bits_need_no_binarisation() {
        let data = Dataset::from_u8(&[0, 1, 1, 0], &[2, 2], 1).unwrap().binarized(Binarization::None);
        assert!(data.is_binary());
        assert_eq!(data.to_bits().to_f32(), [0.0, 1.0, 1.0, 0.0]);
    }

    #[test]
    #[should_panic(expected = "row 3 of digits is grey and not binarised")]
    fn grey_levels_are_not_bits() {
        Dataset::digits().binarized(Binarization::None).bits_into(&[3], &mut [], &mut BitMatrix::default());
    }

    /// Run by hand: `cargo test --release --lib data::read::tests::speed -- --ignored --nocapture`.
    #[test]
    #[ignore = "prints times"]
    fn speed() {
        let levels: Vec<u8> = (0..10_000 * 784).map(|place| (place * 37 % 256) as u8).collect();
        let data = Dataset::from_u8(&levels, &[10_000, 784], 255).unwrap();
        let batches = crate::data::Batches::new(data.len(), 128, Seed(1));
        let (mut rows, mut bits, mut lanes) = (vec![0; 128], BitMatrix::default(), streams(8));
        let mut numbers = vec![0.0; 128 * 784];
        let mut time = |what: &str, run: &mut dyn FnMut(&[usize])| {
            let start = std::time::Instant::now();
            for step in 0..200 {
                batches.fill(step, &mut rows);
                run(&rows);
            }
            println!("{what}: {:.1} ns a row", start.elapsed().as_nanos() as f64 / (200.0 * 128.0));
        };
        time("batch rows alone", &mut |_| {});
        time("threshold", &mut |rows| data.bits_into(rows, &mut [], &mut bits));
        let sampled = data.binarized(Binarization::Sample);
        time("sample", &mut |rows| sampled.bits_into(rows, &mut lanes, &mut bits));
        time("numbers", &mut |rows| sampled.rows_into(rows, &mut numbers));
    }
}
