//! The hot loops, each with the limit it is held against.

use crate::limits::{Limit, Limits};
use helmholtz::Seed;
use helmholtz::data::{Batches, Binarization, Dataset};
use helmholtz::kernels::gemm::{Epilogue, MatrixRef, gemm};
use helmholtz::kernels::{elementwise, reduce};
use helmholtz::random::Lanes;
use helmholtz::rbm::{Method, Rbm, RbmTrainer, Recipe};
use helmholtz::tensor::AlignedVec;
use helmholtz::train::{Batch, Learner, Progress, Training};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// How long a loop runs each turn.
const TURN: Duration = Duration::from_millis(120);

/// A hot loop and the fastest it was seen.
pub struct Loop {
    pub name: &'static str,
    pub limit: Limit,
    /// What it produces, as its users count it.
    pub item: &'static str,
    /// Items of a call.
    items: f64,
    /// What a call takes of its limit: multiply-adds, lane operations or bytes.
    work: f64,
    call: Box<dyn FnMut() + Send>,
    /// Of one call.
    best_seconds: f64,
}

impl Loop {
    fn new(
        name: &'static str,
        limit: Limit,
        (work, items, item): (f64, f64, &'static str),
        call: impl FnMut() + Send + 'static,
    ) -> Self {
        Loop { name, limit, item, items, work, call: Box::new(call), best_seconds: f64::INFINITY }
    }

    /// One turn, inside the pool, as training and sampling run.
    pub fn measure(&mut self) {
        let turn = || {
            let mut calls = 1u32;
            loop {
                let begun = Instant::now();
                (0..calls).for_each(|_| (self.call)());
                let taken = begun.elapsed();
                self.best_seconds = self.best_seconds.min(taken.as_secs_f64() / f64::from(calls));
                if taken >= TURN / 2 {
                    return;
                }
                let factor = (TURN.as_secs_f64() / taken.as_secs_f64().max(1e-9)).clamp(2.0, 1e4);
                calls = (f64::from(calls) * factor).min(1e9) as u32;
            }
        };
        rayon::join(turn, || ());
    }

    pub fn fraction(&self, limits: &Limits) -> f64 {
        self.work / self.best_seconds / limits.of(self.limit)
    }

    pub fn items_per_second(&self) -> f64 {
        self.items / self.best_seconds
    }

    /// The rate for people: "123.4 M updates/s".
    pub fn rate(&self) -> String {
        let rate = self.items_per_second();
        match rate {
            1e9.. => format!("{:.2} G {}/s", rate / 1e9, self.item),
            1e6.. => format!("{:.1} M {}/s", rate / 1e6, self.item),
            _ => format!("{rate:.0} {}/s", self.item),
        }
    }
}

/// All hot loops.
pub fn all() -> Vec<Loop> {
    let mut loops = vec![
        product("gemm-1024x1024x1024", [1024, 1024, 1024]),
        product("gemm-128x784x512", [128, 784, 512]),
        gibbs("gibbs-784x500-1024", [784, 500], 1024),
        gibbs("gibbs-784x500-128", [784, 500], 128),
        gibbs("gibbs-784x500-16", [784, 500], 16),
        gibbs("gibbs-1024x1024-1024", [1024, 1024], 1024),
        gibbs("gibbs-2048x1024-1024", [2048, 1024], 1024),
        gibbs("gibbs-64x256-1024", [64, 256], 1024),
        pcd("pcd-binary", 1, Binarization::Threshold),
        pcd("pcd-sampled", 255, Binarization::Sample),
        pcd("pcd-grey", 255, Binarization::None),
    ];
    loops.extend(rows_of_a_batch());
    loops.extend(fills());
    loops.extend(functions());
    loops
}

fn product(name: &'static str, [m, k, n]: [usize; 3]) -> Loop {
    let pattern = |length: usize| -> AlignedVec<f32> { (0..length).map(|i| (i % 17) as f32 - 8.0).collect() };
    let (a, b, mut c) = (pattern(m * k), pattern(k * n), AlignedVec::zeroed(m * n));
    let macs = (m * k * n) as f64;
    Loop::new(name, Limit::Fma, (macs, 2.0 * macs, "FLOP"), move || {
        gemm(MatrixRef::row_major(&a, m, k), MatrixRef::row_major(&b, k, n), &mut c, Epilogue::default());
    })
}

/// Sweeps of one call: building the tables of the weights is a small part, as it is in sampling.
const SWEEPS: usize = 25;

fn gibbs(name: &'static str, [visible, hidden]: [usize; 2], count: usize) -> Loop {
    let rbm = Rbm::new(visible, hidden, Seed(1));
    let mut chains = rbm.chains(count, Seed(2));
    let macs = (2 * visible * hidden * count * SWEEPS) as f64;
    let updates = ((visible + hidden) * count * SWEEPS) as f64;
    Loop::new(name, Limit::Fma, (macs, updates, "updates"), move || chains.gibbs(&rbm, SWEEPS))
}

const VISIBLE: usize = 784;
const HIDDEN: usize = 500;
const BATCH: usize = 128;
const ROWS: usize = 4096;

/// A step of PCD-1: five matrix products.
fn pcd(name: &'static str, scale: u8, binarization: Binarization) -> Loop {
    let mut words = vec![0; ROWS * VISIBLE];
    Seed(1).lanes("guard", 0).fill_words(&mut words);
    let levels: Vec<u8> = words.iter().map(|word| (word >> 24) as u8 & scale).collect();
    let data = Dataset::from_u8(levels, &[ROWS, VISIBLE], scale).expect("levels up to the scale");
    let data = data.binarized(binarization);
    let training = Training { batch: BATCH, ..Training::default() };
    let recipe = Recipe { method: Method::Pcd { k: 1 }, ..Recipe::default() };
    let mut trainer =
        RbmTrainer::new(Rbm::new(VISIBLE, HIDDEN, Seed(1)), recipe, &data, &training).expect("a good recipe");
    let batches = Batches::new(ROWS, BATCH, Seed(1));
    // The schedule stands still: every step is the first of many.
    let progress = Progress { steps: u64::MAX, ..Progress::default() };
    let (mut rows, mut step) = ([0; BATCH], 0);
    let macs = (5 * VISIBLE * HIDDEN * BATCH) as f64;
    Loop::new(name, Limit::Fma, (macs, BATCH as f64, "samples"), move || {
        batches.fill(step, &mut rows);
        step += 1;
        trainer.step(&Batch { data: &data, rows: &rows }, &progress).expect("finite numbers");
    })
}

/// What evaluation does with a thousand rows.
fn rows_of_a_batch() -> [Loop; 2] {
    const COUNT: usize = 1024;
    let rbm = Rbm::new(VISIBLE, HIDDEN, Seed(1));
    let rows = rbm.chains(COUNT, Seed(2)).visible().clone();
    let work = ((VISIBLE * HIDDEN * COUNT) as f64, COUNT as f64, "rows");
    let (other_rbm, other_rows) = (rbm.clone(), rows.clone());
    [
        Loop::new("mean-hidden-784x500", Limit::Fma, work, move || {
            black_box(rbm.mean_hidden(&rows));
        }),
        Loop::new("free-energy-784x500", Limit::Fma, work, move || {
            black_box(other_rbm.free_energy(&other_rows));
        }),
    ]
}

/// Numbers of a fill: 64 KB of floats.
const FILL: usize = 16_384;

fn fills() -> [Loop; 3] {
    fn fill(name: &'static str, mut call: impl FnMut(&mut Lanes) + Send + 'static) -> Loop {
        let mut lanes = Seed(1).lanes(name, 0);
        Loop::new(name, Limit::FmaOneCore, (FILL as f64, FILL as f64, "draws"), move || call(&mut lanes))
    }
    let (mut uniform, mut normal, mut bits) = (vec![0.0f32; FILL], vec![0.0f32; FILL], vec![0u32; FILL / 32]);
    [
        fill("fill-uniform", move |lanes| lanes.fill_uniform(&mut uniform)),
        fill("fill-normal", move |lanes| lanes.fill_normal(&mut normal)),
        fill("fill-bernoulli", move |lanes| lanes.fill_bernoulli(0.3, &mut bits)),
    ]
}

fn functions() -> Vec<Loop> {
    fn function(
        name: &'static str,
        limit: Limit,
        count: usize,
        work: f64,
        function: fn(&[f32], &mut [f32]),
    ) -> Loop {
        let source: AlignedVec<f32> = (0..count).map(|i| 0.001 + (i % 97) as f32 / 20.0).collect();
        let mut out = AlignedVec::zeroed(count);
        let count = count as f64;
        Loop::new(name, limit, (work * count, count, "values"), move || function(black_box(&source), &mut out))
    }
    /// From a core's own cache: 16 KB.
    const CACHED: usize = 4096;
    /// From memory: 64 MB, read and written.
    const LARGE: usize = 16 << 20;
    let cached = |name, call| function(name, Limit::FmaOneCore, CACHED, 1.0, call);
    let large: AlignedVec<f32> = (0..LARGE).map(|i| (i % 97) as f32).collect();
    vec![
        cached("exp-cached", elementwise::exp_into),
        cached("ln-cached", elementwise::ln_into),
        cached("sigmoid-cached", elementwise::sigmoid_into),
        cached("tanh-cached", elementwise::tanh_into),
        cached("softplus-cached", elementwise::softplus_into),
        function("sigmoid-memory", Limit::CopyOneCore, LARGE, 8.0, elementwise::sigmoid_into),
        Loop::new("sum-memory", Limit::Read, (4.0 * LARGE as f64, LARGE as f64, "values"), move || {
            black_box(reduce::sum(&large));
        }),
    ]
}
