//! Examples from latent variables, and latent variables from examples.

use super::classes::{Classes, most_probable};
use super::classification::best;
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

/// The program's input of shares of classes.
const SHARES: &str = "shares";

/// Runs `program` over all rows of `input`, `width` wide, a batch at a time, with the shares of classes of each, `classes` wide, and calls
/// `each` after every batch with the program and the number of rows that are no padding.
fn in_batches(
    vae: &Vae,
    program: &mut Program,
    (input, width): (&[f32], usize),
    (shares, classes): (&[f32], usize),
    mut each: impl FnMut(&Program, usize),
) {
    for (batch, rows) in input.chunks(BATCH * width).enumerate() {
        program.input_mut(X)[..rows.len()].copy_from_slice(rows);
        let count = rows.len() / width;
        if classes > 0 {
            let shares = &shares[batch * BATCH * classes..][..count * classes];
            program.input_mut(SHARES)[..shares.len()].copy_from_slice(shares);
        }
        program.evaluate(&vae.store);
        each(program, count);
    }
}

impl Vae {
    /// Classes that the model knows; 0 where it knows none.
    pub fn classes(&self) -> usize {
        self.config.labels.as_ref().map_or(0, |labels| labels.classes)
    }

    /// Classes as shares, a one among zeros: `[rows, classes]`.
    ///
    /// # Errors
    /// Where the model knows no classes, or not such a one.
    pub fn shares_of(&self, labels: &[u16]) -> Result<Vec<f32>, VaeError> {
        let classes = self.classes();
        if classes == 0 {
            return Err(VaeError::NoClasses);
        }
        let mut shares = vec![0.0; labels.len() * classes];
        for (row, &label) in shares.chunks_exact_mut(classes).zip(labels) {
            *row.get_mut(usize::from(label)).ok_or(VaeError::Label { label, classes })? = 1.0;
        }
        Ok(shares)
    }

    /// μ(x) and s(x) of examples x, `[rows, visible]`; where the posterior reads classes, each with its most probable one.
    ///
    /// # Panics
    /// Where `x` is no whole number of rows.
    #[track_caller]
    pub fn encode(&self, x: &[f32]) -> Codes {
        let (visible, latent, classes) = (self.config.visible, self.config.latent, self.classes());
        assert_eq!(x.len() % self.width(), 0, "{} values are no rows of {}", x.len(), self.width());
        let x = &self.taken(x)[..];
        let mut program = Program::record(&self.store, |tape| {
            let x = tape.input(X, [BATCH, visible]);
            let own = (classes > 0).then(|| Classes::Of(most_probable(self.network.classify(x))));
            let q = self.network.encode(x, own);
            tape.output("mean", self.network.after_steps(q.mean, &q).value);
            tape.output("log_variance", q.log_variance);
        });
        let mut codes = Codes { means: Vec::new(), log_variances: Vec::new() };
        in_batches(self, &mut program, (x, visible), (&[], 0), |program, rows| {
            codes.means.extend_from_slice(&program.output("mean")[..rows * latent]);
            codes.log_variances.extend_from_slice(&program.output("log_variance")[..rows * latent]);
        });
        codes
    }

    /// q(y | x) of examples x, `[rows, visible]`: `[rows, classes]`; nothing where the model knows no classes.
    ///
    /// # Panics
    /// Where `x` is no whole number of rows.
    #[track_caller]
    pub fn class_probabilities(&self, x: &[f32]) -> Vec<f32> {
        let (visible, classes) = (self.config.visible, self.classes());
        assert_eq!(x.len() % self.width(), 0, "{} values are no rows of {}", x.len(), self.width());
        if classes == 0 {
            return Vec::new();
        }
        let x = &self.taken(x)[..];
        let mut program = Program::record(&self.store, |tape| {
            tape.output("q", self.network.classify(tape.input(X, [BATCH, visible])).exp());
        });
        let mut q = Vec::with_capacity(x.len() / visible * classes);
        in_batches(self, &mut program, (x, visible), (&[], 0), |program, rows| {
            q.extend_from_slice(&program.output("q")[..rows * classes]);
        });
        q
    }

