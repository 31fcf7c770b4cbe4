//! Energy-based and latent-variable generative models on a CPU.

pub mod autodiff;
pub mod data;
pub mod energy;
pub mod kernels;
pub mod nn;
pub mod optim;
mod parallel;
pub mod random;
pub mod sampling;
mod setting;
pub mod simd;
#[cfg(feature = "storage")]
pub mod storage;
pub mod store;
pub mod tensor;
pub mod train;
pub mod vae;

pub use energy::rbm;
pub use random::Seed;
pub use setting::Setting;
