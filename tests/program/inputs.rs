//! Data and files that are not quite what was meant: refused, warned of or read right, never taken in silence.

use super::{Place, TRAIN, idx_images, idx_labels, text};
use serde_json::Value;
use std::fs;

/// Real numbers that are in no way levels.
const REAL: [f32; 8] = [-1.5, 0.25, 3.0, -0.5, 2.0, 1.0, -2.0, 0.75];

/// A `.npy` file of `[rows, values / rows]`.
fn npy(description: &str, rows: usize, values: usize, bytes: &[u8]) -> Vec<u8> {
    let shape = format!("({rows}, {})", values / rows);
    let header = format!("{{'descr': '{description}', 'fortran_order': False, 'shape': {shape}, }}\n");
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), bytes].concat()
}

pub fn of_u8(rows: usize, values: &[u8]) -> Vec<u8> {
    npy("|u1", rows, values.len(), values)
}

pub fn of_f32(rows: usize, values: &[f32]) -> Vec<u8> {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    npy("<f4", rows, values.len(), &bytes)
}

/// The warnings that a command's JSON lists.
fn warnings(object: &Value) -> Vec<String> {
    let list = object["warnings"].as_array().unwrap_or_else(|| panic!("no warnings in {object}"));
    list.iter().map(|warning| warning.as_str().expect("words").to_owned()).collect()
}

#[test]
fn a_threshold_that_leaves_nothing_is_refused_with_the_range_and_a_remedy() {
    let place = Place::new();
    place.write("sixteen.npy", &of_u8(3, &[0, 16, 3, 9, 1, 12]));
    place.write("small.npy", &of_f32(2, &[0.0, 16.0 / 255.0, 3.0 / 255.0, 0.0]));
    place.write("bright.npy", &of_u8(2, &[200, 255, 230, 201]));
    place.write("merged.npy", &of_u8(2, &[3, 200, 16, 255]));
    for (file, said) in [
        (
            "sixteen.npy",
            "its numbers go from 0 to 16 on a scale from 0 to 255: by --binarize threshold, from 128 on, every bit is 0",
        ),
        ("small.npy", "on a scale from 0 to 1: by --binarize threshold, from 0.5 on, every bit is 0"),
        ("bright.npy", "every bit is 1"),
        ("merged.npy", "all rows are equal"),
    ] {
        for kind in ["rbm --hidden 2", "vae", "boltzmann", "hopfield"] {
            let message = place.failure(&format!("train {kind} {file} --out run"));
            assert!(message.contains(said) && message.contains("hint: "), "{kind} {message}");
            assert!(!place.path("run").exists());
        }
    }
    let message = place.failure("train rbm sixteen.npy --out run");
    assert!(message.contains("np.save(file, (x / 16).astype(np.float32))"), "{message}");
    let drawn = place.json("train rbm sixteen.npy --hidden 2 --steps 2 --binarize sample --out drawn");
    assert!(warnings(&drawn)[0].contains("no pixel is 1 in more than 6.3 % of the draws"), "{drawn}");
    let grey = place.json("train rbm sixteen.npy --hidden 2 --steps 2 --binarize none --out grey");
    assert!(warnings(&grey).is_empty(), "{grey}");
    // Rows that are read for evaluation are looked at as well.
    place.json("train rbm bars:1 --hidden 2 --steps 2 --out run");
    place.write("narrow.npy", &of_u8(2, &[3, 16]));
    assert!(place.failure("eval run narrow.npy").contains("every bit is 0"));
    // What follows the remedy is read.
    place.write("whole.npy", &of_f32(3, &[0.0, 1.0, 0.1875, 0.5625, 1.0, 0.0625]));
    place.json("train rbm whole.npy --hidden 2 --steps 2 --out whole");
    // Rows that are all alike are no fault of a threshold.
    place.write("dark.npy", &of_u8(2, &[7, 7]));
    place.json("train rbm dark.npy --hidden 2 --steps 2 --out dark");
}