    /// The mean of p(x | z) for latent variables z, `[rows, latent]`: `[rows, visible]`.
    ///
    /// # Panics
    /// Where `z` is no whole number of rows, or the model knows classes: see [`decode_given`](Self::decode_given).
    #[track_caller]
    pub fn decode(&self, z: &[f32]) -> Vec<f32> {
        self.decode_given(z, &[])
    }

    /// The mean of p(x | y, z) for latent variables z, `[rows, latent]`, and shares of the classes, `[rows, classes]`, a one among zeros for
    /// a class: `[rows, visible]`; of a model of features, what these are decoded to.
    ///
    /// # Panics
    /// Where `z` is no whole number of rows, or there are not as many shares.
    #[track_caller]
    pub fn decode_given(&self, z: &[f32], shares: &[f32]) -> Vec<f32> {
        let (visible, latent, classes) = (self.config.visible, self.config.latent, self.classes());
        assert_eq!(z.len() % latent, 0, "{} values are no rows of {latent}", z.len());
        let rows = z.len() / latent;
        assert_eq!(shares.len(), rows * classes, "shares of {classes} classes for {rows} rows");
        let mut program = Program::record(&self.store, |tape| {
            let z = tape.input(X, [BATCH, latent]);
            let given = (classes > 0).then(|| Classes::Shares(tape.input(SHARES, [BATCH, classes])));
            tape.output("y", self.network.decode(z, given));
        });
        let mut y = Vec::with_capacity(rows * visible);
        in_batches(self, &mut program, (z, latent), (shares, classes), |program, rows| {
            y.extend_from_slice(&program.output("y")[..rows * visible]);
        });
        if self.config.likelihood == Likelihood::Bernoulli {
            elementwise::sigmoid(&mut y);
        }
        if let Some([mean, deviation]) = self.network.columns().map(|columns| columns.map(|c| self.store.get(c))) {
            let columns = || mean.iter().zip(deviation);
            for row in y.chunks_exact_mut(visible) {
                row.iter_mut().zip(columns()).for_each(|(y, (mean, deviation))| *y = *y * deviation + mean);
            }
        }
        self.given_back(y)
    }

    /// `count` examples from draws of the prior, `[count, visible]`; of a model that knows classes, of these in turn.
    pub fn sample(&self, count: usize, observation: Observation, seed: Seed) -> Vec<f32> {
        let shares = self.shares_in_turn(count);
        self.observe(&self.draw_prior(count, seed), &shares, observation, seed)
    }

    /// An example of each of these classes, `[labels, visible]`.
    ///
    /// # Errors
    /// Where the model knows no classes, or not such a one.
    pub fn sample_given(
        &self,
        labels: &[u16],
        observation: Observation,
        seed: Seed,
    ) -> Result<Vec<f32>, VaeError> {
        let shares = self.shares_of(labels)?;
        Ok(self.observe(&self.draw_prior(labels.len(), seed), &shares, observation, seed))
    }

    /// Each class beside the others, with the same z along a line: `[lines, classes, visible]`, the means of p(x | y, z).
    ///
    /// # Errors
    /// Where the model knows no classes.
    pub fn sample_lines(&self, lines: usize, seed: Seed) -> Result<Vec<f32>, VaeError> {
        let (classes, latent) = (self.classes(), self.config.latent);
        if classes == 0 {
            return Err(VaeError::NoClasses);
        }
        let z = self.draw_prior(lines, seed);
        let z: Vec<f32> = z.chunks_exact(latent).flat_map(|z| z.repeat(classes)).collect();
        Ok(self.decode_given(&z, &self.shares_in_turn(lines * classes)))
    }

