//! Energy-based and latent-variable generative models on a CPU.

pub mod kernels;
pub mod random;
pub mod simd;
pub mod tensor;

pub use random::Seed;

pub mod data;
pub mod energy;
pub mod store;
pub use energy::rbm;
