//! Bars and stripes are learned to within 0.05 nats of all there is to know: −ln 14 = −2.639.

use helmholtz::Seed;
use helmholtz::data::Dataset;
use helmholtz::rbm::{Ais, Method, Rbm, RbmTrainer, Recipe};
use helmholtz::sampling::Kind;
use helmholtz::train::{Trainer, Training, train};

/// As `helmholtz train rbm bars:3 --hidden 16 --method exact --epochs 5000 --learning-rate 0.5 --momentum 0.9`.
#[test]
fn sixteen_hidden_units_learn_bars_by_the_exact_gradient() {
    let bars = Dataset::bars(3).expect("a size");
    for seed in 1..=3 {
        let training = Training {
            epochs: 5000,
            batch: 64,
            seed: Seed(seed),
            evaluate_every: 0,
            checkpoint_every: 0,
            ..Training::default()
        };
        let recipe = Recipe { method: Method::Exact, learning_rate: 0.5, momentum: 0.9, ..Recipe::default() };
        let rbm = Rbm::new(9, 16, training.seed.derive("rbm", 0));
        let mut trainer = RbmTrainer::new(rbm, recipe, &bars, &training).expect("a valid recipe");
        train(&mut trainer, &bars, None, &training, None, &mut ()).expect("finite numbers");
        for rbm in [trainer.last(), &trainer.average()] {
            let estimate = rbm.log_likelihood(&bars, &Ais::default()).expect("bits");
            assert_eq!(estimate.kind, Kind::Exact);
            let best = -14f64.ln();
            // Nothing can be above: enumeration of f32 activations errs by 1e-5 at most.
            assert!((best - 0.05..best + 1e-5).contains(&estimate.value), "seed {seed}: {estimate}");
        }
    }
}
