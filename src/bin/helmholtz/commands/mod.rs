//! The commands: each parses, loads, asks a family, writes the file and reports.

mod bench;
mod compare;
mod encode;
mod eval;
mod info;
mod inpaint;
mod interpolate;
mod loaded;
mod recall;
mod reconstruct;
mod sample;
mod table;
mod train;

pub use table::Commands;
