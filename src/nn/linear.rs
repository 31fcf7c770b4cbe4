//! A linear layer.

use super::Initialiser;
use crate::autodiff::{Activation, Var};
use crate::random::Seed;
use crate::store::{Parameter, Store};

/// A linear layer: x Wᵀ + b.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linear {
    /// W, `[out, in]`.
    pub weight: Parameter,
    /// b, `[out]`.
    pub bias: Parameter,
}

impl Linear {
    /// Adds `{name}.weight` and `{name}.bias` to the store. Each is drawn from the stream of the seed that has its name, so
    /// layers of a model share a seed.
    ///
    /// # Panics
    /// When the store has parameters of these names.
    #[track_caller]
    pub fn new(
        store: &mut Store,
        name: &str,
        inputs: usize,
        outputs: usize,
        initialiser: Initialiser,
        seed: Seed,
    ) -> Self {
        let (weight_name, bias_name) = (format!("{name}.weight"), format!("{name}.bias"));
        let weight = store.add(&weight_name, &[outputs, inputs]);
        let bias = store.add(&bias_name, &[outputs]);
        initialiser.fill_weights(outputs, inputs, &mut seed.lanes(&weight_name, 0), store.get_mut(weight));
        initialiser.fill_biases(inputs, &mut seed.lanes(&bias_name, 0), store.get_mut(bias));
        Linear { weight, bias }
    }

    /// activation(x Wᵀ + b), `[batch, out]`, of x `[batch, in]`.
    ///
    /// # Panics
    /// When x has another width.
    #[track_caller]
    pub fn apply<'t>(&self, x: Var<'t>, activation: Activation) -> Var<'t> {
        let tape = x.tape();
        x.linear(tape.parameter(self.weight), tape.parameter(self.bias), activation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autodiff::Program;

    #[test]
    fn a_layer_is_its_formula() {
        let mut store = Store::new();
        let layer = Linear::new(&mut store, "a", 2, 3, Initialiser::FanInUniform, Seed(1));
        store.get_mut(layer.weight).copy_from_slice(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        store.get_mut(layer.bias).copy_from_slice(&[10.0, -100.0, 30.0]);
        let mut program = Program::record(&store, |tape| {
            let x = tape.input_with("x", [1, 2], &[1.0, -1.0]);
            tape.output("y", layer.apply(x, Activation::Relu));
        });
        program.evaluate(&store);
        assert_eq!(program.output("y"), [9.0, 0.0, 29.0]);
    }

    #[test]
    fn layers_share_a_seed_but_no_numbers() {
        let mut store = Store::new();
        let [a, b] =
            ["a", "b"].map(|name| Linear::new(&mut store, name, 4, 4, Initialiser::FanInUniform, Seed(1)));
        assert_ne!(store.get(a.weight), store.get(b.weight));
        assert_ne!(store.get(a.weight)[..4], *store.get(a.bias));
        let mut again = Store::new();
        let b = Linear::new(&mut again, "b", 4, 4, Initialiser::FanInUniform, Seed(1));
        assert_eq!(again.get(b.weight), store.get(store.find("b.weight").unwrap()));
    }

    #[test]
    #[should_panic(expected = "x [5, 3], weight [3, 2], bias [3]")]
    fn another_width_is_named() {
        let mut store = Store::new();
        let layer = Linear::new(&mut store, "a", 2, 3, Initialiser::Zeros, Seed(1));
        Program::record(&store, |tape| {
            layer.apply(tape.input("x", [5, 3]), Activation::Identity);
        });
    }
}
