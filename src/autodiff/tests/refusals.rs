//! What is refused, and in which words.

use crate::autodiff::{Activation, Shape, Sliding, Staircase, Tape, Var, check_gradients};
use crate::store::Store;

macro_rules! refused {
    ($($name:ident: $message:literal, |$tape:ident| $body:expr;)*) => {$(
        #[test]
        #[should_panic(expected = $message)]
        fn $name() {
            let store = Store::new();
            let $tape = Tape::new(&store);
            let _ = $body;
        }
    )*};
}

fn zeros<'t>(tape: &'t Tape<'t>, shape: impl Into<Shape>) -> Var<'t> {
    tape.full(shape, 0.0)
}

refused! {
    a_sum: "add: shapes [2, 3] and [2] do not go together", |tape| zeros(&tape, [2, 3]) + zeros(&tape, [2]);
    a_choice: "select: shapes [[2], [3], [2]] do not go together",
        |tape| zeros(&tape, [2]).select(zeros(&tape, [3]), zeros(&tape, [2]));
    a_product: "matmul: [2, 3] Plain by [2, 3] Plain: sums over 3 and 2",
        |tape| zeros(&tape, [2, 3]).matmul(zeros(&tape, [2, 3]));
    a_product_of_vectors: "matmul: [3] by [3]: wanted two matrices", |tape| zeros(&tape, [3]).matmul(zeros(&tape, [3]));
    a_layer: "linear: x [2, 3], weight [3, 4], bias [4]: wanted [batch, in], [out, in], [out]",
        |tape| zeros(&tape, [2, 3]).linear(zeros(&tape, [3, 4]), zeros(&tape, [4]), Activation::Relu);
    a_masked_layer: "masked_linear: x [2, 3], weight [5], bias [2]: wanted [batch, 3], [6], [2] or [batch, 2]",
        |tape| zeros(&tape, [2, 3]).masked_linear(
            zeros(&tape, [5]), &Staircase::new(3, vec![1, 2]).into(), zeros(&tape, [2]), Activation::Relu);
    a_convolution: "conv2d of [1, 4, 4, 2] by [3, 2, 5, 5], stride [1, 1], padding [0, 0]: the kernel has no place",
        |tape| zeros(&tape, [1, 4, 4, 2]).conv2d(
            zeros(&tape, [3, 2, 5, 5]), zeros(&tape, [3]), Sliding::default(), Activation::Relu);
    channels_of_a_convolution: "conv2d: [[1, 4, 4, 2], [3, 1, 3, 3], [3]]: wanted [[1, 4, 4, 1], [3, 1, 3, 3], [3]]",
        |tape| zeros(&tape, [1, 4, 4, 2]).conv2d(
            zeros(&tape, [3, 1, 3, 3]), zeros(&tape, [3]), Sliding::default(), Activation::Relu);
    a_transposed_convolution: "no such image", |tape| zeros(&tape, [1, 1, 1, 2]).conv_transpose2d(
            zeros(&tape, [2, 3, 1, 1]), zeros(&tape, [3]), Sliding { stride: [1, 1], padding: [1, 1] }, [0, 0], Activation::Relu);
    windows: "windows of 2 × 3 pixels do not divide images [1, 4, 4, 2]", |tape| zeros(&tape, [1, 4, 4, 2]).max_pool2d([2, 3]);
    a_slope: "leaky_relu: a slope of -1: wanted one of at least 0", |tape| zeros(&tape, [2]).leaky_relu(-1.0);
    an_interval: "clamp: from 2 to 1 is no interval", |tape| zeros(&tape, [2]).clamp(2.0, 1.0);
    a_narrower_shape: "sum_to: [2, 3] is not [2] repeated", |tape| zeros(&tape, [2, 3]).sum_to([2]);
    a_wider_shape: "broadcast_to: [2] does not spread to [2, 3]", |tape| zeros(&tape, [2]).broadcast_to([2, 3]);
    another_shape: "reshape: 6 elements of [2, 3] into [4]", |tape| zeros(&tape, [2, 3]).reshape([4]);
    an_axis: "softmax: no axis 2 in [2, 3]", |tape| zeros(&tape, [2, 3]).softmax(2);
    the_largest_of_none: "max_axis: of no values along axis 1 of [2, 0]", |tape| zeros(&tape, [2, 0]).max_axis(1);
    the_mean_of_none: "the mean of no elements: shape [0]", |tape| zeros(&tape, [0]).mean();
    an_order: "transpose: axes [0, 0] of [2, 3]: wanted each axis once", |tape| zeros(&tape, [2, 3]).transpose(&[0, 0]);
    a_slice: "slice: 2 from 2 on along axis 1 of [2, 3]", |tape| zeros(&tape, [2, 3]).slice(1, 2, 2);
    a_row: "concat: [2, 3] and [2, 4] along axis 0: other axes differ",
        |tape| zeros(&tape, [2, 3]).concat(&[zeros(&tape, [2, 4])], 0);
    indices: "gather: rows [2, 3] and indices [1, 1]: wanted [rows, ..] and [m]",
        |tape| zeros(&tape, [2, 3]).gather(zeros(&tape, [1, 1]));
    an_index: "gather: index 2: wanted a whole number from 0 to 1 below 2",
        |tape| zeros(&tape, [2, 3]).gather(tape.constant([1], &[2.0]));
    half_an_index: "one_hot: index 0.5", |tape| tape.constant([1], &[0.5]).one_hot(2);
    no_number: "scatter_add: index NaN", |tape| zeros(&tape, [1, 3]).scatter_add(tape.constant([1], &[f32::NAN]), 2);
    targets: "bernoulli_cross_entropy: logits [2, 3] with targets [2]: wanted targets with the logits' last axes",
        |tape| zeros(&tape, [2, 3]).bernoulli_cross_entropy(zeros(&tape, [2]));
    a_density: "gaussian_log_density: shapes [[2], [3], []] do not go together",
        |tape| zeros(&tape, [2]).gaussian_log_density(zeros(&tape, [3]), tape.scalar(0.0));
    a_scalar_density: "gaussian_kl: scalars alone: wanted a last axis to sum over",
        |tape| tape.scalar(0.0).gaussian_kl(tape.scalar(0.0));
}

#[test]
fn a_wrong_derivative_is_named() {
    let inputs = [(Shape::from([2]), vec![1.0, 2.0]), (Shape::from([3]), vec![1.0, 2.0, 3.0])];
    let error = check_gradients(&inputs, |_, x| {
        let stopped = x[1].slice(0, 1, 1).stop_gradient();
        x[0].sum() + stopped.square().sum()
    })
    .unwrap_err();
    assert_eq!((error.input, error.element, error.gradient), (1, 1, 0.0));
    assert!(error.to_string().starts_with("input 1, element 1: the gradient is 0, central differences give "));
}
