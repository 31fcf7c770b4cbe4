//! Runs beside one another: from the model of another, over seeds, judged by the same rows.

use super::{Place, text};

const SMALL: &str = "train rbm --hidden 8 --epochs 2";

#[test]
fn a_run_starts_from_the_model_of_another() {
    let place = Place::new();
    let first =
        place.json("train rbm bars:3 --hidden 8 --epochs 4000 --method exact --learning-rate 0.5 --out first");
    // With next to no rate the model stays what it was; data and hidden units need not be repeated.
    let second = place.json("train rbm --init first --learning-rate 1e-9 --average 0 --epochs 1 --out second");
    let [before, after] = [&first, &second].map(|run| run["log_likelihood"].as_f64().expect("a figure"));
    assert!((before - after).abs() < 1e-4, "{before} {after}");
    assert_eq!(second["data"], "bars:3");
    assert_eq!(place.json("info second")["hidden"], 8);
    let random =
        place.json("train rbm bars:3 --hidden 8 --learning-rate 1e-9 --average 0 --epochs 1 --out random");
    assert!((random["log_likelihood"].as_f64().expect("a figure") - before).abs() > 0.1, "{random}");
    // A file does as well as a run.
    let third = place.json(
        "train rbm bars:3 --init first/model.safetensors --learning-rate 1e-9 --average 0 --epochs 1 --out third",
    );
    assert_eq!(third["log_likelihood"], second["log_likelihood"]);

    for (line, said) in [
        ("train rbm --init first --hidden 9 --out x", "--hidden is 9, and the model of --init has 8"),
        ("train vae --init first --out x", "--init: a model of kind rbm, not vae"),
        ("train rbm digits --init first --out x", "64"),
        ("train rbm --init nothing.safetensors --out x", "nothing.safetensors"),
    ] {
        let message = place.failure(line);
        assert!(message.contains(said), "{line}: {message}");
        assert!(!place.path("x").exists(), "{line}");
    }
}

#[test]
fn a_run_from_a_model_resumes_byte_for_byte() {
    let place = Place::new();
    for (kind, first, rest) in [
        ("rbm", "bars:3 --hidden 5 --epochs 8", "--epochs 8 --batch 4"),
        ("boltzmann", "bars:3 --hidden 5 --epochs 8", "--epochs 8 --batch 4"),
        ("vae", "bars:3 --hidden 5 --latent 2 --epochs 8", "--epochs 8 --batch 4"),
        // The rows of the second run have another mean, which a network of its own would be fitted to.
        ("neural", "digits --hidden 5 --steps 20", "digits --flip --epochs 3"),
    ] {
        let effort = match kind {
            "vae" => "--samples 2",
            "neural" => "--ais 4,5",
            _ => "",
        };
        place.json(&format!("train {kind} {first} {effort} --out {kind}"));
        place.json(&format!("train {kind} --init {kind} {rest} {effort} --out {kind}-unbroken"));
        place.json(&format!("train {kind} --init {kind} {rest} {effort} --stop-after 2 --out {kind}-broken"));
        place.json(&format!("train {kind} --out {kind}-broken --resume {effort}"));
        for name in ["checkpoint.safetensors", "model.safetensors"] {
            let [unbroken, broken] =
                ["unbroken", "broken"].map(|which| place.bytes(&format!("{kind}-{which}/{name}")));
            assert!(unbroken == broken, "{kind}: {name}");
        }
    }
}

#[test]
fn seeds_are_runs_of_their_own_with_a_mean_and_a_spread() {
    let place = Place::new();
    let all = place.json(&format!("{SMALL} --seeds 3 --out runs"));
    assert_eq!(all["seeds"], serde_json::json!([1, 2, 3]));
    let figures: Vec<f64> = (1..=3)
        .map(|seed| {
            let alone = place.json(&format!("{SMALL} --seed {seed} --out alone-{seed}"));
            for name in ["model.safetensors", "metrics.csv"] {
                assert!(
                    place.bytes(&format!("runs/seed-{seed}/{name}"))
                        == place.bytes(&format!("alone-{seed}/{name}"))
                );
            }
            alone["log_likelihood"].as_f64().expect("a figure")
        })
        .collect();
    assert_eq!(all["log_likelihood"], serde_json::json!(figures));
    let mean = figures.iter().sum::<f64>() / 3.0;
    let spread = (figures.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 2.0).sqrt();
    let number = |name: &str| all[name].as_f64().expect("a number");
    assert!(
        (number("log_likelihood_mean") - mean).abs() < 1e-9
            && (number("log_likelihood_spread") - spread).abs() < 1e-9
    );
    assert_eq!(all["model"], "rbm");
    // Resumed, those that are finished are told, and those that are missing made.
    std::fs::remove_dir_all(place.path("runs/seed-2")).expect("a run");
    let again = place.json(&format!("{SMALL} --seeds 3 --out runs --resume"));
    let values = |object: &serde_json::Value| -> Vec<f64> {
        let list = object["log_likelihood"].as_array().expect("a list");
        list.iter().map(|value| value.as_f64().expect("a figure")).collect()
    };
    assert!(values(&again).iter().zip(values(&all)).all(|(again, all)| (again - all).abs() < 1e-9), "{again}");
    let said = text(&place.run(&format!("{SMALL} --seeds 3 --out runs --resume")).stdout);
    assert!(said.contains(&format!("log-likelihood  {mean:.2} ± {spread:.2} nats")), "{said}");
}

