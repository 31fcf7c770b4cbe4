//! Gibbs sampling with conditionals of one's own (Geman & Geman 1984; Gelfand & Smith 1990).
//!
//! Drawing one component, or one block of them, from its distribution given all others leaves their joint distribution
//! unchanged: it is Metropolis–Hastings with the conditional as its proposal, whose ratio is always 1.

use super::kernel::{Chain, MarkovKernel, Outcome, Step};
use super::{DensityError, SamplingError};
use crate::Setting;
use crate::random::Stream;
use rand::RngExt;

/// The conditional distributions of a joint one.
pub trait Conditionals: Sync {
    /// Components of a state.
    fn dimension(&self) -> usize;

    /// Blocks that are drawn at a time: components, where not said otherwise, or blocks of them.
    fn blocks(&self) -> usize {
        self.dimension()
    }

    /// Draws block `block` of `state` `[dimension]` given the rest of it.
    ///
    /// # Errors
    /// [`DensityError::Recoverable`] where the block cannot be drawn given this rest: it stays as it is, which is counted,
    /// and which is as right as the conditional is wrong.
    fn update(&self, block: usize, state: &mut [f64], stream: &mut Stream) -> Result<(), DensityError>;
}

/// The order in which blocks are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Scan {
    /// One after the other.
    #[default]
    Systematic,
    /// As many as there are, each chosen at random: reversible.
    Random,
}

/// Gibbs sampling: a step draws as many blocks as there are. A chain's start is not judged, as there is no density.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Gibbs {
    /// Their order.
    pub scan: Scan,
}

impl<C: Conditionals + ?Sized> MarkovKernel<C> for Gibbs {
    type Chain = GibbsChain;

    fn dimension(&self, target: &C) -> usize {
        target.dimension()
    }

    fn begin(&self, target: &C, start: &[f64], _: &mut Step<'_>) -> Result<GibbsChain, SamplingError> {
        Setting::at_least_one("the number of blocks", target.blocks())?;
        Ok(GibbsChain { scan: self.scan, state: start.to_vec(), before: start.to_vec() })
    }
}

/// A Gibbs chain under way.
#[derive(Clone, Debug)]
pub struct GibbsChain {
    scan: Scan,
    state: Vec<f64>,
    before: Vec<f64>,
}

impl<C: Conditionals + ?Sized> Chain<C> for GibbsChain {
    fn position(&self) -> &[f64] {
        &self.state
    }

    fn relocate(&mut self, _: &C, position: &[f64], _: &mut Step<'_>) -> Result<(), SamplingError> {
        self.state.copy_from_slice(position);
        Ok(())
    }

    fn step(&mut self, target: &C, step: &mut Step<'_>) -> Result<Outcome, SamplingError> {
        let blocks = target.blocks();
        for turn in 0..blocks {
            let block = match self.scan {
                Scan::Systematic => turn,
                Scan::Random => step.stream.random_range(0..blocks),
            };
            self.before.copy_from_slice(&self.state);
            let updated = target.update(block, &mut self.state, step.stream);
            let drawn = step.settle(updated.map(|()| true), false)?;
            if !drawn {
                self.state.copy_from_slice(&self.before);
            }
            if let Some(&value) = self.state.iter().find(|x| !x.is_finite()) {
                return Err(step.non_finite("a conditional", value));
            }
        }
        Ok(Outcome { acceptance: 1.0, diverged: false })
    }
}
