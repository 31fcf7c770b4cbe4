//! The log-likelihood of a variational autoencoder by importance sampling, or its ELBO with given noise.

use super::report;
use crate::cli::{Failure, Report, counted, size};
use crate::contract::{Detail, ScoreAsk, Scorer};
use crate::input::{Rows, data};
use helmholtz::vae::{ImportanceSampling, Likelihood, Vae};
use std::path::Path;

impl Scorer for Vae {
    fn options(&self) -> &'static [&'static str] {
        &["samples", "simulated", "noise"]
    }

    fn score(&self, ask: &ScoreAsk<'_>, report: &mut Report) -> Result<Option<Vec<f64>>, Failure> {
        let (options, rows) = (ask.options, ask.rows);
        let grey = self.config().likelihood == Likelihood::Bernoulli && rows.rows.is_grey();
        if ask.detail == Detail::EachRow && (grey || options.noise.is_some()) {
            let why = if grey { "grey levels give a model of bits none" } else { "--noise gives an ELBO" };
            return Err(Failure::new(format!("--out wants the log-likelihood of each row, and {why}")));
        }
        if let Some(file) = &options.noise {
            with_noise(self, rows, file, report)?;
            return Ok(None);
        }
        let samples = options.samples.unwrap_or(ImportanceSampling::default().samples);
        size::check("samples", samples, 1)?;
        let sampling = report::sampling(samples, ask.seed);
        let judged = report::judge(self, &rows.rows, rows.split, &sampling, ask.work, report);
        let values = judged.map_err(|failure| rows.unfit(failure))?;
        if options.simulated {
            report::simulate(self, rows.rows.len(), &sampling, ask.work, report)?;
        }
        ask.each_row(|| Ok(values))
    }
}

fn with_noise(vae: &Vae, rows: &Rows, file: &Path, report: &mut Report) -> Result<(), Failure> {
    let (noise, shape) = data::numbers(file)?;
    let wanted = [rows.rows.len(), vae.config().latent];
    if shape != wanted {
        return Err(Failure::new(format!(
            "noise of {} × {}, wanted {} × {}: rows × latent dimensions",
            shape[0], shape[1], wanted[0], wanted[1]
        ))
        .about(file.display()));
    }
    let parts = vae.elbo_with_noise(&rows.rows, &noise).map_err(|error| Failure::from(error).about(&rows.name))?;
    report.line(format!(
        "elbo            {:.6} nats an example, mean of {} with the noise of {}",
        parts.elbo(),
        counted(wanted[0], &format!("{} example", rows.split)),
        file.display()
    ));
    report.line(format!(
        "                reconstruction {:.6} less divergence {:.6}",
        parts.reconstruction, parts.divergence
    ));
    report.figure("elbo", parts.elbo());
    report.figure("reconstruction", parts.reconstruction);
    report.figure("kl", parts.divergence);
    report.figure("examples", wanted[0]);
    report.figure("split", rows.split);
    Ok(())
}
