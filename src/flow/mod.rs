//! Normalizing flows.

mod made;
mod made_in_turn;
#[cfg(test)]
mod made_tests;
mod mixture;
mod mixture_density;
#[cfg(test)]
mod mixture_tests;
mod transform;

pub use transform::{Transform, Transformed};
