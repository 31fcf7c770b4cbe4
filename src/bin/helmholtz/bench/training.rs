//! Training steps, as any family's bench times them.

use super::timing::{Peak, seconds_of};
use crate::cli::{Failure, Report};
use helmholtz::Seed;
use helmholtz::data::{Batches, Binarization, Dataset};
use helmholtz::train::{Batch, Learner, Progress};

/// Rows of random data.
pub const ROWS: usize = 4096;

/// The levels of random data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Levels {
    /// 0 and 1.
    Bits,
    /// Grey levels that stay grey.
    Grey,
}

/// [`ROWS`] random rows of `width` levels, from the stream `name`.
pub fn random_rows(levels: Levels, width: usize, name: &str, seed: Seed) -> Result<Dataset<'static>, Failure> {
    let mut words = vec![0u32; ROWS * width];
    seed.lanes(name, 0).fill_words(&mut words);
    let (mask, scale) = if levels == Levels::Grey { (0xff, u8::MAX) } else { (1, 1) };
    let values: Vec<u8> = words.iter().map(|word| (word & mask) as u8).collect();
    let data = Dataset::from_u8(values, &[ROWS, width], scale)?;
    Ok(if levels == Levels::Grey { data.binarized(Binarization::None) } else { data })
}

/// Times steps of `batch` rows and reports their rate; `macs` are the multiply-adds of a step.
pub fn time_steps(
    learner: &mut impl Learner,
    data: &Dataset<'_>,
    batch: usize,
    macs: f64,
    seed: Seed,
    peak: &Peak,
    report: &mut Report,
) -> Result<(), Failure> {
    let batches = Batches::new(data.len(), batch, seed);
    let mut rows = vec![0; batch];
    // The schedule stands still: every step is the first of many.
    let progress = Progress { steps: u64::MAX, ..Progress::default() };
    let mut step = 0;
    let mut failed = None;
    let timed = || {
        seconds_of(|| {
            batches.fill(step, &mut rows);
            step += 1;
            failed = learner.step(&Batch { data, rows: &rows }, &progress).err().or(failed.take());
        })
    };
    // Inside the pool, as training runs: from outside, every step would wait for a thread to wake.
    let seconds = rayon::join(timed, || ()).0;
    if let Some(error) = failed {
        return Err(error.into());
    }
    let (examples, steps) = (batch as f64 / seconds, 1.0 / seconds);
    report.line(format!("training        {examples:.0} samples/s, {steps:.1} steps/s"));
    report.figure("batch", batch);
    report.figure("samples_per_second", examples);
    report.figure("steps_per_second", steps);
    peak.report(macs / seconds, report);
    Ok(())
}
