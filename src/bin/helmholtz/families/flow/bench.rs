//! `helmholtz bench flow`: training steps, log-densities and draws of a flow.

use crate::bench::{Peak, check_sizes, seconds_of, time_steps};
use crate::cli::{Failure, Globals, Report, Task};
use clap::{Args, ValueEnum};
use helmholtz::Seed;
use helmholtz::data::Dataset;
use helmholtz::flow::{Flow, FlowConfig, FlowRecipe, FlowTrainer, Mixing, Structure, TransformKind};
use helmholtz::train::{Trainer, Training};

/// Training a flow by Adam on normal rows, their log-densities, and draws
#[derive(Args)]
pub struct Bench {
    /// The model
    #[arg(long, value_enum, default_value_t = Shape::Realnvp, value_name = "SHAPE")]
    shape: Shape,
    /// Examples of an update [default: 256, of spline 512, of maf 100]
    #[arg(long, value_name = "N")]
    batch: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Shape {
    /// 2 values a row, 8 affine couplings of 64-64 (Dinh et al. 2017)
    Realnvp,
    /// 6 values a row, 10 spline couplings of 256-256 with 8 bins (Durkan et al. 2019)
    Spline,
    /// 784 values a row, 5 masked affine autoregressive layers of 1024 (Papamakarios et al. 2017)
    Maf,
}

/// Rows of random data.
const ROWS: usize = 8192;

impl Shape {
    fn config(self) -> FlowConfig {
        match self {
            Shape::Realnvp => FlowConfig {
                transform: TransformKind::Affine,
                layers: 8,
                hidden: vec![64, 64],
                mixing: Mixing::Reverse,
                ..FlowConfig::new(2)
            },
            Shape::Spline => FlowConfig {
                layers: 10,
                hidden: vec![256, 256],
                mixing: Mixing::Permutation,
                ..FlowConfig::new(6)
            },
            Shape::Maf => FlowConfig {
                structure: Structure::Autoregressive,
                transform: TransformKind::Affine,
                layers: 5,
                hidden: vec![1024],
                mixing: Mixing::Reverse,
                ..FlowConfig::new(784)
            },
        }
    }

    fn batch(self) -> usize {
        match self {
            Shape::Realnvp => 256,
            Shape::Spline => 512,
            Shape::Maf => 100,
        }
    }

    /// Rows of a density, and draws.
    fn rows(self) -> usize {
        if self == Shape::Maf { 1024 } else { ROWS }
    }

    /// The multiply-adds of a row's forward pass, of nothing that a mask makes zero.
    fn macs(self) -> usize {
        match self {
            Shape::Realnvp => 8 * (64 + 64 * 64 + 64 * 2),
            Shape::Spline => 10 * (3 * 256 + 256 * 256 + 256 * 3 * 23),
            Shape::Maf => 5 * (784 * 1024 + 1024 * 2 * 784) / 2,
        }
    }
}

impl Task for Bench {
    fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        let (config, seed) = (self.shape.config(), globals.seed());
        let batch = self.batch.unwrap_or(self.shape.batch());
        check_sizes(&[("batch", batch)])?;
        let data = rows(config.width, seed)?;
        let mut report = Report::new();
        let peak = Peak::measure(&mut report);
        let training = Training { batch, seed, ..Training::default() };
        let words = super::report::words(&config);
        let mut trainer = FlowTrainer::new(Flow::new(config, seed)?, &FlowRecipe::default(), &data, &training)?;
        report.line(format!("flow            {words}, batch {batch}"));
        let macs = self.shape.macs() as f64;
        time_steps(&mut trainer, &data, batch, 3.0 * macs * batch as f64, seed, &peak, &mut report)?;
        let (flow, count, width) = (trainer.last(), self.shape.rows(), data.width());
        let mut values = vec![0.0; count * width];
        values.chunks_exact_mut(width).enumerate().for_each(|(row, values)| data.row_into(row, values));
        let mut rate = |what: &str, key: &str, work: &(dyn Fn() -> Result<(), Failure> + Sync)| {
            let mut failed = None;
            // Inside the pool, as for training.
            let seconds = rayon::join(|| seconds_of(|| failed = work().err()), || ()).0;
            failed.map_or(Ok(()), Err)?;
            let rate = count as f64 / seconds;
            report.line(format!("{what:<15} {rate:.0} rows/s, {count} at a time"));
            report.figure(key, rate);
            Ok::<(), Failure>(())
        };
        rate("density", "densities_per_second", &|| Ok(flow.log_densities(&values, &[]).map(|_| ())?))?;
        rate("draws", "draws_per_second", &|| Ok(flow.sample(count, seed).map(|_| ())?))?;
        Ok(report)
    }
}

/// Independent normal numbers.
fn rows(width: usize, seed: Seed) -> Result<Dataset<'static>, Failure> {
    let mut values = vec![0.0; ROWS * width];
    seed.lanes("bench flow", 0).fill_normal(&mut values);
    Ok(Dataset::from_real(values, &[ROWS, width])?)
}
