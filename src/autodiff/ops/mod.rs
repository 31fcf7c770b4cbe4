//! The operations, a family a file: shape, forward pass, f64 reference and gradient side by side.

mod activation;
mod along;
mod arithmetic;
mod bernoulli;
mod bijection;
mod broadcast;
mod choice;
mod convolution;
mod function;
mod gaussian;
mod layout;
mod product;
mod reduction;
mod sixteen;
mod staircase;

pub(super) use activation::ActivationGradient;
pub(super) use along::Along;
pub(super) use arithmetic::Arithmetic;
pub(super) use bernoulli::Bernoulli;
pub(super) use bijection::{Bijection, BijectionGradient};
pub(super) use choice::Choice;
pub(super) use convolution::{Convolve, Convolved};
pub(super) use function::Function;
pub(super) use gaussian::Gaussian;
pub(super) use layout::Layout;
pub use product::Orientation;
pub(super) use product::Product;
pub(super) use reduction::Reduction;
pub(super) use staircase::{Masked, MaskedProduct};

use super::Shape;

/// The product of the lengths before `axis`, its length, the product of those after it.
fn split_at(shape: Shape, axis: usize) -> (usize, usize, usize) {
    (shape[..axis].iter().product(), shape[axis], shape[axis + 1..].iter().product())
}
