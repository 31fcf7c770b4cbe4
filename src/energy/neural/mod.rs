//! Energies given by a neural network: p(x) = e^(−E(x)) / Z over real vectors x.
//!
//! With u = (x − m) / s, the energy is E(x) = f(u) + ½κ|u|²: a multilayer perceptron f and a quadratic term that keeps e^(−E)
//! normalisable. The tape gives the *score* −∂E/∂x, which needs no Z, and from it
//!
//! - samples, by Langevin (Roberts & Tweedie 1996) and Hamiltonian steps with an exact accept step ([`NeuralChains`]);
//! - the gradient of the log-likelihood, ⟨∂E/∂θ⟩ under the model less ⟨∂E/∂θ⟩ under the data, the model's mean being taken over
//!   chains that persist in a replay buffer (Tieleman 2008; Du & Mordatch 2019; Nijkamp et al. 2019);
//! - or the score of the data with noise, by denoising score matching (Hyvärinen 2005; Vincent 2011), whose gradient is a
//!   gradient of a gradient.
//!
//! log Z of up to two dimensions is a sum over a grid; of more, annealed importance sampling from the confinement's normal
//! distribution.
//!
//! ```
//! use helmholtz::data::{Dataset, ToyDensity};
//! use helmholtz::energy::neural::{NeuralConfig, NeuralEnergy, NeuralRecipe, NeuralScoring};
//! use helmholtz::Seed;
//! use helmholtz::train::{Fit, Training};
//!
//! let data = Dataset::toy(ToyDensity::Gaussians8);
//! let config = NeuralConfig { hidden: vec![32], ..NeuralConfig::fitted(&data.train())? };
//! let mut energy = NeuralEnergy::new(config, Seed(1))?;
//! let training = Training { steps: Some(50), ..Training::default() };
//! energy.fit(&data.train(), &NeuralRecipe::default(), &training)?;
//! println!("{}", energy.log_likelihood(&data.test().subset(0..1000), &NeuralScoring::default())?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod annealing;
mod block;
mod chains;
mod config;
mod density;
mod error;
mod field;
mod langevin;
mod likelihood;
pub mod metrics;
mod network;
mod objective;
mod quadrature;
mod recipe;
mod refinement;
mod replay;
mod sample;
mod trainer;

pub use chains::NeuralChains;
pub use config::NeuralConfig;
pub use density::NeuralDensity;
pub use error::NeuralError;
pub use likelihood::NeuralScoring;
pub use recipe::{Method, NeuralRecipe, StepSize, TwoPhase};
pub use sample::NeuralSampling;
pub use trainer::{NeuralObjective, NeuralTrainer};

use crate::data::{Dataset, Unsuitable, Values, Wanted};
use crate::parallel::{chunks, chunks_mut, for_each_with};
use crate::random::Seed;
use crate::store::{Snapshot, Store};
use crate::train::tape::TapeModel;
use field::Field;
use network::Network;

/// An energy over real vectors, given by a network: its shape and its parameters.
///
/// The parameters are named and oriented as in PyTorch, weights `[out, in]`. This module has the same state dict, with two
/// hidden layers:
///
/// ```python
/// class Energy(nn.Module):
///     def __init__(self):
///         super().__init__()
///         self.network = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1))
///         self.register_buffer("centre", torch.zeros(2))
///         self.register_buffer("scale", torch.ones(2))
///
///     def forward(self, x, confinement=1.0):
///         u = (x - self.centre) / self.scale
///         return self.network(u).squeeze(1) + 0.5 * confinement * u.square().sum(1)
/// ```
#[derive(Clone, Debug)]
pub struct NeuralEnergy {
    config: NeuralConfig,
    store: Store,
    network: Network,
}

/// Rows at a time where only energies or scores are asked for.
const ROWS: usize = 256;

impl PartialEq for NeuralEnergy {
    fn eq(&self, other: &Self) -> bool {
        self.config == other.config && self.store == other.store
    }
}

impl NeuralEnergy {
    /// A model with random weights, but for the last layer, which is zero: the normal distribution of its confinement.
    ///
    /// # Errors
    /// Where a width is 0, or a number of the shape makes no sense.
    pub fn new(config: NeuralConfig, seed: Seed) -> Result<Self, NeuralError> {
        config.check()?;
        let mut store = Store::new();
        let network = Network::new(&mut store, &config, seed);
        Ok(NeuralEnergy { config, store, network })
    }

    /// Its shape.
    pub fn config(&self) -> &NeuralConfig {
        &self.config
    }

    /// Values of a row.
    pub fn width(&self) -> usize {
        self.config.width()
    }

    /// Its parameters.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Its parameters, to be set.
    pub fn store_mut(&mut self) -> &mut Store {
        &mut self.store
    }

    /// E(x) of rows x `[rows, width]`: `[rows]`, nats.
    ///
    /// # Panics
    /// Where `x` is no whole number of rows.
    #[track_caller]
    pub fn energies(&self, x: &[f32]) -> Vec<f64> {
        self.energies_of(&self.standardised(x))
    }

