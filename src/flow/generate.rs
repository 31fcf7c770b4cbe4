//! Rows from draws of the base, codes of rows, and rows of codes.

use super::pass::{Forward, Inverse, ROWS};
use super::{Flow, FlowError};
use crate::parallel::{chunks_mut, for_each_with};
use crate::random::{Seed, Streams};

impl Flow {
    /// `count` independent draws `[count, width]`: real numbers, or grey levels as fractions of the largest, 0 to 1. Sixteen rows share a
    /// stream: neither threads nor company change what a row is.
    ///
    /// # Errors
    /// Where the flow is conditioned, or a draw is not finite.
    ///
    /// ```
    /// use helmholtz::flow::{Flow, FlowConfig};
    /// use helmholtz::Seed;
    /// let flow = Flow::new(FlowConfig::new(3), Seed(1))?;
    /// assert_eq!(flow.sample(10, Seed(2))?[..6], flow.sample(2, Seed(2))?);
    /// # Ok::<(), helmholtz::flow::FlowError>(())
    /// ```
    pub fn sample(&self, count: usize, seed: Seed) -> Result<Vec<f32>, FlowError> {
        self.sample_given(count, &[], seed)
    }

    /// As [`sample`](Self::sample), each draw given a row of `context` `[count, context]`: of labels, [`context_of`](Self::context_of).
    ///
    /// # Errors
    /// Where the context is of another size, or a draw is not finite.
    pub fn sample_given(&self, count: usize, context: &[f32], seed: Seed) -> Result<Vec<f32>, FlowError> {
        self.check_context(count, context)?;
        let mut rows = vec![0.0; count * self.width()];
        let mut streams = Streams::new(seed, "flow", count);
        self.base.draw(&self.store, self.width(), &mut streams, &mut rows, context);
        self.inverted(rows, context)
    }

    /// The codes u `[rows, width]` of rows x `[rows, width]`: where the flow takes them in the base. Grey levels are fractions of the
    /// largest, 0 to 1, and stand for the middle of their cell. `context` `[rows, context]` is empty where the flow is not conditioned.
    ///
    /// # Errors
    /// Where the base is a mixture, in which a row has no code of its own, or the context is of another size.
    ///
    /// # Panics
    /// Where `x` is no whole number of rows.
    #[track_caller]
    pub fn encode(&self, x: &[f32], context: &[f32]) -> Result<Vec<f32>, FlowError> {
        let width = self.width();
        assert!(x.len().is_multiple_of(width), "rows of {width} numbers in a slice of {}", x.len());
        if !self.base.has_codes() {
            return Err(FlowError::NoCode);
        }
        self.check_context(x.len() / width, context)?;
        let (middle, conditions) = (vec![0.5; width], self.config.context());
        let mut codes = x.to_vec();
        let forward = Forward::new(self, ROWS);
        for_each_with(
            chunks_mut(&mut codes, ROWS * width),
            || forward.clone(),
            |forward, block, rows| {
                let count = rows.len() / width;
                rows.chunks_exact_mut(width).for_each(|row| self.config.preprocessing.apply(row, 1.0, &middle));
                forward.run(&self.store, rows, &context[block * ROWS * conditions..][..count * conditions]);
                rows.chunks_exact_mut(width).enumerate().for_each(|(row, u)| u.copy_from_slice(forward.u(row)));
            },
        );
        Ok(codes)
    }

    /// The rows x `[rows, width]` whose codes are u `[rows, width]`: of grey levels, the fraction of the largest whose cell a code is in.
    ///
    /// # Errors
    /// Where the context is of another size, or a row is not finite.
    ///
    /// # Panics
    /// Where `u` is no whole number of rows.
    #[track_caller]
    pub fn decode(&self, u: &[f32], context: &[f32]) -> Result<Vec<f32>, FlowError> {
        let width = self.width();
        assert!(u.len().is_multiple_of(width), "rows of {width} numbers in a slice of {}", u.len());
        self.check_context(u.len() / width, context)?;
        self.inverted(u.to_vec(), context)
    }

    /// x of u, in the same memory.
    fn inverted(&self, mut rows: Vec<f32>, context: &[f32]) -> Result<Vec<f32>, FlowError> {
        Inverse::new(self, ROWS).run(self, &mut rows, context);
        if let Some(place) = rows.iter().position(|z| !z.is_finite()) {
            return Err(FlowError::NonFiniteDraw { draw: place / self.width() });
        }
        self.config.preprocessing.invert(&mut rows);
        Ok(rows)
    }
}
