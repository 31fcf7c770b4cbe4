//! `helmholtz bench gemm`: the dense matrix product.

use super::timing::{Peak, check_sizes, seconds_of};
use crate::cli::{Failure, Globals, Report, Subcommand, Task};
use clap::Args;
use helmholtz::kernels::gemm::{Epilogue, MatrixRef, gemm};
use helmholtz::tensor::AlignedVec;

/// The product of two dense f32 matrices, [m, k] × [k, n]
#[derive(Args)]
pub struct Gemm {
    /// All three sizes, where they are not given one by one
    #[arg(long, default_value_t = 1024, value_name = "N")]
    size: usize,
    /// Rows of the product
    #[arg(short, long, value_name = "N")]
    m: Option<usize>,
    /// Columns of the product
    #[arg(short, long, value_name = "N")]
    n: Option<usize>,
    /// Depth of the sums
    #[arg(short, long, value_name = "N")]
    k: Option<usize>,
}

/// `bench gemm`.
pub const SUBCOMMAND: Subcommand = Subcommand::of::<Gemm>("gemm");

impl Task for Gemm {
    fn run(&self, _: &Globals) -> Result<Report, Failure> {
        let size = |given: Option<usize>| given.unwrap_or(self.size);
        let (m, n, k) = (size(self.m), size(self.n), size(self.k));
        let named = |name, given: Option<usize>| (if given.is_some() { name } else { "size" }, size(given));
        check_sizes(&[named("m", self.m), named("n", self.n), named("k", self.k)])?;
        let mut report = Report::new();
        let peak = Peak::measure(&mut report);
        let pattern = |length: usize| -> AlignedVec<f32> { (0..length).map(|i| (i % 17) as f32 - 8.0).collect() };
        let (a, b) = (pattern(m * k), pattern(k * n));
        let mut c = AlignedVec::zeroed(m * n);
        let seconds = seconds_of(|| {
            gemm(MatrixRef::row_major(&a, m, k), MatrixRef::row_major(&b, k, n), &mut c, Epilogue::default());
        });
        let macs = m as f64 * n as f64 * k as f64 / seconds;
        report.line(format!("matrix product  [{m}, {k}] × [{k}, {n}], f32"));
        report.line(format!(
            "speed           {:.1} GMAC/s, {:.2} × the FMA peak",
            1e-9 * macs,
            peak.fraction(macs)
        ));
        report.figure("m", m);
        report.figure("n", n);
        report.figure("k", k);
        peak.figures(macs, &mut report);
        Ok(report)
    }
}
