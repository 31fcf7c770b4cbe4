//! `helmholtz inpaint`: hidden values, drawn given the others, and held against what they were.

mod baseline;
mod command;
mod gaussian;
mod judge;
mod picture;

pub use command::Inpaint;
