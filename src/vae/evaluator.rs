//! A forward pass over any number of rows, some at a time: rows that are missing from the last batch are padding, computed and
//! not looked at. Row r draws its noise from stream r, so that no figure depends on how rows and draws are cut into batches.

use super::Vae;
use super::classes::{Classes, most_probable};
use super::classification::best;
use super::features::Means;
use super::masks::{MaskRecipe, Masks, Watched};
use super::objective::{NOISE, Pass, Sight, X};
use super::rows::Rows;
use crate::autodiff::Program;
use crate::random::{Lanes, Seed};
use crate::store::Store;
use std::ops::Range;

/// A fill of normal draws takes whole blocks of 32 of them from a stream: batches of 32 draws leave nothing of a block over,
/// whatever the latent dimension, so that cutting the draws elsewhere would give the same ones.
pub(super) const DRAWS: usize = 32;

/// A recorded pass from examples to the parts of the bound.
#[derive(Clone, Debug)]
pub(super) struct Evaluator {
    program: Program,
    /// KL(q(z | x) ‖ p(z)) has a closed form.
    closed: bool,
    batch: usize,
    visible: usize,
    latent: usize,
    /// Classes that the model knows, or none.
    classes: usize,
    /// Labels of rows name these.
    named: bool,
    /// What takes rows of data to those of a model of features.
    means: Option<Means>,
    /// The masks of the rows, of a model whose encoder sees them.
    masks: Option<Watched>,
    /// Of the rows that are loaded.
    streams: Vec<Lanes>,
    /// `[draws, latent]` of one row.
    noise: Vec<f32>,
}

const LOG_LIKELIHOOD: &str = "log_likelihood";
const LOG_PRIOR_RATIO: &str = "log_prior_ratio";
const DIVERGENCE: &str = "divergence";
const MEAN: &str = "mean";
const LOG_VARIANCE: &str = "log_variance";
const CENTRE: &str = "centre";
const FEATURES: &str = "features";
const LABEL: &str = "label";
const LOG_Q: &str = "log_q";

impl Evaluator {
    /// For models of the shape of `vae`, `batch` rows and `draws` of each one's latent variable at a time.
    pub(super) fn new(vae: &Vae, batch: usize, draws: usize) -> Self {
        Evaluator::with_masks(vae, batch, draws, None)
    }

    /// The same of rows of which a part is hidden on purpose, where there is such a recipe, with the bound that it names.
    pub(super) fn with_masks(
        vae: &Vae,
        batch: usize,
        draws: usize,
        recipe: Option<(MaskRecipe, (usize, usize))>,
    ) -> Self {
        let (visible, latent) = (vae.config.visible, vae.config.latent);
        let network = &vae.network;
        let (classes, named) = (vae.classes(), vae.reads_labels());
        let (recipe, shape) = recipe.map_or((None, (1, visible)), |(recipe, shape)| (Some(recipe), shape));
        let masks = vae.config.masks.is_some().then(|| Watched(Masks::new(recipe, shape, batch)));
        let program = Program::record(&vae.store, |tape| {
            let x = tape.input(X, [batch, visible]);
            let noise = tape.input(NOISE, [draws, batch, latent]);
            let of_label = (classes > 0).then(|| {
                let (label, log_q) = (tape.input(LABEL, [1, batch]), network.classify(x));
                tape.output(LOG_Q, log_q);
                let known = label.greater(tape.scalar(-0.5));
                Classes::Of(known.select(label, most_probable(log_q)))
            });
            let sight = masks.as_ref().map_or_else(Sight::default, |masks| masks.record(tape, batch));
            let pass = Pass::with_sight(network, [x, noise], of_label, sight);
            let encoded = pass.encoded;
            tape.output(X, x);
            tape.output(LOG_LIKELIHOOD, pass.log_likelihood);
            tape.output(LOG_PRIOR_RATIO, pass.log_prior_ratio(network));
            if network.is_closed() {
                tape.output(DIVERGENCE, pass.closed_divergence());
            }
            tape.output(MEAN, encoded.mean);
            tape.output(LOG_VARIANCE, encoded.log_variance);
            tape.output(CENTRE, network.after_steps(encoded.mean, &encoded).value);
            tape.output(FEATURES, encoded.features);
        });
        let (streams, noise) = (Vec::new(), vec![0.0; draws * latent]);
        let means = vae.features.as_ref().map(|first| Means::new(first, batch));
        Evaluator {
            program,
            closed: network.is_closed(),
            batch,
            visible,
            latent,
            classes,
            named,
            means,
            masks,
            streams,
            noise,
        }
    }

    /// Whether the divergence is a sum of one of each latent dimension from a standard normal distribution.
    pub(super) fn divides_divergence(&self) -> bool {
        self.closed && self.masks.as_ref().is_none_or(Watched::is_of_a_fixed_prior)
    }

    /// Rows at a time.
    pub(super) fn batch(&self) -> usize {
        self.batch
    }

