//! Rows with and without labels in training: which of them a batch has, and what the loss of each kind is.
//!
//! A batch has rows of both kinds in fixed numbers, each kind in an order of its own, and its loss is a weighted mean of the means over either
//! kind.

use super::classes::{Classes, Unlabelled, cross_entropy};
use super::features::RowReader;
use super::objective::{BETA, NOISE, Sight, X, objective};
use super::recipe::Bound;
use super::{ClassesBy, LabelPrior, Labels, Vae, VaeRecipe};
use crate::Setting;
use crate::autodiff::Var;
use crate::data::{Batches, Dataset};
use crate::random::Lanes;
use crate::store::{Snapshot, SnapshotError};
use crate::train::tape::{BatchProgram, Group, Piece, Pieces};
use crate::train::{Batch, Progress, TrainError, Training};

/// The groups of a batch.
const WITH: usize = 0;
const WITHOUT: usize = 1;
/// Inputs of rows with a label.
const LABEL: &str = "label";
/// Inputs of rows without.
const UNLABELLED_X: &str = "unlabelled.x";
const UNLABELLED_NOISE: &str = "unlabelled.noise";
const UNIFORM: &str = "unlabelled.uniform";
const TEMPERATURE: &str = "temperature";
/// The part of rows without labels that the classifier follows: 0 while it learns from labels alone, then 1.
const FOLLOWED: &str = "unlabelled.followed";
/// Rows of a piece at the least, unless the batch has fewer: every piece reads all weights.
const FEWEST: usize = 25;
/// Rows of the decoder in a piece.
const DRAWS: usize = 512;

/// Rows with and without labels in training.
#[derive(Clone, Debug)]
pub(super) struct Labelled {
    labels: Labels,
    by: ClassesBy,
    /// α.
    alpha: f32,
    kinds: [Kind; 2],
    /// Of the numbers by which classes are drawn.
    uniforms: Lanes,
}

/// Rows of one kind.
#[derive(Clone, Debug)]
struct Kind {
    /// The rows of the training split, in order.
    rows: Vec<usize>,
    /// The weight of the mean over them.
    weight: f32,
    /// Which of them a batch has, if any.
    batches: Option<Batches>,
    reader: RowReader,
    chosen: Vec<usize>,
}

impl Kind {
    fn new(
        vae: &Vae,
        (name, rows): (&'static str, Vec<usize>),
        weight: f32,
        of_batch: usize,
        data: &Dataset<'_>,
        training: &Training,
    ) -> Self {
        let seed = training.seed.derive(name, 0);
        let of_kind = Training { batch: of_batch.max(1), seed, ..training.clone() };
        Kind {
            weight,
            batches: (of_batch > 0).then(|| Batches::new(rows.len(), of_batch, seed)),
            reader: RowReader::new(vae, Some(name), &of_kind, data),
            chosen: vec![0; of_batch],
            rows,
        }
    }

    /// The rows of step `step`.
    fn choose(&mut self, step: u64) -> &[usize] {
        if let Some(batches) = &self.batches {
            batches.fill(step, &mut self.chosen);
            self.chosen.iter_mut().for_each(|place| *place = self.rows[*place]);
        }
        &self.chosen
    }

    fn examples(&self) -> usize {
        self.chosen.len()
    }
}

impl Labelled {
    /// For a model that knows classes: `None` of one that does not. Sets ln p(y).
    ///
    /// # Errors
    /// Where a label is of no class, or a setting does not go with the rows.
    pub(super) fn new(
        vae: &mut Vae,
        recipe: &VaeRecipe,
        data: &Dataset<'_>,
        training: &Training,
    ) -> Result<Option<Self>, TrainError> {
        let Some(labels) = vae.config.labels.clone() else { return Ok(None) };
        vae.check_labels(data)?;
        let (with, without): (Vec<usize>, Vec<usize>) =
            (0..data.len()).partition(|&row| labels.named && data.label(row).is_some());
        let of_batch = labelled_of_batch(recipe, [with.len(), without.len()], training.batch)?;
        let fits = without.is_empty() || recipe.bound != Bound::DoublyReparameterised;
        let name = "the bound of rows without labels";
        Setting::check(fits, name, "the doubly reparameterised one", "the elbo or the importance-weighted one")?;
        let tenth = 0.1 * data.len() as f32 / with.len().max(1) as f32;
        let alpha = recipe.labels.alpha.unwrap_or(tenth);
        set_label_prior(vae, recipe.labels.prior, data);
        let others = training.batch - of_batch;
        let weight = match (of_batch, others) {
            (0, _) | (_, 0) => f32::from(u8::from(others == 0)),
            _ => recipe.labels.labelled_weight.unwrap_or(of_batch as f32 / training.batch as f32),
        };
        let kinds = [
            Kind::new(vae, ("labelled", with), weight, of_batch, data, training),
            Kind::new(vae, ("unlabelled", without), 1.0 - weight, others, data, training),
        ];
        let by = recipe.labels.classes_by.resolved(labels.classes);
        let uniforms = training.seed.lanes("classes", 0);
        Ok(Some(Labelled { labels, by, alpha, kinds, uniforms }))
    }

    /// Rows with labels first, then those without.
    pub(super) fn groups(&self, recipe: &VaeRecipe) -> Vec<Group> {
        let evaluated = self.by.evaluated(self.labels.classes) * recipe.importance_samples;
        let pieces = [Pieces::OfDraws(recipe.importance_samples), Pieces::OfRows((DRAWS / evaluated).max(FEWEST))];
        let groups = self.kinds.iter().zip(pieces);
        groups.map(|(kind, pieces)| Group { examples: kind.examples(), pieces }).collect()
    }

