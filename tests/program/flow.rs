//! Flows in the program.

use super::{Place, npy, number, size, text};
use std::fs;

const SMALL: &str = "--hidden 8 --layers 2 --steps 60 --batch 64";

#[test]
fn a_run_leaves_a_folder_that_every_command_reads() {
    let place = Place::new();
    let trained = place.json(&format!("train flow {SMALL} --out run"));
    let names = ["checkpoint.safetensors", "model.safetensors", "metrics.csv", "run.json", "curves.svg"];
    for name in names.iter().chain(&["density.png", "samples.png"]) {
        assert!(place.path("run").join(name).is_file(), "{name}");
    }
    assert_eq!(fs::read_dir(place.path("run")).unwrap().count(), 7, "nothing else is left");
    assert_eq!((&trained["model"], &trained["data"]), (&"flow".into(), &"moons".into()));
    assert_eq!((&trained["log_likelihood_kind"], &trained["space"]), (&"exact".into(), &"data".into()));
    // No model passes the density that the rows were drawn from by more than their own error, below 0.02.
    assert!(number(&trained["log_likelihood"]) < number(&trained["true_log_likelihood"]) + 0.05, "{trained}");
    assert!(number(&trained["round_trip_error"]) < 1e-4, "{trained}");
    assert!((number(&trained["mass"]) - 1.0).abs() < 0.02, "{trained}");
    let evaluated = place.json("eval run");
    for key in ["log_likelihood", "data_error", "baseline", "round_trip_error", "mass"] {
        assert_eq!(evaluated[key], trained[key], "{key}");
    }
    place.json("sample run --count 7 --out draws.npy");
    assert_eq!(place.bytes("draws.npy").len(), 128 + 7 * 2 * 4);
    assert!(size(&place.bytes("run/samples.png")).0 > 600);
    place.json("encode run --out codes.npy");
    assert_eq!(place.bytes("codes.npy").len(), 128 + 10_000 * 2 * 4);
    let said = place.json("info run");
    assert_eq!((&said["model"], &said["layers"]), (&"flow".into(), &2.into()));
}

#[test]
fn a_run_that_is_interrupted_ends_with_the_same_bytes() {
    let place = Place::new();
    let small = "--hidden 8 --layers 2 --batch 500 --epochs 2 --evaluate-every 1";
    place.json(&format!("train flow {small} --out whole"));
    place.json(&format!("train flow {small} --out halved --stop-after 1"));
    place.json("train flow --out halved --resume");
    for name in ["model.safetensors", "checkpoint.safetensors", "metrics.csv"] {
        assert!(place.bytes(&format!("whole/{name}")) == place.bytes(&format!("halved/{name}")), "{name}");
    }
}

#[test]
fn images_are_dequantised_and_told_in_bits() {
    let place = Place::new();
    let trained = place.json("train flow digits --layers 1 --hidden 8 --steps 30 --out run");
    assert_eq!(trained["log_likelihood_kind"], "lower");
    assert!(trained["space"].as_str().unwrap().starts_with("logit"), "{trained}");
    let bits = number(&trained["bits_per_dim"]);
    // 17 levels in 64 values: log₂ 17 is what no model at all needs.
    assert!(bits > 1.0 && bits < 17f64.log2() + 1.0, "{bits}");
    place.json("sample run --count 9 --out draws.png");
    let mixed = place.json("train flow digits --layers 0 --base mixture:3 --hidden 8 --steps 30 --out mixture");
    assert!(mixed["log_likelihood"].is_f64());
    assert!(place.failure("encode mixture").contains("mixture"));
}

#[test]
fn what_no_flow_can_learn_is_said_in_a_line() {
    let place = Place::new();
    assert!(place.failure("train flow bars:3").contains("bits"), "{}", place.failure("train flow bars:3"));
    fs::write(place.path("line.npy"), npy([50, 1], (0..50).map(|i| (i as f32).sin() * 3.0))).unwrap();
    assert!(
        place.failure("train flow line.npy").contains("autoregressive"),
        "{}",
        place.failure("train flow line.npy")
    );
    let flat = npy([50, 2], (0..100).map(|i| if i % 2 == 0 { -3.0 } else { (i as f32).sin() }));
    fs::write(place.path("flat.npy"), flat).unwrap();
    assert!(place.failure("train flow flat.npy").contains("column 0"), "{}", place.failure("train flow flat.npy"));
    let holed = npy([50, 2], (0..100).map(|i| if i == 7 { f32::NAN } else { (i as f32).sin() * 2.0 }));
    fs::write(place.path("holed.npy"), holed).unwrap();
    assert!(place.failure("train flow holed.npy").contains("NaN"));
    for (options, about) in [("--layers 0", "layers"), ("--base student:0", "degrees")] {
        let said = place.failure(&format!("train flow {options}"));
        assert!(said.contains(about), "{options}: {said}");
    }
    let said = text(&place.run("train flow --transform cubic").stderr);
    assert!(said.contains("spline:BINS:BOUND"), "{said}");
}

