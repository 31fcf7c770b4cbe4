//! Labels: autoencoders that know classes, files of labels, and what is refused.

use super::{Place, text};

const TRAIN: &str = "train vae --hidden 16 --latent 2 --epochs 3 --samples 4";

#[test]
fn a_run_with_few_labels_is_one_with_a_file_of_them_and_resumes_byte_for_byte() {
    let place = Place::new();
    for by in ["enumerate", "topk:2", "gumbel"] {
        let settings = format!("{TRAIN} --labels --labelled 40 --classes-by {by}");
        place.json(&format!("{settings} --out unbroken-{by} --threads 2"));
        place.json(&format!("{settings} --out broken-{by} --threads 1 --stop-after 1"));
        place.json(&format!("train vae --out broken-{by} --resume --samples 4"));
        let both = ["unbroken", "broken"].map(|run| place.bytes(&format!("{run}-{by}/model.safetensors")));
        assert!(both[0] == both[1], "{by}");
    }
    let eval = place.json("eval unbroken-enumerate --samples 4 --posteriors posteriors.npy");
    assert_eq!(eval["labelled_rows"], 359);
    assert!(eval["log_likelihood_given_label"].is_f64() && eval["accuracy_bayes"].is_f64());
    assert_eq!(place.bytes("posteriors.npy").len() % 64, (359 * 10 * 8) % 64);
    let threes = place.json("sample unbroken-enumerate --class 3 --count 5 --out threes.npy");
    assert!(threes["method"].as_str().is_some_and(|method| method.ends_with("given class 3")));
    assert!(place.path("unbroken-enumerate/classes.png").is_file());
}

#[test]
fn files_of_labels_are_read_and_their_faults_named() {
    let place = Place::new();
    // Of the training rows: the digits' first labels stay unknown.
    let lines: Vec<String> =
        (0..1438).map(|row| if row % 3 == 0 { (row % 4).to_string() } else { "-1".into() }).collect();
    place.write("labels.txt", lines.join("\n").as_bytes());
    place.json(&format!("{TRAIN} --labels labels.txt --out run"));
    assert!(text(&place.run("info run").stdout).contains("10 classes"));
    place.json("eval run --samples 2");
    // Others' labels of the same rows: nothing is counted but nines.
    place.write("other.txt", "9\n".repeat(1797).as_bytes());
    let counts = &place.json("eval run --samples 2 --labels other.txt")["counts"];
    let of_label =
        |label: usize| counts[label].as_array().unwrap().iter().filter_map(serde_json::Value::as_u64).sum::<u64>();
    assert_eq!((of_label(0), of_label(9)), (0, 359));
    place.json(&format!("{TRAIN} --labels labels.txt --out stopped --stop-after 1"));
    place.write("labels.txt", lines.join("\n").replacen('2', "3", 1).as_bytes());
    assert!(place.failure("train vae --out stopped --resume").contains("labels-fingerprint"));
    place.write("labels.txt", lines.join("\n").as_bytes());
    place.json("train vae --out stopped --resume --samples 2");
    place.write("short.txt", b"1\n2\n");
    place.write("short.npy", b"\x93NUMPY\x01\x00");
    place.write("odd.txt", b"1\nx\n");
    place.write("none.txt", "\n".repeat(1438).as_bytes());
    for (line, said) in [
        ("train vae --labels short.txt", "2 labels, and digits has 1797 rows, 1438 for training"),
        ("train vae --labels odd.txt", "row 1 is \"x\""),
        ("train vae --labels none.txt", "no row has a label"),
        ("train vae --labels missing.txt", "missing.txt"),
        ("train vae --labels digits", "that is data, no file of labels"),
        ("train vae bars:3 --labels", "the data have none"),
        ("train vae --labels short.npy", "a file of labels is IDX or .npy of one axis"),
        ("train vae --labels --labelled 0", "0 labels of 1438"),
        ("train vae --labels --labelled 5000", "5000 labels of 1438"),
        ("train vae --labels --classes 3", "--classes is 3, and labels go up to 9"),
        ("train vae --alpha 3", "--alpha is for labels"),
        ("train vae --labels --alpha -1", "alpha is -1"),
        ("train vae --labels --labelled 20 --labelled-weight 2", "the weight of labelled rows is 2"),
        ("train vae --labels --labelled 20 --labelled-batch 100", "labelled rows in a batch is 100"),
        ("train vae --labels --classes-by topk:0", "the number of classes that are summed is 0"),
        ("train vae --labels --hidden 0 --label-posterior conditional", "the posterior of labels is conditional"),
        (
            "train vae --labels --labelled 20 --bound dreg --importance-samples 2",
            "the bound of rows without labels",
        ),
        ("sample run --class 10", "--class is 10, but the model knows 0 to 9"),
        ("eval run --samples 2 --posteriors x.png", "--posteriors must end in .npy"),
    ] {
        let message = place.failure(line);
        assert!(message.contains(said) && message.lines().count() <= 2, "{line}: {message}");
    }
    place.json("train vae --hidden 8 --latent 1 --steps 2 --samples 2 --out plain");
    assert!(place.failure("eval plain --labels").contains("--labels is for models given labels"));
    assert!(place.failure("sample plain --class 1").contains("--class is not for models of kind vae"));
}

#[test]
fn clusters_and_features_are_models_that_commands_know() {
    let place = Place::new();
    place.json("train vae --hidden 16 --latent 3 --steps 60 --samples 2 --out first");
    place.json(&format!("{TRAIN} --classes 10 --out clusters"));
    place.json(&format!("{TRAIN} --classes 3 --out three"));
    for run in ["clusters", "three"] {
        let eval = place.json(&format!("eval {run} --samples 2"));
        assert!(eval["purity"].is_f64() && eval["accuracy"].is_null(), "{run}");
    }
    place.json(&format!("{TRAIN} --features-from first --labels --labelled 50 --out second"));
    let eval = place.json("eval second");
    assert!(eval["accuracy"].is_f64() && eval["log_likelihood"].is_null());
    place.json("sample second --class 4 --count 3 --out fours.npy");
    place.json("reconstruct second --out pairs.npy");
    assert!(
        place.failure(&format!("{TRAIN} bars:3 --features-from first")).contains("a model of 64 values a row")
    );
    assert!(place.failure(&format!("{TRAIN} --features-from second")).contains("wants a VAE of rows alone"));
}
