//! Parameters, snapshots, drawing and encoding.

use super::reference::linear;
use super::{Likelihood, Observation, Vae, VaeConfig, VaeError};
use crate::autodiff::Activation;
use crate::random::Seed;
use crate::store::Snapshot;

fn names(vae: &Vae) -> Vec<(String, Vec<usize>)> {
    let store = vae.store();
    store
        .parameters()
        .map(|parameter| (store.name(parameter).to_owned(), store.shape(parameter).to_vec()))
        .collect()
}

#[test]
fn parameters_are_named_as_in_pytorch() {
    let config = VaeConfig {
        encoder: vec![8, 4],
        decoder: vec![6],
        likelihood: Likelihood::GaussianLearned,
        ..VaeConfig::new(9, 2)
    };
    let wanted: [(&str, &[usize]); 13] = [
        ("encoder.0.weight", &[8, 9]),
        ("encoder.0.bias", &[8]),
        ("encoder.2.weight", &[4, 8]),
        ("encoder.2.bias", &[4]),
        ("mean.weight", &[2, 4]),
        ("mean.bias", &[2]),
        ("log_variance.weight", &[2, 4]),
        ("log_variance.bias", &[2]),
        ("decoder.0.weight", &[6, 2]),
        ("decoder.0.bias", &[6]),
        ("decoder.2.weight", &[9, 6]),
        ("decoder.2.bias", &[9]),
        ("observation_log_variance", &[1]),
    ];
    let wanted: Vec<_> = wanted.iter().map(|(name, shape)| ((*name).to_owned(), shape.to_vec())).collect();
    assert_eq!(names(&Vae::new(config, Seed(1)).unwrap()), wanted);
    let shapes: Vec<String> =
        names(&Vae::new(linear(3, 2), Seed(1)).unwrap()).into_iter().map(|(name, _)| name).collect();
    assert_eq!(shapes[..4], ["mean.weight", "mean.bias", "log_variance.weight", "log_variance.bias"]);
    assert_eq!(shapes[4..], ["decoder.0.weight", "decoder.0.bias"]);
}

#[test]
fn a_snapshot_is_the_whole_model() {
    for (encoder, decoder) in [(vec![], vec![]), (vec![5], vec![]), (vec![], vec![3, 4]), (vec![7, 6, 5], vec![4])]
    {
        for likelihood in Likelihood::ALL {
            let activation = Activation::LeakyRelu(0.1);
            let config = VaeConfig {
                encoder: encoder.clone(),
                decoder: decoder.clone(),
                likelihood,
                activation,
                ..VaeConfig::new(9, 2)
            };
            let vae = Vae::new(config, Seed(3)).unwrap();
            assert_eq!(Vae::from_snapshot(&vae.to_snapshot()).as_ref(), Ok(&vae));
            assert_eq!(Vae::from_checkpoint(&vae.to_snapshot()).as_ref(), Ok(&vae));
        }
    }
}

#[test]
fn a_bare_state_dict_is_read_and_its_faults_are_named() {
    let vae = Vae::new(VaeConfig { encoder: vec![5], decoder: vec![4], ..VaeConfig::new(9, 2) }, Seed(3)).unwrap();
    let mut bare = vae.to_snapshot();
    bare.metadata.clear();
    assert_eq!(Vae::from_snapshot(&bare).as_ref(), Ok(&vae));
    let said = |change: &dyn Fn(&mut Snapshot)| {
        let mut snapshot = vae.to_snapshot();
        change(&mut snapshot);
        Vae::from_snapshot(&snapshot).unwrap_err().to_string()
    };
    assert_eq!(said(&|s| drop(s.arrays.remove("mean.weight"))), "tensor `mean.weight` is missing");
    assert_eq!(
        said(&|s| drop(s.arrays.remove("decoder.2.weight"))),
        "the number of values the decoder gives is 4, but must be that of the encoder"
    );
    // A million squared weights would be between the two layers.
    assert_eq!(
        said(&|s| s.put_f32("decoder.2.weight", &[1 << 20, 1], &vec![0.0; 1 << 20])),
        "the number of inputs of a layer is 1 in decoder.2.weight, where the layer before gives 4, but must be the same"
    );
    assert!(
        said(&|s| s.put_f32("mean.weight", &[2, 3], &[0.0; 6]))
            .starts_with("the number of inputs of a layer is 3")
    );
    assert_eq!(said(&|s| s.arrays.clear()), "tensor `mean.weight` is missing");
    assert_eq!(
        said(&|s| s.put_f32("mean.bias", &[2], &[0.0, f32::NAN])),
        "tensor `mean.bias` holds a NaN or an infinity"
    );
    assert_eq!(
        said(&|s| s.put_f64("mean.bias", &[2], &[0.0, 0.0])),
        "tensor `mean.bias` is of type f64, wanted f32"
    );
    assert_eq!(
        said(&|s| s.put_f32("encoder.0.weight", &[0, 9], &[])),
        "the shape of a weight is [0, 9], but must be a matrix [out, in] of at least 1 × 1"
    );
    assert!(said(&|s| s.set("vae.likelihood", "poisson")).starts_with("the likelihood is poisson"));
    assert!(said(&|s| s.set("vae.activation", "leaky-relu:-1")).starts_with("the activation is leaky-relu:-1"));
}

