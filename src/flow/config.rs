//! The shape of a flow: its structure, how deep, how wide, from which space to which base.

use super::{Base, Conditioning, FlowError, Mixing, Preprocessing, Structure, TransformKind};
use crate::Setting;
use crate::autodiff::Activation;
use crate::data::Dataset;
use crate::kernels::rational_quadratic::MOST_BINS;
use crate::nn::{activation_in, check_activation, check_width};
use crate::store::Snapshot;

/// Most layers, most normal distributions of a mixture.
const MOST: usize = 4096;
/// Rows up to this width are mixed by a learned matrix, wider ones by a permutation.
const LU_WIDTH: usize = 64;

/// The shape of a flow.
///
/// ```
/// use helmholtz::data::{Dataset, ToyDensity};
/// use helmholtz::flow::{Flow, FlowConfig, TransformKind};
/// use helmholtz::Seed;
/// let data = Dataset::toy(ToyDensity::Moons).train();
/// let config = FlowConfig { transform: TransformKind::Affine, hidden: vec![16], ..FlowConfig::fitted(&data)? };
/// // Of each layer: centre and scale, L, U and its diagonal, and a network from one value to a scale and a shift.
/// assert_eq!(Flow::new(config.clone(), Seed(1))?.store().count(), config.layers * (4 + 10 + 2 * 16 + 17 * 2));
/// # Ok::<(), helmholtz::flow::FlowError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct FlowConfig {
    /// Values of a row.
    pub width: usize,
    /// Which components condition which.
    pub structure: Structure,
    /// The increasing function that a component goes through.
    pub transform: TransformKind,
    /// The distribution that the data's side is mapped to.
    pub base: Base,
    /// Layers, each of a normalisation, a mixing and a conditioned transform; none with a mixture for a base is a model of its own.
    pub layers: usize,
    /// Widths of the hidden layers of each conditioning network.
    pub hidden: Vec<usize>,
    /// The activation at the end of each hidden layer.
    pub activation: Activation,
    /// The linear map of each layer.
    pub mixing: Mixing,
    /// What p(x) is conditioned on.
    pub conditioning: Conditioning,
    /// The way from the data to the numbers that are transformed.
    pub preprocessing: Preprocessing,
}

impl FlowConfig {
    /// Five layers of spline couplings of real numbers, their networks with two hidden layers of 64 rectified units; a learned matrix between
    /// them up to 64 values a row, else a permutation.
    pub fn new(width: usize) -> Self {
        FlowConfig {
            width,
            structure: Structure::default(),
            transform: TransformKind::default(),
            base: Base::default(),
            layers: 5,
            hidden: vec![64, 64],
            activation: Activation::Relu,
            mixing: if width <= LU_WIDTH { Mixing::Lu } else { Mixing::Permutation },
            conditioning: Conditioning::None,
            preprocessing: Preprocessing::identity(width),
        }
    }

    /// The same, with the preprocessing that suits the rows of `data`: real numbers standardised, grey levels dequantised.
    ///
    /// # Errors
    /// As for [`Preprocessing::fitted`].
    pub fn fitted(data: &Dataset<'_>) -> Result<Self, FlowError> {
        Ok(FlowConfig { preprocessing: Preprocessing::fitted(data)?, ..FlowConfig::new(data.width()) })
    }

