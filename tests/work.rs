//! Estimates tell those who wait how far they are: what is done is what was planned, and the figure is the one without a count.

use helmholtz::Seed;
use helmholtz::data::Dataset;
use helmholtz::energy::boltzmann::{Ais, BoltzmannMachine, Units};
use helmholtz::energy::neural::{NeuralConfig, NeuralEnergy, NeuralScoring};
use helmholtz::rbm::{Rbm, Scoring};
use helmholtz::sampling::Work;
use helmholtz::vae::{ImportanceSampling, Vae, VaeConfig};

/// Of an estimate whose units of work are `at_least` so many.
fn check(model: &str, at_least: u64, work: &Work) {
    let (planned, done) = (work.planned(), work.done());
    assert!(planned >= at_least, "{model}: {planned} planned");
    assert_eq!(done, planned, "{model}");
}

#[test]
fn estimates_do_what_they_have_planned_and_say_so() {
    let digits = Dataset::digits().test().subset(0..70);
    let ais = Ais { chains: 33, temperatures: 50, seed: Seed(1) };

    let (machine, work) = (BoltzmannMachine::new(64, 8, Units::Binary, Seed(1)), Work::new());
    let counted = machine.log_likelihoods_counted(&digits, &ais, &work).unwrap();
    // log Z and 16 chains a row with a quarter of the temperatures.
    check("Boltzmann machine", 33 * 50 + 70 * 16 * 13, &work);
    assert_eq!(counted, machine.log_likelihoods(&digits, &ais).unwrap());

    let (rbm, work) = (Rbm::new(64, 30, Seed(1)), Work::new());
    let mut scoring = Scoring::with_ais(ais);
    scoring.raise.temperatures = 60;
    let counted = rbm.log_likelihoods_counted(&digits, &scoring, &work).unwrap();
    check("RBM", 33 * 50 + 70 * 60, &work);
    assert_eq!(counted.0, rbm.log_likelihoods(&digits, &scoring).unwrap().0);

    let (vae, work) = (Vae::new(VaeConfig::new(64, 2), Seed(1)).unwrap(), Work::new());
    let sampling = ImportanceSampling { samples: 45, seed: Seed(1) };
    let counted = vae.log_likelihoods_counted(&digits, &sampling, &work).unwrap();
    assert_eq!(work.planned(), 70 * 45);
    check("VAE", 1, &work);
    assert_eq!(counted, vae.log_likelihoods(&digits, &sampling).unwrap());
    vae.simulated_bounds_counted(10, &sampling, &work).unwrap();
    assert_eq!(work.planned(), 80 * 45);
    check("VAE on its own data", 1, &work);

    let rows: Vec<f32> = (0..60).map(|index| (index as f32 * 0.37).sin()).collect();
    let data = Dataset::from_real(rows, &[20, 3]).unwrap();
    let energy = NeuralEnergy::new(NeuralConfig { hidden: vec![4], ..NeuralConfig::new(3) }, Seed(1)).unwrap();
    let (scoring, work) = (NeuralScoring { chains: 17, temperatures: 9, seed: Seed(1) }, Work::new());
    let counted = energy.log_likelihood_counted(&data, &scoring, &work).unwrap();
    assert_eq!(work.planned(), 17 * 8);
    check("neural energy", 1, &work);
    assert_eq!(counted, energy.log_likelihood(&data, &scoring).unwrap());
}
