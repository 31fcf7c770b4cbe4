//! The machine: its parameters, energies and files.

use super::{BoltzmannChains, BoltzmannError, Units};
use crate::energy::independent::logits_of_means;
use crate::energy::rbm::Rbm;
use crate::energy::{ParameterError, parameters};
use crate::kernels::reduce;
use crate::parallel::{chunks, chunks_mut, for_each_in_groups, items, items_mut};
use crate::random::Seed;
use crate::store::{Snapshot, SnapshotError};
use crate::tensor::{AlignedVec, BitMatrix};
use crate::train::best_learner;
use rayon::prelude::*;
use std::fmt;

/// A Boltzmann machine.
///
/// ```
/// use helmholtz::energy::boltzmann::{BoltzmannMachine, Units};
/// use helmholtz::Seed;
/// // Two spins that like to agree: p = σ(2 w) = 0.88 each way.
/// let machine = BoltzmannMachine::from_parameters(2, 0, Units::Spin, &[0.0, 1.0, 1.0, 0.0], &[0.0; 2])?;
/// let mut chains = machine.chains(4000, Seed(1));
/// chains.gibbs(&machine, 20);
/// let agree = (0..4000).filter(|&chain| chains.states().get(chain, 0) == chains.states().get(chain, 1));
/// assert!((agree.count() as f64 / 4000.0 - 0.88).abs() < 0.03);
/// # Ok::<(), helmholtz::energy::boltzmann::BoltzmannError>(())
/// ```
#[derive(Clone)]
pub struct BoltzmannMachine {
    pub(super) visible: usize,
    pub(super) hidden: usize,
    pub(super) units: Units,
    /// `[units, units]`, symmetric, zero on the diagonal; in the units' own values, as the biases.
    pub(super) weights: AlignedVec<f32>,
    pub(super) bias: AlignedVec<f32>,
    /// The same machine with units 0 and 1: what is sampled.
    pub(super) binary_weights: AlignedVec<f32>,
    pub(super) binary_bias: AlignedVec<f32>,
}

impl fmt::Debug for BoltzmannMachine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BoltzmannMachine { visible, hidden, units, .. } = self;
        write!(f, "BoltzmannMachine {{ {visible} visible and {hidden} hidden {units} units }}")
    }
}

impl PartialEq for BoltzmannMachine {
    fn eq(&self, other: &Self) -> bool {
        (self.visible, self.hidden, self.units) == (other.visible, other.hidden, other.units)
            && self.weights == other.weights
            && self.bias == other.bias
    }
}

impl BoltzmannMachine {
    /// Hidden units where nothing is known of the data: a default for those who have to choose one.
    pub const HIDDEN: usize = 32;

    /// A machine with zero biases and random weights, N(0, 1 / 4n) for n units: large enough to leave the saddle that all
    /// hidden units share at zero. Without hidden units the likelihood is concave, and weights start at zero.
    ///
    /// # Panics
    /// Where there is no visible unit.
    #[track_caller]
    pub fn new(visible: usize, hidden: usize, units: Units, seed: Seed) -> Self {
        assert!(visible > 0, "a Boltzmann machine of no visible and {hidden} hidden units");
        let mut machine = Self::zeros(visible, hidden, units);
        if hidden > 0 {
            let n = machine.len();
            let deviation = 0.5 / (n as f32).sqrt();
            let mut values = vec![0.0; n * n];
            seed.lanes("boltzmann weights", 0).fill_normal(&mut values);
            for i in 0..n {
                for j in 0..i {
                    let weight = deviation * values[i * n + j];
                    machine.weights[i * n + j] = weight;
                    machine.weights[j * n + i] = weight;
                }
            }
        }
        machine.refresh();
        machine
    }

    fn zeros(visible: usize, hidden: usize, units: Units) -> Self {
        let n = visible + hidden;
        let (weights, bias) = (AlignedVec::zeroed(n * n), AlignedVec::zeroed(n));
        let (binary_weights, binary_bias) = (weights.clone(), bias.clone());
        BoltzmannMachine { visible, hidden, units, weights, bias, binary_weights, binary_bias }
    }

