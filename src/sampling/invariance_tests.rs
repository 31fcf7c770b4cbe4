//! Every kernel leaves its target unchanged: by its transition matrix, by enumeration, by draws that start in the target,
//! and by Geweke's joint test.

use super::chi_squared::{chi_squared, chi_squared_quantile};
use super::diagnostics::mcse_mean;
use super::metropolis::acceptance;
use super::targets::normal_distribution;
use super::*;
use crate::random::{Seed, Stream};
use rand::RngExt;

/// Sixteen such tests together fail once in 10⁵ runs.
const ALPHA: f64 = 1e-5 / 16.0;

/// Six states, given by their number.
struct Grid;

const PI: [f64; 6] = [0.05, 0.3, 0.1, 0.25, 0.02, 0.28];

impl LogDensity for Grid {
    fn dimension(&self) -> usize {
        1
    }
    fn log_density(&self, x: &[f64]) -> Result<f64, DensityError> {
        Ok((7.0 * PI[x[0] as usize]).ln())
    }
}

/// Q[from][to]: asymmetric, and never the state itself from state 0.
#[derive(Clone)]
struct Matrix;

impl Matrix {
    fn row(from: usize) -> [f64; 6] {
        let mut row: [f64; 6] = std::array::from_fn(|to| 1.0 + ((3 * from + 5 * to + from * to) % 7) as f64);
        if from == 0 {
            row[0] = 0.0;
        }
        let total: f64 = row.iter().sum();
        row.map(|weight| weight / total)
    }
}

impl Proposal for Matrix {
    fn propose(&self, from: &[f64], to: &mut [f64], stream: &mut Stream) -> Result<f64, DensityError> {
        let from = from[0] as usize;
        let there = Categorical::new(&Matrix::row(from)).expect("a row of probabilities").draw(stream);
        to[0] = there as f64;
        Ok((Matrix::row(there)[from] / Matrix::row(from)[there]).ln())
    }
}

/// The transition matrix of Metropolis–Hastings with [`Matrix`], by the acceptance that the chain itself uses.
fn transition_matrix() -> [[f64; 6]; 6] {
    std::array::from_fn(|from| {
        let row = Matrix::row(from);
        let mut transition: [f64; 6] = std::array::from_fn(|to| {
            let log_hastings = (Matrix::row(to)[from] / row[to]).ln();
            let at = |state: usize| Grid.log_density(&[state as f64]).unwrap();
            if to == from || row[to] == 0.0 { 0.0 } else { row[to] * acceptance(at(from), at(to), log_hastings) }
        });
        transition[from] = 1.0 - transition.iter().sum::<f64>();
        transition
    })
}

/// Where a chain ends that starts at `start` and moves `steps` steps.
fn walk<T, K: MarkovKernel<T>>(
    kernel: &K,
    target: &T,
    start: &[f64],
    steps: usize,
    step: &mut Step<'_>,
) -> K::Chain {
    let mut chain = kernel.begin(target, start, step).unwrap();
    for _ in 0..steps {
        chain.step(target, step).unwrap();
    }
    chain
}

#[test]
fn the_transition_matrix_is_in_detailed_balance_and_leaves_the_target_unchanged() {
    let matrix = transition_matrix();
    for to in 0..6 {
        let arrives: f64 = (0..6).map(|from| PI[from] * matrix[from][to]).sum();
        assert!((arrives - PI[to]).abs() < 1e-15, "{to}: {arrives}");
        for from in 0..6 {
            assert!((PI[from] * matrix[from][to] - PI[to] * matrix[to][from]).abs() < 1e-15);
        }
    }
    // And it is the chain's own: 40,000 single steps from each state.
    let mut stream = Seed(10).stream("single steps", 0);
    let mut step = Step::first(&mut stream, 0);
    for from in 0..6 {
        let mut counts = [0; 6];
        for _ in 0..40_000 {
            let chain = walk(&Metropolis::new(Matrix), &Grid, &[from as f64], 1, &mut step);
            counts[Chain::<Grid>::position(&chain)[0] as usize] += 1;
        }
        let (statistic, _) = chi_squared(&counts, &matrix[from]);
        assert!(
            statistic < chi_squared_quantile(5.0, ALPHA),
            "from {from}: {statistic} {counts:?} {:?}",
            matrix[from]
        );
    }
}

/// Six states on a line, neighbours proposed; the ends propose staying.
#[derive(Clone)]
struct Neighbour;

impl Proposal for Neighbour {
    fn propose(&self, from: &[f64], to: &mut [f64], stream: &mut Stream) -> Result<f64, DensityError> {
        let step = if stream.random::<bool>() { 1.0 } else { -1.0 };
        to[0] = (from[0] + step).clamp(0.0, 5.0);
        Ok(0.0)
    }
}

