//! The epilogue of a product.

use super::Activation;

/// Accumulation mode: what happens to what the output held before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// It is overwritten, never read.
    #[default]
    Overwrite,
    /// The product is added to it.
    Accumulate,
}

/// Epilogue of a product, what is done to it on its way out: `c = activation(scale · a b [+ c] + bias)`.
#[derive(Clone, Copy, Debug)]
pub struct Epilogue<'a> {
    /// Factor of the product.
    pub scale: f32,
    /// Overwrite, or add to what is there.
    pub output: Output,
    /// Added to each row, `[n]`.
    pub bias: Option<&'a [f32]>,
    /// Applied last.
    pub activation: Activation,
}

impl Default for Epilogue<'_> {
    /// The product alone.
    fn default() -> Self {
        Epilogue { scale: 1.0, output: Output::Overwrite, bias: None, activation: Activation::Identity }
    }
}
