//! Randomness that is part of the layout: sixteen lanes of xoshiro128++, named streams, fills.
//!
//! A [`Seed`] names a run. From it every consumer takes streams of its own by name and index, so that a block of
//! chains or rows draws the same numbers on any number of threads. Lane `i` of a stream is
//! [`rand_xoshiro::Xoshiro128PlusPlus`] after `i` jumps of 2⁶⁴ draws each; the words, and every fill made from
//! them, are the same bits on every instruction set.

mod draw;
mod fill;
mod lanes;
mod normal;
mod seed;
mod stream;
mod streams;

pub use lanes::Lanes;
pub(crate) use lanes::LanesVector;
pub use seed::Seed;
pub(crate) use seed::mix;
pub use stream::Stream;
pub use streams::Streams;
