//! Convolutional layers, of images channels-last.

use super::Initialiser;
use crate::autodiff::{Activation, Sliding, Var};
use crate::random::Seed;
use crate::store::{Parameter, Store};

/// A convolution: x ∗ W + b of images `[batch, height, width, in]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2d {
    /// W, `[out, in, height, width]`.
    pub weight: Parameter,
    /// b, `[out]`.
    pub bias: Parameter,
    /// How the kernel slides.
    pub sliding: Sliding,
}

impl Conv2d {
    /// Adds `{name}.weight` and `{name}.bias` to the store, for `[in, out]` channels and a kernel of `[height, width]` taps. What is drawn is as for a
    /// [linear layer](super::Linear) of in × height × width inputs.
    ///
    /// # Panics
    /// When the store has parameters of these names.
    #[track_caller]
    pub fn new(
        store: &mut Store,
        name: &str,
        [inputs, outputs]: [usize; 2],
        kernel: [usize; 2],
        sliding: Sliding,
        start: (Initialiser, Seed),
    ) -> Self {
        let shape = [outputs, inputs, kernel[0], kernel[1]];
        let [weight, bias] = add(store, name, &shape, [outputs, inputs * kernel[0] * kernel[1]], start);
        Conv2d { weight, bias, sliding }
    }

    /// activation(x ∗ W + b), of x `[batch, height, width, in]`: see [`Var::conv2d`].
    ///
    /// # Panics
    /// When x has other channels, or is too small.
    #[track_caller]
    pub fn apply<'t>(&self, x: Var<'t>, activation: Activation) -> Var<'t> {
        let tape = x.tape();
        x.conv2d(tape.parameter(self.weight), tape.parameter(self.bias), self.sliding, activation)
    }
}

/// A transposed convolution: x ∗ᵀ W + b of images `[batch, height, width, in]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvTranspose2d {
    /// W, `[in, out, height, width]`.
    pub weight: Parameter,
    /// b, `[out]`.
    pub bias: Parameter,
    /// How the kernel slides over what is made.
    pub sliding: Sliding,
    /// Pixels that are made besides, along each axis.
    pub more: [usize; 2],
}

impl ConvTranspose2d {
    /// Adds `{name}.weight` and `{name}.bias` to the store, for `[in, out]` channels and a kernel of `[height, width]` taps. A pixel that is made meets one tap in
    /// as many as the strides' product: what is drawn is as for a [linear layer](super::Linear) of so many inputs.
    ///
    /// # Panics
    /// When the store has parameters of these names.
    #[track_caller]
    pub fn new(
        store: &mut Store,
        name: &str,
        [inputs, outputs]: [usize; 2],
        kernel: [usize; 2],
        (sliding, more): (Sliding, [usize; 2]),
        start: (Initialiser, Seed),
    ) -> Self {
        let shape = [inputs, outputs, kernel[0], kernel[1]];
        let met = (inputs * kernel[0] * kernel[1] / (sliding.stride[0] * sliding.stride[1])).max(1);
        let [weight, bias] = add(store, name, &shape, [outputs, met], start);
        ConvTranspose2d { weight, bias, sliding, more }
    }

    /// activation(x ∗ᵀ W + b), of x `[batch, height, width, in]`: see [`Var::conv_transpose2d`].
    ///
    /// # Panics
    /// When x has other channels.
    #[track_caller]
    pub fn apply<'t>(&self, x: Var<'t>, activation: Activation) -> Var<'t> {
        let tape = x.tape();
        let (weight, bias) = (tape.parameter(self.weight), tape.parameter(self.bias));
        x.conv_transpose2d(weight, bias, self.sliding, self.more, activation)
    }
}

