//! Energy-based and latent-variable generative models on a CPU: models that learn a probability distribution, samplers that draw
//! from it, and likelihoods that say how far they can be trusted.
//!
//! A complete program: learn the digits that are built in, judge what was learned on rows held out, draw from it.
//!
//! ```
//! use helmholtz::rbm::{Ais, Rbm, Recipe};
//! use helmholtz::train::{Fit, Training};
//! use helmholtz::{Seed, data::Dataset};
//!
//! let digits = Dataset::digits();
//! let mut rbm = Rbm::new(64, 32, Seed(1));
//! rbm.fit(&digits.train(), &Recipe::default(), &Training { epochs: 5, ..Training::default() })?;
//!
//! let ais = Ais { chains: 64, temperatures: 200, ..Ais::default() };
//! let likelihood = rbm.log_likelihood(&digits.test(), &ais)?;
//! println!("{likelihood}"); // nats an example, its direction, its errors, independent pixels beside it
//!
//! let mut chains = rbm.chains(1024, Seed(2)); // bit-packed, the same on any number of threads
//! chains.gibbs(&rbm, 100);
//! assert_eq!(chains.visible().rows(), 1024);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where to start
//!
//! | you want | look at |
//! |---|---|
//! | a model of bits, sampled fast | [`rbm`], [`boltzmann`] |
//! | a memory of patterns | [`hopfield`] |
//! | a density of real numbers | [`flow`], with exact likelihoods; [`neural`], an energy |
//! | latent variables, reconstructions | [`vae`] |
//! | data of your own | [`data::Dataset`] |
//! | to train, watch, stop, resume | [`train`]: [`Fit`](train::Fit) is what every model that learns implements |
//! | a density of your own, sampled or integrated | [`sampling`] |
//! | a model of your own | [`autodiff`] (formulas that become programs), [`nn`], [`optim`], [`store`] |
//! | files | [`storage`], with the feature of that name |
//!
//! Everything random is named by a [`Seed`] and is the same on any number of threads. A shape that does not fit is a panic at
//! the caller's line; data, settings and files that do not fit are errors, in one line each.
//!
//! # Use as a library
//!
//! ```toml
//! [dependencies]
//! helmholtz = { version = "0.1", default-features = false } # `storage` adds files, and safetensors with them
//!
//! [profile.dev.package."*"] # kernels that are not optimised are eighty times slower
//! opt-level = 3
//! ```

pub mod autodiff;
pub mod data;
pub mod energy;
pub mod flow;
// Instruction sets and the loops on them serve the benches and the fuzz targets: no promise is made of their names.
#[doc(hidden)]
pub mod kernels;
pub mod nn;
pub mod optim;
mod parallel;
pub mod random;
pub mod sampling;
mod setting;
#[doc(hidden)]
pub mod simd;
#[cfg(feature = "storage")]
pub mod storage;
pub mod store;
pub mod tensor;
pub mod train;
pub mod vae;

pub use energy::{boltzmann, hopfield, neural, rbm};
pub use random::Seed;
pub use setting::Setting;
pub use simd::Isa;
