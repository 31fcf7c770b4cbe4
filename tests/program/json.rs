//! docs/json.md: every key that a command prints, and every status that it ends with.

use super::inputs::of_f32;
use super::{Place, text};
use std::collections::{BTreeMap, BTreeSet};

const PAGE: &str = include_str!("../../docs/json.md");

/// The keys of each section of the page: the words in backticks in the first column of its tables.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let mut sections = BTreeMap::new();
    let mut section = String::new();
    for line in PAGE.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            section = title.trim_matches('`').to_owned();
        }
        let Some(first) = line.strip_prefix("| `").and_then(|line| line.split(" |").next()) else { continue };
        let keys: &mut BTreeSet<String> = sections.entry(section.clone()).or_default();
        keys.extend(format!("`{first}").split('`').skip(1).step_by(2).map(str::to_owned));
    }
    sections
}

#[test]
fn every_key_that_is_printed_is_documented_and_every_documented_one_is_printed() {
    let place = Place::new();
    place.write("real.npy", &of_f32(4, &[-1.5, 0.25, 3.0, -0.5, 2.0, 1.0, -2.0, 0.75]));
    // Too few rows for a test of draws.
    place.write("lines.npy", &of_f32(3, &[0.0, 1.0, 1.0, 0.0, 1.0, 1.0]));
    let page = documented();
    let mut printed: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for line in [
        "train rbm --hidden 4 --epochs 2 --early-stop 1 --out rbm",
        "train rbm --hidden 4 --epochs 4 --stop-after 1 --out stopped",
        "train rbm --hidden 24 --steps 2 --ais 4,4 --out larger",
        "train rbm bars:3 --hidden 3 --steps 2 --seeds 2 --out seeds",
        "train rbm --hidden 3 --steps 2 --seeds 2 --out seeds-of-digits",
        "train rbm lines.npy --hidden 3 --steps 2 --batch 1 --out lines",
        "train neural digits --hidden 3 --steps 2 --batch 4 --ais 4,4 --out neural-of-digits",
        "train boltzmann --hidden 2 --steps 2 --ais 4,4 --out boltzmann",
        "train hopfield --patterns 3 --out hopfield",
        "train hopfield --capacity --rule hebb --units 20 --networks 1 --out capacity",
        "train vae --hidden 3 --latent 1 --steps 2 --samples 2 --out vae",
        "train vae --hidden 3 --latent 1 --steps 2 --samples 2 --likelihood gaussian-learned --out levels",
        "train vae --hidden 3 --latent 1 --steps 2 --binarize none --out grey",
        "train vae --hidden 3 --latent 1 --steps 2 --samples 2 --labels --labelled 20 --out labelled",
        "train vae --hidden 3 --latent 1 --steps 2 --features-from vae --labels --out features",
        "train vae real.npy --hidden 3 --latent 1 --steps 2 --samples 2 --batch 4 --mask 20% --out columns",
        "train vae --hidden 3 --latent 1 --steps 2 --mask quadrants:1 --mask-loss hidden --out completing",
        "train vae --hidden 3 --latent 1 --steps 2 --samples 2 --conv 2 --out images",
        "train neural real.npy --hidden 3 --steps 2 --batch 4 --out neural",
        "train flow digits --layers 1 --hidden 3 --steps 2 --batch 4 --out flow-of-digits",
        "train flow real.npy --layers 1 --hidden 3 --steps 2 --batch 4 --out flow",
        "train flow digits --labels --layers 1 --hidden 3 --steps 2 --batch 4 --out given",
        "train flow --target neural --layers 1 --hidden 3 --steps 2 --batch 4 --out fitted",
        "eval given",
        "eval rbm",
        "eval rbm --exact-up-to 0 --ais 8,8 --precision i16",
        "eval rbm --out rows.npy",
        "eval boltzmann --ais 8,8",
        "eval neural",
        "eval vae --samples 2 --simulated",
        "eval labelled --samples 2 --posteriors posteriors.npy",
        "eval grey",
        "eval levels --samples 2",
        "eval flow",
        "eval flow-of-digits",
        "compare rbm larger seeds-of-digits hopfield vae levels grey --ais 4,4 --samples 2 --draws 8",
        "compare boltzmann neural-of-digits rbm --ais 4,4 --draws 8",
        "compare lines --draws 3",
        "sample rbm --count 2",
        "sample rbm --count 2 --steps 2",
        "sample rbm --count 2 --tempering 2 --steps 4 --out ladder.png",
        "inpaint rbm --mask top --rows 2 --steps 2",
        "inpaint columns --mask left --latents 8 --draws 64",
        "inpaint completing --rows 2 --latents 8 --draws 64",
        "inpaint vae rbm --mask top --rows 2 --steps 2 --latents 8 --draws 64",
        "recall hopfield",
        "reconstruct vae --count 2",
        "interpolate vae --steps 3",
        "encode vae",
        "encode rbm",
        "encode flow",
        "bench gibbs --visible 8 --hidden 8 --chains 16 --precision i16",
        "bench gemm --size 16",
        "bench random --count 100",
        "bench rbm --visible 8 --hidden 8 --batch 4",
        "bench vae --visible 8 --batch 4 --importance-samples 1",
        "bench flow",
        "info",
        "info digits",
        "info moons",
        "info rbm",
        "info hopfield",
        "info vae",
        "info images",
        "info neural",
        "info flow",
        "info boltzmann",
    ] {
        let object = place.json(line);
        let command = line.split(' ').next().expect("a command");
        let known = |key: &String| {
            ["every command", command]
                .iter()
                .any(|section| page.get(*section).is_some_and(|keys| keys.contains(key)))
        };
        // Of a table, the keys of its rows too.
        let rows =
            ["models", "undecided", "ways"].into_iter().filter_map(|list| object[list].as_array()).flatten();
        for key in rows.chain([&object]).filter_map(|object| object.as_object()).flat_map(|object| object.keys()) {
            assert!(known(key), "{line}: `{key}` is not in docs/json.md under {command} or every command");
            printed.entry(command).or_default().insert(key.clone());
            printed.entry("every command").or_default().insert(key.clone());
        }
        for key in &page["every command"] {
            assert!(object.get(key).is_some(), "{line}: no {key}");
        }
        assert_eq!(object["version"], env!("CARGO_PKG_VERSION"), "{line}");
        assert!(object["seed"].is_u64() && object["warnings"].is_array(), "{line}: {object}");
    }
    // What nothing above happens to print, or takes long: the figures of a density that is known.
    let rare = ["collapse", "true_log_likelihood", "modes", "high_quality"];
    for (section, keys) in page.iter().filter(|(section, _)| *section != "exit status") {
        for key in keys.iter().filter(|key| !rare.contains(&key.as_str())) {
            let there = printed.get(section.as_str()).is_some_and(|printed| printed.contains(key));
            assert!(there, "docs/json.md: nothing prints `{key}` of {section}");
        }
    }
}

#[test]
fn the_seed_is_the_one_that_the_figures_are_of() {
    let place = Place::new();
    assert_eq!(place.json("train rbm --hidden 2 --steps 4 --seed 7 --out run")["seed"], 7);
    assert_eq!(place.json("eval run")["seed"], 7);
    assert_eq!(place.json("eval run --seed 9")["seed"], 9);
    assert_eq!(place.json("sample run --count 2")["seed"], 1);
}

#[test]
fn every_exit_status_is_documented() {
    let page = documented();
    let statuses: Vec<&str> = page["exit status"].iter().map(String::as_str).collect();
    assert_eq!(statuses, ["0", "1", "130", "2"]);
    let place = Place::new();
    for (line, status) in [("info digits", 0), ("eval missing", 1), ("frobnicate", 2)] {
        let output = place.run(&format!("{line} --json"));
        assert_eq!(output.status.code(), Some(status), "{line}: {}", text(&output.stderr));
        assert_eq!(output.stdout.is_empty(), status != 0, "{line}");
    }
}
