//! The model: transforms over one store of parameters, from the data's side to the base's.

use super::act_norm::ActNorm;
use super::autoregressive::Autoregressive;
use super::base::BaseDensity;
use super::config::STRUCTURE;
use super::coupling::Coupling;
use super::lu::Lu;
use super::mixture::{Mixture, MixtureShape};
use super::permutation::Permutation;
use super::{Base, Dropout, FlowConfig, FlowError, Mixing, Structure, Transform};
use crate::Setting;
use crate::autodiff::Var;
use crate::random::Seed;
use crate::store::{Snapshot, Store};
use crate::train::tape::TapeModel;
use std::sync::Arc;

/// A normalizing flow: its shape and its parameters.
///
/// Tensors are those of the layers, from the data's side on: `layers.0.norm.centre`, `layers.0.norm.log_scale`; of a learned mixing
/// `layers.0.mixing.lower`, `layers.0.mixing.upper`, `layers.0.mixing.log_diagonal`; and of the conditioning network
/// `layers.0.conditioner.0.weight` and on, named and oriented as in PyTorch; of a masked one
/// `layers.0.conditioner.0.context` besides where the flow is conditioned, and of a mixture `base.0.weight` and on. Permutations are arrays of whole numbers, `layers.0.permutation`.
#[derive(Clone, Debug)]
pub struct Flow {
    pub(super) config: FlowConfig,
    pub(super) store: Store,
    /// From the data's side to the base's.
    pub(super) transforms: Vec<Arc<dyn Transform>>,
    pub(super) base: Arc<dyn BaseDensity>,
    /// Of each layer that has one.
    permutations: Vec<Permutation>,
    origin: Origin,
    start: Start,
}

/// Where the transforms come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// They follow from the configuration.
    Configured,
    /// They are a user's own: no file says what they are.
    Own,
}

/// Whether the parameters that start with the data have done so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// The first training sets them.
    Pending,
    /// They are as training, or a file, left them, and stay so.
    Done,
}

const START: &str = "flow.start";
const PENDING: &str = "pending";
const DONE: &str = "done";
/// The structure in files of transforms of one's own.
const OWN: &str = "own";

impl PartialEq for Flow {
    fn eq(&self, other: &Self) -> bool {
        let order =
            |flow: &Self| -> Vec<Vec<usize>> { flow.permutations.iter().map(|p| p.order().to_vec()).collect() };
        self.config == other.config
            && self.store == other.store
            && (self.origin, self.start) == (other.origin, other.start)
            && order(self) == order(other)
    }
}

impl Flow {
    /// A model that is the identity from standardised data, or the logits of dequantised levels, to the base, up to the order of
    /// components; hidden layers have random weights. The first training sets each layer's normalisation from its data.
    ///
    /// # Errors
    /// Where a width is 0, or a number of the shape makes no sense.
    pub fn new(config: FlowConfig, seed: Seed) -> Result<Self, FlowError> {
        config.check()?;
        let permutations = match config.mixing {
            Mixing::Reverse => Vec::new(),
            Mixing::Permutation | Mixing::Lu => {
                let random = |layer| Permutation::random(config.width, seed.derive("layer", layer as u64));
                (0..config.layers).map(random).collect()
            }
        };
        Ok(Flow::with_permutations(config, permutations, seed))
    }

    /// A model whose layers permute components in these orders, where they permute by an order of their own.
    fn with_permutations(config: FlowConfig, permutations: Vec<Permutation>, seed: Seed) -> Self {
        let mut store = Store::new();
        let mut transforms: Vec<Arc<dyn Transform>> = Vec::new();
        for layer in 0..config.layers {
            let name = |part: &str| format!("layers.{layer}.{part}");
            let norm = ActNorm::new(&mut store, &name("norm"), config.width);
            match (config.mixing, permutations.get(layer)) {
                (Mixing::Lu, Some(order)) => {
                    transforms.push(Arc::new(Lu::new(&mut store, &name("mixing"), norm, order.clone())));
                }
                (_, order) => {
                    let reversed = || Permutation::reverse(config.width);
                    transforms.push(Arc::new(norm));
                    transforms.push(Arc::new(order.cloned().unwrap_or_else(reversed)));
                }
            }
            transforms.push(match config.structure {
                Structure::Coupling => Arc::new(Coupling::new(&mut store, &name("conditioner"), &config, seed)),
                Structure::Autoregressive => {
                    Arc::new(Autoregressive::new(&mut store, &name("conditioner"), &config, seed))
                }
            });
        }
        let base = base(&mut store, &config, seed);
        let (origin, start) = (Origin::Configured, Start::Pending);
        Flow { config, store, transforms, base, permutations, origin, start }
    }

