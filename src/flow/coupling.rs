//! A coupling (Dinh, Sohl-Dickstein & Bengio 2017): of x = (a, b), with ⌈width / 2⌉ and ⌊width / 2⌋ components, a stays what it is, and each
//! component of b goes through an increasing function whose parameters a network gives of a. Either way is one pass.

use super::dropout::{Dropout, drop_from};
use super::{FlowConfig, Transform, TransformKind, Transformed};
use crate::autodiff::Var;
use crate::nn::{Initialiser, Mlp};
use crate::random::Seed;
use crate::store::Store;

/// See the [module](self).
#[derive(Clone, Debug)]
pub(super) struct Coupling {
    kind: TransformKind,
    /// Components of a, and of b.
    sizes: [usize; 2],
    conditioner: Mlp,
    /// Units of its hidden layers.
    units: usize,
}

impl Coupling {
    /// Adds `{name}.0.weight`, … to the store. The network's last layer is zero: the identity.
    pub(super) fn new(store: &mut Store, name: &str, config: &FlowConfig, seed: Seed) -> Self {
        let sizes = [config.width.div_ceil(2), config.width / 2];
        let [inputs, outputs] = [sizes[0] + config.context(), sizes[1] * config.transform.parameters()];
        let widths = [&[inputs], &config.hidden[..], &[outputs]].concat();
        let initialiser = Initialiser::before(config.activation);
        let conditioner = Mlp::new(store, name, &widths, config.activation, initialiser, seed);
        let last = conditioner.layers().last().expect("a network has a layer").weight;
        store.get_mut(last).fill(0.0);
        Coupling { kind: config.transform, sizes, conditioner, units: config.hidden.iter().sum() }
    }

    fn forward_with<'t>(
        &self,
        x: Var<'t>,
        context: Option<Var<'t>>,
        dropout: Option<&Dropout<'t>>,
    ) -> Transformed<'t> {
        let [a, b, parameters] = self.parts(x, context, dropout);
        let after = self.kind.forward(b, parameters);
        Transformed { value: a.concat(&[after.value], 1), ..after }
    }

    /// a, b, and the parameters that a gives for b.
    fn parts<'t>(&self, x: Var<'t>, context: Option<Var<'t>>, dropout: Option<&Dropout<'t>>) -> [Var<'t>; 3] {
        let [first, second] = self.sizes;
        let (a, b) = (x.slice(1, 0, first), x.slice(1, first, second));
        let given = context.map_or(a, |context| a.concat(&[context], 1));
        [a, b, self.conditioner.apply_through(given, |h| drop_from(dropout, h))]
    }
}

impl Transform for Coupling {
    fn forward<'t>(&self, x: Var<'t>, context: Option<Var<'t>>) -> Transformed<'t> {
        self.forward_with(x, context, None)
    }

    fn hidden_units(&self) -> usize {
        self.units
    }

    fn forward_dropping<'t>(
        &self,
        x: Var<'t>,
        context: Option<Var<'t>>,
        dropout: &Dropout<'t>,
    ) -> Transformed<'t> {
        self.forward_with(x, context, Some(dropout))
    }

    fn inverse<'t>(&self, y: Var<'t>, context: Option<Var<'t>>) -> Option<Transformed<'t>> {
        let [a, b, parameters] = self.parts(y, context, None);
        let after = self.kind.inverse(b, parameters);
        Some(Transformed { value: a.concat(&[after.value], 1), ..after })
    }
}
