//! `helmholtz bench random`: fills of random numbers, one stream a thread.

use super::timing::{Peak, check_sizes, seconds_of};
use crate::cli::{Failure, Globals, Report, Subcommand, Task};
use clap::Args;
use helmholtz::random::Lanes;
use rayon::prelude::*;

/// Random numbers: words, uniform, normal, Bernoulli
#[derive(Args)]
pub struct Random {
    /// Numbers of a fill
    #[arg(long, default_value_t = 65_536, value_name = "N")]
    count: usize,
}

struct Fill {
    key: &'static str,
    name: &'static str,
    fill: fn(&mut Lanes, &mut Buffers),
}

struct Buffers {
    words: Vec<u32>,
    floats: Vec<f32>,
    bits: Vec<u32>,
}

const FILLS: [Fill; 4] = [
    Fill { key: "words_per_second", name: "words", fill: |lanes, buffers| lanes.fill_words(&mut buffers.words) },
    Fill {
        key: "uniform_per_second",
        name: "uniform",
        fill: |lanes, buffers| lanes.fill_uniform(&mut buffers.floats),
    },
    Fill {
        key: "normal_per_second",
        name: "normal",
        fill: |lanes, buffers| lanes.fill_normal(&mut buffers.floats),
    },
    Fill {
        key: "bernoulli_per_second",
        name: "Bernoulli bits",
        fill: |lanes, buffers| lanes.fill_bernoulli(0.3, &mut buffers.bits),
    },
];

/// `bench random`.
pub const SUBCOMMAND: Subcommand = Subcommand::of::<Random>("random");

impl Task for Random {
    fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        check_sizes(&[("count", self.count)])?;
        let mut report = Report::new();
        Peak::measure(&mut report);
        let threads = rayon::current_num_threads();
        let mut states: Vec<(Lanes, Buffers)> = (0..threads as u64)
            .map(|thread| {
                let buffers = Buffers {
                    words: vec![0; self.count],
                    floats: vec![0.0; self.count],
                    bits: vec![0; self.count.div_ceil(32)],
                };
                (globals.seed().lanes("bench random", thread), buffers)
            })
            .collect();
        report.figure("count", self.count);
        for Fill { key, name, fill } in FILLS {
            // Sixteen fills a task: waking a thread is then a small part.
            const REPEATED: usize = 16;
            let seconds = seconds_of(|| {
                states
                    .par_iter_mut()
                    .for_each(|(lanes, buffers)| (0..REPEATED).for_each(|_| fill(lanes, buffers)));
            });
            let rate = (threads * REPEATED * self.count) as f64 / seconds;
            report.line(format!("{name:<15} {:.2} G/s", rate / 1e9));
            report.figure(key, rate);
        }
        Ok(report)
    }
}