    /// A flow of transforms of one's own, from the data's side to the base's. `store` holds their parameters. Of `config` the width, the
    /// base, what it is conditioned on and the preprocessing are read. It trains, is judged, drawn from and resumed like any other;
    /// from a file its parameters are read by their names, into one that was composed again.
    ///
    /// ```
    /// use helmholtz::autodiff::Var;
    /// use helmholtz::data::Dataset;
    /// use helmholtz::flow::{Flow, FlowConfig, FlowRecipe, Transform, Transformed};
    /// use helmholtz::store::{Parameter, Store};
    /// use helmholtz::train::{Fit, Training};
    /// use std::sync::Arc;
    ///
    /// /// y = x + a · x̂, where x̂ is the other of two components: a shear, of volume 1.
    /// #[derive(Debug)]
    /// struct Shear(Parameter);
    ///
    /// impl Shear {
    ///     fn along<'t>(&self, x: Var<'t>, sign: f32) -> Transformed<'t> {
    ///         let tape = x.tape();
    ///         let (first, second) = (x.slice(1, 0, 1), x.slice(1, 1, 1));
    ///         let moved = second + first * tape.parameter(self.0) * sign;
    ///         Transformed { value: first.concat(&[moved], 1), log_determinant: tape.scalar(0.0) }
    ///     }
    /// }
    ///
    /// impl Transform for Shear {
    ///     fn forward<'t>(&self, x: Var<'t>, _: Option<Var<'t>>) -> Transformed<'t> {
    ///         self.along(x, 1.0)
    ///     }
    ///     fn inverse<'t>(&self, y: Var<'t>, _: Option<Var<'t>>) -> Option<Transformed<'t>> {
    ///         Some(self.along(y, -1.0))
    ///     }
    /// }
    ///
    /// let mut store = Store::new();
    /// let a = store.add("a", &[1]);
    /// let mut flow = Flow::of_transforms(FlowConfig::new(2), store, vec![Arc::new(Shear(a))])?;
    /// // The second of two values is half of the first: without it, noise is left.
    /// let rows = [[1.0, 0.6], [-1.0, -0.4], [2.0, 0.9], [-2.0, -1.1]];
    /// let data = Dataset::from_real(rows.as_flattened(), &[4, 2])?;
    /// flow.fit(&data, &FlowRecipe::default(), &Training { steps: Some(2000), batch: 4, ..Training::default() })?;
    /// assert!((flow.store().get(a)[0] + 0.5).abs() < 0.02);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Where a number of the configuration makes no sense, or its base has parameters of its own.
    pub fn of_transforms(
        config: FlowConfig,
        store: Store,
        transforms: Vec<Arc<dyn Transform>>,
    ) -> Result<Self, FlowError> {
        // No structure of the house has a part in it.
        FlowConfig { structure: Structure::Autoregressive, ..config.clone() }.check()?;
        let base = config.base.without_parameters().ok_or_else(|| {
            FlowError::setting("the base of transforms of one's own", config.base, "normal or student:DEGREES")
        })?;
        let (origin, start) = (Origin::Own, Start::Pending);
        Ok(Flow { config, store, transforms, base: base.into(), permutations: Vec::new(), origin, start })
    }

    /// Its shape.
    pub fn config(&self) -> &FlowConfig {
        &self.config
    }

    /// Values of a row.
    pub fn width(&self) -> usize {
        self.config.width
    }

    /// Its parameters.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Its parameters, to be set.
    pub fn store_mut(&mut self) -> &mut Store {
        &mut self.store
    }

    /// Its transforms, from the data's side to the base's.
    pub fn transforms(&self) -> &[Arc<dyn Transform>] {
        &self.transforms
    }

    /// Whether a training has still to set the parameters that start with the data.
    pub(super) fn is_pending(&self) -> bool {
        self.start == Start::Pending
    }

    /// Says that the parameters that start with the data have done so.
    pub(super) fn has_begun(&mut self) {
        self.start = Start::Done;
    }

    /// u, ln |det ∂u/∂z| and ln p(u) of preprocessed rows z, recorded on the tape.
    pub(super) fn densities<'t>(&self, z: Var<'t>, context: Option<Var<'t>>) -> Densities<'t> {
        self.densities_with(z, context, None)
    }

    /// Hidden units of all networks.
    pub(super) fn hidden_units(&self) -> usize {
        let of_transforms: usize = self.transforms.iter().map(|transform| transform.hidden_units()).sum();
        of_transforms + self.base.hidden_units()
    }

