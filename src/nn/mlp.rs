//! Linear layers with an activation between them.

use super::{Initialiser, Linear};
use crate::autodiff::{Activation, Var};
use crate::random::Seed;
use crate::store::Store;

/// A multilayer perceptron: linear layers with one activation between each two.
#[derive(Clone, Debug, PartialEq)]
pub struct Mlp {
    layers: Vec<Linear>,
    hidden: Activation,
}

impl Mlp {
    /// Adds the layers' parameters to the store, named as those of PyTorch's `Sequential(Linear, activation, Linear, …)`:
    /// `{name}.0.weight`, `{name}.0.bias`, `{name}.2.weight` and so on. `sizes` are the widths from the input to the output;
    /// two of them make a single linear layer.
    ///
    /// # Panics
    /// When there are fewer than two sizes, or the store has parameters of these names.
    #[track_caller]
    pub fn new(
        store: &mut Store,
        name: &str,
        sizes: &[usize],
        hidden: Activation,
        initialiser: Initialiser,
        seed: Seed,
    ) -> Self {
        assert!(sizes.len() >= 2, "layers of the sizes {sizes:?}: wanted an input and an output at least");
        let mut layers = Vec::with_capacity(sizes.len() - 1);
        for (index, pair) in sizes.windows(2).enumerate() {
            let name = format!("{name}.{}", 2 * index);
            layers.push(Linear::new(store, &name, pair[0], pair[1], initialiser, seed));
        }
        Mlp { layers, hidden }
    }

    /// The layers, from the input to the output.
    pub fn layers(&self) -> &[Linear] {
        &self.layers
    }

    /// The output of the last layer, without an activation, `[batch, out]`, of x `[batch, in]`.
    ///
    /// # Panics
    /// When x has another width.
    #[track_caller]
    pub fn apply<'t>(&self, x: Var<'t>) -> Var<'t> {
        self.apply_through(x, |h| h)
    }

    /// As [`apply`](Self::apply), with what `after` makes of each hidden layer `[batch, units]` in place of it: units left out, for example.
    ///
    /// # Panics
    /// When x has another width, or `after` gives another.
    #[track_caller]
    pub fn apply_through<'t>(&self, x: Var<'t>, after: impl Fn(Var<'t>) -> Var<'t>) -> Var<'t> {
        let (last, before) = self.layers.split_last().expect("there is a layer");
        let mut x = x;
        for layer in before {
            x = after(layer.apply(x, self.hidden));
        }
        last.apply(x, Activation::Identity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autodiff::Program;

    #[test]
    fn the_activation_stands_between_layers_alone() {
        let mut store = Store::new();
        let mlp = Mlp::new(&mut store, "m", &[1, 2, 1], Activation::Relu, Initialiser::Zeros, Seed(1));
        let single = Mlp::new(&mut store, "s", &[1, 1], Activation::Relu, Initialiser::Zeros, Seed(1));
        let names: Vec<&str> = store.parameters().map(|parameter| store.name(parameter)).collect();
        assert_eq!(names, ["m.0.weight", "m.0.bias", "m.2.weight", "m.2.bias", "s.0.weight", "s.0.bias"]);
        store.get_mut(mlp.layers()[0].weight).copy_from_slice(&[1.0, -1.0]);
        store.get_mut(mlp.layers()[1].weight).copy_from_slice(&[-2.0, 3.0]);
        store.get_mut(single.layers()[0].weight)[0] = -1.0;
        let mut program = Program::record(&store, |tape| {
            let x = tape.input_with("x", [2, 1], &[1.0, -1.0]);
            tape.output("m", mlp.apply(x));
            tape.output("s", single.apply(x));
        });
        program.evaluate(&store);
        assert_eq!((program.output("m"), program.output("s")), (&[-2.0, 3.0][..], &[-1.0, 1.0][..]));
    }

    #[test]
    #[should_panic(expected = "layers of the sizes [3]: wanted an input and an output at least")]
    fn one_size_is_no_layer() {
        Mlp::new(&mut Store::new(), "m", &[3], Activation::Relu, Initialiser::Zeros, Seed(1));
    }
}
