//! `helmholtz compare`: the figures are those of `eval`, spaces stay apart, and nothing is ranked that was not earned.

use super::inputs::of_f32;
use super::{Place, size, text};
use serde_json::Value;

/// A place with small models of 3 × 3 bars: two machines that are enumerated, one of them of two seeds, a larger one that is
/// annealed, and an autoencoder.
fn models() -> Place {
    let place = Place::new();
    place.json("train rbm bars:3 --hidden 8 --epochs 4000 --method exact --learning-rate 0.5 --out good");
    place.json("train rbm bars:3 --hidden 2 --epochs 20 --out poor");
    place.json("train rbm bars:3 --hidden 3 --epochs 40 --seeds 2 --out seeds");
    place.json("train vae bars:3 --hidden 8 --latent 2 --epochs 200 --samples 20 --out vae");
    place
}

fn entry<'a>(table: &'a Value, run: &str) -> &'a Value {
    let models = table["models"].as_array().expect("a list");
    models.iter().find(|model| model["run"] == run).unwrap_or_else(|| panic!("no {run} in {table}"))
}

#[test]
fn figures_are_those_of_eval_and_rows_follow_the_runs() {
    let place = models();
    let table = place.json("compare good vae poor seeds --samples 20");
    assert_eq!(table["data"], "bars:3");
    for (run, options) in [("good", ""), ("poor", ""), ("vae", "--samples 20")] {
        let alone = place.json(&format!("eval {run} {options}"));
        let entry = entry(&table, run);
        for key in
            ["log_likelihood", "log_likelihood_kind", "monte_carlo_error", "data_error", "examples", "split"]
        {
            assert_eq!(entry[key], alone[key], "{key} of {run}");
        }
        assert_eq!(entry["space"], "bits");
    }
    // Independent pixels are a row, and what each model gains on them is the gain that `eval` reports.
    let baseline = entry(&table, "independent pixels");
    let alone = place.json("eval good");
    let number = |value: &Value| value.as_f64().expect("a number");
    assert!((number(&baseline["log_likelihood"]) - number(&alone["baseline"])).abs() < 1e-9);
    let gain = number(&alone["log_likelihood"]) - number(&alone["baseline"]);
    assert!((number(&entry(&table, "good")["baseline_difference"]) - gain).abs() < 1e-9);
    assert!(
        entry(&table, "good")["above"]
            .as_array()
            .is_some_and(|above| above.contains(&"independent pixels".into()))
    );

    // Two seeds are one row: their mean and spread are those of `train --seeds`.
    let seeds = entry(&table, "seeds");
    let each = [1, 2].map(|seed| number(&place.json(&format!("eval seeds/seed-{seed}"))["log_likelihood"]));
    assert!((number(&seeds["log_likelihood"]) - 0.5 * (each[0] + each[1])).abs() < 1e-12);
    let spread = number(&seeds["log_likelihood_spread"]);
    assert!((spread - (each[0] - each[1]).abs() / 2f64.sqrt()).abs() < 1e-12);

    let runs = |table: &Value| -> Vec<String> {
        let models = table["models"].as_array().expect("a list");
        models.iter().map(|model| model["run"].as_str().expect("a name").to_owned()).collect()
    };
    assert_eq!(runs(&table), ["good", "vae", "poor", "seeds", "independent pixels"]);
    let permuted = place.json("compare seeds poor good vae --samples 20");
    assert_eq!(runs(&permuted), ["seeds", "poor", "good", "vae", "independent pixels"]);
    for run in runs(&table) {
        let (mut one, mut other) = (entry(&table, &run).clone(), entry(&permuted, &run).clone());
        // A clock, and in which order equal ones come.
        for entry in [&mut one, &mut other] {
            entry.as_object_mut().expect("an object").remove("draws_per_second");
        }
        assert_eq!(one, other, "{run}");
    }
    assert!(size(&place.bytes("compare.png")).0 > 100);
}

