//! Examples from latent variables, and latent variables from examples.

use super::objective::X;
use super::{Likelihood, Vae, VaeError};
use crate::autodiff::Program;
use crate::kernels::elementwise;
use crate::random::{Seed, Streams};
use rayon::prelude::*;

/// Rows at a time.
const BATCH: usize = 256;

/// The part of p(x | z) that is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Observation {
    /// Its mean: grey levels for bits.
    #[default]
    Mean,
    /// A draw from it.
    Drawn,
}

/// The parameters of q(z | x) of some examples.
#[derive(Clone, Debug, PartialEq)]
pub struct Codes {
    /// μ `[rows, latent]`; of an inverse autoregressive flow, where its steps take μ.
    pub means: Vec<f32>,
    /// s = ln σ² `[rows, latent]`, of the normal distribution that steps begin with where there are some.
    pub log_variances: Vec<f32>,
}

/// Runs `program` over all rows of `input`, `width` wide, a batch at a time, and calls `each` after every batch with the
/// program and the number of rows that are no padding.
fn in_batches(
    vae: &Vae,
    program: &mut Program,
    input: &[f32],
    width: usize,
    mut each: impl FnMut(&Program, usize),
) {
    for rows in input.chunks(BATCH * width) {
        program.input_mut(X)[..rows.len()].copy_from_slice(rows);
        program.evaluate(&vae.store);
        each(program, rows.len() / width);
    }
}

impl Vae {
    /// μ(x) and s(x) of examples x, `[rows, visible]`.
    ///
    /// # Panics
    /// Where `x` is no whole number of rows.
    #[track_caller]
    pub fn encode(&self, x: &[f32]) -> Codes {
        let (visible, latent) = (self.config.visible, self.config.latent);
        assert_eq!(x.len() % visible, 0, "{} values are no rows of {visible}", x.len());
        let mut program = Program::record(&self.store, |tape| {
            let q = self.network.encode(tape.input(X, [BATCH, visible]));
            tape.output("mean", self.network.after_steps(q.mean, &q).value);
            tape.output("log_variance", q.log_variance);
        });
        let mut codes = Codes { means: Vec::new(), log_variances: Vec::new() };
        in_batches(self, &mut program, x, visible, |program, rows| {
            codes.means.extend_from_slice(&program.output("mean")[..rows * latent]);
            codes.log_variances.extend_from_slice(&program.output("log_variance")[..rows * latent]);
        });
        codes
    }

    /// The mean of p(x | z) for latent variables z, `[rows, latent]`: `[rows, visible]`.
    ///
    /// # Panics
    /// Where `z` is no whole number of rows.
    #[track_caller]
    pub fn decode(&self, z: &[f32]) -> Vec<f32> {
        let (visible, latent) = (self.config.visible, self.config.latent);
        assert_eq!(z.len() % latent, 0, "{} values are no rows of {latent}", z.len());
        let mut program = Program::record(&self.store, |tape| {
            tape.output("y", self.network.decode(tape.input(X, [BATCH, latent])));
        });
        let mut y = Vec::with_capacity(z.len() / latent * visible);
        in_batches(self, &mut program, z, latent, |program, rows| {
            y.extend_from_slice(&program.output("y")[..rows * visible]);
        });
        if self.config.likelihood == Likelihood::Bernoulli {
            elementwise::sigmoid(&mut y);
        }
        y
    }

    /// `count` examples from draws of the prior, `[count, visible]`.
    pub fn sample(&self, count: usize, observation: Observation, seed: Seed) -> Vec<f32> {
        self.observe(&self.draw_prior(count, seed), observation, seed)
    }

    /// Draws from the prior, `[count, latent]`.
    pub(super) fn draw_prior(&self, count: usize, seed: Seed) -> Vec<f32> {
        let mut u = vec![0.0; count * self.config.latent];
        seed.lanes("prior", 0).fill_normal(&mut u);
        self.of_base(u)
    }

    /// z of u `[rows, latent]`, which has a standard normal distribution where z has that of the prior.
    fn of_base(&self, mut u: Vec<f32>) -> Vec<f32> {
        if let Some(steps) = self.network.prior() {
            steps.invert(&self.store, &mut u, &[]);
        }
        u
    }

    /// p(x | z) of each z. A block of sixteen rows draws from a stream of its own.
    pub(super) fn observe(&self, z: &[f32], observation: Observation, seed: Seed) -> Vec<f32> {
        let mut x = self.decode(z);
        if observation == Observation::Mean {
            return x;
        }
        let deviation = self.noise_variance().map(f32::sqrt);
        let width = self.config.visible;
        let mut streams = Streams::new(seed, "observation", x.len() / width);
        let blocks = x.par_chunks_mut(Streams::ROWS * width).zip(streams.blocks_mut());
        blocks.for_each(|(x, stream)| {
            let mut draws = vec![0.0; x.len()];
            match deviation {
                Some(deviation) => {
                    stream.fill_normal(&mut draws);
                    x.iter_mut().zip(draws).for_each(|(x, draw)| *x += deviation * draw);
                }
                None => {
                    stream.fill_uniform(&mut draws);
                    x.iter_mut().zip(draws).for_each(|(x, draw)| *x = f32::from(draw < *x));
                }
            }
        });
        x
    }

    /// The mean of p(x | z) at z = μ(x), for examples x `[rows, visible]`: of the same shape.
    ///
    /// # Panics
    /// Where `x` is no whole number of rows.
    #[track_caller]
    pub fn reconstruct(&self, x: &[f32]) -> Vec<f32> {
        self.decode(&self.encode(x).means)
    }

    /// `steps` examples from one to another, `[visible]` each, their latent means included: evenly spaced along the straight
    /// line between these. `[steps, visible]`.
    ///
    /// # Panics
    /// Where an example is not `visible` wide.
    #[track_caller]
    pub fn interpolate(&self, from: &[f32], to: &[f32], steps: usize) -> Vec<f32> {
        let visible = self.config.visible;
        assert!(from.len() == visible && to.len() == visible, "between {} and {} values", from.len(), to.len());
        let (a, b) = (self.encode(from).means, self.encode(to).means);
        let share = |step: usize| if steps > 1 { step as f32 / (steps - 1) as f32 } else { 0.5 };
        let z: Vec<f32> =
            (0..steps).flat_map(|step| a.iter().zip(&b).map(move |(a, b)| a + (b - a) * share(step))).collect();
        self.decode(&z)
    }

    /// The latent plane as `side` × `side` examples, `[side · side, visible]`: cell (row, column) is the mean of p(x | z)
    /// at z = (Φ⁻¹((column + ½) / side), Φ⁻¹((row + ½) / side)), or where a flow for a prior takes that, each cell having the same share of the
    /// prior (Kingma & Welling 2014, figure 4).
    ///
    /// # Errors
    /// Where the model has not two latent dimensions.
    pub fn manifold(&self, side: usize) -> Result<Vec<f32>, VaeError> {
        if self.config.latent != 2 {
            return Err(VaeError::Latent { given: self.config.latent, wanted: 2 });
        }
        let quantile = crate::sampling::diagnostics::normal_quantile;
        let quantiles: Vec<f32> =
            (0..side).map(|cell| quantile((cell as f64 + 0.5) / side as f64) as f32).collect();
        let u: Vec<f32> = quantiles.iter().flat_map(|&y| quantiles.iter().flat_map(move |&x| [x, y])).collect();
        Ok(self.decode(&self.of_base(u)))
    }
}