#[test]
fn rows_held_out_are_scored_by_training_and_by_eval_alike_and_test_rows_wait() {
    let place = Place::new();
    let trained = place.json(&format!("{SMALL} --validation 200 --out run"));
    assert_eq!((&trained["split"], &trained["examples"]), (&"validation".into(), &200.into()));
    let held_out = place.json("eval run --split validation");
    assert_eq!(held_out["log_likelihood"], trained["log_likelihood"]);
    assert_eq!((&held_out["split"], &held_out["examples"]), (&"validation".into(), &200.into()));
    let test = place.json("eval run");
    assert_eq!((&test["split"], &test["examples"]), (&"test".into(), &359.into()));
    assert_ne!(test["log_likelihood"], trained["log_likelihood"]);
    place.json(&format!("{SMALL} --out plain"));
    assert!(place.failure("eval plain --split validation").contains("training held no rows of this data out"));
}

#[test]
fn one_wish_has_one_word_and_old_words_still_do() {
    let place = Place::new();
    place.json("train boltzmann bars:3 --hidden 2 --steps 4 --method exact --learning-rate 0.5 --out exact");
    place.json(
        "train boltzmann bars:3 --hidden 2 --steps 4 --data-term exact --model-term exact --learning-rate 0.5 --out terms",
    );
    assert!(place.bytes("exact/model.safetensors") == place.bytes("terms/model.safetensors"));
    let large = place.failure("train boltzmann --method exact --steps 4 --out large");
    assert!(large.contains("20"), "{large}");
    place.json(&format!("{SMALL} --out run"));
    let [new, old] = ["ais", "rescore"].map(|word| place.json(&format!("eval run --exact-up-to 0 --{word} 8,20")));
    assert_eq!(new["log_likelihood"], old["log_likelihood"]);
    let help = text(&place.run("eval --help").stdout);
    assert!(help.contains("--ais") && !help.contains("rescore"), "{help}");
}

#[test]
fn what_is_said_of_a_run_follows_from_what_was_measured() {
    let place = Place::new();
    let object = place.json("train vae --beta 0 --hidden 8 --latent 2 --epochs 60 --samples 20 --out beta");
    let warnings = object["warnings"].to_string();
    assert!(warnings.contains("--beta 0, which maximises no bound"), "{warnings}");
    assert!(!warnings.contains("learning-rate"), "{warnings}");
}

/// Of a file without a test split the same figure has the same label, whoever prints it.
#[test]
fn a_file_without_a_split_is_called_what_it_is() {
    let place = Place::new();
    let rows: Vec<f32> = (0..60 * 9).map(|place| f32::from(u8::from(place * 7 % 13 < 5))).collect();
    let other: Vec<f32> = rows.iter().map(|bit| 1.0 - bit).collect();
    for (name, rows) in [("rows.npy", &rows), ("other.npy", &other)] {
        let mut file = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (60, 9), }";
        file.extend(format!("{header:<117}\n").bytes());
        file.extend(rows.iter().flat_map(|number| number.to_le_bytes()));
        std::fs::write(place.path(name), file).expect("a file");
    }
    let trained = place.json("train rbm rows.npy --hidden 3 --epochs 2 --out run");
    assert_eq!((&trained["split"], &trained["examples"]), (&"train".into(), &60.into()));
    for line in ["eval run", "eval run rows.npy"] {
        let again = place.json(line);
        assert_eq!(
            (&again["split"], &again["log_likelihood"]),
            (&"train".into(), &trained["log_likelihood"]),
            "{line}"
        );
    }
    assert_eq!(place.json("eval run other.npy")["split"], "test");
    let advised =
        |line: &str| text(&place.run(line).stdout).contains("none is left to judge by: --validation 0.1");
    assert!(advised("train rbm rows.npy --hidden 3 --epochs 2 --out a"));
    assert!(!advised("train rbm rows.npy --hidden 3 --epochs 2 --validation 0.2 --out b"));
    assert!(!advised("train rbm bars:3 --hidden 3 --epochs 2 --out c"));
}
