//! Imputations by a variational autoencoder: draws of q(z | what is shown), drawn again by their weights.

use crate::cli::{Failure, size};
use crate::contract::{Filled, InpaintAsk, Inpainter, Scores};
use helmholtz::vae::{Imputing, Posterior, Prior, Vae};

impl Inpainter for Vae {
    fn inpaint(&self, ask: &InpaintAsk<'_>) -> Result<Filled, Failure> {
        let imputing = Imputing {
            draws: ask.options.draws,
            latents: ask.latents,
            count: ask.count,
            seed: ask.seed.derive("inpainting", 0),
        };
        size::check("draws", imputing.draws, self.config().visible)?;
        let unfit = |error: helmholtz::vae::VaeError| Failure::from(error).about(ask.name);
        let imputed = self.impute_counted(ask.rows, &ask.mask.hidden, &imputing, ask.work).map_err(unfit)?;
        let normal = (self.config().posterior, self.config().prior) == (Posterior::Gaussian, Prior::Normal);
        let bounds = match self.takes_missing() && normal {
            true => Some(self.completion_bounds(ask.rows, &ask.mask.hidden, imputing.seed).map_err(unfit)?),
            false => None,
        };
        // Where q(z | what is shown) stands for p(z) draws have no weights.
        let by = if self.config().completes { "" } else { " by their weights" };
        let mut method = format!("{} latents a row, of {} draws of the encoder{by}", ask.latents, imputing.draws);
        if !self.takes_missing() {
            method += ", which sees no masks";
        }
        Ok(Filled {
            values: imputed.values,
            means: imputed.means,
            quantiles: imputed.quantiles,
            scores: Some(Scores { values: imputed.scores, errors: imputed.errors, exact: false }),
            bounds,
            method,
            shapes: Some(imputed.shapes),
        })
    }
}