#[test]
fn info_says_range_share_of_ones_and_which_models_learn_it() {
    let place = Place::new();
    place.write("sixteen.npy", &of_u8(3, &[0, 16, 3, 9, 1, 12]));
    let info = place.json("info sixteen.npy");
    assert_eq!((&info["smallest"], &info["largest"], &info["scale"]), (&0.0.into(), &16.0.into(), &255.0.into()));
    assert_eq!((&info["ones"], &info["binary"]), (&0.0.into(), &false.into()));
    assert!(
        text(&place.run("info sixteen.npy").stdout)
            .contains("from 0 to 16 on a scale to 255: 0.0 % are at least 128")
    );
    let bits = place.json("info bars:2");
    assert_eq!((&bits["ones"], &bits["largest"], &bits["scale"]), (&0.5.into(), &1.0.into(), &1.0.into()));
    let mut idx = idx_images(20);
    idx[16..].iter_mut().for_each(|level| *level /= 255);
    place.write("bits.idx", &idx);
    assert_eq!(place.json("info bits.idx")["binary"], true);
    let real = place.json("info moons");
    assert!(real["largest"].as_f64() > Some(1.0) && real.get("ones").is_none(), "{real}");
}

/// The table of docs/data.md, by trying: what `info` lists learns the data, and no other kind does.
#[test]
fn every_model_learns_the_data_that_info_names_it_for() {
    let place = Place::new();
    place.write("levels.npy", &of_f32(4, &[0.1, 0.9, 0.2, 0.6, 0.7, 0.3, 0.8, 0.4]));
    place.write("real.npy", &of_f32(4, &REAL));
    let page = include_str!("../../docs/data.md");
    for (data, of) in [
        ("bars:2", "0 and 1"),
        ("digits", "levels in bytes"),
        ("levels.npy", "floats in [0, 1]"),
        ("real.npy", "real numbers"),
    ] {
        let listed = place.json(&format!("info {data}"))["models"].clone();
        let row = page.lines().find(|line| line.starts_with(&format!("| {of} |")));
        let row: Vec<&str> = row.unwrap_or_else(|| panic!("no row {of} in data.md")).split('|').collect();
        for (column, (kind, options)) in [
            ("rbm", "--hidden 2 --ais 2,2"),
            ("boltzmann", "--hidden 2 --ais 2,2"),
            ("hopfield", "--patterns 2 --rule hebb"),
            ("vae", "--hidden 3 --latent 1 --samples 2"),
            ("neural", "--hidden 3 --ais 2,2 --batch 4"),
        ]
        .into_iter()
        .enumerate()
        {
            let length = if kind == "hopfield" { "" } else { "--steps 2" };
            let output =
                place.run(&format!("train {kind} {data} {options} {length} --out {kind}-{column} --overwrite"));
            let learned = output.status.success();
            let named = listed.as_array().is_some_and(|kinds| kinds.contains(&kind.into()));
            assert_eq!(learned, named, "{kind} of {data}: {}", text(&output.stderr));
            assert_eq!(row[column + 2].trim() != "–", named, "{kind} of {data} in data.md: {row:?}");
        }
    }
}

#[test]
fn how_levels_become_bits_is_said_at_the_start() {
    let place = Place::new();
    place.write("levels.npy", &of_f32(2, &[0.1, 0.9, 0.2, 0.6, 0.7, 0.3, 0.8, 0.4]));
    let said = |line: &str| text(&place.run(&format!("{line} --hidden 2 --steps 2 --overwrite --out run")).stderr);
    let line = "levels.npy is read as bits: 1 from 0.5 of 1 on, 50.0 % of them";
    assert!(said("train rbm levels.npy").contains(line), "{}", said("train rbm levels.npy"));
    assert!(said("train rbm levels.npy --binarize sample").contains("levels.npy is drawn as bits, 50.0 %"));
    assert!(!said("train rbm bars:2").contains("as bits"));
    assert!(!said("train rbm levels.npy --quiet").contains("as bits"));
}

