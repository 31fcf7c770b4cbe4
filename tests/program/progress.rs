//! Whoever waits for a long estimate is told how far it is.

use super::neural::npy;
use super::{Place, text};
use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

#[test]
fn eval_says_how_far_it_is_and_how_long_it_takes_whatever_the_model() {
    let place = Place::new();
    let numbers = (0..120).map(|index| (index as f32 * 0.37).sin());
    place.write("rows.npy", &npy([40, 3], numbers));
    let models = [
        ("rbm", "--hidden 24 --steps 3 --ais 8,10", "--ais 64,50000000"),
        ("boltzmann", "--hidden 4 --steps 3 --ais 8,10", "--ais 64,50000000"),
        ("neural", "rows.npy --hidden 4 --steps 3 --ais 8,10", "--ais 64,1000000"),
        ("vae", "--steps 3 --samples 2", "--samples 5000000"),
    ];
    for (kind, training, _) in models {
        place.json(&format!("train {kind} {training} --out {kind}"));
    }
    let mut children = models.map(|(kind, _, options)| {
        let file = fs::File::create(place.path(&format!("{kind}.txt"))).expect("a file");
        let mut command = place.command(&format!("eval {kind} {options}"));
        command.stdout(Stdio::null()).stderr(file).spawn().expect("the program starts")
    });
    let said = |kind: &str| text(&place.bytes(&format!("{kind}.txt")));
    let tells = |kind: &str| {
        let said = said(kind);
        said.lines().any(|line| {
            line.starts_with("estimating the log-likelihood: ")
                && line.contains(" %, about ")
                && line.ends_with(" left")
        })
    };
    let begun = Instant::now();
    while models.iter().any(|(kind, ..)| !tells(kind)) {
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", models.map(|(kind, ..)| said(kind)));
        std::thread::sleep(Duration::from_millis(50));
    }
    for child in &mut children {
        child.kill().expect("a process to kill");
        child.wait().expect("a dead process");
    }
    // What takes a moment says nothing, and neither does a quiet command.
    let short = place.run("eval rbm --ais 8,10");
    assert!(short.status.success() && short.stderr.is_empty(), "{}", text(&short.stderr));
}

#[test]
fn several_seeds_say_which_is_trained_and_how_long_the_others_take() {
    let place = Place::new();
    let output = place.run("train rbm --hidden 2 --steps 3 --seeds 3 --out runs");
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
    let lines: Vec<&str> = said.lines().filter(|line| line.starts_with("seed ")).collect();
    assert_eq!(lines.len(), 3, "{said}");
    assert_eq!(lines[0], "seed 1 of 1 to 3");
    assert!(lines[1].starts_with("seed 2 of 1 to 3, about ") && lines[1].ends_with(" left"), "{said}");
}