#[test]
fn the_same_run_twice_differs_by_nothing() {
    let place = Place::new();
    // 24 units are annealed: the same random numbers, so the same log Z.
    place.json("train rbm --hidden 24 --epochs 200 --ais 8,20 --out run");
    let table = place.json("compare run run --ais 8,20 --draws 40 --out twice.png");
    for model in &table["models"].as_array().expect("a list")[..2] {
        assert_eq!((&model["paired_difference"], &model["paired_error"]), (&0.0.into(), &0.0.into()), "{model}");
        assert!(!model["above"].as_array().expect("a list").contains(&"run".into()));
    }
    assert_eq!(table["undecided"][0]["reason"], "one and the same figures");
    assert!(place.path("twice.png").exists() && !place.path("compare.png").exists());
    let lines = text(&place.run("compare run run --ais 8,20 --draws 40").stdout);
    assert!(lines.contains("not told apart  run and run: one and the same figures"), "{lines}");
}

#[test]
fn an_optimistic_figure_stands_above_nothing_without_a_conservative_one() {
    let place = Place::new();
    place.json("train boltzmann --hidden 1 --steps 20 --ais 8,20 --out general");
    place.json("train rbm --hidden 2 --steps 2 --learning-rate 1e-9 --out plain");
    let table = place.json("compare general plain --ais 16,50 --draws 40");
    let general = entry(&table, "general");
    assert_eq!(general["log_likelihood_kind"], "upper");
    assert!(general["log_likelihood_conservative"].is_null() && general["conservative_reason"].is_string());
    assert_eq!(general["above"].as_array().map(Vec::len), Some(0), "{general}");
}

#[test]
fn spaces_are_never_mixed() {
    let place = Place::new();
    let vae = "train vae --hidden 4 --latent 2 --steps 20 --samples 10";
    place.json("train rbm --hidden 4 --steps 20 --out bits");
    place.json(&format!("{vae} --likelihood gaussian-learned --out levels"));
    place.json(&format!("{vae} --binarize none --out grey"));
    let table = place.json("compare bits levels grey --samples 10 --draws 40");
    let spaces: Vec<&Value> = ["bits", "levels", "grey"].iter().map(|run| &entry(&table, run)["space"]).collect();
    assert_eq!(spaces[0], "bits");
    assert_ne!(spaces[0], spaces[1]);
    for run in ["bits", "levels"] {
        // Each is the best of its own, or only that and a baseline stand beside it.
        let above = entry(&table, run)["above"].as_array().expect("a list");
        assert!(above.iter().all(|other| other == "independent pixels"), "{run}: {above:?}");
    }
    assert_eq!(entry(&table, "levels")["paired_difference"], 0.0);
    // Grey levels give a model of bits none, and the row says so.
    let grey = entry(&table, "grey");
    assert!(grey["log_likelihood"].is_null());
    assert!(grey["log_likelihood_reason"].as_str().is_some_and(|why| why.contains("no log-likelihood")), "{grey}");
    assert!(table["undecided"].as_array().expect("a list").iter().all(|pair| {
        let names = [&pair["models"][0], &pair["models"][1]];
        !(names.contains(&&"bits".into()) && names.contains(&&"levels".into()))
    }));
}

#[test]
fn bits_are_read_in_one_way_and_who_learned_another_is_named() {
    let place = Place::new();
    place.json("train rbm --hidden 4 --steps 20 --out threshold");
    place.json("train rbm --hidden 4 --steps 20 --binarize sample --out sample");
    let table = place.json("compare threshold sample --draws 40");
    let said = table["warnings"].to_string();
    assert!(
        said.contains("sample learned bits by --binarize sample, and is held against those by threshold"),
        "{said}"
    );
    for run in ["threshold", "sample"] {
        assert_eq!(entry(&table, run)["binarize"], "threshold");
    }
    let drawn = place.json("compare threshold sample --binarize sample --draws 40");
    assert_eq!(entry(&drawn, "threshold")["binarize"], "sample");
    assert_eq!(entry(&drawn, "sample")["log_likelihood"], place.json("eval sample")["log_likelihood"]);
    // Data named last, and a run that learned other rows.
    place.json("train rbm bars:8 --hidden 4 --steps 4 --out bars");
    let table = place.json("compare threshold bars --draws 40");
    assert!(
        table["warnings"].to_string().contains("bars was trained on other rows (bars:8)"),
        "{}",
        table["warnings"]
    );
    assert_eq!(place.json("compare threshold bars:8 --draws 40")["data"], "bars:8");
}

