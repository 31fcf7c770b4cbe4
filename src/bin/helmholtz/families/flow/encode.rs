//! Codes of a flow: where it takes rows in the base.

use crate::cli::Failure;
use crate::contract::{Codes, Encoder};
use crate::input::{Rows, data};
use helmholtz::flow::{Conditioning, Flow, FlowError};

impl Encoder for Flow {
    fn encode(&self, rows: &Rows) -> Result<Codes, Failure> {
        let width = self.width();
        let context = match (self.config().conditioning, rows.rows.labels()) {
            (Conditioning::None, _) => Vec::new(),
            (_, Some(labels)) => {
                self.context_of(&labels).map_err(|error| Failure::from(error).about(&rows.name))?
            }
            (_, None) => return Err(Failure::from(FlowError::NoContext).about(&rows.name)),
        };
        let values = Flow::encode(self, &data::values_for(&rows.rows, width, &rows.name)?, &context)?;
        let words = format!("{width} numbers in the base");
        Ok(Codes { values, columns: width, words, size: ("width", width) })
    }
}
