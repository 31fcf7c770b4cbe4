//! How long work takes, against the machine's own multiply-add peak.

use crate::cli::{Failure, Report, counted, size};
use helmholtz::kernels::peak::fma_peak_macs_per_second;
use helmholtz::simd::Isa;
use std::time::{Duration, Instant};

/// The best of some trials of the time `work` takes, in seconds: work is repeated until a trial takes a fifth of a
/// second, and there are trials for about two.
pub fn seconds_of(mut work: impl FnMut()) -> f64 {
    const TRIAL: Duration = Duration::from_millis(200);
    const TRIALS: usize = 8;
    work();
    let mut repetitions = 1u32;
    loop {
        let begun = Instant::now();
        (0..repetitions).for_each(|_| work());
        let taken = begun.elapsed();
        if taken >= TRIAL {
            break;
        }
        let factor = (TRIAL.as_secs_f64() / taken.as_secs_f64().max(1e-9) * 1.1).clamp(2.0, 1e4);
        repetitions = (f64::from(repetitions) * factor).min(1e9) as u32;
    }
    let trial = || {
        let begun = Instant::now();
        (0..repetitions).for_each(|_| work());
        begun.elapsed().as_secs_f64() / f64::from(repetitions)
    };
    std::iter::repeat_with(trial).take(TRIALS).fold(f64::INFINITY, f64::min)
}

/// The machine at its best, as it was measured before a bench.
pub struct Peak {
    macs_per_second: f64,
}

impl Peak {
    /// Measures it, and reports instruction set, threads and the peak.
    pub fn measure(report: &mut Report) -> Self {
        let threads = rayon::current_num_threads();
        let peak = threads as f64 * fma_peak_macs_per_second();
        let (isa, counted) = (Isa::current(), counted(threads, "thread"));
        report.line(format!("machine         {counted}, {isa}, FMA peak {:.1} GMAC/s", peak / 1e9));
        report.figure("isa", isa.to_string());
        report.figure("threads", threads);
        report.figure("peak_macs_per_second", peak);
        Peak { macs_per_second: peak }
    }

    /// The part of the peak that a rate is.
    pub fn fraction(&self, macs_per_second: f64) -> f64 {
        macs_per_second / self.macs_per_second
    }

    /// Reports a rate of multiply-adds in figures.
    pub fn figures(&self, macs_per_second: f64, report: &mut Report) {
        report.figure("macs_per_second", macs_per_second);
        report.figure("flops_per_second", 2.0 * macs_per_second);
        report.figure("peak_fraction", self.fraction(macs_per_second));
    }

    /// Reports a rate of multiply-adds, in words and in figures.
    pub fn report(&self, macs_per_second: f64, report: &mut Report) {
        let (rate, fraction) = (macs_per_second / 1e9, self.fraction(macs_per_second));
        report.line(format!("multiply-adds   {rate:.1} GMAC/s, {fraction:.2} × the FMA peak"));
        self.figures(macs_per_second, report);
    }
}

/// Refuses a size of zero, and two whose product is too large for a bench.
pub fn check_sizes(sizes: &[(&str, usize)]) -> Result<(), Failure> {
    for (index, size) in sizes.iter().enumerate() {
        size::check_product(&[*size], 1)?;
        for other in &sizes[index + 1..] {
            size::check_product(&[*size, *other], 1)?;
        }
    }
    Ok(())
}
