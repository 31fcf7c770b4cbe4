//! Hopfield networks and Boltzmann machines from the command line.

use super::{Place, text};

#[test]
fn a_network_stores_digits_and_recalls_them() {
    let place = Place::new();
    let stored = place.json("train hopfield --out run");
    assert_eq!((stored["patterns"].as_u64(), stored["stable"].as_u64()), (Some(10), Some(10)));
    // What the default stores, it recalls, most of it at least; Hebb's rule does not.
    assert!(stored["recalled_exactly"].as_u64() >= Some(8), "{stored}");
    assert!(stored["other_rules"]["hebb"]["stable"].as_u64() < Some(10), "{stored}");
    for file in ["run/model.safetensors", "run/run.json", "run/recall.png"] {
        assert!(place.path(file).exists(), "{file}");
    }
    let flipped = place.json("recall run --corrupt 0.1");
    assert!(flipped["recalled_exactly"].as_u64() >= Some(9), "{flipped}");
    assert_eq!(place.json("recall run --corrupt 0")["recalled_exactly"], 10);
    assert_eq!(place.json("recall run/model.safetensors --corrupt 0 --together --out all.png")["unsettled"], 0);
    let erased = place.json("recall run --erase half --out half.png");
    assert!(place.path("half.png").exists() && erased["overlap"].is_f64());
    let info = place.json("info run");
    assert_eq!((info["model"].as_str(), info["patterns"].as_u64()), (Some("hopfield"), Some(10)));

    assert!(place.failure("recall run --corrupt 1.5").contains("is 1.5, but must be from 0 to 1"));
    assert!(place.failure("eval run").contains("has no likelihood"));
    assert!(place.failure("sample run").contains("helmholtz recall"));
    assert!(place.failure("train hopfield --out run").contains("--overwrite"));
    assert!(place.failure("train hopfield bars:3 --patterns 20").contains("there are 14 different rows"));
    // Fourteen patterns in five dimensions.
    let bars = place.json("train hopfield bars:3 --patterns 14 --out bars");
    assert_eq!((&bars["stable"], &bars["rule"]), (&14.into(), &"pseudo-inverse".into()));
    place.json("train hopfield bars:3 --out few");
    let swept = place.json("train hopfield --capacity --units 10 --networks 2 --out sweep");
    assert_eq!(swept["rules"].as_object().map(|rules| rules.len()), Some(4), "{swept}");
    assert!(place.failure("train hopfield --margin -1 --rule perceptron").contains("the margin"));
}

#[test]
fn a_capacity_sweep_leaves_curves() {
    let place = Place::new();
    let swept = place.json("train hopfield --capacity --rule hebb --units 100 --networks 2 --out run");
    let held = swept["rules"]["hebb"]["retrieved_up_to"].as_f64().expect("a load");
    // 0.138 in large networks; two of 100 units may hold up to twice that.
    assert!((0.08..=0.3).contains(&held), "{held}");
    assert!(text(&place.bytes("run/capacity.svg")).contains("hebb, 100 units"));
    assert!(text(&place.bytes("run/capacity.csv")).starts_with("rule,patterns,load,overlap"));
}

#[test]
fn a_boltzmann_machine_trains_resumes_evaluates_and_samples() {
    let place = Place::new();
    let train = "train boltzmann --hidden 8 --epochs 4";
    let whole = place.json(&format!("{train} --out whole"));
    assert!(whole["log_likelihood"].is_f64() && whole["log_likelihood_kind"] == "estimate");
    place.json(&format!("{train} --out part --stop-after 2"));
    place.json("train boltzmann --out part --resume");
    for file in ["model.safetensors", "checkpoint.safetensors"] {
        assert_eq!(place.bytes(&format!("whole/{file}")), place.bytes(&format!("part/{file}")), "{file}");
    }
    let scored = place.json("eval whole --ais 32,100");
    assert!(scored["log_likelihood"].is_f64() && scored["model"] == "boltzmann");
    assert_eq!(place.json("sample whole --count 7 --steps 5 --out draws.npy")["count"], 7);
    assert!(
        place.failure("sample whole --tempering 4").contains("--tempering is not for models of kind boltzmann")
    );
    let filled = place.json("inpaint whole --mask top --rows 2 --steps 5 --latents 10");
    assert!(filled["score"].is_null() && filled["wrong_fraction"].is_f64());
    assert!(place.failure("train boltzmann --hidden 21 --data-term exact").contains("at most 20"));
}

#[test]
fn the_exact_gradient_learns_bars_and_spins_learn_pairs() {
    let place = Place::new();
    let exact = "--data-term exact --model-term exact --learning-rate 0.5 --momentum 0.9";
    let bars = place.json(&format!("train boltzmann bars:2 --hidden 3 {exact} --steps 3000 --batch 6"));
    let value = bars["log_likelihood"].as_f64().expect("a figure");
    assert!((value + 6f64.ln()).abs() < 0.05 && bars["log_likelihood_kind"] == "exact", "{bars}");
    let pairs = place.json("train boltzmann --hidden 0 --units spin --epochs 20");
    let gain = pairs["log_likelihood"].as_f64().expect("a figure") - pairs["baseline"].as_f64().expect("a figure");
    assert!(gain > 1.0, "{pairs}");
}
