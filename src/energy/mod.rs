//! Models with an energy: p(x) ∝ e^(−E(x)).

pub mod rbm;