    /// The shares of classes in turn, `[count, classes]`; none where the model knows none.
    fn shares_in_turn(&self, count: usize) -> Vec<f32> {
        let classes = self.classes();
        let mut shares = vec![0.0; count * classes];
        for (row, shares) in shares.chunks_exact_mut(classes.max(1)).enumerate() {
            shares[row % classes] = 1.0;
        }
        shares
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

    /// p(x | z) of each z, or p(x | y, z). A block of sixteen rows draws from a stream of its own.
    pub(super) fn observe(&self, z: &[f32], shares: &[f32], observation: Observation, seed: Seed) -> Vec<f32> {
        if let Some(first) = self.features.clone() {
            // Features with their noise are latent variables of the first model, which are observed by its own.
            let features = Vae { features: None, ..self.clone() }.observe(z, shares, observation, seed);
            return first.observe(&features, &[], observation, seed.derive("features", 0));
        }
        let mut x = self.decode_given(z, shares);
        if observation == Observation::Mean {
            return x;
        }
        let deviations = self.noise_deviations();
        let width = self.config.visible;
        let mut streams = Streams::new(seed, "observation", x.len() / width);
        let blocks = x.par_chunks_mut(Streams::ROWS * width).zip(streams.blocks_mut());
        blocks.for_each(|(x, stream)| {
            let mut draws = vec![0.0; x.len()];
            match &deviations {
                Some(deviations) => {
                    stream.fill_normal(&mut draws);
                    let noise = draws.iter().zip(deviations.iter().cycle());
                    x.iter_mut().zip(noise).for_each(|(x, (draw, deviation))| *x += deviation * draw);
                }
                None => {
                    stream.fill_uniform(&mut draws);
                    x.iter_mut().zip(draws).for_each(|(x, draw)| *x = f32::from(draw < *x));
                }
            }
        });
        x
    }

    /// The mean of p(x | z) at z = μ(x), with the most probable class where there are classes, for examples x `[rows, visible]`: of the same shape.
    ///
    /// # Panics
    /// Where `x` is no whole number of rows.
    #[track_caller]
    pub fn reconstruct(&self, x: &[f32]) -> Vec<f32> {
        self.decode_given(&self.encode(x).means, &self.own_shares(x))
    }

    /// The shares of the most probable class of each example, `[rows, classes]`.
    fn own_shares(&self, x: &[f32]) -> Vec<f32> {
        let mut shares = self.class_probabilities(x);
        for row in shares.chunks_exact_mut(self.classes().max(1)) {
            let class = best(row);
            row.fill(0.0);
            row[class] = 1.0;
        }
        shares
    }

    /// `steps` examples from one to another, `[visible]` each, their latent means included: evenly spaced along the straight
    /// line between these, as the shares of their most probable classes are where there are classes. `[steps, visible]`.
    ///
    /// # Panics
    /// Where an example is not `visible` wide.
    #[track_caller]
    pub fn interpolate(&self, from: &[f32], to: &[f32], steps: usize) -> Vec<f32> {
        let visible = self.width();
        assert!(from.len() == visible && to.len() == visible, "between {} and {} values", from.len(), to.len());
        let (a, b) = (self.encode(from).means, self.encode(to).means);
        let share = |step: usize| if steps > 1 { step as f32 / (steps - 1) as f32 } else { 0.5 };
        let line = |a: &[f32], b: &[f32]| -> Vec<f32> {
            (0..steps).flat_map(|step| a.iter().zip(b).map(move |(a, b)| a + (b - a) * share(step))).collect()
        };
        self.decode_given(&line(&a, &b), &line(&self.own_shares(from), &self.own_shares(to)))
    }

    /// The latent plane as `side` × `side` examples, `[side · side, visible]`: cell (row, column) is the mean of p(x | z)
    /// at z = (Φ⁻¹((column + ½) / side), Φ⁻¹((row + ½) / side)), or where a flow for a prior takes that, each cell having the same share of the
    /// prior (Kingma & Welling 2014, figure 4).
    ///
    /// # Errors
    /// Where the model has not two latent dimensions, or knows classes.
    pub fn manifold(&self, side: usize) -> Result<Vec<f32>, VaeError> {
        if self.classes() > 0 {
            return Err(VaeError::GivenClasses);
        }
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
