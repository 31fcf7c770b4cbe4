//! A training run: its options and settings, its folder, and what is written and said while it goes and at its end.

pub mod conclusion;
pub mod curves;
pub mod descent;
pub mod folder;
mod metrics_table;
pub mod options;
mod progress_bar;
mod recorder;
pub mod session;
pub mod settings;
pub mod standing;
pub mod widths;
