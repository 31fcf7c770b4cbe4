//! How recall ends.

/// How a recall of one state ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// In a state that recall leaves as it is, after so many sweeps that changed it.
    Fixed {
        /// Sweeps in which a unit changed.
        sweeps: usize,
    },
    /// Between two states, each of which follows the other: only where all units change at once.
    Cycle,
    /// At the limit of sweeps, still changing.
    Unfinished,
}
