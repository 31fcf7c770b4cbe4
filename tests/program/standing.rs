//! How a run stands is told alike by all who ask, whenever it was interrupted.

use super::{Place, spawn, text, wait_for};
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

/// A machine too large to be enumerated: its annealing takes as long as it is told to.
const LARGE: &str = "train rbm --hidden 24 --steps 40 --out run";
/// An annealing that no test waits for.
const ENDLESS: &str = "--ais 16,50000000";

/// Waits until `run.json` says so.
fn wait_until(place: &Place, status: &str) {
    wait_for(&place.path("run/run.json"));
    let wanted = format!("\"status\": \"{status}\"");
    let begun = Instant::now();
    while !text(&std::fs::read(place.path("run/run.json")).unwrap_or_default()).contains(&wanted) {
        assert!(begun.elapsed() < Duration::from_secs(120), "the run does not become {status}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn interrupted(mut child: Child) -> Output {
    let signalled = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(signalled.success());
    let begun = Instant::now();
    while child.try_wait().expect("a child").is_none() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not stop");
        std::thread::sleep(Duration::from_millis(10));
    }
    child.wait_with_output().expect("its output")
}

#[cfg(unix)]
#[test]
fn a_run_interrupted_while_it_is_scored_is_trained_and_is_scored_when_it_is_resumed() {
    let place = Place::new();
    let child = spawn(&place, &format!("{LARGE} {ENDLESS}"));
    wait_until(&place, "trained");
    let info = place.json("info run");
    assert_eq!(info["status"], "trained");
    assert!(text(&place.run("info run").stdout).contains("status          trained, being scored"));
    let output = interrupted(child);
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    let resume = "helmholtz train rbm --out run --resume";
    assert!(
        text(&output.stderr).contains(&format!("trained, not scored: {resume} scores")),
        "{}",
        text(&output.stderr)
    );
    let said = text(&output.stdout);
    assert!(said.contains("trained, not scored") && said.contains(&format!("score with      {resume}")), "{said}");

    // All who ask are told the same.
    assert_eq!(place.json("info run")["status"], "trained");
    assert!(text(&place.run("info run").stdout).contains("status          trained, not scored"));
    let eval = place.run("eval run --ais 8,10");
    let told = format!("warning: this run is trained, not scored; {resume} scores");
    assert!(text(&eval.stderr).contains(&told), "{}", text(&eval.stderr));

    let resumed = place.run("train rbm --out run --resume --ais 8,10");
    assert!(resumed.status.success(), "{}", text(&resumed.stderr));
    assert!(text(&resumed.stderr).contains("trained already"), "{}", text(&resumed.stderr));
    assert!(text(&resumed.stdout).contains("log-likelihood  -"), "{}", text(&resumed.stdout));
    assert_eq!(place.json("info run")["status"], "finished");
    assert!(!text(&place.run("eval run --ais 8,10").stderr).contains("warning: this run"));
    assert!(place.failure("train rbm --out run --resume").contains("the run is finished"));

    // Nothing was trained twice.
    place.json("train rbm --hidden 24 --steps 40 --out unbroken --ais 8,10");
    for name in ["checkpoint.safetensors", "model.safetensors", "metrics.csv"] {
        assert!(place.bytes(&format!("unbroken/{name}")) == place.bytes(&format!("run/{name}")), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn one_interrupted_while_it_is_scored_prints_its_object_all_the_same() {
    let place = Place::new();
    let child = spawn(&place, &format!("{LARGE} {ENDLESS} --json"));
    wait_until(&place, "trained");
    let output = interrupted(child);
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    let object: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one object");
    assert_eq!(
        (&object["status"], &object["model"], &object["seed"]),
        (&"trained".into(), &"rbm".into(), &1.into())
    );
    assert!(object["version"].is_string() && object["warnings"].is_array(), "{object}");
}

#[test]
fn one_that_goes_on_and_one_that_was_killed_are_told_apart() {
    let place = Place::new();
    let mut child = spawn(&place, "train rbm --hidden 4 --steps 100000000 --out run");
    wait_for(&place.path("run/checkpoint.safetensors"));
    assert_eq!(place.json("info run")["status"], "training");
    child.kill().expect("a process to kill");
    child.wait().expect("a dead process");
    assert_eq!(place.json("info run")["status"], "killed");
    assert!(text(&place.run("info run").stdout).contains("status          killed"));
    assert!(text(&place.run("eval run").stderr).contains("warning: this run was killed"));
    place.json("train rbm --out run --resume --stop-after 1");
    assert_eq!(place.json("info run")["status"], "stopped");

    // Killed after its last update, before anything was said: the rest is done, and nothing twice.
    place.json("train rbm --hidden 4 --steps 30 --out whole");
    let record =
        text(&place.bytes("whole/run.json")).replace("\"status\": \"finished\"", "\"status\": \"training\"");
    place.write("whole/run.json", record.as_bytes());
    let model = place.bytes("whole/model.safetensors");
    std::fs::remove_file(place.path("whole/model.safetensors")).expect("a model");
    let rest = place.json("train rbm --out whole --resume");
    assert!(rest["status"] == "finished" && rest["log_likelihood"].is_f64(), "{rest}");
    assert!(place.bytes("whole/model.safetensors") == model);
}

#[test]
fn a_run_that_stopped_early_is_finished() {
    let place = Place::new();
    place
        .json("train rbm --hidden 8 --epochs 300 --early-stop 1 --evaluate-every 2 --learning-rate 0.5 --out run");
    let message = place.failure("train rbm --out run --resume");
    assert!(message.contains("the run is finished") && message.contains("--init run"), "{message}");
}
