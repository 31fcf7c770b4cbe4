//! What the fuzz targets share: using whatever a parser accepted, and random numbers for the differential ones.
//!
//! `cargo +nightly fuzz run TARGET` at the repository's root runs one; `HELMHOLTZ_ISA` pins the instruction set, as
//! everywhere; `RAYON_NUM_THREADS=1` makes the differential targets run faster where other work shares the machine.

use helmholtz::Seed;
use helmholtz::data::{Binarization, DataError, Dataset};
use helmholtz::tensor::{BitMatrix, LANES};
use libfuzzer_sys::arbitrary::{self, Arbitrary};

/// Reads a dataset in every way there is, or looks at why there is none. Nothing may panic, and an error is one line.
pub fn exercise(dataset: Result<Dataset<'_>, DataError>) {
    let data = match dataset {
        Ok(data) => data,
        Err(error) => return check_line(&error.to_string()),
    };
    assert!(!data.is_empty() && data.width() > 0, "an accepted dataset has values");
    let (height, width) = data.image_shape();
    assert_eq!(height * width, data.width());
    assert!(data.means().iter().all(|mean| (0.0..=1.0).contains(mean)));
    assert_eq!(data.fingerprint(), data.clone().fingerprint());
    let rows: Vec<usize> = (0..data.len().min(LANES + 3)).rev().collect();
    let mut streams: Vec<_> =
        (0..rows.len().div_ceil(LANES) as u64).map(|block| Seed(1).lanes("fuzz", block)).collect();
    let mut values = vec![0.0; data.width()];
    for binarization in [Binarization::Threshold, Binarization::Sample, Binarization::None] {
        let data = data.binarized(binarization);
        for data in [data.flipped(), data] {
            data.row_into(rows[0], &mut values);
            assert!(values.iter().all(|value| (0.0..=1.0).contains(value)));
            let _ = data.label(rows[0]);
            if data.is_binary() {
                let mut bits = BitMatrix::default();
                data.bits_into(&rows, &mut streams, &mut bits);
                assert_eq!((bits.rows(), bits.units()), (rows.len(), data.width()));
            }
        }
    }
    let _ = (data.train(), data.test(), data.labels());
    let labels: Vec<u16> = (0..data.len()).map(|row| row as u16).collect();
    let labelled = data.with_labels(&labels).expect("a label a row");
    assert_eq!(labelled.label(rows[0]), Some(labelled.original_row(rows[0]) as u16));
    check_line(&data.with_labels(&labels[1..]).expect_err("a label is missing").to_string());
}

/// A message to the user is one line that says something.
pub fn check_line(message: &str) {
    assert!(!message.is_empty() && !message.contains('\n'), "{message:?}");
}

/// `count` numbers, uniform in [−`scale`, `scale`), named by `name` and `seed`.
pub fn numbers(name: &str, seed: u64, count: usize, scale: f32) -> Vec<f32> {
    let mut values = vec![0.0; count];
    Seed(seed).lanes(name, 0).fill_uniform(&mut values);
    values.iter_mut().for_each(|value| *value = (*value * 2.0 - 1.0) * scale);
    values
}

/// Fair coins `[rows, units]`, named by `name` and `seed`.
pub fn coins(name: &str, seed: u64, rows: usize, units: usize) -> BitMatrix {
    let mut words = vec![0; rows * units];
    Seed(seed).lanes(name, 0).fill_words(&mut words);
    BitMatrix::from_fn(rows, units, |row, unit| words[row * units + unit] >> 31 == 1)
}

/// An IDX file: any bytes at all, or a header of small numbers with about as many bytes after it, so that lengths,
/// counts and shapes often agree.
#[derive(Arbitrary, Debug)]
pub enum IdxFile {
    /// As they are.
    Bytes(Vec<u8>),
    /// Well-formed but for a few bytes that may be missing at the end.
    Shaped {
        /// Lengths of the axes, modulo 8.
        axes: [u8; 3],
        /// Axes, modulo 4.
        rank: u8,
        /// Bytes missing, counted from 250.
        missing: u8,
        /// Repeated.
        values: [u8; 5],
    },
}

impl IdxFile {
    /// The file.
    pub fn bytes(self) -> Vec<u8> {
        match self {
            IdxFile::Bytes(bytes) => bytes,
            IdxFile::Shaped { axes, rank, missing, values } => {
                let axes = &axes[..usize::from(rank % 4)];
                let mut bytes = vec![0, 0, 8, axes.len() as u8];
                bytes.extend(axes.iter().flat_map(|&axis| u32::from(axis % 8).to_be_bytes()));
                let count = axes.iter().map(|&axis| usize::from(axis % 8)).product();
                bytes.extend(values.into_iter().cycle().take(count));
                bytes.truncate(bytes.len().saturating_sub(usize::from(missing.saturating_sub(250))));
                bytes
            }
        }
    }
}
