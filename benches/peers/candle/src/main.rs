//! Block Gibbs sweeps with candle, for `benches/peers/run.py`: `candle-gibbs VISIBLE HIDDEN CHAINS` prints a line of
//! JSON with the median seconds of a sweep: two matrix products, two sigmoids, two Bernoulli draws, in f32.

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::ops::sigmoid;
use std::time::{Duration, Instant};

/// Sweeps of one call, as the other peers have it.
const REPEAT: usize = 20;
const MEASURE: Duration = Duration::from_secs(2);

/// 1 with the probabilities σ(`logits`).
fn draw(logits: &Tensor) -> Result<Tensor> {
    let uniform = Tensor::rand(0f32, 1f32, logits.shape(), logits.device())?;
    uniform.lt(&sigmoid(logits)?)?.to_dtype(DType::F32)
}

fn main() -> Result<()> {
    let sizes: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let [visible, hidden, chains] = sizes[..] else {
        candle_core::bail!("usage: candle-gibbs VISIBLE HIDDEN CHAINS");
    };
    let device = Device::Cpu;
    let w = Tensor::randn(0f32, 0.01f32, (visible, hidden), &device)?;
    let wt = w.t()?.contiguous()?;
    let (a, b) = (Tensor::zeros(visible, DType::F32, &device)?, Tensor::zeros(hidden, DType::F32, &device)?);
    let mut v = draw(&Tensor::zeros((chains, visible), DType::F32, &device)?)?;
    let mut sweeps = || -> Result<Duration> {
        let begun = Instant::now();
        for _ in 0..REPEAT {
            let h = draw(&v.matmul(&w)?.broadcast_add(&b)?)?;
            v = draw(&h.matmul(&wt)?.broadcast_add(&a)?)?;
        }
        Ok(begun.elapsed())
    };
    sweeps()?;
    let mut times = Vec::new();
    let begun = Instant::now();
    while times.len() < 5 || begun.elapsed() < MEASURE {
        times.push(sweeps()?);
    }
    times.sort();
    let seconds = times[times.len() / 2].as_secs_f64() / REPEAT as f64;
    println!(r#"{{"seconds":{seconds:e},"version":"0.11"}}"#);
    Ok(())
}