#[test]
fn encoding_and_decoding_go_row_by_row() {
    let vae = Vae::new(VaeConfig { encoder: vec![5], decoder: vec![4], ..VaeConfig::new(9, 2) }, Seed(3)).unwrap();
    let mut x = vec![0.0; 300 * 9];
    Seed(4).lanes("rows", 0).fill_uniform(&mut x);
    let codes = vae.encode(&x);
    assert_eq!((codes.means.len(), codes.log_variances.len()), (600, 600));
    let alone = vae.encode(&x[270 * 9..271 * 9]);
    assert_eq!(
        (&codes.means[540..542], &codes.log_variances[540..542]),
        (&alone.means[..], &alone.log_variances[..])
    );
    let means = vae.reconstruct(&x);
    assert_eq!(means, vae.decode(&codes.means));
    assert!(means.iter().all(|mean| (0.0..1.0).contains(mean)));
    let between = vae.interpolate(&x[..9], &x[9..18], 5);
    assert_eq!((&between[..9], &between[36..]), (&means[..9], &means[9..18]));
    assert!(vae.encode(&[]).means.is_empty());
}

#[test]
fn the_plane_of_two_latent_dimensions_is_a_picture() {
    let vae = Vae::new(VaeConfig::new(9, 2), Seed(3)).unwrap();
    let plane = vae.manifold(5).unwrap();
    assert_eq!(plane.len(), 25 * 9);
    assert_eq!(plane[12 * 9..13 * 9], vae.decode(&[0.0, 0.0]), "the middle is the prior's mean");
    // The quantiles of 1/10 and 9/10.
    let corner = vae.decode(&[1.281_551_6, -1.281_551_6]);
    assert!(plane[4 * 9..5 * 9].iter().zip(corner).all(|(a, b)| (a - b).abs() < 1e-6));
    let error = Vae::new(VaeConfig::new(9, 3), Seed(3)).unwrap().manifold(5).unwrap_err();
    assert_eq!(error, VaeError::Latent { given: 3, wanted: 2 });
}

/// Draws of a model that ignores z: frequencies and variances within five standard errors, which chance exceeds 6 times in 10⁷.
#[test]
fn draws_have_the_noise_of_the_model() {
    const COUNT: usize = 20_000;
    for likelihood in Likelihood::ALL {
        let mut vae = Vae::new(VaeConfig { likelihood, ..linear(3, 2) }, Seed(3)).unwrap();
        let weight = vae.store.find("decoder.0.weight").unwrap();
        vae.store_mut().get_mut(weight).fill(0.0);
        vae.set_output_bias_from_means(&[0.2, 0.5, 0.9], 1000);
        if let Some(parameter) = vae.store.find("observation_log_variance") {
            vae.store_mut().get_mut(parameter).fill(0.25f32.ln());
        }
        let means = vae.sample(1, Observation::Mean, Seed(5));
        assert!(means.iter().zip([0.2, 0.5, 0.9]).all(|(a, b)| (a - b).abs() < 1e-6), "{means:?}");
        let draws = vae.sample(COUNT, Observation::Drawn, Seed(5));
        for (column, mean) in [0.2f64, 0.5, 0.9].into_iter().enumerate() {
            let values = draws.iter().skip(column).step_by(3).map(|&x| f64::from(x));
            let sum = values.clone().sum::<f64>() / COUNT as f64;
            let spread = values.map(|x| (x - mean).powi(2)).sum::<f64>() / COUNT as f64;
            let deviation = vae.noise_deviations().map(|deviations| f64::from(deviations[column]));
            let variance = deviation.map_or(mean * (1.0 - mean), |deviation| deviation * deviation);
            assert!((sum - mean).abs() < 5.0 * (variance / COUNT as f64).sqrt(), "{likelihood}: {sum}");
            // The fourth moment: 3σ⁴ of a normal, p q (p³ + q³) of a bit.
            let fourth = match likelihood {
                Likelihood::Bernoulli => variance * (mean.powi(3) + (1.0 - mean).powi(3)),
                _ => 3.0 * variance * variance,
            };
            let error = ((fourth - variance * variance) / COUNT as f64).sqrt();
            assert!((spread - variance).abs() <= 5.0 * error + 1e-9, "{likelihood}: {spread}");
        }
    }
}
