//! Codes of a flow: where it takes rows in the base.

use crate::cli::Failure;
use crate::contract::{Codes, Encoder};
use crate::input::{Rows, data};
use helmholtz::flow::Flow;

impl Encoder for Flow {
    fn encode(&self, rows: &Rows) -> Result<Codes, Failure> {
        let width = self.width();
        let values = Flow::encode(self, &data::values_for(&rows.rows, width, &rows.name)?, &[])?;
        let words = format!("{width} numbers in the base");
        Ok(Codes { values, columns: width, words, size: ("width", width) })
    }
}
