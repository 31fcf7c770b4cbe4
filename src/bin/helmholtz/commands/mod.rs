//! The commands: each parses, loads, asks a family, writes the file and reports.

pub mod bench;
pub mod encode;
pub mod eval;
pub mod info;
pub mod inpaint;
pub mod interpolate;
mod loaded;
pub mod recall;
pub mod reconstruct;
pub mod sample;
pub mod train;
