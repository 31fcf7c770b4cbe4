//! `helmholtz bench vae`: training steps of a variational autoencoder.

use super::{begin, check_sizes, seconds_of};
use crate::console::Report;
use crate::failure::Failure;
use crate::globals::Globals;
use crate::vae_shape::{self, Architecture};
use clap::Args;
use helmholtz::data::{Batches, Binarization, Dataset};
use helmholtz::train::{Batch, Learner, Progress, Training};
use helmholtz::vae::{self as model, Bound, VaeConfig, VaeRecipe, VaeTrainer};

/// Training a variational autoencoder of bits by Adam on random grey levels
#[derive(Args)]
pub struct Vae {
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

const ROWS: usize = 4096;

impl Vae {
    /// Measures and reports.
    pub fn run(&self, globals: &Globals) -> Result<Report, Failure> {
        let Vae { architecture, visible, importance_samples, batch } = *self;
        check_sizes(&[("visible", visible), ("batch", batch)])?;
        crate::size::check("visible", visible, ROWS)?;
        let hidden = architecture.hidden();
        let config = VaeConfig {
            decoder: hidden.reversed(),
            encoder: hidden.0,
            activation: architecture.activation(),
            ..VaeConfig::new(visible, architecture.latent())
        };
        vae_shape::check(&config, batch, importance_samples)?;
        let mut words = vec![0u32; ROWS * visible];
        globals.seed().lanes("bench vae", 0).fill_words(&mut words);
        let levels: Vec<u8> = words.iter().map(|word| *word as u8).collect();
        let data = Dataset::from_u8(levels, &[ROWS, visible], u8::MAX)?.binarized(Binarization::None);

        let mut report = Report::new();
        let peak = begin(&mut report);
        let training = Training { batch, seed: globals.seed(), ..Training::default() };
        let bound = if importance_samples > 1 { Bound::ImportanceWeighted } else { Bound::Elbo };
        let recipe = VaeRecipe { importance_samples, bound, ..VaeRecipe::default() };
        let vae = model::Vae::new(config.clone(), globals.seed())?;
        let mut trainer = VaeTrainer::new(vae, &recipe, &data, &training)?;
        let batches = Batches::new(ROWS, batch, globals.seed());
        let mut rows = vec![0; batch];
        let progress = Progress { steps: u64::MAX, ..Progress::default() };
        let mut step = 0;
        let mut failed = None;
        let timed = || {
            seconds_of(|| {
                batches.fill(step, &mut rows);
                step += 1;
                failed = trainer.step(&Batch { data: &data, rows: &rows }, &progress).err().or(failed.take());
            })
        };
        // Inside the pool, as training runs: from outside, every step would wait for a thread to wake.
        let seconds = rayon::join(timed, || ()).0;
        if let Some(error) = failed {
            return Err(error.into());
        }

        let macs = (macs_of_an_example(&config, importance_samples) * batch) as f64 / seconds;
        report.line(format!(
            "VAE             {}, {} draws, batch {batch}, grey levels",
            vae_shape::layers(&config),
            importance_samples
        ));
        report.line(format!(
            "training        {:.0} samples/s, {:.1} steps/s",
            batch as f64 / seconds,
            1.0 / seconds
        ));
        report.line(format!("multiply-adds   {:.1} GMAC/s, {:.2} × the FMA peak", macs / 1e9, macs / peak));
        report.figure("visible", visible);
        report.figure("latent", config.latent);
        report.figure("batch", batch);
        report.figure("importance_samples", importance_samples);
        report.figure("samples_per_second", batch as f64 / seconds);
        report.figure("steps_per_second", 1.0 / seconds);
        report.figure("macs_per_second", macs);
        report.figure("flops_per_second", 2.0 * macs);
        report.figure("peak_fraction", macs / peak);
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
