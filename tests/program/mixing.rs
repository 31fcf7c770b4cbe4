//! `sample` and `train` say whether chains of an RBM forget their start.

use super::{Place, text};
use helmholtz::rbm::Rbm;
use helmholtz::storage;

/// A machine of 30 × 24 units with two wells, all visible units off and on, of equal weight: its first hidden unit pulls every
/// visible one by `pull`. The other hidden units do nothing.
fn wells(pull: f32) -> Rbm {
    let (visible, hidden) = (30, 24);
    let mut weights = vec![0.0; visible * hidden];
    weights.iter_mut().step_by(hidden).for_each(|weight| *weight = pull);
    let mut hidden_bias = vec![0.0; hidden];
    hidden_bias[0] = -0.5 * pull * visible as f32;
    Rbm::from_parameters(visible, hidden, &weights, &vec![-0.5 * pull; visible], &hidden_bias).expect("a machine")
}

fn warnings(object: &serde_json::Value) -> String {
    object["warnings"].to_string()
}

#[test]
fn a_machine_of_two_wells_is_warned_of_and_one_that_mixes_is_not() {
    let place = Place::new();
    storage::save(&place.path("far.safetensors"), &wells(6.0).to_snapshot()).expect("a file");
    storage::save(&place.path("near.safetensors"), &wells(0.3).to_snapshot()).expect("a file");
    let far = place.json("sample far.safetensors --out far.png");
    assert!(warnings(&far).contains("the chains do not forget their start: from all units off"), "{far}");
    assert!(warnings(&far).contains("--tempering auto") && warnings(&far).contains("more --steps"), "{far}");
    let near = place.json("sample near.safetensors --out near.png");
    assert_eq!(near["warnings"], serde_json::json!([]), "{near}");
    assert!(near["start_errors_apart"].as_f64() < Some(4.0), "{near}");
}

#[test]
fn training_leaves_its_chains_to_sampling_and_says_whether_they_mix() {
    let place = Place::new();
    let trained = place.json("train rbm --hidden 24 --epochs 100 --ais 8,20 --out run");
    assert!(trained["start_errors_apart"].is_f64() && trained["in_equilibrium"].is_boolean(), "{trained}");
    let own = place.json("sample run --out own.png");
    assert_eq!(own["start"], "the run's own chains");
    let mean = |object: &serde_json::Value, key: &str| object[key].as_f64().expect("a mean");
    assert!((mean(&own, "mean") - mean(&own, "data_mean")).abs() < 0.06, "{own}");
    assert_eq!(place.json("sample run --from-random --out random.png")["start"], "random states");
    assert_eq!(place.json("sample run --from-data --out rows.png")["start"], "test rows");
    // One sweep forgets nothing, and that is said in words that help.
    let short = place.json("sample run --from-random --steps 1 --out short.png");
    assert!(
        warnings(&short).contains("do not forget their start") && warnings(&short).contains("--from-data"),
        "{short}"
    );
}

#[test]
fn tempering_tells_its_swaps_and_chooses_its_temperatures() {
    let place = Place::new();
    storage::save(&place.path("far.safetensors"), &wells(6.0).to_snapshot()).expect("a file");
    let two = place.json("sample far.safetensors --tempering 2 --steps 20 --out two.png");
    assert!(warnings(&two).contains("round trips a draw") && warnings(&two).contains("--tempering "), "{two}");
    let chosen = place.json("sample far.safetensors --tempering auto --steps 2000 --count 50 --out chosen.png");
    assert!(chosen["replicas"].as_u64() >= Some(4), "{chosen}");
    assert!(chosen["swap_rate"].as_f64() > Some(0.2) && chosen["round_trips"].as_f64() > Some(1.0), "{chosen}");
    assert_eq!(chosen["warnings"], serde_json::json!([]), "{chosen}");
    let said = text(&place.run("sample far.safetensors --tempering some --out x.png").stderr);
    assert!(said.contains("neither a number nor auto"), "{said}");
}