    /// As [`densities`](Self::densities), of a training step, where there is dropout.
    pub(super) fn densities_with<'t>(
        &self,
        z: Var<'t>,
        context: Option<Var<'t>>,
        dropout: Option<&Dropout<'t>>,
    ) -> Densities<'t> {
        let mut value = z;
        let mut log_determinant = z.tape().scalar(0.0);
        for transform in &self.transforms {
            let after = match dropout {
                Some(dropout) => transform.forward_dropping(value, context, dropout),
                None => transform.forward(value, context),
            };
            value = after.value;
            log_determinant = log_determinant + after.log_determinant;
        }
        let log_base = match dropout {
            Some(dropout) => self.base.log_density_dropping(value, context, dropout),
            None => self.base.log_density(value, context),
        };
        Densities { u: value, log_determinant: log_determinant.broadcast_to([z.shape()[0]]), log_base }
    }

    /// The parameters as named arrays, and what they do not say as metadata.
    pub fn to_snapshot(&self) -> Snapshot {
        TapeModel::to_snapshot(self)
    }

    /// The model whose [`to_snapshot`](Self::to_snapshot) this is.
    ///
    /// # Errors
    /// Where an array or an entry is missing, of another type or shape, or not finite, and where the transforms are a user's own.
    pub fn from_snapshot(snapshot: &Snapshot) -> Result<Self, FlowError> {
        TapeModel::read_from(snapshot, "")
    }

    /// The trained model that a checkpoint holds: the average of the parameters where it keeps one, at the best evaluation where
    /// the run stops early. Of a file that is no checkpoint, [`from_snapshot`](Self::from_snapshot).
    ///
    /// # Errors
    /// As for `from_snapshot`.
    pub fn from_checkpoint(checkpoint: &Snapshot) -> Result<Self, FlowError> {
        TapeModel::from_checkpoint(checkpoint)
    }
}

/// Rows on the base's side, and the logarithms of what their densities are made of.
pub(super) struct Densities<'t> {
    /// `[rows, width]`.
    pub(super) u: Var<'t>,
    /// ln |det ∂u/∂z|, `[rows]`.
    pub(super) log_determinant: Var<'t>,
    /// ln p(u), `[rows]`.
    pub(super) log_base: Var<'t>,
}

/// The base.
fn base(store: &mut Store, config: &FlowConfig, seed: Seed) -> Arc<dyn BaseDensity> {
    let FlowConfig { width, activation, .. } = *config;
    let Base::Mixture { components } = config.base else {
        return config.base.without_parameters().expect("it has none").into();
    };
    let shape = MixtureShape { width, context: config.context(), components, hidden: &config.hidden, activation };
    Arc::new(Mixture::new(store, "base", &shape, seed))
}

impl TapeModel for Flow {
    type Error = FlowError;

    fn store(&self) -> &Store {
        &self.store
    }

    fn store_mut(&mut self) -> &mut Store {
        &mut self.store
    }

    fn describe(&self, snapshot: &mut Snapshot) {
        self.config.save(snapshot);
        if self.origin == Origin::Own {
            snapshot.set(STRUCTURE, OWN);
        }
        for (layer, permutation) in self.permutations.iter().enumerate() {
            permutation.save(&permutation_name(layer), snapshot);
        }
        snapshot.set(START, if self.start == Start::Done { DONE } else { PENDING });
    }

    fn shaped_like(snapshot: &Snapshot, _: &str) -> Result<Self, FlowError> {
        if snapshot.get(STRUCTURE)? == OWN {
            let wanted = "coupling or autoregressive: transforms of one's own are composed again, then their store is loaded";
            return Err(Setting::new("the structure", OWN, wanted).into());
        }
        let config = FlowConfig::of(snapshot)?;
        let permutations = match config.mixing {
            Mixing::Reverse => Vec::new(),
            Mixing::Permutation | Mixing::Lu => {
                let of = |layer| Permutation::of(snapshot, &permutation_name(layer), config.width);
                (0..config.layers).map(of).collect::<Result<_, _>>()?
            }
        };
        let start = match snapshot.get(START)? {
            PENDING => Start::Pending,
            DONE => Start::Done,
            other => return Err(FlowError::setting("the start of the normalisations", other, "pending or done")),
        };
        Ok(Flow { start, ..Flow::with_permutations(config, permutations, Seed(0)) })
    }
}

fn permutation_name(layer: usize) -> String {
    format!("layers.{layer}.permutation")
}
