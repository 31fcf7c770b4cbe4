//! Rows of which not all is shown: masks in training and in evaluation.
//!
//! With x_s what is shown of a row and x_h what is hidden on purpose, and q(z | x_s) the encoder that is told the mask
//! ([`MaskInput`](super::MaskInput)), three bounds can be climbed ([`MaskLoss`]):
//!
//! - ln p(x_s) ≥ E_q(z | x_s) ln p(x_s | z) − KL(q(z | x_s) ‖ p(z)): what is hidden is left out of the model, as values are that nobody knows
//!   (Nazábal et al. 2020; importance-weighted: MIWAE, Mattei & Frellsen 2019);
//! - ln p(x) ≥ E_q(z | x_s) ln p(x | z) − KL(q(z | x_s) ‖ p(z)): a model of whole rows whose encoder must do with a part;
//! - ln p(x_h | x_s) ≥ E_q(z | x) ln p(x_h | z) − KL(q(z | x) ‖ q(z | x_s)): a model of the hidden part given the other, in which q(z | x_s)
//!   stands for p(z) (Sohn, Lee & Yan 2015; Ivanov, Figurnov & Vetrov 2019).

use super::features::RowReader;
use super::network::Shown;
use super::objective::{Sight, X};
use super::rows::Rows;
use super::{Vae, VaeRecipe};
use crate::Setting;
use crate::autodiff::{Program, Tape};
use crate::data::{Dataset, Masking};
use crate::random::Seed;
use crate::store::{Snapshot, SnapshotError};
use crate::train::tape::{BatchProgram, Piece};
use crate::train::{Batch, Progress, Training};
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// The bound that is climbed where a part of each row is hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum MaskLoss {
    /// On ln p of what is shown.
    #[default]
    Shown,
    /// On ln p of all of the row, by an encoder that is shown a part.
    All,
    /// On ln p of what is hidden given what is shown.
    Hidden,
}

/// What of each row is hidden in training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MaskRecipe {
    /// Which values are, each time a row is seen.
    pub masking: Masking,
    /// The bound that is climbed.
    pub loss: MaskLoss,
}

/// Inputs of a program, `[batch, visible]` each but the last.
const HIDDEN: &str = "hidden";
const COUNTS: &str = "counts";
const GIVEN: &str = "given";
/// `[batch, units]`.
const KEPT: &str = "kept";

/// The masks of some rows.
#[derive(Clone, Debug)]
pub(super) struct Masks {
    recipe: Option<MaskRecipe>,
    shape: (usize, usize),
    width: usize,
    /// 1 where a value is hidden on purpose, `[rows, width]`.
    drawn: Vec<f32>,
    /// 1 where a value is missing.
    missing: Vec<f32>,
}

impl Masks {
    /// For so many rows at a time of images of this shape.
    pub(super) fn new(recipe: Option<MaskRecipe>, shape: (usize, usize), rows: usize) -> Self {
        let width = shape.0 * shape.1;
        Masks { recipe, shape, width, drawn: vec![0.0; rows * width], missing: vec![0.0; rows * width] }
    }

    /// The inputs that these masks are put into.
    pub(super) fn inputs<'t>(&self, mut rows: impl FnMut(&'static str) -> crate::autodiff::Var<'t>) -> Sight<'t> {
        let shown = Shown { hidden: Some(rows(HIDDEN)), kept: None };
        let given = self.recipe.filter(|recipe| recipe.loss == MaskLoss::Hidden).map(|_| rows(GIVEN));
        Sight { shown, counts: Some(rows(COUNTS)), given }
    }

    /// Draws the masks of `seed` and takes up what is missing of the rows, at most as many as there are masks.
    pub(super) fn draw(&mut self, seed: Seed, rows: impl Iterator<Item = usize>, data: Option<&Dataset<'_>>) {
        if let Some(recipe) = self.recipe {
            recipe.masking.fill(self.shape, &mut seed.lanes("masks", 0), &mut self.drawn);
        }
        if let Some(data) = data.filter(|data| data.has_missing()) {
            let missing = self.missing.chunks_exact_mut(self.width);
            rows.zip(missing).for_each(|(row, missing)| data.missing_into(row, missing));
        }
    }

    /// The names of these inputs.
    fn names(&self) -> &'static [&'static str] {
        match self.recipe.map(|recipe| recipe.loss) {
            Some(MaskLoss::Hidden) => &[HIDDEN, COUNTS, GIVEN],
            _ => &[HIDDEN, COUNTS],
        }
    }

    /// The masks as the input of this name.
    fn fill(&self, name: &str, out: &mut [f32]) {
        let loss = self.recipe.map_or(MaskLoss::Shown, |recipe| recipe.loss);
        let either = |drawn: f32, missing: f32| drawn.max(missing);
        match (name, loss) {
            (HIDDEN, MaskLoss::Hidden) => self.fill_with(out, |_, missing| missing),
            (HIDDEN | GIVEN, _) => self.fill_with(out, either),
            (_, MaskLoss::Shown) => self.fill_with(out, |drawn, missing| 1.0 - either(drawn, missing)),
            (_, MaskLoss::All) => self.fill_with(out, |_, missing| 1.0 - missing),
            (_, MaskLoss::Hidden) => self.fill_with(out, |drawn, missing| drawn * (1.0 - missing)),
        }
    }

    fn fill_with(&self, out: &mut [f32], value: impl Fn(f32, f32) -> f32) {
        let both = self.drawn.iter().zip(&self.missing);
        out.iter_mut().zip(both).for_each(|(out, (drawn, missing))| *out = value(*drawn, *missing));
    }
}

