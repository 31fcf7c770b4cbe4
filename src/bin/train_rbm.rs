//! A restricted Boltzmann machine learns the 8×8 digits, says how well, and draws some of its own.
//!
//! `cargo run --release --bin train_rbm`

use helmholtz::data::Dataset;
use helmholtz::rbm::{Rbm, Recipe};
use helmholtz::sampling::Estimate;
use helmholtz::tensor::BitMatrix;
use helmholtz::train::{Control, Fit, Fitting, Metrics, Observer, Progress, TrainError, Training};
use helmholtz::{Seed, rbm::Ais};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    // Grey levels become bits by threshold; the test rows are never trained on.
    let digits = Dataset::digits();

    // 64 pixels, 128 hidden units; persistent contrastive divergence with a rate that falls to zero.
    let mut rbm = Rbm::new(digits.width(), 128, Seed(1));
    let training = Training { epochs: 1000, evaluate_every: 100, ..Training::default() };
    let fitting = Fitting { observer: Some(&mut Printer), ..Fitting::default() };
    rbm.fit_with(&digits.train(), &Recipe::default(), &training, fitting)?;

    // The partition function is estimated by annealed importance sampling: the figure knows its error and direction.
    let likelihood: Estimate = rbm.log_likelihood(&digits.test(), &Ais::default())?;
    println!("log-likelihood of the test digits: {likelihood}");

    // Eight chains forget their random start in a thousand sweeps of block Gibbs sampling.
    let mut chains = rbm.chains(8, Seed(2));
    chains.gibbs(&rbm, 1000);
    draw(chains.visible());
    Ok(())
}

/// Prints the pseudo-likelihood whenever the machine is evaluated.
struct Printer;

impl Observer for Printer {
    fn evaluation(&mut self, progress: &Progress, metrics: &Metrics) -> Result<Control, TrainError> {
        let figure = metrics.get("pseudo_likelihood").unwrap_or(f64::NAN);
        println!("epoch {:4}  pseudo-likelihood {figure:.2} nats", progress.epoch);
        Ok(Control::Continue)
    }
}

/// Images side by side, two characters a pixel.
fn draw(images: &BitMatrix) {
    for y in 0..8 {
        for image in 0..images.rows() {
            (0..8).for_each(|x| print!("{}", if images.get(image, 8 * y + x) { "██" } else { "  " }));
            print!("  ");
        }
        println!();
    }
}