    /// Checks every width and number.
    ///
    /// # Errors
    /// Names the first one that makes no sense.
    pub fn check(&self) -> Result<(), FlowError> {
        let FlowConfig { width, layers, .. } = *self;
        check_width("the number of values a row", width)?;
        self.hidden.iter().try_for_each(|&width| check_width("the width of a hidden layer", width))?;
        check_activation(self.activation)?;
        self.preprocessing.check(width)?;
        let mixture = matches!(self.base, Base::Mixture { .. });
        let (enough, range) = if mixture {
            (layers <= MOST, "at most 4096")
        } else {
            ((1..=MOST).contains(&layers), "from 1 to 4096")
        };
        Setting::check(enough, "the number of layers", layers, range)?;
        match self.base {
            Base::Student { degrees } => Setting::positive("the degrees of freedom of the base", degrees)?,
            Base::Mixture { components } => {
                let good = (1..=MOST).contains(&components);
                Setting::check(good, "the number of components of the base", components, "from 1 to 4096")?;
            }
            Base::Normal => {}
        }
        if let TransformKind::Spline { bins, bound } = self.transform {
            let good = (2..=MOST_BINS).contains(&bins);
            Setting::check(good, "the number of bins of the spline", bins, "from 2 to 32")?;
            Setting::positive("the bound of the spline", bound)?;
        }
        match self.conditioning {
            Conditioning::None => {}
            Conditioning::Labels { classes } => {
                Setting::check(
                    (1..=1 << 16).contains(&classes),
                    "the number of classes",
                    classes,
                    "from 1 to 65536",
                )?;
            }
            Conditioning::Targets { width } => check_width("the number of targets a row", width)?,
        }
        if self.structure == Structure::Coupling && layers > 0 {
            if width == 1 {
                return Err(FlowError::OneValue);
            }
            // Reversed, the middle one of an odd number of components stays where it is: among those that no coupling moves.
            let moved = self.mixing != Mixing::Reverse || width.is_multiple_of(2);
            let wanted = "permutation or lu where couplings transform an odd number of values";
            Setting::check(moved, "the mixing", self.mixing, wanted)?;
        }
        Ok(())
    }

    /// Numbers of a row's context.
    pub fn context(&self) -> usize {
        self.conditioning.width()
    }

    /// The numbers of all weights of such a model, as matrices; `None` where it is beyond counting.
    fn weights(&self) -> Option<usize> {
        let network = |inputs: usize, outputs: Option<usize>| {
            let widths = [inputs.checked_add(self.context())?].into_iter().chain(self.hidden.iter().copied());
            let widths: Vec<usize> = widths.chain([outputs?]).collect();
            widths.windows(2).try_fold(0usize, |sum, pair| sum.checked_add(pair[0].checked_mul(pair[1])?))
        };
        let parameters = self.transform.parameters();
        let (inputs, outputs) = match self.structure {
            Structure::Coupling => (self.width.div_ceil(2), self.width / 2),
            Structure::Autoregressive => (self.width, self.width),
        };
        let mixing =
            if self.mixing == Mixing::Lu { self.width.checked_mul(self.width)?.checked_mul(2)? } else { 0 };
        let layer = network(inputs, outputs.checked_mul(parameters))?.checked_add(mixing)?;
        let base = match self.base {
            Base::Mixture { components } => network(self.width, self.width.checked_mul(3 * components))?,
            _ => 0,
        };
        layer.checked_mul(self.layers)?.checked_add(base)
    }

    /// What no tensor says, as metadata; the numbers of the preprocessing as arrays.
    pub(super) fn save(&self, snapshot: &mut Snapshot) {
        let hidden: Vec<String> = self.hidden.iter().map(usize::to_string).collect();
        snapshot.set(WIDTH, self.width);
        snapshot.set(STRUCTURE, self.structure);
        snapshot.set(TRANSFORM, self.transform);
        snapshot.set(BASE, self.base);
        snapshot.set(LAYERS, self.layers);
        snapshot.set(HIDDEN, hidden.join(","));
        snapshot.set(ACTIVATION, self.activation);
        snapshot.set(MIXING, self.mixing);
        snapshot.set(CONDITIONING, self.conditioning);
        self.preprocessing.save(snapshot);
    }

