//! A linear variational autoencoder is probabilistic principal component analysis (Tipping & Bishop 1999; Lucas et al. 2019):
//! its best ELBO is the best likelihood, which is known in closed form.

use super::reference::{best_linear_log_likelihood, linear};
use super::{CollapseCause, Likelihood, Vae, VaeConfig, VaeRecipe};
use crate::data::{Binarization, Dataset, Scale};
use crate::optim::{Decay, Descent, Schedule};
use crate::random::Seed;
use crate::train::{Fit, Training};

fn digits(scale: Scale) -> Dataset<'static> {
    Dataset::digits().binarized(Binarization::None).scaled(scale).train()
}

fn trained(data: &Dataset<'_>, latent: usize, likelihood: Likelihood, steps: u64, rate: f32) -> Vae {
    let mut vae = Vae::new(VaeConfig { likelihood, ..linear(64, latent) }, Seed(1)).unwrap();
    let schedule = Schedule { decay: Decay::Cosine, warm_up: 0 };
    let descent = Descent { learning_rate: rate, schedule, ..Descent::default() };
    let recipe = VaeRecipe { descent, ..VaeRecipe::default() };
    let training = Training { steps: Some(steps), batch: 128, evaluate_every: 0, ..Training::default() };
    vae.fit(data, &recipe, &training).unwrap();
    vae
}

fn check(data: &Dataset<'_>, latent: usize, likelihood: Likelihood, noise: Option<f64>) {
    let best = best_linear_log_likelihood(data, latent, noise);
    let vae = trained(data, latent, likelihood, 20_000, 0.01);
    let elbo = vae.elbo(data).unwrap();
    let error = 5.0 * elbo.monte_carlo_error;
    assert!(elbo.value <= best + error, "{} is above the optimum {best}", elbo.value);
    assert!(elbo.value >= best - 0.05 - error, "{} is below the optimum {best}", elbo.value);
    assert_eq!(vae.figures(data).unwrap().active_units(), latent);
    assert_eq!(vae.collapse(data), Ok(None));
}

#[test]
fn unit_noise_on_the_raw_scale_reaches_the_optimum() {
    check(&digits(Scale::Raw), 2, Likelihood::Gaussian, Some(1.0));
}

#[test]
fn learned_noise_reaches_the_optimum() {
    check(&digits(Scale::Raw), 2, Likelihood::GaussianLearned, None);
}

#[test]
fn unit_noise_on_the_unit_scale_collapses_and_says_why() {
    let data = digits(Scale::Unit);
    let vae = trained(&data, 2, Likelihood::Gaussian, 2000, 0.01);
    assert_eq!(vae.figures(&data).unwrap().active_units(), 0);
    let collapse = vae.collapse(&data).unwrap().expect("a collapse");
    // The largest eigenvalue of the covariance of digits / 16, by Jacobi's method.
    let CollapseCause::Noise { noise, largest } = collapse.cause else { panic!("{collapse}") };
    assert!(noise == 1.0 && (largest - 0.69).abs() < 0.02, "{collapse}");
    assert_eq!(
        collapse.to_string(),
        format!(
            "0 of 2 latent dimensions are active: the decoder ignores them; noise of variance 1.00 covers all that the data \
             vary (by {largest:.2} at most in any direction): keep the data's raw scale, or learn the noise"
        )
    );
}
