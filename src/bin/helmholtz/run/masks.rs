//! Values that are missing by a mask.

use super::Session;
use crate::cli::Failure;

impl Session {
    /// From now on values of the rows, `[rows, width]` of all of them, are missing.
    pub fn hide(&mut self, missing: &[bool]) -> Result<(), Failure> {
        let width = self.data.width();
        for rows in [&mut self.data, &mut self.train].into_iter().chain(&mut self.validation) {
            let own: Vec<bool> = (0..rows.len())
                .flat_map(|row| missing[rows.original_row(row) * width..][..width].iter().copied())
                .collect();
            *rows = rows.with_missing(&own)?;
        }
        Ok(())
    }
}