    /// A machine with the given weights `[units, units]` and biases `[units]`, visible units first.
    ///
    /// # Errors
    /// Where there is no visible unit, a value is not finite, the weights are not symmetric or a unit acts on itself.
    ///
    /// # Panics
    /// Where a length is not the shape's.
    #[track_caller]
    pub fn from_parameters(
        visible: usize,
        hidden: usize,
        units: Units,
        weights: &[f32],
        bias: &[f32],
    ) -> Result<Self, BoltzmannError> {
        if visible == 0 {
            return Err(BoltzmannError::NoUnits);
        }
        let n = visible.saturating_add(hidden);
        parameters::check("weights", weights, &[n, n])?;
        parameters::check("bias", bias, &[n])?;
        parameters::check_symmetric(weights, n)?;
        if let Some(unit) = (0..n).find(|&unit| weights[unit * n + unit] != 0.0) {
            let value = weights[unit * n + unit];
            return Err(ParameterError::SelfCoupling { unit, value }.into());
        }
        let mut machine = Self::zeros(visible, hidden, units);
        machine.weights.copy_from_slice(weights);
        machine.bias.copy_from_slice(bias);
        machine.refresh();
        Ok(machine)
    }

    /// Makes the form with units 0 and 1 follow the parameters. With x = (s + 1) / 2, the field of a spin is
    /// 2 hᵢ(s) = Σⱼ 4 Wᵢⱼ xⱼ + 2 bᵢ − 2 Σⱼ Wᵢⱼ.
    pub(super) fn refresh(&mut self) {
        let n = self.len();
        match self.units {
            Units::Binary => {
                self.binary_weights.copy_from_slice(&self.weights);
                self.binary_bias.copy_from_slice(&self.bias);
            }
            Units::Spin => {
                let rows = (chunks(&self.weights, n), chunks_mut(&mut self.binary_weights, n));
                let biases = (items(&self.bias), items_mut(&mut self.binary_bias));
                for_each_in_groups(16, (rows, biases), |_, ((row, binary_row), (bias, binary_bias))| {
                    let sum: f64 = row.iter().map(|&weight| f64::from(weight)).sum();
                    binary_row.iter_mut().zip(row).for_each(|(binary, weight)| *binary = 4.0 * weight);
                    *binary_bias = (2.0 * (f64::from(*bias) - sum)) as f32;
                });
            }
        }
    }

    /// Visible units.
    pub fn visible(&self) -> usize {
        self.visible
    }

    /// Hidden units.
    pub fn hidden(&self) -> usize {
        self.hidden
    }

    /// All units.
    #[expect(clippy::len_without_is_empty, reason = "a machine has at least one unit")]
    pub fn len(&self) -> usize {
        self.visible + self.hidden
    }

    /// The values of the units.
    pub fn units(&self) -> Units {
        self.units
    }

    /// The weights W, `[units, units]`, visible units first.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// The biases b, `[units]`.
    pub fn bias(&self) -> &[f32] {
        &self.bias
    }

    /// E(x) = −½ xᵀW x − bᵀx of each row of `states` `[rows, units]`, nats.
    ///
    /// # Panics
    /// Where `states` is not as wide as the machine has units.
    #[track_caller]
    pub fn energy(&self, states: &BitMatrix) -> Vec<f64> {
        let (given, n) = (states.units(), self.len());
        assert_eq!(given, n, "states of {given} units, the machine has {n}");
        let low = if self.units == Units::Spin { -1.0 } else { 0.0 };
        (0..states.rows())
            .into_par_iter()
            .map(|row| {
                let x: Vec<f32> = (0..n).map(|unit| if states.get(row, unit) { 1.0 } else { low }).collect();
                let rows = self.weights.chunks_exact(n).zip(self.bias.iter()).zip(&x);
                // ½ Wx + b, unit by unit; those at 0 add nothing.
                let terms = rows
                    .filter(|(_, x)| **x != 0.0)
                    .map(|((row, bias), own)| (0.5 * reduce::dot(row, &x) + f64::from(*bias)) * f64::from(*own));
                -terms.sum::<f64>()
            })
            .collect()
    }

    /// By how much the energy exceeds that of the form with units 0 and 1, whatever the state.
    pub(super) fn energy_offset(&self) -> f64 {
        match self.units {
            Units::Binary => 0.0,
            Units::Spin => reduce::sum(&self.bias) - 0.5 * reduce::sum(&self.weights),
        }
    }

    /// Whether no hidden unit acts on another: then they can be summed out in closed form.
    pub(super) fn hidden_are_independent(&self) -> bool {
        let n = self.len();
        (self.visible..n)
            .all(|unit| self.weights[unit * n + self.visible..(unit + 1) * n].iter().all(|w| *w == 0.0))
    }

