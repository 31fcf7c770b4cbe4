//! Energy-based and latent-variable generative models on a CPU.

pub mod kernels;
pub mod random;
pub mod simd;
pub mod tensor;

pub use random::Seed;

pub mod data;
pub mod energy;
#[cfg(feature = "storage")]
pub mod storage;
pub mod store;
pub mod train;
pub use energy::rbm;