    /// The energies `[rows]` of standardised rows u `[rows, width]`.
    fn energies_of(&self, u: &[f32]) -> Vec<f64> {
        let mut energies = vec![0.0; u.len() / self.width()];
        let field = Field::of_values(self, ROWS);
        let pieces = (chunks_mut(&mut energies, ROWS), chunks(u, ROWS * self.width()));
        for_each_with(
            pieces,
            || field.clone(),
            |field, _, (energies, u)| {
                field.input_mut()[..u.len()].copy_from_slice(u);
                field.run(&self.store);
                for ((energy, u), &f) in energies.iter_mut().zip(u.chunks_exact(self.width())).zip(field.values())
                {
                    *energy = self.energy_at(u, f, 1.0);
                }
            },
        );
        energies
    }

    /// The score ∂ ln p(x) / ∂x = −∂E/∂x of rows x `[rows, width]`: `[rows, width]`.
    ///
    /// # Panics
    /// As for [`energies`](Self::energies).
    #[track_caller]
    pub fn scores(&self, x: &[f32]) -> Vec<f32> {
        let (u, width) = (self.standardised(x), self.width());
        let mut scores = vec![0.0; u.len()];
        let field = Field::new(self, ROWS);
        let pieces = (chunks_mut(&mut scores, ROWS * width), chunks(&u, ROWS * width));
        for_each_with(
            pieces,
            || field.clone(),
            |field, _, (scores, u)| {
                field.input_mut()[..u.len()].copy_from_slice(u);
                field.run(&self.store);
                for (place, (score, &slope)) in scores.iter_mut().zip(field.slopes()).enumerate() {
                    *score = -(slope + self.config.confinement * u[place]) / self.config.scale[place % width];
                }
            },
        );
        scores
    }

    /// E_β(u) = β f(u) + ½κ|u|² from f(u).
    fn energy_at(&self, u: &[f32], f: f32, beta: f64) -> f64 {
        let square: f64 = u.iter().map(|&u| f64::from(u) * f64::from(u)).sum();
        beta * f64::from(f) + 0.5 * f64::from(self.config.confinement) * square
    }

    /// The deviation of u in the normal distribution e^(−½κ|u|²), or 1 where nothing confines.
    fn base_deviation(&self) -> f32 {
        if self.config.confinement > 0.0 { self.config.confinement.sqrt().recip() } else { 1.0 }
    }

    /// u = (x − m) / s of rows x `[rows, width]`.
    #[track_caller]
    fn standardised(&self, x: &[f32]) -> Vec<f32> {
        let width = self.width();
        assert!(x.len().is_multiple_of(width), "rows of {width} numbers in a slice of {}", x.len());
        let mut u = x.to_vec();
        self.standardise(&mut u);
        u
    }

    /// The same in place.
    fn standardise(&self, x: &mut [f32]) {
        let NeuralConfig { centre, scale, .. } = &self.config;
        for row in x.chunks_exact_mut(self.width()) {
            row.iter_mut().zip(centre).zip(scale).for_each(|((x, m), s)| *x = (*x - m) / s);
        }
    }

    /// The parameters as named arrays, and what they do not say as metadata.
    pub fn to_snapshot(&self) -> Snapshot {
        TapeModel::to_snapshot(self)
    }

    /// The model whose [`to_snapshot`](Self::to_snapshot) this is, or whose state dict: widths are those of the tensors.
    /// Without metadata the activation is taken for tanh, and the confinement for 1.
    ///
    /// # Errors
    /// Where an array is missing, of another type or shape, or not finite.
    pub fn from_snapshot(snapshot: &Snapshot) -> Result<Self, NeuralError> {
        TapeModel::read_from(snapshot, "")
    }

    /// The trained model that a checkpoint holds: the average of the parameters where it keeps one, at the best evaluation where
    /// the run stops early. Of a file that is no checkpoint, [`from_snapshot`](Self::from_snapshot).
    ///
    /// # Errors
    /// As for `from_snapshot`.
    pub fn from_checkpoint(checkpoint: &Snapshot) -> Result<Self, NeuralError> {
        TapeModel::from_checkpoint(checkpoint)
    }

    /// Whether rows of `data` are examples for this model: numbers rather than bits.
    fn check_data(&self, data: &Dataset<'_>) -> Result<(), Unsuitable> {
        Wanted { width: self.width(), values: Values::Density }.check(data)
    }
}

impl TapeModel for NeuralEnergy {
    type Error = NeuralError;

    fn store(&self) -> &Store {
        &self.store
    }

    fn store_mut(&mut self) -> &mut Store {
        &mut self.store
    }

    fn describe(&self, snapshot: &mut Snapshot) {
        self.config.save(snapshot);
    }

    fn shaped_like(snapshot: &Snapshot, prefix: &str) -> Result<Self, NeuralError> {
        NeuralEnergy::new(NeuralConfig::of(snapshot, prefix)?, Seed(0))
    }
}

/// Rows of `data`, `[rows, width]`.
fn rows_of(data: &Dataset<'_>, count: usize) -> Vec<f32> {
    let mut rows = vec![0.0; count * data.width()];
    rows.chunks_exact_mut(data.width()).enumerate().for_each(|(row, values)| data.row_into(row, values));
    rows
}

#[cfg(test)]
mod chains_tests;
#[cfg(test)]
mod gradient_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod training_tests;
