//! The recipe by which a flow is trained: a plain struct with good defaults.

use crate::Setting;
use crate::optim::Descent;

/// A training recipe: maximum likelihood. Gradients are of the mean over the batch.
///
/// ```
/// use helmholtz::flow::FlowRecipe;
/// use helmholtz::optim::Descent;
/// let descent = Descent { learning_rate: 5e-4, ..FlowRecipe::default().descent };
/// FlowRecipe { descent, ..FlowRecipe::default() }.check()?;
/// # Ok::<(), helmholtz::Setting>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FlowRecipe {
    /// The settings of the parameters' descent.
    pub descent: Descent,
    /// The part of the hidden units that each step leaves out, at least 0 and below 1: see [`Dropout`](super::Dropout).
    pub dropout: f64,
}

impl Default for FlowRecipe {
    fn default() -> Self {
        FlowRecipe {
            descent: Descent { learning_rate: 2e-3, clip: Some(10.0), average_decay: 0.995, ..Descent::default() },
            dropout: 0.0,
        }
    }
}

impl FlowRecipe {
    /// Checks every setting against its range.
    ///
    /// # Errors
    /// Names the first setting out of its range.
    pub fn check(&self) -> Result<(), Setting> {
        Setting::fraction("the part of the units that is left out", self.dropout)?;
        self.descent.check()
    }
}