#[test]
fn tempered_chains_draw_from_the_target_by_enumeration() {
    // One draw a chain after 150 steps: the second eigenvalue of two steps of all 216 joint states is 0.851 (numpy), and
    // 0.851^75 = 6 · 10⁻⁶.
    let kernel = Tempering { kernel: Metropolis::new(Neighbour), inverse_temperatures: vec![1.0, 0.5, 0.1] };
    let mut stream = Seed(3).stream("tempered", 0);
    let (mut counts, mut step) = ([0; 6], Step::first(&mut stream, 0));
    let target = Tempered::whole(&Grid);
    for _ in 0..12_000 {
        let chain = walk(&kernel, &target, &[4.0], 150, &mut step);
        counts[chain.position()[0] as usize] += 1;
    }
    let (statistic, _) = chi_squared(&counts, &PI);
    assert!(statistic < chi_squared_quantile(5.0, ALPHA), "{statistic} {counts:?}");
}

/// x = −ln of a standard exponential (Gumbel's distribution, skewed), y ~ N(x, 1): drawn from, and in cells of equal mass.
struct Skewed;

impl Skewed {
    fn draw(stream: &mut Stream) -> [f64; 2] {
        let x = -(-(1.0 - stream.random::<f64>()).ln()).ln();
        [x, x + stream.normal()]
    }

    /// Which of 8 × 8 cells of mass 1/64.
    fn cell(point: &[f64]) -> usize {
        let bin = |u: f64| ((u * 8.0) as usize).min(7);
        8 * bin((-(-point[0]).exp()).exp()) + bin(normal_distribution(point[1] - point[0]))
    }
}

impl LogDensity for Skewed {
    fn dimension(&self) -> usize {
        2
    }
    fn log_density(&self, x: &[f64]) -> Result<f64, DensityError> {
        Ok(-x[0] - (-x[0]).exp() - 0.5 * (x[1] - x[0]).powi(2))
    }
}

impl GradientLogDensity for Skewed {
    fn log_density_and_gradient(&self, x: &[f64], gradient: &mut [f64]) -> Result<f64, DensityError> {
        gradient[1] = x[0] - x[1];
        gradient[0] = -1.0 + (-x[0]).exp() - gradient[1];
        self.log_density(x)
    }
}

impl Conditionals for Skewed {
    fn dimension(&self) -> usize {
        2
    }
    fn update(&self, block: usize, state: &mut [f64], stream: &mut Stream) -> Result<(), DensityError> {
        if block == 1 {
            state[1] = state[0] + stream.normal();
            return Ok(());
        }
        // p(x | y) ∝ p(x) N(y; x, 1): draws of p(x), taken in proportion to the likelihood.
        loop {
            let [x, _] = Skewed::draw(stream);
            if stream.random::<f64>() < (-0.5 * (state[1] - x).powi(2)).exp() {
                state[0] = x;
                return Ok(());
            }
        }
    }
}

/// Two wide normals, drawn whole.
#[derive(Clone)]
struct Whole;

impl Sampler for Whole {
    type Point = Vec<f64>;
    fn draw(&self, stream: &mut Stream) -> Vec<f64> {
        let x = 1.0 + 2.0 * stream.normal();
        vec![x, x + 1.5 * stream.normal()]
    }
    fn log_density(&self, point: &Vec<f64>) -> f64 {
        -0.5 * ((point[0] - 1.0) / 2.0).powi(2) - 0.5 * ((point[1] - point[0]) / 1.5).powi(2)
    }
}

/// 64,000 chains start with a draw of the target and move a few steps, with step sizes that reject much: where they end
/// must be draws of the target still.
fn leaves_unchanged<K: MarkovKernel<Skewed>>(name: &str, kernel: K) {
    const CHAINS: usize = 64_000;
    let mut exact = Seed(20).stream("exact draws", 0);
    let mut stream = Seed(21).stream("chains", 0);
    let mut step = Step::first(&mut stream, 0);
    let (mut counts, mut moved) = ([0; 64], 0);
    for _ in 0..CHAINS {
        let start = Skewed::draw(&mut exact);
        let chain = walk(&kernel, &Skewed, &start, 4, &mut step);
        counts[Skewed::cell(chain.position())] += 1;
        moved += usize::from(chain.position() != start);
    }
    let (statistic, _) = chi_squared(&counts, &[1.0 / 64.0; 64]);
    println!("{name}: χ² = {statistic:.1} of 63 degrees, {moved} of {CHAINS} moved");
    assert!(moved > CHAINS / 2, "{name} hardly moves: {moved}");
    assert!(statistic < chi_squared_quantile(63.0, ALPHA), "{name}: {statistic}");
}

