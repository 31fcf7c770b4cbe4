//! Convolutions both ways and pooling: values, first and second derivatives, and the sizes that are refused.

use super::{uniform, verify};
use crate::autodiff::{Activation, Program, Sliding};
use crate::store::Store;

const SLIDINGS: [(Sliding, [usize; 2]); 4] = [
    (Sliding { stride: [1, 1], padding: [0, 0] }, [2, 3]),
    (Sliding { stride: [1, 1], padding: [1, 1] }, [3, 3]),
    (Sliding { stride: [2, 2], padding: [1, 1] }, [4, 4]),
    (Sliding { stride: [2, 3], padding: [0, 1] }, [3, 2]),
];

#[test]
fn convolutions_and_their_derivatives() {
    for (sliding, [kh, kw]) in SLIDINGS {
        for activation in [Activation::Identity, Activation::Tanh, Activation::Softplus] {
            for batch in [0, 2] {
                let (x, w): ([usize; 4], [usize; 4]) = ([batch, 5, 4, 2], [3, 2, kh, kw]);
                let inputs: [(&[usize], f32, f32); 3] = [(&x, -1.0, 1.0), (&w, -1.0, 1.0), (&[3], -1.0, 1.0)];
                verify("conv2d", &inputs, |_, v| v[0].conv2d(v[1], v[2], sliding, activation));
                let (y, w): ([usize; 4], [usize; 4]) = ([batch, 3, 2, 3], [3, 2, kh, kw]);
                let inputs: [(&[usize], f32, f32); 3] = [(&y, -1.0, 1.0), (&w, -1.0, 1.0), (&[2], -1.0, 1.0)];
                for more in [[0, 0], sliding.stride.map(|stride| stride - 1)] {
                    verify("conv_transpose2d", &inputs, |_, v| {
                        v[0].conv_transpose2d(v[1], v[2], sliding, more, activation)
                    });
                }
            }
        }
    }
}

/// One channel in and one out, which other loops see to.
#[test]
fn convolutions_of_single_channels() {
    let sliding = Sliding { stride: [2, 2], padding: [1, 1] };
    let inputs: [(&[usize], f32, f32); 3] =
        [(&[2, 6, 6, 1], -1.0, 1.0), (&[1, 1, 4, 4], -1.0, 1.0), (&[1], -1.0, 1.0)];
    verify("conv2d", &inputs, |_, v| v[0].conv2d(v[1], v[2], sliding, Activation::Tanh));
    verify("conv_transpose2d", &inputs, |_, v| {
        v[0].conv_transpose2d(v[1], v[2], sliding, [0, 0], Activation::Identity)
    });
}

#[test]
fn pooling() {
    let images: [(&[usize], f32, f32); 1] = [(&[2, 4, 6, 3], -1.0, 1.0)];
    verify("average_pool2d", &images, |_, v| v[0].average_pool2d([2, 3]).square());
    verify("max_pool2d", &images, |_, v| v[0].max_pool2d([2, 2]).square());
    let store = Store::new();
    let mut program = Program::record(&store, |tape| {
        let x = tape.input_with("x", [1, 2, 4, 1], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 9.0]);
        tape.output("means", x.average_pool2d([2, 2]));
        tape.output("largest", x.max_pool2d([2, 2]));
    });
    program.evaluate(&store);
    assert_eq!((program.output("means"), program.output("largest")), (&[3.5, 5.75][..], &[6.0, 9.0][..]));
}

/// A penalty on the slope by images, as critics have: second derivatives through both directions and a pooling.
#[test]
fn a_slope_by_images_has_slopes_itself() {
    let sliding = Sliding { stride: [2, 2], padding: [1, 1] };
    let inputs: [(&[usize], f32, f32); 4] =
        [(&[2, 6, 6, 1], -1.0, 1.0), (&[3, 1, 4, 4], -1.0, 1.0), (&[3], -1.0, 1.0), (&[2, 3, 3, 3], -0.5, 0.5)];
    verify("penalty", &inputs, |tape, v| {
        let h = v[0].conv2d(v[1], v[2], sliding, Activation::Softplus);
        let score = h.conv2d(v[3], tape.full(2, 0.0), Sliding::default(), Activation::Tanh).sum();
        tape.gradient(score, &[v[0]])[0].square().sum()
    });
}

/// A step that runs again allocates nothing: see `tests/allocations.rs`; its bits are those of the tape.
#[test]
fn a_program_gives_the_tapes_bits() {
    let mut store = Store::new();
    let (w, b) = (store.add("w", &[8, 3, 3, 3]), store.add("b", &[8]));
    store.get_mut(w).copy_from_slice(&uniform("w", &[8, 3, 3, 3], -1.0, 1.0).1);
    let x = uniform("x", &[4, 7, 7, 3], -1.0, 1.0).1;
    let mut recorded = Vec::new();
    let mut program = Program::record(&store, |tape| {
        let x = tape.input_with("x", [4, 7, 7, 3], &x);
        let sliding = Sliding { stride: [2, 2], padding: [1, 1] };
        let y = x.conv2d(tape.parameter(w), tape.parameter(b), sliding, Activation::Relu);
        recorded = y.value().to_vec();
        tape.output("y", y);
        tape.gradients(y.square().sum());
    });
    let mut gradients = store.gradients();
    program.run(&store, &mut gradients);
    assert_eq!(program.output("y"), recorded);
    let first = gradients.get(w).to_vec();
    program.run(&store, &mut gradients);
    assert!(gradients.get(w) == first && first.iter().any(|&slope| slope != 0.0));
}
