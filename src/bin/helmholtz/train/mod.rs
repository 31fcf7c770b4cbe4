//! `helmholtz train`: one subcommand a model.

mod boltzmann;
mod conclusion;
mod hopfield;
mod neural;
mod options;
mod progress_bar;
mod rbm;
mod recorder;
mod schedule;
mod session;
mod vae;

use crate::console::Report;
use crate::failure::Failure;
use crate::globals::Globals;
use clap::{Args, Subcommand};

/// Train a model
#[derive(Args)]
pub struct Train {
    #[command(subcommand)]
    model: Model,
}

#[derive(Subcommand)]
enum Model {
    Rbm(rbm::Rbm),
    Boltzmann(boltzmann::Boltzmann),
    Hopfield(hopfield::Hopfield),
    Vae(vae::Vae),
    Neural(neural::Neural),
}

impl Train {
    /// Trains, reports, and leaves a run folder.
    pub fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        match &self.model {
            Model::Rbm(rbm) => rbm.run(globals),
            Model::Boltzmann(boltzmann) => boltzmann.run(globals),
            Model::Hopfield(hopfield) => hopfield.run(globals),
            Model::Vae(vae) => vae.run(globals),
            Model::Neural(neural) => neural.run(globals),
        }
    }
}
