//! `helmholtz bench vae`: training steps of a variational autoencoder.

use super::shape;
use super::shape::Architecture;
use crate::bench::{Levels, Peak, ROWS, check_sizes, random_rows, time_steps};
use crate::cli::{Failure, Globals, Report, Task, counted, size};
use clap::Args;
use helmholtz::train::Training;
use helmholtz::vae::{Bound, Vae, VaeConfig, VaeRecipe, VaeTrainer};

/// Training a variational autoencoder of bits by Adam on random grey levels
#[derive(Args)]
pub struct Bench {
    /// Hidden layers and latent dimensions
    #[arg(long, value_enum, default_value_t = Architecture::Plain, value_name = "SHAPE")]
    architecture: Architecture,
    /// Values of a row
    #[arg(long, default_value_t = 784, value_name = "N")]
    visible: usize,
    /// Draws of the latent variable for each example; more than one train the importance-weighted bound
    #[arg(long, default_value_t = 1, value_name = "K")]
    importance_samples: usize,
    /// Examples of an update
    #[arg(long, default_value_t = 128, value_name = "N")]
    batch: usize,
}

impl Task for Bench {
    fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        let Bench { architecture, visible, importance_samples, batch } = *self;
        let seed = globals.seed();
        check_sizes(&[("visible", visible), ("batch", batch)])?;
        size::check("visible", visible, ROWS)?;
        let hidden = architecture.hidden();
        let config = VaeConfig {
            decoder: hidden.reversed(),
            encoder: hidden.0,
            activation: architecture.activation(),
            ..VaeConfig::new(visible, architecture.latent())
        };
        shape::check(&config, batch, importance_samples)?;
        let data = random_rows(Levels::Grey, visible, "bench vae", seed)?;
        let mut report = Report::new();
        let peak = Peak::measure(&mut report);
        let training = Training { batch, seed, ..Training::default() };
        let bound = if importance_samples > 1 { Bound::ImportanceWeighted } else { Bound::Elbo };
        let recipe = VaeRecipe { importance_samples, bound, ..VaeRecipe::default() };
        let mut trainer = VaeTrainer::new(Vae::new(config.clone(), seed)?, &recipe, &data, &training)?;
        let layers = shape::layers(&config);
        let draws = counted(importance_samples, "draw");
        report.line(format!("VAE             {layers}, {draws}, batch {batch}, grey levels"));
        report.figure("visible", visible);
        report.figure("latent", config.latent);
        report.figure("importance_samples", importance_samples);
        let macs = (macs_of_an_example(&config, importance_samples) * batch) as f64;
        time_steps(&mut trainer, &data, batch, macs, seed, &peak, &mut report)?;
        Ok(report)
    }
}

/// The multiply-adds of one example in a step: of each layer the product itself, the gradient of its weights and that of
/// its inputs, which the data need not; the decoder's layers once a draw.
fn macs_of_an_example(config: &VaeConfig, draws: usize) -> usize {
    let products = |sizes: &[usize]| sizes.windows(2).map(|pair| pair[0] * pair[1]).sum::<usize>();
    let encoder = [&[config.visible], &config.encoder[..], &[2 * config.latent]].concat();
    let decoder = [&[config.latent], &config.decoder[..], &[config.visible]].concat();
    3 * products(&encoder) - encoder[0] * encoder[1] + 3 * draws * products(&decoder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_need_no_gradient() {
        let config = VaeConfig { encoder: vec![5], decoder: vec![7], ..VaeConfig::new(10, 3) };
        let (encoder, decoder) = (10 * 5 + 5 * 6, 3 * 7 + 7 * 10);
        assert_eq!(macs_of_an_example(&config, 4), 3 * encoder - 10 * 5 + 3 * 4 * decoder);
    }
}
