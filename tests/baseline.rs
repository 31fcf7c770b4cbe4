//! "Independent pixels" is one figure, whatever the model that stands beside it.

use helmholtz::Seed;
use helmholtz::data::Dataset;
use helmholtz::energy::boltzmann::{BoltzmannMachine, Units};
use helmholtz::rbm::Rbm;
use helmholtz::sampling::Ais;
use helmholtz::vae::{ImportanceSampling, Vae, VaeConfig};

/// The baselines of a restricted machine exact and annealed, of general ones with and without hidden units, and of an autoencoder.
fn baselines(data: &Dataset<'_>) -> Vec<f64> {
    let ais = Ais { chains: 2, temperatures: 2, seed: Seed(1) };
    let rbm = Rbm::new(64, 3, Seed(1));
    let sampling = ImportanceSampling { samples: 1, seed: Seed(1) };
    let mut of: Vec<_> = [0, 2]
        .map(|hidden| {
            BoltzmannMachine::new(64, hidden, Units::Binary, Seed(1)).log_likelihood(data, &ais).unwrap()
        })
        .into();
    of.push(rbm.log_likelihood(data, &ais).unwrap());
    of.push(rbm.annealed_log_likelihood(data, &ais).unwrap());
    of.push(Vae::new(VaeConfig::new(64, 2), Seed(1)).unwrap().log_likelihood(data, &sampling).unwrap());
    of.into_iter().map(|estimate| estimate.baseline.unwrap()).collect()
}

#[test]
fn independent_pixels_are_one_figure_for_all_models() {
    let digits = Dataset::digits().test();
    for value in baselines(&digits) {
        assert!((value + 24.642).abs() < 5e-4, "{value}");
    }
    // A single row is certain under its own means.
    for value in baselines(&digits.subset(0..1)) {
        assert_eq!(value, 0.0);
    }
}
