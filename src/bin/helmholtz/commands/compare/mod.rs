//! `helmholtz compare`: any models on the same rows, with the errors of their differences.

mod command;
mod contestant;
mod drawing;
mod entry;
mod likelihood;
mod picture;
mod ranking;
mod seating;
mod table;

pub use command::Compare;