/// The masks of rows that are looked at, the same ones each time.
#[derive(Clone, Debug)]
pub(super) struct Watched(pub(super) Masks);

impl Watched {
    /// Whether p(z) is what it is whatever is shown.
    pub(super) fn is_of_a_fixed_prior(&self) -> bool {
        self.0.recipe.is_none_or(|recipe| recipe.loss != MaskLoss::Hidden)
    }

    /// Records the inputs.
    pub(super) fn record<'t>(&self, tape: &'t Tape<'t>, batch: usize) -> Sight<'t> {
        self.0.inputs(|name| tape.input(name, [batch, self.0.width]))
    }

    /// Sets the inputs for the rows `range`.
    pub(super) fn load(&mut self, rows: Rows<'_>, range: Range<usize>, program: &mut Program) {
        let seed = Seed(0).derive("watched masks", range.start as u64);
        let data = match rows {
            Rows::Data(data) => Some(data),
            _ => None,
        };
        self.0.missing.fill(0.0);
        self.0.draw(seed, range, data);
        self.0.names().iter().for_each(|name| self.0.fill(name, program.input_mut(name)));
    }
}

/// Rows of training whose encoder sees masks, or drops units.
#[derive(Clone, Debug)]
pub(super) struct Masked {
    reader: RowReader,
    masks: Option<Masks>,
    /// The probability with which a unit is dropped, and the units of a row.
    dropout: f32,
    units: usize,
    seed: Seed,
}

impl Masked {
    /// Of a model whose encoder sees masks, or a recipe that drops units.
    pub(super) fn new(vae: &Vae, recipe: &VaeRecipe, data: &Dataset<'_>, training: &Training) -> Option<Self> {
        let sees = vae.config.masks.is_some();
        let masks = sees.then(|| Masks::new(recipe.masks, data.image_shape(), training.batch));
        (sees || recipe.dropout > 0.0).then(|| Masked {
            reader: RowReader::new(vae, None, training, data),
            masks,
            dropout: recipe.dropout,
            units: vae.network.encoder_units(&vae.store),
            seed: training.seed,
        })
    }

    /// The inputs of a piece.
    pub(super) fn inputs<'t>(&self, vae: &Vae, piece: &Piece<'t>) -> Sight<'t> {
        let mut sight = self
            .masks
            .as_ref()
            .map_or_else(Sight::default, |masks| masks.inputs(|name| piece.rows(name, vae.config.visible)));
        sight.shown.kept = self.drops().then(|| piece.rows(KEPT, self.units));
        sight
    }

    fn drops(&self) -> bool {
        self.dropout > 0.0 && self.units > 0
    }

    /// Reads the rows of a step and draws their masks: those of the step, whatever was drawn before.
    pub(super) fn read(&mut self, batch: &Batch<'_>, progress: &Progress, programs: &mut [BatchProgram]) {
        let [first, others @ ..] = programs else { return };
        let x = first.input_mut(X);
        self.reader.read(batch, x);
        others.iter_mut().for_each(|program| program.input_mut(X).copy_from_slice(x));
        let seed = self.seed.derive("training masks", progress.step);
        if let Some(masks) = &mut self.masks {
            masks.draw(seed, batch.rows.iter().copied(), Some(batch.data));
        }
        let drops = self.drops();
        for program in programs {
            if let Some(masks) = &self.masks {
                masks.names().iter().for_each(|name| masks.fill(name, program.input_mut(name)));
            }
            if drops {
                let kept = program.input_mut(KEPT);
                seed.lanes("dropout", 0).fill_uniform(kept);
                let scale = 1.0 / (1.0 - self.dropout);
                kept.iter_mut().for_each(|u| *u = if *u < self.dropout { 0.0 } else { scale });
            }
        }
    }

    /// Puts the state of the streams into a snapshot.
    pub(super) fn save(&self, snapshot: &mut Snapshot) {
        self.reader.save(snapshot);
    }

    /// Takes back what [`save`](Self::save) wrote.
    pub(super) fn load(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        self.reader.load(snapshot)
    }
}