    /// Sets the visible biases to those of independent units with these `means` `[visible]`, of bits, kept 1 / (2 `examples`)
    /// away from 0 and 1: the best independent model to start from.
    ///
    /// # Panics
    /// Where `means` is not `visible` long.
    #[track_caller]
    pub fn set_visible_bias_from_means(&mut self, means: &[f64], examples: usize) {
        assert_eq!(means.len(), self.visible, "means of {} units for {} visible ones", means.len(), self.visible);
        let scale = if self.units == Units::Spin { 0.5 } else { 1.0 };
        let logits = logits_of_means(means, examples);
        self.bias.iter_mut().zip(logits).for_each(|(bias, logit)| *bias = scale * logit);
        self.refresh();
    }

    /// `count` persistent chains from uniformly random states.
    pub fn chains(&self, count: usize, seed: Seed) -> BoltzmannChains {
        BoltzmannChains::random(count, self.len(), seed)
    }

    /// `count` draws of the visible units by chains of `sweeps` sweeps from random states, `[count, visible]`.
    /// [`sample_exact`](Self::sample_exact) draws from small machines without chains.
    pub fn sample(&self, count: usize, sweeps: usize, seed: Seed) -> BitMatrix {
        let mut chains = self.chains(count, seed);
        chains.gibbs(self, sweeps);
        let states = chains.states();
        BitMatrix::from_fn(count, self.visible, |row, unit| states.get(row, unit))
    }

    /// The parameters as named arrays, `weights` `[units, units]` and `bias` `[units]`, with `visible` and `units` as
    /// metadata.
    pub fn to_snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::default();
        self.write_to(&mut snapshot);
        snapshot
    }

    pub(super) fn write_to(&self, snapshot: &mut Snapshot) {
        let n = self.len();
        snapshot.put_f32("weights", &[n, n], &self.weights);
        snapshot.put_f32("bias", &[n], &self.bias);
        snapshot.set("visible", self.visible);
        snapshot.set("units", self.units);
    }

    /// The machine whose [`to_snapshot`](Self::to_snapshot) this is. Without metadata all units are visible and binary.
    ///
    /// # Errors
    /// Where an array is missing, of another type or shape, empty, not finite or not symmetric, or the metadata says what
    /// cannot be.
    pub fn from_snapshot(snapshot: &Snapshot) -> Result<Self, BoltzmannError> {
        let n: usize = snapshot.shape("bias")?.iter().product();
        let visible = if snapshot.metadata.contains_key("visible") { snapshot.parse("visible")? } else { n };
        let units = if snapshot.metadata.contains_key("units") { snapshot.parse("units")? } else { Units::Binary };
        if visible > n {
            let (key, value, wanted) = ("visible".into(), visible.to_string(), "no more than there are biases");
            return Err(SnapshotError::Metadata { key, value, wanted }.into());
        }
        let (weights, bias) = (snapshot.f32("weights", &[n, n])?, snapshot.f32("bias", &[n])?);
        Self::from_parameters(visible, n - visible, units, weights, bias)
    }

    /// The trained machine of a checkpoint, [`Trainer::model`](crate::train::Trainer::model): at the best evaluation where
    /// the run stops early. Of a file that is no checkpoint, [`from_snapshot`](Self::from_snapshot).
    ///
    /// # Errors
    /// As for `from_snapshot`.
    pub fn from_checkpoint(snapshot: &Snapshot) -> Result<Self, BoltzmannError> {
        Self::from_snapshot(&best_learner(snapshot))
    }
}

/// The general machine with a restricted one's weights between the layers and none within them: the same distribution.
impl From<&Rbm> for BoltzmannMachine {
    fn from(rbm: &Rbm) -> Self {
        let (visible, hidden) = (rbm.visible(), rbm.hidden());
        let mut machine = Self::zeros(visible, hidden, Units::Binary);
        let n = machine.len();
        for (i, row) in rbm.weights().chunks_exact(hidden).enumerate() {
            for (j, &weight) in row.iter().enumerate() {
                machine.weights[i * n + visible + j] = weight;
                machine.weights[(visible + j) * n + i] = weight;
            }
        }
        machine.bias[..visible].copy_from_slice(rbm.visible_bias());
        machine.bias[visible..].copy_from_slice(rbm.hidden_bias());
        machine.refresh();
        machine
    }
}
