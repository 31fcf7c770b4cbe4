//! How much of a long estimate is done.

use std::sync::atomic::{AtomicU64, Ordering};

/// How much of a long estimate is planned and done, for those who wait: it may be read from another thread at any time. What
/// a unit of it is, is the estimator's affair; plans grow where an estimator finds out on the way how much it needs.
#[derive(Debug, Default)]
pub struct Work {
    planned: AtomicU64,
    done: AtomicU64,
}

impl Work {
    /// Nothing planned, nothing done.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds to the plan.
    pub fn plan(&self, units: u64) {
        self.planned.fetch_add(units, Ordering::Relaxed);
    }

    /// Adds to what is done.
    pub fn add(&self, units: u64) {
        self.done.fetch_add(units, Ordering::Relaxed);
    }

    /// Units planned so far; 0 where the estimator does not say.
    pub fn planned(&self) -> u64 {
        self.planned.load(Ordering::Relaxed)
    }

    /// Units done so far.
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }
}
