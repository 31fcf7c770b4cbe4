//! Layers over a [`Store`](crate::store::Store): they add their parameters to it, under PyTorch's names and in its
//! orientation, and record themselves on a tape.
//!
//! ```
//! use helmholtz::autodiff::{Activation, Program};
//! use helmholtz::nn::{Initialiser, Mlp};
//! use helmholtz::{Seed, store::Store};
//!
//! let mut store = Store::new();
//! let encoder = Mlp::new(&mut store, "encoder", &[784, 256, 20], Activation::Tanh, Initialiser::GlorotUniform, Seed(1));
//! let names: Vec<&str> = store.parameters().map(|parameter| store.name(parameter)).collect();
//! assert_eq!(names, ["encoder.0.weight", "encoder.0.bias", "encoder.2.weight", "encoder.2.bias"]);
//!
//! let mut program = Program::record(&store, |tape| {
//!     tape.output("code", encoder.apply(tape.input("x", [32, 784])));
//! });
//! program.evaluate(&store);
//! assert_eq!(program.output("code").len(), 32 * 20);
//! ```

mod convolution;
mod dropout;
mod initialiser;
mod linear;
mod mlp;
mod widths;

pub use convolution::{Conv2d, ConvTranspose2d};
pub use dropout::{Dropout, DropoutError};
pub use initialiser::Initialiser;
pub use linear::Linear;
pub use mlp::Mlp;
pub(crate) use widths::{activation_in, check_activation, check_width, layers_in, widths_in};