#[test]
fn kernels_leave_draws_of_the_target_draws_of_the_target() {
    let fixed = Tuning::Fixed;
    let langevin = Langevin { step: 1.1, tuning: fixed };
    let hamiltonian = |trajectory| Hamiltonian { step: 0.9, trajectory, mass: Mass::Unit, tuning: fixed };
    leaves_unchanged("random walk", Metropolis::new(RandomWalk::with_scales(&[1.0, 2.0])));
    leaves_unchanged("independence", Metropolis::new(Independence(Whole)));
    leaves_unchanged("Langevin", langevin.clone());
    leaves_unchanged("Hamiltonian, 3 steps", hamiltonian(Trajectory::Steps(3)));
    leaves_unchanged("Hamiltonian, jittered", hamiltonian(Trajectory::Jittered(2.0)));
    leaves_unchanged("cycle", Cycle(langevin, Metropolis::new(RandomWalk::new(1.0))));
    leaves_unchanged("Gibbs", Gibbs::default());
    leaves_unchanged("Gibbs at random", Gibbs { scan: Scan::Random });
}

#[test]
fn gibbs_chains_forget_where_they_start() {
    // Leaving π unchanged is not enough: all blocks must move.
    for scan in [Scan::Systematic, Scan::Random] {
        let run = Run { draws: 5000, seed: Seed(22), ..Run::default() };
        let draws = run.sample(&Gibbs { scan }, &Skewed, &[6.0, 7.0]).unwrap();
        // Gumbel's distribution has mean γ and variance π² / 6.
        let (mean, variance) = (0.577_215_664_901_532_9, std::f64::consts::PI.powi(2) / 6.0);
        for (component, variance) in [variance, variance + 1.0].into_iter().enumerate() {
            let found = draws.summary(component);
            assert!((found.mean - mean).abs() < 4.5 * found.mean_error, "{scan:?} {component}: {found}");
            assert!((found.sd - variance.sqrt()).abs() < 4.5 * found.sd_error, "{scan:?} {component}: {found}");
        }
    }
}

/// θ ~ N(0, 1), three y ~ N(θ, 1): θ given y.
struct Posterior([f64; 3]);

impl LogDensity for Posterior {
    fn dimension(&self) -> usize {
        1
    }
    fn log_density(&self, x: &[f64]) -> Result<f64, DensityError> {
        Ok(-0.5 * (x[0] * x[0] + self.0.iter().map(|y| (y - x[0]).powi(2)).sum::<f64>()))
    }
}

impl GradientLogDensity for Posterior {
    fn log_density_and_gradient(&self, x: &[f64], gradient: &mut [f64]) -> Result<f64, DensityError> {
        gradient[0] = self.0.iter().map(|y| y - x[0]).sum::<f64>() - x[0];
        self.log_density(x)
    }
}

#[test]
fn composed_kernels_pass_gewekes_joint_test() {
    // Geweke (2004): a step of the kernel on θ given y, then y anew given θ, has the joint distribution of prior and
    // likelihood, whose moments are known.
    let hamiltonian =
        Hamiltonian { step: 0.7, trajectory: Trajectory::Steps(2), mass: Mass::Unit, tuning: Tuning::Fixed };
    let kernel = Cycle(
        hamiltonian,
        Cycle(Langevin { step: 0.8, tuning: Tuning::Fixed }, Metropolis::new(RandomWalk::new(1.0))),
    );
    let mut functions: [Vec<Vec<f64>>; 5] = Default::default();
    for chain in 0..4 {
        let mut stream = Seed(30).stream("joint", chain);
        let theta = stream.normal();
        let mut target = Posterior(std::array::from_fn(|_| theta + stream.normal()));
        let mut own = Seed(31).stream("kernel", chain);
        let mut step = Step::first(&mut own, chain as usize);
        let mut under_way = kernel.begin(&target, &[theta], &mut step).unwrap();
        let mut draws: [Vec<f64>; 5] = Default::default();
        for _ in 0..30_000 {
            let theta = Chain::<Posterior>::position(&under_way)[0];
            target = Posterior(std::array::from_fn(|_| theta + stream.normal()));
            under_way.relocate(&target, &[theta], &mut step).unwrap();
            under_way.step(&target, &mut step).unwrap();
            let theta = Chain::<Posterior>::position(&under_way)[0];
            let mean = target.0.iter().sum::<f64>() / 3.0;
            let values = [theta, theta * theta - 1.0, mean, mean * mean - 4.0 / 3.0, theta * mean - 1.0];
            draws.iter_mut().zip(values).for_each(|(draws, value)| draws.push(value));
        }
        functions.iter_mut().zip(draws).for_each(|(function, draws)| function.push(draws));
    }
    for (which, chains) in functions.iter().enumerate() {
        let mean = chains.concat().iter().sum::<f64>() / 120_000.0;
        // 4.75 standard errors: two-sided α = 10⁻⁵ over five.
        assert!(mean.abs() < 4.75 * mcse_mean(chains).unwrap(), "function {which}: {mean}");
    }
}
