//! The log-likelihood of a variational autoencoder by importance sampling, or its ELBO with given noise.

use super::report;
use crate::cli::{Failure, Report, counted, size};
use crate::contract::{FileFormat, ScoreAsk, Scored, Scorer, Slack};
use crate::input::{Rows, data};
use helmholtz::vae::{ImportanceSampling, Vae};
use std::path::Path;

/// Examples of the model's own that say how far apart its bounds are.
const SIMULATED: usize = 500;

impl Scorer for Vae {
    fn options(&self) -> &'static [&'static str] {
        match self.classes() {
            0 => &["samples", "simulated", "noise"],
            _ => &["samples", "simulated", "noise", "posteriors"],
        }
    }

    fn score(&self, ask: &ScoreAsk<'_>) -> Result<Scored, Failure> {
        let rows = ask.rows;
        if self.features().is_some() {
            return Err(Failure::new("a model of features gives rows no log-likelihood").about(&rows.name));
        }
        if report::has_none(self, &rows.rows) {
            return Err(Failure::new("grey levels give a model of bits no log-likelihood")
                .about(&rows.name)
                .hint("--binarize sample or threshold asks for that of bits"));
        }
        let scored = self.log_likelihoods_counted(&rows.rows, &sampling(self, ask)?, ask.work);
        let (values, score) = scored.map_err(|error| rows.unfit(error))?;
        Ok(Scored::alone(values, score.log_likelihood))
    }

    fn report(&self, ask: &ScoreAsk<'_>, report: &mut Report) -> Result<Option<Scored>, Failure> {
        let (options, rows) = (ask.options, ask.rows);
        if let Some(file) = &options.noise {
            with_noise(self, rows, file, report)?;
            return Ok(None);
        }
        let sampling = sampling(self, ask)?;
        let posteriors = options.posteriors.as_deref();
        if let Some(path) = posteriors {
            if FileFormat::of(path)? != FileFormat::Npy {
                return Err(Failure::new("--posteriors must end in .npy").about(path.display()));
            }
            if self.features().is_some() {
                return Err(Failure::new("--posteriors: a model of features gives rows no likelihood")
                    .about(path.display()));
            }
            if report::has_none(self, &rows.rows) {
                return Err(Failure::new("--posteriors: grey levels give a model of bits no likelihood")
                    .about(&rows.name)
                    .hint("--binarize sample or threshold asks for that of bits"));
            }
        }
        let judged = report::judge(self, &rows.rows, rows.split, &sampling, ask.work, posteriors, report);
        let scored = judged.map_err(|failure| rows.unfit(failure))?;
        if options.simulated {
            report::simulate(self, rows.rows.len(), &sampling, ask.work, report)?;
        }
        Ok(scored)
    }

    fn slack(&self, ask: &ScoreAsk<'_>) -> Result<Option<Slack>, Failure> {
        let bounds = self.simulated_bounds_counted(SIMULATED, &sampling(self, ask)?, ask.work)?;
        Ok(Some(Slack { gap: bounds.gap, error: bounds.gap_error }))
    }
}

/// Importance sampling as asked, else with the library's defaults.
fn sampling(vae: &Vae, ask: &ScoreAsk<'_>) -> Result<ImportanceSampling, Failure> {
    let samples = ask.options.samples.unwrap_or(report::usual_samples(vae));
    size::check("samples", samples, 1)?;
    Ok(report::sampling(samples, ask.seed))
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
