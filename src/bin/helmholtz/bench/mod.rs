//! `helmholtz bench`: how fast this machine is, against its own multiply-add peak measured in the same run.

mod gemm;
mod gibbs;
mod random;
mod rbm;
mod vae;

use crate::console::Report;
use crate::counted::counted;
use crate::failure::Failure;
use crate::globals::Globals;
use clap::{Args, Subcommand};
use helmholtz::kernels::peak::fma_peak_macs_per_second;
use helmholtz::simd::Isa;
use std::time::{Duration, Instant};

/// Measure this machine: samplers, training, matrix products, random numbers
#[derive(Args)]
#[command(after_help = "\
The peak is that of the multiply-add (FMA) units: threads times the rate of one core that touches
nothing but registers, measured in the same run. A sampler that looks sums up instead of
multiplying can pass it.

Examples:
  helmholtz bench gibbs --visible 784 --hidden 500 --chains 1024
  helmholtz bench rbm --threads 1
  helmholtz bench vae --architecture burda --importance-samples 50 --batch 100
  helmholtz bench gemm --size 1024 --json")]
pub struct Bench {
    #[command(subcommand)]
    subject: Subject,
}

#[derive(Subcommand)]
enum Subject {
    Gibbs(gibbs::Gibbs),
    Rbm(rbm::Rbm),
    Vae(vae::Vae),
    Gemm(gemm::Gemm),
    Random(random::Random),
}

impl Bench {
    /// Measures and reports.
    pub fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        match &self.subject {
            Subject::Gibbs(bench) => bench.run(globals),
            Subject::Rbm(bench) => bench.run(globals),
            Subject::Vae(bench) => bench.run(globals),
            Subject::Gemm(bench) => bench.run(),
            Subject::Random(bench) => bench.run(globals),
        }
    }
}

/// The best of some trials of the time `work` takes, in seconds: work is repeated until a trial takes a fifth of a
/// second, and there are trials for about two.
fn seconds_of(mut work: impl FnMut()) -> f64 {
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

/// What every bench reports: instruction set, threads and the peak in multiply-adds a second.
fn begin(report: &mut Report) -> f64 {
    let threads = rayon::current_num_threads();
    let peak = threads as f64 * fma_peak_macs_per_second();
    report.line(format!(
        "machine         {}, {}, FMA peak {:.1} GMAC/s",
        counted(threads, "thread"),
        Isa::current(),
        peak / 1e9
    ));
    report.figure("isa", Isa::current().to_string());
    report.figure("threads", threads);
    report.figure("peak_macs_per_second", peak);
    peak
}

/// Refuses a size of zero, and two whose product is too large for a bench.
fn check_sizes(sizes: &[(&str, usize)]) -> Result<(), Failure> {
    for (index, size) in sizes.iter().enumerate() {
        crate::size::check_product(&[*size], 1)?;
        for other in &sizes[index + 1..] {
            crate::size::check_product(&[*size, *other], 1)?;
        }
    }
    Ok(())
}
