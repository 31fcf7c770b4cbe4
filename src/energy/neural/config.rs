//! The shape of a neural energy: how wide, how deep, and what confines it.

use super::NeuralError;
use crate::Setting;
use crate::autodiff::Activation;
use crate::data::{Dataset, Values};
use crate::nn::{activation_in, check_activation, check_width, layers_in, widths_in};
use crate::store::Snapshot;

/// The shape of a neural energy.
///
/// ```
/// use helmholtz::data::{Dataset, ToyDensity};
/// use helmholtz::energy::neural::{NeuralConfig, NeuralEnergy};
/// use helmholtz::Seed;
/// let data = Dataset::toy(ToyDensity::Moons).train();
/// let config = NeuralConfig { hidden: vec![32, 32], ..NeuralConfig::fitted(&data)? };
/// assert_eq!(NeuralEnergy::new(config, Seed(1))?.store().count(), 2 * 32 + 32 + 32 * 32 + 32 + 32 + 1);
/// # Ok::<(), helmholtz::energy::neural::NeuralError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct NeuralConfig {
    /// Widths of the network's hidden layers, from the data on.
    pub hidden: Vec<usize>,
    /// The activation at the end of each hidden layer. With a smooth one the score is continuous, as Langevin and Hamiltonian steps like
    /// it; denoising score matching differentiates it once more.
    pub activation: Activation,
    /// κ ≥ 0 of the energy's quadratic term ½κ|u|². Above 0 it makes e^(−E) normalisable where the network grows more slowly
    /// than a square, as every activation here has it; at 0 nothing does, and there is no likelihood.
    pub confinement: f32,
    /// m, what u = (x − m) / s counts from, `[width]`: the data's means.
    pub centre: Vec<f32>,
    /// s, the unit of each component of u, `[width]`: the data's standard deviations.
    pub scale: Vec<f32>,
}

impl NeuralConfig {
    /// Two hidden layers of 64 units with tanh, κ = 1, and u = x.
    pub fn new(width: usize) -> Self {
        NeuralConfig {
            hidden: vec![64, 64],
            activation: Activation::Tanh,
            confinement: 1.0,
            centre: vec![0.0; width],
            scale: vec![1.0; width],
        }
    }

    /// The same, with centre and scale from the rows of `data`; a column that does not vary has the unit 1.
    ///
    /// # Errors
    /// Where the data has no rows, or is bits.
    pub fn fitted(data: &Dataset<'_>) -> Result<Self, NeuralError> {
        Values::Density.check(data)?;
        let (width, means) = (data.width(), data.means());
        let (mut squares, mut row) = (vec![0.0; width], vec![0.0; width]);
        for index in 0..data.len() {
            data.row_into(index, &mut row);
            for ((square, &x), mean) in squares.iter_mut().zip(&row).zip(&means) {
                *square += (f64::from(x) - mean).powi(2);
            }
        }
        let deviation = |square: f64| (square / data.len() as f64).sqrt() as f32;
        let scale = squares.into_iter().map(deviation).map(|s| if s > 0.0 { s } else { 1.0 });
        Ok(NeuralConfig {
            scale: scale.collect(),
            centre: means.into_iter().map(|mean| mean as f32).collect(),
            ..NeuralConfig::new(width)
        })
    }

    /// Values of a row.
    pub fn width(&self) -> usize {
        self.centre.len()
    }

    /// Checks every width and number.
    ///
    /// # Errors
    /// Names the first one that makes no sense.
    pub fn check(&self) -> Result<(), Setting> {
        check_width("the number of values a row", self.width())?;
        self.hidden.iter().try_for_each(|&width| check_width("the width of a hidden layer", width))?;
        Setting::not_negative("the confinement", self.confinement)?;
        if self.scale.len() != self.width() {
            let wanted = "as many as there are values a row";
            return Err(Setting::new("the number of scales", self.scale.len(), wanted));
        }
        if let Some(centre) = self.centre.iter().find(|centre| !centre.is_finite()) {
            return Err(Setting::new("a centre", centre, "a finite number"));
        }
        if let Some(scale) = self.scale.iter().find(|scale| !(**scale > 0.0 && scale.is_finite())) {
            return Err(Setting::new("a scale", scale, "a positive number"));
        }
        check_activation(self.activation)
    }

    /// Centre and scale as arrays, and what no tensor says, activation and confinement, as metadata.
    pub(super) fn save(&self, snapshot: &mut Snapshot) {
        snapshot.put_f32(CENTRE, &[self.width()], &self.centre);
        snapshot.put_f32(SCALE, &[self.width()], &self.scale);
        snapshot.set(ACTIVATION, self.activation);
        snapshot.set(CONFINEMENT, self.confinement);
    }

    /// The shape of the model whose tensors and metadata these are, those of the network with `prefix` before their names.
    /// Without metadata the activation is taken for tanh, and the confinement for 1.
    pub(super) fn of(snapshot: &Snapshot, prefix: &str) -> Result<Self, NeuralError> {
        let name = format!("{prefix}{NETWORK}");
        snapshot.shape(&format!("{name}.0.weight"))?;
        let mut hidden = widths_in::<NeuralError>(snapshot, layers_in(snapshot, &name))?;
        let width = hidden.remove(0);
        // The last layer gives the energy alone.
        if let Some(outputs) = hidden.pop().filter(|outputs| *outputs != 1) {
            return Err(NeuralError::setting("the number of outputs of the last layer", outputs, "1"));
        }
        let activation = activation_in(snapshot, ACTIVATION, Activation::Tanh)?;
        let confinement = match snapshot.metadata.get(CONFINEMENT) {
            Some(text) => text
                .parse()
                .map_err(|_| NeuralError::setting("the confinement", text, "0 or a positive number"))?,
            None => 1.0,
        };
        let (centre, scale) = (snapshot.f32(CENTRE, &[width])?.to_vec(), snapshot.f32(SCALE, &[width])?.to_vec());
        let config = NeuralConfig { hidden, activation, confinement, centre, scale };
        config.check()?;
        Ok(config)
    }
}

/// The beginning of the names of the network's parameters.
pub(super) const NETWORK: &str = "network";
const CENTRE: &str = "centre";
const SCALE: &str = "scale";
const ACTIVATION: &str = "neural.activation";
const CONFINEMENT: &str = "neural.confinement";
