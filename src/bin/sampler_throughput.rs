//! How fast does block Gibbs sampling go here, against the multiply-add peak of this machine?
//!
//! `cargo run --release --bin sampler_throughput [VISIBLE HIDDEN CHAINS]`

use helmholtz::Seed;
use helmholtz::kernels::peak::fma_peak_macs_per_second;
use helmholtz::rbm::Rbm;
use std::time::Instant;

const SWEEPS: usize = 100;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sizes = std::env::args().skip(1).map(|argument| argument.parse()).collect::<Result<Vec<usize>, _>>()?;
    let [visible, hidden, chains] = sizes[..].try_into().unwrap_or([784, 500, 1024]);

    let rbm = Rbm::new(visible, hidden, Seed(1));
    let mut state = rbm.chains(chains, Seed(2));
    state.gibbs(&rbm, SWEEPS); // tables, caches and threads warm up

    let begun = Instant::now();
    state.gibbs(&rbm, SWEEPS);
    let sweeps_per_second = SWEEPS as f64 / begun.elapsed().as_secs_f64();

    // A sweep draws every unit of every chain once, and needs two products of states and weights for it.
    let updates = ((visible + hidden) * chains) as f64 * sweeps_per_second;
    let multiply_adds = 2.0 * (visible * hidden * chains) as f64 * sweeps_per_second;
    let threads = rayon::current_num_threads();
    let peak = threads as f64 * fma_peak_macs_per_second();

    println!("{visible} visible × {hidden} hidden units, {chains} chains, {threads} threads");
    println!("{sweeps_per_second:10.1} sweeps/s of all chains");
    println!("{:10.1} million neuron updates/s", updates / 1e6);
    println!("{:10.1} billion multiply-adds/s, {:.2} × the FMA peak", multiply_adds / 1e9, multiply_adds / peak);
    Ok(())
}