#[test]
fn a_flow_is_fitted_to_a_density_for_its_log_z() {
    let place = Place::new();
    let rows = (0..600).map(|place| (0.7 * place as f32).sin() + 0.01 * (place % 7) as f32);
    fs::write(place.path("rows.npy"), npy([300, 2], rows)).unwrap();
    place.json("train neural rows.npy --hidden 8 --steps 60 --out energy");
    let options = "--hidden 8 --layers 2 --batch 50 --epochs 4 --evaluate-every 2";
    let fitted = place.json(&format!("train flow --target energy {options} --out whole"));
    assert_eq!(fitted["model"], "flow");
    assert!(fitted["data"].as_str().unwrap().ends_with("rows.npy"), "{fitted}");
    let (log_z, error) = (number(&fitted["log_z"]), number(&fitted["log_z_error"]));
    assert!((log_z - number(&fitted["known_log_z"])).abs() < 4.0 * error, "{fitted}");
    for key in ["known_log_z_error", "effective_draws", "pareto_k", "log_z_at_rows", "rows_unseen"] {
        assert!(fitted[key].is_number(), "{key}: {fitted}");
    }
    for name in ["density.png", "samples.png", "curves.svg", "run.json", "model.safetensors"] {
        assert!(place.path("whole").join(name).is_file(), "{name}");
    }
    // The target need not be repeated, and the bytes are those of the unbroken run.
    place.json(&format!("train flow --target energy {options} --out halved --stop-after 2"));
    place.json("train flow --out halved --resume --evaluate-every 2");
    for name in ["model.safetensors", "checkpoint.safetensors", "metrics.csv"] {
        assert!(place.bytes(&format!("whole/{name}")) == place.bytes(&format!("halved/{name}")), "{name}");
    }
    place.json("eval whole");
    let built_in = place.json(&format!("train flow --target gaussians8 {SMALL} --out toy"));
    assert_eq!(number(&built_in["known_log_z"]), 0.0);
}

#[test]
fn what_is_no_target_is_said_in_a_line() {
    let place = Place::new();
    let said = place.failure("train flow --target nowhere");
    assert!(said.contains("--target nowhere: neither a density that is built in nor a run or a file"), "{said}");
    assert!(place.failure("train flow --target checkerboard").contains("no slope to follow"));
    let said = place.failure("train flow --target moons --structure autoregressive --steps 10");
    assert!(said.contains("one component after the other") && said.contains("coupling"), "{said}");
    assert!(place.failure("train flow --target moons --base mixture:3 --steps 10").contains("mixture"));
    assert!(place.failure("train flow --target moons --early-stop 3").contains("--early-stop"));
    place.json(&format!("train flow {SMALL} --out run"));
    let said = place.failure("train flow --target run");
    assert!(said.contains("--target: a model of kind flow, not neural"), "{said}");
    let said = place.failure("train flow digits --target moons");
    assert!(said.starts_with("error: "), "{said}");
    assert!(!place.path("runs").exists(), "nothing is left of what was refused");
}

#[test]
fn a_flow_learns_what_labels_say() {
    let place = Place::new();
    let options = "--labels --hidden 48 --layers 2 --epochs 12";
    let given = place.json(&format!("train flow digits {options} --out given"));
    let alone = place.json("train flow digits --hidden 48 --layers 2 --epochs 12 --out alone");
    assert_eq!(given["conditioning"], "labels:10");
    assert!(alone["conditioning"].is_null());
    // ln p(x | y) is above ln p(x) by what x says of y: up to ln 10 nats; here the label also saves the network the search for it.
    let gain = number(&given["log_likelihood"]) - number(&alone["log_likelihood"]);
    assert!(gain > 0.0, "{gain}");
    // What is given labels is not ranked beside what is not.
    let table = place.json("compare given alone --draws 40");
    let spaces: Vec<&str> =
        table["models"].as_array().unwrap().iter().filter_map(|model| model["space"].as_str()).collect();
    assert!(spaces.iter().any(|space| space.ends_with(", given labels")), "{spaces:?}");
    assert!(spaces.iter().any(|space| !space.contains("labels")), "{spaces:?}");
    place.json("sample given --class 3 --count 4 --out threes.npy");
    place.json("sample given --count 20 --out all.png");
    place.json("encode given --out codes.npy");
    assert_eq!(place.json("info given")["conditioning"], "labels:10");
    place.json(&format!("train flow digits {options} --out halved --stop-after 5"));
    place.json("train flow --out halved --resume");
    assert!(place.bytes("given/model.safetensors") == place.bytes("halved/model.safetensors"));
    assert!(place.failure("sample given --class 10").contains("--class is 10, but the model knows 0 to 9"));
    assert!(place.failure("sample alone --class 1").contains("--class is not for"));
    assert!(place.failure("train flow moons --labels").contains("moons: --labels: the data have none"));
    let said = place.failure("train flow --dropout -0.1");
    assert!(
        said.contains("the part of the units that is left out is -0.1, but must be at least 0 and below 1"),
        "{said}"
    );
    let unlabelled = npy([3, 64], (0..192).map(|place| (place % 17) as f32 / 16.0));
    fs::write(place.path("unlabelled.npy"), unlabelled).unwrap();
    assert!(place.failure("eval given unlabelled.npy").contains("unlabelled.npy"));
    assert!(place.failure("encode given unlabelled.npy --out c.npy").contains("unlabelled.npy"));
}
