//! `inpaint`: hidden values, drawn given the others.

use crate::cli::Failure;
use crate::input::{Mask, data};
use clap::Args;
use helmholtz::Seed;
use helmholtz::data::Dataset;
use helmholtz::sampling::Work;
use helmholtz::tensor::BitMatrix;
use std::collections::BTreeMap;

/// The options of `inpaint` that only some families have.
#[derive(Args, Debug)]
#[group(skip)]
pub struct InpaintOptions {
    /// Gibbs sweeps of each chain before its first latent state is kept, or steps of a flow's Hamiltonian chain before its first draw
    #[arg(long, default_value_t = 1000, value_name = "SWEEPS", help_heading = "Machines and flows")]
    pub steps: usize,
    /// Draws of q(z | what is shown) of each row, from which latents are drawn by their weights
    #[arg(long, default_value_t = 2000, value_name = "N", help_heading = "Variational autoencoders")]
    pub draws: usize,
}

/// The rows that are completed, and how.
pub struct InpaintAsk<'a> {
    /// The rows, read as the model reads them.
    pub rows: &'a Dataset<'static>,
    /// Their name.
    pub name: &'a str,
    /// What is hidden of them beside what is missing.
    pub mask: &'a Mask,
    /// Imputations of each row.
    pub count: usize,
    /// Latents K of each row.
    pub latents: usize,
    /// The options of the command.
    pub options: &'a InpaintOptions,
    /// The seed.
    pub seed: Seed,
    /// Where it is counted how far they are.
    pub work: &'a Work,
}

/// Rows of bits of which the same is hidden.
pub struct Clamped<'a> {
    /// The rows.
    pub images: BitMatrix,
    /// What is hidden of each, `[width]`.
    pub hidden: &'a [bool],
    /// The seed of their chains.
    pub seed: Seed,
}

impl InpaintAsk<'_> {
    /// Imputes rows of bits `width` wide by chains that are clamped where values are shown: those with the same mask together.
    pub fn by_mask(&self, width: usize, impute: impl Fn(&Clamped<'_>) -> Filled) -> Result<Filled, Failure> {
        let images = data::bits_for(self.rows, width, self.name)?;
        let mut groups: BTreeMap<&[bool], Vec<usize>> = BTreeMap::new();
        let masks = self.mask.hidden.chunks_exact(width).enumerate();
        masks.for_each(|(row, hidden)| groups.entry(hidden).or_default().push(row));
        let (count, rows) = (self.count, images.rows());
        let mut all = Filled {
            values: vec![0.0; rows * count * width],
            means: vec![0.0; rows * width],
            quantiles: None,
            scores: Some(Scores { values: vec![0.0; rows], errors: vec![0.0; rows], exact: true }),
            bounds: None,
            method: String::new(),
            shapes: None,
        };
        let alone = groups.len() == 1;
        for (hidden, members) in groups {
            let of_group = BitMatrix::from_fn(members.len(), width, |row, unit| images.get(members[row], unit));
            let seed = if alone { self.seed } else { self.seed.derive("mask of row", members[0] as u64) };
            let filled = impute(&Clamped { images: of_group, hidden, seed });
            for (place, &row) in members.iter().enumerate() {
                all.values[row * count * width..][..count * width]
                    .copy_from_slice(&filled.values[place * count * width..][..count * width]);
                all.means[row * width..][..width].copy_from_slice(&filled.means[place * width..][..width]);
            }
            all.scores = all.scores.zip(filled.scores).map(|(mut all, own)| {
                for (place, &row) in members.iter().enumerate() {
                    (all.values[row], all.errors[row]) = (own.values[place], own.errors[place]);
                }
                all.exact &= own.exact;
                all
            });
            all.method = filled.method;
        }
        Ok(all)
    }
}

/// Rows whose hidden values are imputed. What is shown of them is not looked at.
pub struct Filled {
    /// `[rows, count, width]`.
    pub values: Vec<f32>,
    /// The means of what is imputed, `[rows, width]`: probabilities of bits.
    pub means: Vec<f32>,
    /// Of real numbers, the 5, 25, 75 and 95 % quantiles, `[rows, width, 4]`.
    pub quantiles: Option<Vec<f32>>,
    /// ln (1/K) Σ p(hidden | latent) of each row, nats, with its Monte Carlo error, where the family has one.
    pub scores: Option<Scores>,
    /// −E_q(z | x) ln p(hidden | z) + KL(q(z | x) ‖ q(z | shown)) of each row, where the family has it.
    pub bounds: Option<Vec<f64>>,
    /// How they were imputed.
    pub method: String,
    /// The shapes k̂ of the rows' importance weights, where there are weights; `None` for a row that says nothing of it.
    pub shapes: Option<Vec<Option<f64>>>,
}

/// What is hidden, held against what is imputed. Nats a row.
pub struct Scores {
    /// S_K, or the exact ln p(hidden | shown).
    pub values: Vec<f64>,
    /// Monte Carlo errors; infinite where they are not known, 0 where there is none.
    pub errors: Vec<f64>,
    /// Whether they are exact.
    pub exact: bool,
}

/// A model that imputes hidden values.
pub trait Inpainter {
    /// Imputes the values that the mask hides, and those that are missing.
    fn inpaint(&self, ask: &InpaintAsk<'_>) -> Result<Filled, Failure>;
}
