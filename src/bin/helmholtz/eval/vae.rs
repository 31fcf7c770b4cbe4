//! The log-likelihood of a variational autoencoder by importance sampling, or its ELBO with given noise.

use crate::console::Report;
use crate::counted::counted;
use crate::data;
use crate::failure::Failure;
use crate::row_choice::Rows;
use crate::size;
use crate::vae_report;
use clap::Args;
use helmholtz::Seed;
use helmholtz::vae::{ImportanceSampling, Vae};
use std::path::{Path, PathBuf};

const VAE: &str = "Variational autoencoders";

/// The options that only a variational autoencoder has.
#[derive(Args, Debug)]
#[group(skip)]
pub struct Options {
    /// Importance samples for each example [default: 500]
    #[arg(long, value_name = "N", help_heading = VAE)]
    samples: Option<usize>,
    /// Also the log-likelihood of data that the model itself draws, bounded from both sides: they meet where the figures
    /// can be trusted
    #[arg(long, help_heading = VAE)]
    simulated: bool,
    /// Only the ELBO, with exactly this noise: standard normal numbers [rows, latent], a draw for each row. Another program
    /// with the same weights must get the same figure
    #[arg(long, value_name = "FILE.npy", conflicts_with_all = ["samples", "simulated"], help_heading = VAE)]
    noise: Option<PathBuf>,
}

impl Options {
    /// The name of one of them that was given.
    pub fn given(&self) -> Option<&'static str> {
        let Options { samples, simulated, noise } = self;
        samples.map(|_| "samples").or(simulated.then_some("simulated")).or(noise.as_ref().map(|_| "noise"))
    }

    /// Estimates the log-likelihood of `vae` on the rows.
    pub fn eval(&self, vae: &Vae, rows: &Rows, seed: Seed, report: &mut Report) -> Result<(), Failure> {
        if let Some(file) = &self.noise {
            return with_noise(vae, rows, file, report);
        }
        let default = ImportanceSampling::default().samples;
        let sampling = vae_report::sampling(self.samples.unwrap_or(default), seed);
        size::check("samples", sampling.samples, 1)?;
        let judged = vae_report::judge(vae, &rows.rows, rows.split, &sampling, report);
        judged.map_err(|failure| {
            failure
                .about(&rows.name)
                .or_hint("is this the data the model was made for? --binarize says how grey levels are read")
        })?;
        if self.simulated {
            vae_report::simulate(vae, rows.rows.len(), &sampling, report)?;
        }
        Ok(())
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