#[test]
fn built_in_names_come_before_files_and_folders() {
    let place = Place::new();
    place.json("train rbm bars:2 --hidden 2 --steps 2 --out digits");
    place.write("bars:3", &of_u8(2, &[1, 0]));
    place.write("moons", &of_u8(2, &[1, 0]));
    assert_eq!(place.json("info digits")["examples"], 1797);
    assert_eq!(place.json("info bars:3")["examples"], 14);
    assert_eq!(place.json("info moons")["examples"], 60_000);
    place.json("train rbm --hidden 2 --steps 2 --out run");
    assert_eq!(place.json("info ./digits")["model"], "rbm");
    assert_eq!(place.json("info ./bars:3")["examples"], 2);
    assert!(place.failure("train rbm ./digits --out other").contains("./digits"));
}

#[test]
fn whoever_scores_other_data_than_was_trained_on_is_told() {
    let place = Place::new();
    let mut rows: Vec<u8> = (0..800).map(|i| u8::from(i * i % 7 < 3)).collect();
    place.write("rows.npy", &of_u8(200, &rows));
    place.json("train rbm rows.npy --hidden 2 --steps 20 --out run");
    let lines = ["eval run", "inpaint run --mask top --steps 2", "sample run --from-data --count 2 --steps 2"];
    for line in lines {
        assert!(warnings(&place.json(line)).is_empty(), "{line}");
    }
    let before = place.json("info rows.npy")["fingerprint"].clone();
    // A single bit of a row in the middle.
    rows[4 * 77] ^= 1;
    place.write("rows.npy", &of_u8(200, &rows));
    let after = place.json("info rows.npy")["fingerprint"].clone();
    for line in lines {
        let said = warnings(&place.json(line)).join("\n");
        let words = "rows.npy is not what the model was trained on: its fingerprint is";
        assert!(said.contains(words), "{line}: {said}");
        for fingerprint in [&before, &after] {
            assert!(said.contains(fingerprint.as_str().expect("a fingerprint")), "{line}: {said}");
        }
    }
    assert!(warnings(&place.json("eval run rows.npy")).is_empty());
    assert!(place.failure("train rbm --out run --resume --steps 30").contains("other data"));
}

