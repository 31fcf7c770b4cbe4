//! What commands and families share: the traits that commands ask through, and the options, rows and results of each question.

pub mod annealing;
pub mod encode;
pub mod family;
pub mod inpaint;
pub mod likelihood;
pub mod model;
pub mod origin;
pub mod recall;
pub mod sample;
pub mod score;
