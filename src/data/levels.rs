//! Levels: how stored numbers are read, as bits or as they are, on which scale, plain or flipped.

/// How grey levels become the 0 and 1 that a Bernoulli model has a likelihood for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Binarization {
    /// 1 where the grey level is at least half of the scale.
    #[default]
    Threshold,
    /// 1 with the probability the grey level names, drawn anew whenever a row is read.
    Sample,
    /// Grey levels stay probabilities in [0, 1].
    None,
}

/// What grey levels are multiples of. Bits are 0 and 1 on either scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Scale {
    /// From 0 to 1.
    #[default]
    Unit,
    /// As they are stored: from 0 to 16 for the digits, to 255 for MNIST. Numbers stored as floats are in [0, 1] either
    /// way.
    Raw,
}

/// Whether rows are read as they are or as their complement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Polarity {
    Plain,
    Flipped,
}
