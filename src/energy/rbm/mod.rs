//! Restricted Boltzmann machines with binary units.

use crate::random::Seed;
use crate::tensor::BitMatrix;

/// A Bernoulli–Bernoulli RBM.
#[derive(Clone, Debug, PartialEq)]
pub struct Rbm {
    visible: usize,
    hidden: usize,
}

/// Which direction an estimate of a log-likelihood errs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    Exact,
    Lower,
    Upper,
    Estimate,
}

/// A log-likelihood per example, in nats, that knows its errors and its direction.
#[derive(Clone, Debug, PartialEq)]
pub struct LogLikelihood {
    pub mean: f64,
    pub bound: Bound,
    pub monte_carlo_error: f64,
    pub data_error: f64,
    pub log_z: f64,
    pub log_z_error: f64,
    pub effective_sample_size: Option<f64>,
    pub baseline: f64,
    pub method: String,
    pub examples: usize,
}

/// Annealed importance sampling from the independent-pixel model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ais {
    pub chains: usize,
    pub temperatures: usize,
    pub seed: Seed,
}

/// Persistent chains, bit-packed.
#[derive(Clone, Debug)]
pub struct Chains {
    _v: BitMatrix,
}