#[test]
fn a_relative_path_leads_to_the_data_from_any_folder() {
    let place = Place::new();
    let rows: Vec<u8> = (0..80).map(|i| u8::from(i * i % 7 < 3)).collect();
    place.write("rows.npy", &of_u8(20, &rows));
    place.json("train rbm rows.npy --hidden 2 --steps 20 --stop-after 1 --out run");
    let here = place.json("eval run");
    fs::create_dir(place.path("elsewhere")).unwrap();
    // Another file of that name is not the one that was meant.
    place.write("elsewhere/rows.npy", &of_u8(2, &[0, 1, 0, 1, 0, 1, 0, 0]));
    let from_there = |line: &str| {
        let output = place.command(line).current_dir(place.path("elsewhere")).output().unwrap();
        assert!(output.status.success(), "{line}: {}", text(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    for model in ["../run", "../run/model.safetensors"] {
        let there = from_there(&format!("eval {model} --json"));
        assert_eq!((&there["log_likelihood"], &there["examples"]), (&here["log_likelihood"], &20.into()));
        assert!(!warnings(&there).iter().any(|warning| warning.contains("fingerprint")), "{there}");
    }
    from_there("train rbm --out ../run --resume --json");
}

/// The file of a model without the settings of its run, as a program on the library saves it.
fn without_settings(model: &[u8]) -> Vec<u8> {
    let length = u64::from_le_bytes(model[..8].try_into().unwrap()) as usize;
    let mut header: Value = serde_json::from_slice(&model[8..8 + length]).unwrap();
    for value in header["__metadata__"].as_object_mut().expect("metadata").values_mut() {
        if let Ok(Value::Object(mut metadata)) = serde_json::from_str(value.as_str().expect("text")) {
            metadata.retain(|key, _| !key.starts_with("setting."));
            *value = Value::Object(metadata).to_string().into();
        }
    }
    let header = header.to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &model[8 + length..]].concat()
}

#[test]
fn a_gaussian_autoencoder_without_settings_is_scored_on_levels() {
    let place = Place::new();
    for likelihood in ["gaussian", "gaussian-learned", "bernoulli"] {
        place.json(&format!(
            "train vae --likelihood {likelihood} --hidden 8 --latent 2 --steps 30 --out {likelihood}"
        ));
        let bare = without_settings(&place.bytes(&format!("{likelihood}/model.safetensors")));
        assert!(!text(&bare).contains("setting."));
        place.write("bare.safetensors", &bare);
        let trained = place.json(&format!("eval {likelihood} --samples 5"));
        let scored = place.json("eval bare.safetensors digits --samples 5");
        for key in ["log_likelihood", "binarize", "largest_level"] {
            assert_eq!(scored[key], trained[key], "{likelihood}: {key}");
        }
    }
}

#[test]
fn a_folder_with_some_of_mnists_files_is_used_and_what_it_lacks_is_said() {
    let place = Place::new();
    fs::create_dir(place.path("train")).unwrap();
    place.write("train/train-images-idx3-ubyte", &idx_images(40));
    let trained = place.json("train rbm train --hidden 2 --steps 20 --out run");
    assert_eq!(trained["examples"], 40);
    assert!(
        warnings(&trained)[0].contains("train has no images but those of train-images-idx3-ubyte"),
        "{trained}"
    );
    assert!(text(&place.run("info train").stderr).contains("train has no train-labels-idx1-ubyte"));
    place.write("train/t10k-images-idx3-ubyte", &idx_images(8));
    place.write("train/train-labels-idx1-ubyte", &idx_labels(40));
    let trained = place.json("train rbm train --hidden 2 --steps 20 --out run --overwrite");
    assert_eq!((&trained["examples"], &trained["split"]), (&8.into(), &"test".into()));
    assert!(warnings(&trained).is_empty(), "{trained}");
    fs::remove_file(place.path("train/train-images-idx3-ubyte")).unwrap();
    assert_eq!(place.json("info train")["examples"], 8);
    fs::create_dir(place.path("none")).unwrap();
    assert!(place.failure("info none").contains("none: not a folder of MNIST's files"));
}

#[test]
fn a_mask_has_the_shape_of_the_images() {
    let place = Place::new();
    place.json(&format!("{TRAIN} --epochs 1"));
    let mask = |name: &str, rows: usize| {
        let ones: Vec<u8> = (0..64).map(|i| u8::from(i < 20)).collect();
        place.write(name, &of_u8(rows, &ones));
        format!("inpaint run --mask {name} --rows 2 --steps 2")
    };
    assert_eq!(place.json(&mask("square.npy", 8))["hidden_pixels"], 20);
    for rows in [16, 4, 64] {
        let message = place.failure(&mask("other.npy", rows));
        let said =
            format!("other.npy: a mask of {rows} × {} values for images of 8 × 8, or 359 rows of 64", 64 / rows);
        assert!(message.contains(&said), "{message}");
    }
    place.write("grey.npy", &of_f32(8, &[0.5; 64]));
    assert!(place.failure("inpaint run --mask grey.npy").contains("row 0, column 0 is 0.5"));
}

#[test]
fn what_changes_nothing_or_makes_no_sense_is_warned_of_or_refused() {
    let place = Place::new();
    let unused = place.json("train rbm --hidden 4 --method exact --k 2 --steps 2 --ais 4,4 --out run");
    let said = warnings(&unused);
    assert!(said.iter().any(|warning| warning.contains("--k changes nothing with --method exact")), "{said:?}");
    assert!(
        said.iter().any(|warning| warning.contains("--ais changes nothing: the log-likelihood is exact")),
        "{said:?}"
    );
    let scored = place.json("eval run --ais 4,4");
    assert!(warnings(&scored)[0].contains("--ais changes nothing"), "{scored}");
    let lines = text(&place.run("eval run --ais 4,4").stdout);
    assert!(lines.contains("warning         --ais changes nothing"), "{lines}");
    assert!(warnings(&place.json("eval run")).is_empty());
    place.json("train boltzmann bars:2 --hidden 2 --steps 2 --out machine");
    assert!(warnings(&place.json("eval machine --ais 4,4"))[0].contains("--ais changes nothing"));
    place.write("real.npy", &of_f32(4, &REAL));
    let plane = place.json("train neural real.npy --hidden 4 --steps 2 --batch 4 --ais 4,4 --out plane");
    assert!(warnings(&plane)[0].contains("--ais changes nothing"), "{plane}");

    // As long as it was asked to be: a batch of six rows, not of 64.
    let six = place.json("train rbm bars:2 --hidden 2 --epochs 3 --out six");
    assert_eq!(six["epochs"], 3);
    let mut empty = place.command("train vae --steps 2 --out linear --hidden");
    let output = empty.arg("").output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    place.json("train vae --hidden 0 --latent 2 --steps 2 --samples 2 --out linear");
    assert!(place.failure("interpolate linear --steps 1").contains("--steps is 1"));
    fs::remove_file(place.path("six/checkpoint.safetensors")).unwrap();
    let message = place.failure("train rbm --out six --resume --epochs 5");
    assert!(message.contains("checkpoint.safetensors, from which a run goes on, is missing"), "{message}");
    // A stopped run is told of in the list as well.
    place.json(&format!("{TRAIN} --overwrite --epochs 4 --stop-after 1"));
    assert!(warnings(&place.json("eval run"))[0].contains("this run was stopped"));
}

#[test]
fn completed_and_reconstructed_images_are_given_as_numbers() {
    let place = Place::new();
    place.json(&format!("{TRAIN} --epochs 1"));
    place.json("inpaint run --mask top --rows 3 --steps 2 --out filled.npy");
    let filled = place.bytes("filled.npy");
    assert!(text(&filled[..128]).contains("'|u1'") && text(&filled[..128]).contains("(3, 64)"));
    let pixels = &filled[128..];
    assert!(pixels.len() == 3 * 64 && pixels.iter().all(|pixel| *pixel <= 1));
    // The lower half is what was shown: the same whatever is drawn above it.
    place.json("inpaint run --mask top --rows 3 --steps 2 --seed 2 --out again.npy");
    let again = &place.bytes("again.npy")[128..];
    for (a, b) in pixels.chunks(64).zip(again.chunks(64)) {
        assert_eq!(a[32..], b[32..]);
    }
    assert!(pixels != again);
    place.json("train vae --hidden 8 --latent 2 --steps 5 --samples 2 --out vae");
    let told = place.json("reconstruct vae --count 3 --out rec.npy");
    assert_eq!(told["count"], 3);
    let numbers = place.bytes("rec.npy");
    assert!(text(&numbers[..128]).contains("'<f4'") && text(&numbers[..128]).contains("(3, 64)"));
    assert_eq!(numbers.len(), 128 + 3 * 64 * 4);
    assert!(place.failure("reconstruct vae --out rec.jpg").contains("must end in .png or .npy"));
}

/// Every option that `info` lists is one of the command that trained the run.
#[test]
fn the_settings_that_info_lists_are_options() {
    let place = Place::new();
    place.write("real.npy", &of_f32(4, &REAL));
    for (kind, options) in [
        ("rbm", "bars:2 --hidden 2 --steps 2"),
        ("boltzmann", "bars:2 --hidden 2 --epochs 1 --flip"),
        ("hopfield", "--patterns 3"),
        ("vae", "--hidden 3 --latent 1 --steps 2 --samples 2"),
        ("neural", "real.npy --hidden 3 --steps 2 --batch 4"),
    ] {
        place.json(&format!("train {kind} {options} --out {kind}"));
        let help = text(&place.run(&format!("train {kind} --help")).stdout);
        let lines = text(&place.run(&format!("info {kind}")).stdout);
        let listed: Vec<&str> = lines.split_whitespace().filter(|word| word.starts_with("--")).collect();
        assert!(listed.len() >= 3, "{lines}");
        for option in listed {
            assert!(
                help.contains(&format!("{option} ")) || help.contains(&format!("{option}\n")),
                "{kind}: {option}"
            );
        }
        assert!(!lines.contains("--chain-count 0"), "{lines}");
    }
}