#[test]
fn a_missing_figure_says_why() {
    let place = Place::new();
    place.json("train hopfield --patterns 3 --out hopfield");
    place.json("train rbm --hidden 4 --steps 20 --out rbm");
    let table = place.json("compare hopfield rbm rbm/model.safetensors --draws 40");
    let hopfield = entry(&table, "hopfield");
    assert!(hopfield["log_likelihood_reason"].as_str().is_some_and(|why| why.contains("has no likelihood")));
    assert!(hopfield["draws_reason"].as_str().is_some_and(|why| why.contains("nothing to draw from")));
    let file = entry(&table, "rbm/model.safetensors");
    assert!(file["seconds_reason"].is_string() && file["parameters"] == 4 * 64 + 4 + 64);
    assert!(entry(&table, "rbm")["seconds"].is_f64());
    let lines = text(&place.run("compare hopfield rbm --draws 40").stdout);
    assert!(
        lines.contains("missing         log-likelihood of hopfield: a Hopfield network has no likelihood"),
        "{lines}"
    );
    // One alone is a table too.
    let one = place.json("compare rbm --draws 40");
    assert_eq!(one["models"].as_array().map(Vec::len), Some(2), "with independent pixels");
}

#[test]
fn densities_of_the_plane_have_a_baseline_and_panels() {
    let place = Place::new();
    let values: Vec<f32> = (0..400).map(|i| ((i * i) % 97) as f32 * 0.05 + (i % 3) as f32).collect();
    place.write("plane.npy", &of_f32(200, &values));
    place.json("train neural plane.npy --hidden 4 --steps 20 --out neural");
    let table = place.json("compare neural --draws 60");
    let neural = entry(&table, "neural");
    assert_eq!((&neural["space"], &neural["split"]), (&"reals".into(), &"train".into()));
    let alone = place.json("eval neural");
    assert_eq!(neural["log_likelihood"], alone["log_likelihood"]);
    let normal = entry(&table, "a normal distribution");
    let gap = normal["log_likelihood"].as_f64().expect("a number") - alone["baseline"].as_f64().expect("a number");
    assert!(gap.abs() < 1e-9, "{gap}");
    assert!(size(&place.bytes("compare.png")).0 > 300);
}

#[test]
fn what_cannot_be_compared_is_said_in_one_line() {
    let place = Place::new();
    place.json("train rbm --hidden 2 --steps 2 --out digits");
    place.json("train rbm bars:3 --hidden 2 --steps 2 --out bars");
    place.json("train hopfield --patterns 3 --out hopfield");
    std::fs::create_dir(place.path("empty")).expect("a folder");
    std::fs::create_dir(place.path("bare")).expect("a folder");
    place.write("bare/run.json", b"{}");
    for (line, said) in [
        ("compare digits bars", "digits has rows of 64 values and bars of 9"),
        ("compare bare", "no model.safetensors and no checkpoint.safetensors"),
        ("compare digits bare", "no model.safetensors and no checkpoint.safetensors"),
        ("compare nowhere", "nowhere: neither a run nor a .safetensors file"),
        ("compare nowhere digits", "nowhere"),
        ("compare digits nowhere", "nowhere"),
        ("compare digits empty", "empty"),
        ("compare digits gone.safetensors", "gone.safetensors"),
        ("compare digits moons", "moons is a density on the plane"),
        ("compare digits bars:3", "rows of 9 values, and the models have 64"),
        ("compare hopfield", "has no likelihood"),
        ("compare digits --samples 20", "--samples is for none of these models"),
        ("compare digits --draws 0", "--draws is 0"),
        ("compare digits --out picture.jpg", "--out must end in .png"),
        ("compare digits --split validation", "--split validation"),
    ] {
        let message = place.failure(line);
        assert!(message.contains(said), "{line}: {message}");
    }
    // The training rows are named as what they are.
    let train = place.json("compare digits --split train --draws 40");
    assert_eq!((&train["split"], &train["examples"]), (&"train".into(), &1438.into()));
}