    /// The shape that [`save`](Self::save) wrote.
    pub(super) fn of(snapshot: &Snapshot) -> Result<Self, FlowError> {
        let width = snapshot.parse(WIDTH)?;
        let hidden = snapshot.get(HIDDEN)?;
        let widths = hidden.split(',').filter(|text| !text.is_empty());
        let widths: Result<Vec<usize>, _> = widths.map(str::parse).collect();
        let config = FlowConfig {
            width,
            structure: snapshot.get(STRUCTURE)?.parse()?,
            transform: snapshot.get(TRANSFORM)?.parse()?,
            base: snapshot.get(BASE)?.parse()?,
            layers: snapshot.parse(LAYERS)?,
            hidden: widths
                .map_err(|_| FlowError::setting("the list of hidden widths", hidden, "whole numbers"))?,
            activation: activation_in(snapshot, ACTIVATION, Activation::Relu)?,
            mixing: snapshot.get(MIXING)?.parse()?,
            conditioning: snapshot.get(CONDITIONING)?.parse()?,
            preprocessing: Preprocessing::of(snapshot, width)?,
        };
        config.check()?;
        // A few letters of metadata must not ask for more memory than the file has.
        let given: usize = snapshot.arrays.values().map(|array| array.values.len()).sum();
        match config.weights() {
            Some(weights) if weights <= given => Ok(config),
            weights => {
                let weights = weights.map_or("beyond counting".to_owned(), |weights| weights.to_string());
                Err(FlowError::setting("the number of weights by the metadata", weights, "that of the tensors"))
            }
        }
    }
}

const WIDTH: &str = "flow.width";
pub(super) const STRUCTURE: &str = "flow.structure";
const TRANSFORM: &str = "flow.transform";
const BASE: &str = "flow.base";
const LAYERS: &str = "flow.layers";
const HIDDEN: &str = "flow.hidden";
const ACTIVATION: &str = "flow.activation";
const MIXING: &str = "flow.mixing";
const CONDITIONING: &str = "flow.conditioning";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_named() {
        let good = FlowConfig::new(4);
        assert_eq!(good.check(), Ok(()));
        let said = |config: FlowConfig| config.check().unwrap_err().to_string();
        let spline = |bins, bound| TransformKind::Spline { bins, bound };
        for (config, start) in [
            (FlowConfig { width: 0, ..good.clone() }, "the number of values a row is 0"),
            (FlowConfig { layers: 0, ..good.clone() }, "the number of layers is 0"),
            (FlowConfig { hidden: vec![3, 0], ..good.clone() }, "the width of a hidden layer is 0"),
            (FlowConfig { transform: spline(1, 5.0), ..good.clone() }, "the number of bins of the spline is 1"),
            (FlowConfig { transform: spline(8, -1.0), ..good.clone() }, "the bound of the spline is -1"),
            (FlowConfig { transform: spline(8, f32::NAN), ..good.clone() }, "the bound of the spline is NaN"),
            (FlowConfig { base: Base::Student { degrees: 0.0 }, ..good.clone() }, "the degrees of freedom"),
            (FlowConfig { base: Base::Mixture { components: 0 }, ..good.clone() }, "the number of components"),
            (
                FlowConfig { conditioning: Conditioning::Labels { classes: 0 }, ..good.clone() },
                "the number of classes",
            ),
            (
                FlowConfig { preprocessing: Preprocessing::identity(3), ..good.clone() },
                "the number of centres is 3",
            ),
            (
                FlowConfig { preprocessing: Preprocessing::Dequantise { levels: 1, lambda: 0.1 }, ..good.clone() },
                "the number of grey levels is 1",
            ),
            (
                FlowConfig { preprocessing: Preprocessing::Dequantise { levels: 2, lambda: 0.0 }, ..good.clone() },
                "the margin of the logits is 0",
            ),
        ] {
            let error = said(config);
            assert!(error.starts_with(start), "{error}");
        }
        assert_eq!(FlowConfig::new(1).check(), Err(FlowError::OneValue));
        let reversed = FlowConfig { mixing: Mixing::Reverse, ..FlowConfig::new(3) };
        assert_eq!(
            said(reversed.clone()),
            "the mixing is reverse, but must be permutation or lu where couplings transform an odd number of values"
        );
        assert_eq!(FlowConfig { structure: Structure::Autoregressive, ..reversed }.check(), Ok(()));
        let mixture = FlowConfig { layers: 0, base: Base::Mixture { components: 3 }, ..FlowConfig::new(1) };
        assert_eq!(mixture.check(), Ok(()));
    }
}