    /// The loss of a piece.
    pub(super) fn loss<'t>(&self, vae: &Vae, recipe: &VaeRecipe, piece: &Piece<'t>) -> Var<'t> {
        let (visible, latent, k) = (vae.config.visible, vae.config.latent, recipe.importance_samples);
        let (network, beta) = (&vae.network, piece.shared(BETA, []));
        let loss = if piece.group() == WITH {
            let [x, label] = [piece.rows(X, visible), piece.rows(LABEL, 1)];
            let classes = Classes::Of(label.reshape([1, piece.examples()]));
            let bound = objective(
                network,
                recipe.bound,
                [x, piece.draws(NOISE, k, latent), beta],
                Some(classes),
                Sight::default(),
            );
            bound + cross_entropy(network, x, label) * self.alpha
        } else {
            let uniforms = Unlabelled::uniforms(self.by, self.labels.classes);
            let rows = Unlabelled {
                x: piece.rows(UNLABELLED_X, visible),
                noise: piece.draws(UNLABELLED_NOISE, k, latent),
                beta,
                followed: self.waits(recipe).then(|| piece.shared(FOLLOWED, [])),
                temperature: (self.by == ClassesBy::Gumbel).then(|| piece.shared(TEMPERATURE, [])),
                uniform: (uniforms > 0).then(|| piece.rows(UNIFORM, uniforms)),
            };
            -rows.bound_by(network, recipe.bound, self.by)
        };
        loss * self.kinds[piece.group()].weight
    }

    /// Whether the classifier learns from labels alone at first.
    fn waits(&self, recipe: &VaeRecipe) -> bool {
        recipe.labels.classifier_alone > 0 && self.kinds[WITH].examples() > 0
    }

    /// Reads the rows of a step, and their labels.
    pub(super) fn read(&mut self, batch: &Batch<'_>, progress: &Progress, programs: &mut [BatchProgram]) {
        for (group, input) in [(WITH, X), (WITHOUT, UNLABELLED_X)] {
            let kind = &mut self.kinds[group];
            if kind.examples() == 0 {
                continue;
            }
            kind.choose(progress.step);
            let Kind { reader, chosen, .. } = kind;
            let [first, others @ ..] = &mut *programs else { return };
            let x = first.input_mut(input);
            reader.read(&Batch { data: batch.data, rows: chosen }, x);
            others.iter_mut().for_each(|program| program.input_mut(input).copy_from_slice(x));
        }
        let with = &self.kinds[WITH].chosen;
        for program in programs.iter_mut().filter(|_| !with.is_empty()) {
            for (label, &row) in program.input_mut(LABEL).iter_mut().zip(with) {
                *label = f32::from(batch.data.label(row).expect("a row with a label"));
            }
        }
    }

    /// Draws noise, and what classes are drawn by.
    pub(super) fn draw(
        &mut self,
        recipe: &VaeRecipe,
        noise: &mut Lanes,
        at: &Progress,
        program: &mut BatchProgram,
    ) {
        let [with, without] = [WITH, WITHOUT].map(|group| self.kinds[group].examples() > 0);
        if with {
            noise.fill_normal(program.input_mut(NOISE));
        }
        if without {
            noise.fill_normal(program.input_mut(UNLABELLED_NOISE));
            if self.waits(recipe) {
                let alone = at.step < recipe.labels.classifier_alone;
                program.input_mut(FOLLOWED)[0] = f32::from(u8::from(!alone));
            }
            if Unlabelled::uniforms(self.by, self.labels.classes) > 0 {
                self.uniforms.fill_uniform(program.input_mut(UNIFORM));
            }
            if self.by == ClassesBy::Gumbel {
                let part = at.step as f64 / at.steps.max(1) as f64;
                program.input_mut(TEMPERATURE)[0] = recipe.labels.temperature_at(part);
            }
        }
    }

    /// Puts the state of the streams into a snapshot.
    pub(super) fn save(&self, snapshot: &mut Snapshot) {
        self.kinds.iter().for_each(|kind| kind.reader.save(snapshot));
        snapshot.put_stream(CLASS_STREAM, &self.uniforms);
    }

    /// Takes back what [`save`](Self::save) wrote.
    pub(super) fn load(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        self.kinds.iter_mut().try_for_each(|kind| kind.reader.load(snapshot))?;
        snapshot.load_stream(CLASS_STREAM, &mut self.uniforms)
    }
}

const CLASS_STREAM: &str = "classes.stream";

/// Rows with a label in a batch.
fn labelled_of_batch(recipe: &VaeRecipe, [with, without]: [usize; 2], batch: usize) -> Result<usize, Setting> {
    let asked = recipe.labels.labelled_batch;
    match (with, without) {
        (0, _) | (_, 0) => Ok(if with == 0 { 0 } else { batch }),
        _ => {
            Setting::check(batch > 1, "the batch size of rows with and without labels", batch, "at least 2")?;
            let labelled = asked.unwrap_or_else(|| with.min(batch / 2));
            let wanted = "at least one, and leave room for one without";
            Setting::check(labelled < batch, "the number of labelled rows in a batch", labelled, wanted)?;
            Ok(labelled)
        }
    }
}

/// Sets ln p(y).
fn set_label_prior(vae: &mut Vae, prior: LabelPrior, data: &Dataset<'_>) {
    let Some(parameter) = vae.network.label_prior_parameter() else { return };
    let log_prior = vae.store.get_mut(parameter);
    let classes = log_prior.len();
    let mut counts = vec![1.0f64; classes];
    if prior == LabelPrior::Frequencies {
        (0..data.len()).filter_map(|row| data.label(row)).for_each(|label| counts[usize::from(label)] += 1.0);
    }
    let all: f64 = counts.iter().sum();
    log_prior.iter_mut().zip(counts).for_each(|(log_p, count)| *log_p = (count / all).ln() as f32);
}