impl Vae {
    /// Whether rows may have missing values: the encoder is told which.
    pub fn takes_missing(&self) -> bool {
        self.config.masks.is_some()
    }

    /// Sets the means that hidden values read as, and mean and deviation of columns that are standardised, to those of the values there are,
    /// where they were never set.
    pub(super) fn take_columns(&mut self, data: &Dataset<'_>) {
        let columns = self.network.columns();
        let Some(mean) = self.network.stand_in().or(columns.map(|[mean, _]| mean)) else { return };
        let deviation = columns.map(|[_, deviation]| deviation);
        let set = self.store.get(mean).iter().any(|&mean| mean != 0.0);
        if set || deviation.is_some_and(|own| self.store.get(own).iter().any(|&deviation| deviation != 1.0)) {
            return;
        }
        self.store.get_mut(mean).iter_mut().zip(data.means()).for_each(|(own, mean)| *own = mean as f32);
        let Some(deviation) = deviation else { return };
        for (own, variance) in self.store.get_mut(deviation).iter_mut().zip(data.variances()) {
            // A column of one number is left as it is.
            let found = variance.sqrt() as f32;
            *own = if found > f32::MIN_POSITIVE { found } else { 1.0 };
        }
    }
}

/// The name that [`FromStr`] reads.
impl fmt::Display for MaskLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MaskLoss::Shown => "shown",
            MaskLoss::All => "all",
            MaskLoss::Hidden => "hidden",
        })
    }
}

impl FromStr for MaskLoss {
    type Err = Setting;
    fn from_str(name: &str) -> Result<Self, Setting> {
        match name {
            "shown" => Ok(MaskLoss::Shown),
            "all" => Ok(MaskLoss::All),
            "hidden" => Ok(MaskLoss::Hidden),
            _ => Err(Setting::new("the bound of masked rows", name, "shown, all or hidden")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the encoder is shown and what counts, of a value that is shown, one hidden on purpose, one missing, and one that is both.
    #[test]
    fn each_bound_hides_and_counts_what_it_says() {
        let (drawn, missing) = ([0.0, 1.0, 0.0, 1.0], [0.0, 0.0, 1.0, 1.0]);
        let both = [0.0, 1.0, 1.0, 1.0];
        for (loss, hidden, counts) in [
            (None, both, [1.0, 0.0, 0.0, 0.0]),
            (Some(MaskLoss::Shown), both, [1.0, 0.0, 0.0, 0.0]),
            (Some(MaskLoss::All), both, [1.0, 1.0, 0.0, 0.0]),
            (Some(MaskLoss::Hidden), missing, [0.0, 1.0, 0.0, 0.0]),
        ] {
            let recipe = loss.map(|loss| MaskRecipe { masking: Masking::Box, loss });
            let mut masks = Masks::new(recipe, (2, 2), 1);
            (masks.drawn, masks.missing) = (drawn.to_vec(), missing.to_vec());
            let filled = |name: &str| {
                let mut out = [9.0; 4];
                masks.fill(name, &mut out);
                out
            };
            assert_eq!((filled(HIDDEN), filled(COUNTS)), (hidden, counts), "{loss:?}");
            if loss == Some(MaskLoss::Hidden) {
                assert_eq!(filled(GIVEN), both);
            }
        }
    }

    #[test]
    fn every_name_is_read_back() {
        for loss in [MaskLoss::Shown, MaskLoss::All, MaskLoss::Hidden] {
            assert_eq!(loss.to_string().parse(), Ok(loss));
        }
        let said = "some".parse::<MaskLoss>().unwrap_err().to_string();
        assert_eq!(said, "the bound of masked rows is some, but must be shown, all or hidden");
    }
}