/// Adds weights of this shape and `outputs` biases. What meets an output are `met` weights, of which a transposed convolution has several sets, not all
/// of them whole: each is drawn as the weights `[outputs, met]` of a linear layer, and as much of it taken as there is.
fn add(
    store: &mut Store,
    name: &str,
    shape: &[usize],
    [outputs, met]: [usize; 2],
    (initialiser, seed): (Initialiser, Seed),
) -> [Parameter; 2] {
    let (weight_name, bias_name) = (format!("{name}.weight"), format!("{name}.bias"));
    let weight = store.add(&weight_name, shape);
    let bias = store.add(&bias_name, &[outputs]);
    let mut lanes = seed.lanes(&weight_name, 0);
    let mut drawn = vec![0.0; (outputs * met).max(1)];
    for part in store.get_mut(weight).chunks_mut(drawn.len()) {
        initialiser.fill_weights(outputs, met, &mut lanes, &mut drawn);
        part.copy_from_slice(&drawn[..part.len()]);
    }
    initialiser.fill_biases(met, &mut seed.lanes(&bias_name, 0), store.get_mut(bias));
    [weight, bias]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autodiff::Program;

    /// The kernel is not turned: tap (0, 1) of PyTorch's weights meets the pixel above and between.
    #[test]
    fn taps_and_channels_lie_as_in_pytorch() {
        let mut store = Store::new();
        let start = (Initialiser::Zeros, Seed(1));
        let sliding = Sliding { stride: [1, 1], padding: [1, 1] };
        let layer = Conv2d::new(&mut store, "conv", [2, 1], [3, 3], sliding, start);
        let back = ConvTranspose2d::new(&mut store, "back", [1, 2], [3, 3], (sliding, [0, 0]), start);
        // Of the second channel, the pixel above: weight[0, 1, 0, 1].
        store.get_mut(layer.weight)[9 + 1] = 1.0;
        store.get_mut(back.weight)[9 + 1] = 1.0;
        let mut program = Program::record(&store, |tape| {
            // Channel 1 of pixel (row, column) is 10 row + column + 1; channel 0 is 100.
            let x: Vec<f32> =
                (0..9).flat_map(|pixel| [100.0, (10 * (pixel / 3) + pixel % 3 + 1) as f32]).collect();
            let x = tape.input_with("x", [1, 3, 3, 2], &x);
            tape.output("y", layer.apply(x, Activation::Identity));
            let y = tape.input_with("one", [1, 3, 3, 1], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
            tape.output("x", back.apply(y, Activation::Identity));
        });
        program.evaluate(&store);
        assert_eq!(program.output("y"), [0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 11.0, 12.0, 13.0]);
        let second: Vec<f32> = program.output("x").iter().skip(1).step_by(2).copied().collect();
        assert_eq!(second, [4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 0.0, 0.0, 0.0]);
        assert!(program.output("x").iter().step_by(2).all(|&x| x == 0.0));
    }

    /// A rectified layer keeps the second moment of activations, but for what its edges miss. Weights are some hundreds an output and channels 16 or 32, so the moment
    /// has a relative error of 0.08 / √16 for the weights' sums of squares at the most: within five of them.
    #[test]
    fn what_is_drawn_keeps_the_size_of_activations() {
        let mut store = Store::new();
        let start = (Initialiser::HeUniform, Seed(3));
        let sliding = Sliding { stride: [2, 2], padding: [1, 1] };
        let down = Conv2d::new(&mut store, "down", [16, 32], [4, 4], sliding, start);
        let up = ConvTranspose2d::new(&mut store, "up", [32, 16], [4, 4], (sliding, [0, 0]), start);
        // Three taps on two strides: an output meets one or two along an axis, and the sets of weights are no whole number.
        let odd = ConvTranspose2d::new(&mut store, "odd", [30, 16], [3, 3], (sliding, [0, 0]), start);
        let mut program = Program::record(&store, |tape| {
            let relu = Activation::Relu;
            tape.output("down", down.apply(tape.input("x", [20, 16, 16, 16]), relu).square().mean());
            tape.output("up", up.apply(tape.input("z", [20, 8, 8, 32]), relu).square().mean());
            tape.output("odd", odd.apply(tape.input("u", [20, 8, 8, 30]), relu).square().mean());
        });
        for name in ["x", "z", "u"] {
            Seed(1).lanes(name, 0).fill_normal(program.input_mut(name));
        }
        program.evaluate(&store);
        // Taps met along an axis, on average over the outputs, beside those that the drawing counts on.
        for (name, met) in [("down", 30.0 / 8.0 / 4.0), ("up", 30.0 / 16.0 / 2.0), ("odd", 22.0 / 15.0 / 1.5)] {
            let (moment, wanted) = (f64::from(program.scalar(name)), f64::powi(met, 2));
            assert!((moment / wanted - 1.0).abs() < 5.0 * 0.08 / 4.0, "{name}: {moment} for {wanted}");
        }
    }
}
