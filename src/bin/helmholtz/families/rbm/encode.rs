//! Codes of an RBM: the probabilities of its hidden units given a row.

use crate::cli::Failure;
use crate::contract::{Codes, Encoder};
use crate::input::Rows;
use helmholtz::rbm::Rbm;

impl Encoder for Rbm {
    fn encode(&self, rows: &Rows) -> Result<Codes, Failure> {
        if rows.rows.is_grey() {
            return Err(Failure::new("grey levels, and hidden units of an RBM are told from bits")
                .about(&rows.name)
                .hint("--binarize threshold or sample makes bits of them"));
        }
        let hidden = self.hidden();
        Ok(Codes {
            values: self.mean_hidden(&rows.bits(self.visible())?),
            columns: hidden,
            words: format!("the probabilities of {hidden} hidden units"),
            size: ("hidden", hidden),
        })
    }
}
