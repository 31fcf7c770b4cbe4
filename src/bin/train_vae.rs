//! A variational autoencoder learns the 8×8 digits, says how well, and draws some of its own.
//!
//! `cargo run --release --bin train_vae`

use helmholtz::data::Dataset;
use helmholtz::train::{Control, Fit, Fitting, Metrics, Observer, Progress, TrainError, Training};
use helmholtz::vae::{ImportanceSampling, Observation, Vae, VaeConfig, VaeRecipe};
use helmholtz::{Seed, sampling::Estimate};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    // Grey levels become bits by threshold; the test rows are never trained on.
    let digits = Dataset::digits();

    // 64 pixels, 200 rectified units, 10 latent dimensions, and back; Adam on the evidence lower bound.
    let mut vae = Vae::new(VaeConfig::new(digits.width(), 10), Seed(1))?;
    let training = Training { epochs: 200, evaluate_every: 20, ..Training::default() };
    let fitting = Fitting { observer: Some(&mut Printer), ..Fitting::default() };
    vae.fit_with(&digits.train(), &VaeRecipe::default(), &training, fitting)?;

    // Importance sampling bounds the likelihood from below, tighter than the ELBO.
    let test = digits.test();
    let elbo: Estimate = vae.elbo(&test)?;
    let likelihood: Estimate = vae.log_likelihood(&test, &ImportanceSampling::default())?;
    println!("ELBO of the test digits: {elbo}");
    println!("log-likelihood of the test digits: {likelihood}");

    draw(&vae.sample(8, Observation::Mean, Seed(2)));
    Ok(())
}

/// Prints the bound whenever the model is evaluated.
struct Printer;

impl Observer for Printer {
    fn evaluation(&mut self, progress: &Progress, metrics: &Metrics) -> Result<Control, TrainError> {
        let figure = |name| metrics.get(name).unwrap_or(f64::NAN);
        println!("epoch {:3}  ELBO {:.2} nats  active {}", progress.epoch, figure("elbo"), figure("active_units"));
        Ok(Control::Continue)
    }
}

/// Images side by side, two characters a pixel.
fn draw(images: &[f32]) {
    let shade = |grey: f32| ["  ", "░░", "▒▒", "▓▓", "██"][((grey * 5.0) as usize).min(4)];
    for y in 0..8 {
        for image in images.chunks_exact(64) {
            image[8 * y..][..8].iter().for_each(|&grey| print!("{}", shade(grey)));
            print!("  ");
        }
        println!();
    }
}