    /// Reads the rows `range`, at most a batch of them, and their labels where the model knows classes: a row without a label is taken with its
    /// most probable class.
    pub(super) fn load(&mut self, rows: Rows<'_>, range: Range<usize>) {
        if self.classes > 0 {
            for (class, row) in self.program.input_mut(LABEL).iter_mut().zip(range.clone()) {
                let label = match rows {
                    Rows::Data(_) if !self.named => None,
                    _ => rows.label(row),
                };
                *class = label.map_or(-1.0, f32::from);
            }
        }
        if let Some(masks) = &mut self.masks {
            masks.load(rows, range.clone(), &mut self.program);
        }
        let x = self.program.input_mut(X);
        match &mut self.means {
            None => rows.read(range, x),
            Some(means) => means.read(rows, range, x),
        }
    }

    /// Takes all rows with this class instead of their own.
    pub(super) fn set_class(&mut self, class: u16) {
        self.program.input_mut(LABEL).fill(f32::from(class));
    }

    /// ln q(y | x) of a row, `[classes]`.
    pub(super) fn log_q(&self, row: usize) -> &[f32] {
        &self.program.output(LOG_Q)[row * self.classes..][..self.classes]
    }

    /// Starts the stream of each row of `range`.
    pub(super) fn start_streams(&mut self, range: Range<usize>, seed: Seed) {
        self.streams.clear();
        self.streams.extend(range.map(|row| seed.lanes("latent noise", row as u64)));
    }

    /// The most probable class of a row by q(y | x); of equals the one with the smaller number.
    pub(super) fn most_probable(&self, row: usize) -> u16 {
        best(self.log_q(row)) as u16
    }

    /// Draws the next noise from the rows' streams, and runs the pass.
    pub(super) fn draw(&mut self, store: &Store) {
        let (batch, latent) = (self.batch, self.latent);
        let out = self.program.input_mut(NOISE);
        for (row, stream) in self.streams.iter_mut().enumerate() {
            stream.fill_normal(&mut self.noise);
            for (draw, noise) in self.noise.chunks_exact(latent).enumerate() {
                out[(draw * batch + row) * latent..][..latent].copy_from_slice(noise);
            }
        }
        self.program.evaluate(store);
    }

    /// Sets the noise of the first draw of row `row` of the batch, `[latent]`.
    pub(super) fn set_noise(&mut self, row: usize, noise: &[f32]) {
        let latent = self.latent;
        self.program.input_mut(NOISE)[row * latent..][..latent].copy_from_slice(noise);
    }

    /// Runs the pass with the noise there is.
    pub(super) fn run(&mut self, store: &Store) {
        self.program.evaluate(store);
    }

    /// A row of the batch, `[visible]`.
    pub(super) fn row(&self, row: usize) -> &[f32] {
        &self.program.output(X)[row * self.visible..][..self.visible]
    }

    /// ln p(x | z) of a row's draws.
    pub(super) fn log_likelihoods(&self, row: usize) -> impl Iterator<Item = f64> + '_ {
        self.of_draws(LOG_LIKELIHOOD, row)
    }

    /// ln w = ln p(x | z) + ln p(z) − ln q(z | x) of a row's draws.
    pub(super) fn log_weights(&self, row: usize) -> impl Iterator<Item = f64> + '_ {
        self.log_likelihoods(row)
            .zip(self.of_draws(LOG_PRIOR_RATIO, row))
            .map(|(likelihood, ratio)| likelihood + ratio)
    }

    fn of_draws(&self, output: &str, row: usize) -> impl Iterator<Item = f64> + '_ {
        self.program.output(output)[row..].iter().step_by(self.batch).map(|&value| f64::from(value))
    }

    /// What a row's draws make of KL(q(z | x) ‖ p(z)): its closed form each, or ln q(z | x) − ln p(z).
    pub(super) fn divergences(&self, row: usize) -> impl Iterator<Item = f64> + '_ {
        let known = self.closed.then(|| f64::from(self.program.output(DIVERGENCE)[row]));
        self.of_draws(LOG_PRIOR_RATIO, row).map(move |ratio| known.unwrap_or(-ratio))
    }

    /// μ and s of a row, `[latent]` each.
    pub(super) fn normal(&self, row: usize) -> [&[f32]; 2] {
        [MEAN, LOG_VARIANCE].map(|output| self.latent(output, row))
    }

    /// Where noise of zeros leads to from a row: μ, after the steps where there are some, `[latent]`.
    pub(super) fn centre(&self, row: usize) -> &[f32] {
        self.latent(CENTRE, row)
    }

    fn latent(&self, output: &str, row: usize) -> &[f32] {
        &self.program.output(output)[row * self.latent..][..self.latent]
    }

    /// What the steps read of the rows of the batch, `[batch, features]`.
    pub(super) fn features(&self) -> &[f32] {
        self.program.output(FEATURES)
    }
}
