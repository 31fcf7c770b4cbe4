//! Runs that do not go as they should, and folders that are not as they were left.

#[cfg(unix)]
use super::ignore;
use super::{Place, TRAIN, failure_of, gzip, spawn, text, wait_for};
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Trains until it is stopped; long enough that no test waits for its end.
const LONG: &str = "train rbm --hidden 16 --steps 100000000 --out run";

fn note(place: &Place, line: &str) -> String {
    let output = place.run(line);
    assert!(output.status.success(), "{line}: {}", text(&output.stderr));
    text(&output.stderr)
}

const READERS: [&str; 3] = ["eval run", "sample run --count 2", "inpaint run --mask top --count 2 --steps 2"];

#[test]
fn whoever_uses_a_run_that_was_stopped_or_has_failed_is_told() {
    let place = Place::new();
    place.json(&format!("{TRAIN} --epochs 4 --stop-after 1"));
    for line in READERS {
        let said = note(&place, line);
        let resume = "helmholtz train rbm --out run --resume goes on";
        assert!(
            said.contains(&format!("warning: this run was stopped at step 23 of 90; {resume}")),
            "{line}: {said}"
        );
        assert_eq!(note(&place, &format!("{line} --quiet")), "");
    }
    place.json("train rbm --out run --resume");
    for line in READERS {
        assert!(!note(&place, line).contains("warning: this run"), "{line}");
    }

    place.failure(&format!("{TRAIN} --epochs 4 --overwrite --learning-rate 1e30 --quiet"));
    for line in READERS {
        let said = note(&place, line);
        assert!(said.contains("warning: this run failed: ") && said.contains(" became NaN"), "{line}: {said}");
        assert!(said.contains("its last good checkpoint is at step 0 of 90"), "{line}: {said}");
    }
    assert!(text(&place.run("info run").stdout).contains("status          failed: "));
}

#[test]
fn a_folder_has_one_trainer_at_a_time_and_a_killed_one_leaves_no_lock() {
    let place = Place::new();
    let mut child = spawn(&place, LONG);
    wait_for(&place.path("run/checkpoint.safetensors"));
    for line in ["train rbm --out run --resume", "train rbm --out run --overwrite"] {
        let message = place.failure(line);
        assert!(message.contains("run: another process is training into this folder"), "{line}: {message}");
    }
    assert!(note(&place, "eval run").contains("warning: this run is still training at step "));
    child.kill().expect("a process to kill");
    child.wait().expect("a dead process");
    let said = note(&place, "eval run");
    assert!(said.contains("warning: this run was killed; its last checkpoint is at step "), "{said}");
    assert!(said.contains("of 100000000; helmholtz train rbm --out run --resume goes on"), "{said}");
    place.json("train rbm --out run --resume --stop-after 1");
}

#[test]
fn the_curves_are_drawn_while_a_run_goes() {
    let place = Place::new();
    let mut child = spawn(&place, "train vae --hidden 8 --latent 2 --epochs 1000000 --evaluate-every 1 --out run");
    wait_for(&place.path("run/curves.svg"));
    child.kill().expect("a process to kill");
    child.wait().expect("a dead process");
    let text = text(&place.bytes("run/curves.svg"));
    assert!(text.contains("</svg>") && text.contains("training rows") && text.contains("held out"), "{text}");
    assert!(!text.contains("train elbo"), "both curves are in one panel");
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_killed_run_left_half_written_is_removed_and_nothing_else() {
    let place = Place::new();
    place.json(&format!("{TRAIN} --epochs 4 --stop-after 1"));
    let leftovers = [".checkpoint.safetensors.4294967295-0.partial", ".samples.png.4294967295-3.partial"];
    for name in leftovers.iter().chain(&[".mine.4294967295-0.partial", "notes.txt"]) {
        place.write(&format!("run/{name}"), b"half");
    }
    place.json("train rbm --out run --resume");
    for name in leftovers {
        assert!(!place.path("run").join(name).exists(), "{name}");
    }
    assert_eq!(place.bytes("run/.mine.4294967295-0.partial"), b"half");
    assert_eq!(place.bytes("run/notes.txt"), b"half");
}

#[test]
fn early_stopping_keeps_the_best_model_also_when_it_is_resumed() {
    let place = Place::new();
    // Few rows and a high rate: what is held out soon gets worse.
    let settings = "train rbm --hidden 64 --epochs 400 --learning-rate 0.5 --weight-decay 0 --validation 1200 \
                    --early-stop 5 --evaluate-every 10";
    let whole = place.json(&format!("{settings} --out unbroken"));
    let (best, last) = (whole["best_epoch"].as_u64().unwrap(), whole["epochs"].as_u64().unwrap());
    assert!(whole["stopped_early"] == true && best > 0, "{whole}");
    assert_eq!(last, best + 50, "five evaluations more");
    // The figures are those of the model that is kept.
    let table = text(&place.bytes("unbroken/metrics.csv"));
    let row = table.lines().find(|line| line.starts_with(&format!("{best},"))).expect("its row");
    let figure = whole["metrics"]["average_pseudo_likelihood"].as_f64().unwrap();
    assert_eq!(row.rsplit(',').next().unwrap().parse::<f64>().unwrap(), figure);
    assert_eq!(table.lines().last().unwrap().split(',').next().unwrap(), last.to_string());
    assert_eq!(place.json("eval unbroken --split validation")["log_likelihood"], whole["log_likelihood"]);

    place.json(&format!("{settings} --out broken --stop-after {}", best + 20));
    let resumed = place.run("train rbm --out broken --resume --evaluate-every 10");
    assert!(resumed.status.success(), "{}", text(&resumed.stderr));
    let said = text(&resumed.stdout);
    assert!(
        said.contains("stopped early   the best average pseudo likelihood on the rows held out was -")
            && said.contains(&format!("after epoch {best}: model.safetensors holds that model")),
        "{said}"
    );
    for name in ["checkpoint.safetensors", "model.safetensors", "metrics.csv"] {
        assert!(place.bytes(&format!("unbroken/{name}")) == place.bytes(&format!("broken/{name}")), "{name}");
    }
    // Without early stopping the model is the last one, and nothing is selected.
    let plain = place.json("train rbm --hidden 4 --epochs 2 --out plain");
    assert!(plain.get("best_epoch").is_none() && plain.get("stopped_early").is_none());
}

#[test]
fn a_checkpoint_of_another_run_is_refused_and_nothing_is_lost() {
    let place = Place::new();
    place.json(&format!("{TRAIN} --epochs 4 --stop-after 1"));
    place.json("train rbm --hidden 24 --epochs 4 --stop-after 1 --out wider");
    place.json("train rbm --hidden 16 --epochs 4 --stop-after 1 --seed 2 --out seeded");
    let (own, record) = (place.bytes("run/checkpoint.safetensors"), place.bytes("run/run.json"));
    for (other, said) in
        [("wider", "--hidden is 24, and run.json says 16"), ("seeded", "--seed is 2, and run.json says 1")]
    {
        place.write("run/checkpoint.safetensors", &place.bytes(&format!("{other}/checkpoint.safetensors")));
        let message = place.failure("train rbm --out run --resume");
        assert!(message.contains("run/checkpoint.safetensors: a checkpoint of another run: its "), "{message}");
        assert!(message.contains(said), "{message}");
        assert_eq!(place.bytes("run/run.json"), record);
    }

    // The settings of this run, tensors of another.
    let mut wide = helmholtz::storage::load(&place.path("wider/checkpoint.safetensors")).unwrap();
    place.write("run/checkpoint.safetensors", &own);
    let snapshot = helmholtz::storage::load(&place.path("run/checkpoint.safetensors")).unwrap();
    wide.metadata = snapshot.metadata.clone();
    helmholtz::storage::save(&place.path("run/checkpoint.safetensors"), &wide).unwrap();
    let message = place.failure("train rbm --out run --resume");
    assert!(message.contains("weights` has the shape [64, 24], wanted [64, 16]"), "{message}");
    assert_eq!(place.bytes("run/run.json"), record, "a run that has not gone on has not failed");

    // A NaN in a checkpoint or a model is named.
    let mut damaged = snapshot;
    damaged.put_f32("average.hidden_bias", &[16], &[f32::NAN; 16]);
    helmholtz::storage::save(&place.path("run/checkpoint.safetensors"), &damaged).unwrap();
    for line in
        ["train rbm --out run --resume", "eval run/checkpoint.safetensors", "sample run/checkpoint.safetensors"]
    {
        let message = place.failure(line);
        let named = "run/checkpoint.safetensors: ";
        assert!(
            message.contains(named) && message.contains("average.hidden_bias holds a NaN"),
            "{line}: {message}"
        );
    }

    place.write("run/checkpoint.safetensors", &place.bytes("run/model.safetensors"));
    assert!(place.failure("train rbm --out run --resume").contains("no checkpoint"));
    fs::remove_file(place.path("run/checkpoint.safetensors")).unwrap();
    assert!(place.failure("train rbm --out run --resume").contains("is missing: it was removed"));
    place.write("run/checkpoint.safetensors", &own);
    place.json("train rbm --out run --resume");
}

#[test]
fn what_is_too_large_is_named_by_the_option_that_makes_it_so() {
    let place = Place::new();
    place.json(&format!("{TRAIN} --epochs 1"));
    for (line, said) in [
        ("bench gemm --size 1000000", "--size is 1000000,"),
        ("bench gemm --m 1000000", "--m is 1000000,"),
        ("bench rbm --visible 10 --hidden 100000000", "--hidden is 100000000,"),
        ("bench rbm --batch 100000000000", "--batch is 100000000000,"),
        ("bench gibbs --chains 100000000000", "--chains is 100000000000,"),
        (
            "sample run --tempering 1000000 --count 1000 --out x.npy",
            "--tempering is 1000000, but can be at most 4194",
        ),
        (
            "sample run --tempering 10 --count 10000000 --out x.npy",
            "--count is 10000000, but can be at most 419430",
        ),
        ("train rbm --method pt --replicas 100 --chain-count 1000000 --out x", "--chain-count is 1000000,"),
        ("train rbm --method pt --replicas 100000 --chain-count 1000 --out x", "--replicas is 100000,"),
        ("inpaint run --mask top --steps 0", "--steps is 0,"),
    ] {
        let message = place.failure(line);
        assert!(message.contains(said), "{line}: {message}");
    }
}

#[test]
fn what_does_not_apply_is_absent_from_json_and_what_is_not_finite_is_null() {
    let place = Place::new();
    place.json(&format!("{TRAIN} --epochs 1"));
    // One chain knows no error.
    let line = "eval run --exact-up-to 0 --ais 1,1";
    let one = place.json(line);
    assert_eq!(one.get("monte_carlo_error"), Some(&serde_json::Value::Null), "{one}");
    assert!(one["log_likelihood"].is_f64(), "{one}");
    assert!(text(&place.run(line).stdout).contains("1 chain × 1 temperature;"));
    let of_file = place.json("info bars:3");
    assert!(of_file.get("test").is_none());
    for line in [
        "eval run",
        "eval run --precision i16",
        "sample run --count 2",
        "inpaint run --mask top --rows 2 --steps 2",
        "info run",
        "info",
        "info digits",
        "train rbm --hidden 2 --steps 3 --out other",
        "train rbm --hidden 2 --steps 9 --binarize none --out grey",
    ] {
        let object = place.json(line);
        assert!(!object.to_string().contains("null"), "{line}: {object}");
    }
}

#[test]
fn a_compressed_npy_is_called_one() {
    let place = Place::new();
    let mut npy = b"\x93NUMPY\x01\x00\x76\x00{'descr': '|u1', 'fortran_order': False, 'shape': (2, 4), }".to_vec();
    npy.resize(127, b' ');
    npy.extend(b"\n\0\x01\0\x01\x01\0\x01\0");
    place.write("rows.npy", &npy);
    assert_eq!(place.json("info rows.npy")["examples"], 2);
    place.write("rows.npy.gz", &gzip(&npy));
    for line in ["info rows.npy.gz", "train rbm rows.npy.gz --out run"] {
        let message = place.failure(line);
        assert!(message.contains("rows.npy.gz: a compressed .npy"), "{message}");
        assert!(message.contains("hint: gunzip -k rows.npy.gz first"), "{message}");
    }
    place.write("text.gz", &gzip(b"no images in here"));
    assert!(!place.failure("info text.gz").contains("fetch it again"));
}

#[test]
fn one_is_singular_and_the_instruction_set_is_in_the_help() {
    let place = Place::new();
    let said = text(&place.run(&format!("{TRAIN} --epochs 1")).stdout);
    assert!(said.contains("on digits, 1 epoch in "), "{said}");
    let said = text(&place.run("sample run --count 1 --steps 1 --out x.png").stdout);
    assert!(said.contains("1 sample (1 Gibbs sweep from"), "{said}");
    let help = Command::new(env!("CARGO_BIN_EXE_helmholtz")).arg("--help").output().unwrap();
    assert!(text(&help.stdout).contains("HELMHOLTZ_ISA="));
    failure_of("epochs", place.run("train rbm --epochs"), 2);
}

/// As `nohup` starts it: a terminal that hangs up is no reason to stop, and a polite kill stops the run as it always does.
#[cfg(unix)]
#[test]
fn signals_that_were_ignored_stay_ignored_and_others_stop_the_run_orderly() {
    const CASES: [(&str, &[libc::c_int], &str); 4] = [
        ("HUP", &[libc::SIGHUP], "TERM"),
        ("INT", &[libc::SIGINT], "HUP"),
        ("HUP INT", &[libc::SIGHUP, libc::SIGINT], "TERM"),
        ("TERM", &[libc::SIGTERM], "INT"),
    ];
    for (ignored, signals, heard) in CASES {
        let place = Place::new();
        let mut command = place.command(LONG);
        ignore(&mut command, signals);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the program starts");
        wait_for(&place.path("run/checkpoint.safetensors"));
        let id = child.id().to_string();
        let signal = |name: &str| {
            let sent = Command::new("kill").args([&format!("-{name}"), &id]).status();
            assert!(sent.expect("kill").success());
        };
        ignored.split(' ').for_each(signal);
        std::thread::sleep(Duration::from_millis(300));
        let ended = child.try_wait().expect("a child");
        signal(heard);
        let status = child.wait().expect("a dead process");
        assert!(ended.is_none(), "stopped by an ignored {ignored}: {ended:?}");
        assert_eq!(status.code(), Some(130), "{heard} beside an ignored {ignored}");
        assert_eq!(place.json("info run")["status"], "stopped", "{heard} beside an ignored {ignored}");
    }
}

#[test]
fn a_run_that_nobody_watches_says_how_far_it_is_in_lines() {
    let place = Place::new();
    let start = |name: &str, options: &str| {
        let file = fs::File::create(place.path(name)).expect("a file");
        let mut command =
            place.command(&format!("{} {options}", LONG.replace("--out run", &format!("--out {name}-run"))));
        command.stdout(Stdio::null()).stderr(file).spawn().expect("the program starts")
    };
    let mut children = [start("plain", ""), start("json", "--json"), start("quiet", "--quiet")];
    let line = |name: &str| {
        let said = text(&place.bytes(name));
        said.lines().find(|line| line.contains(" samples/s") && line.ends_with(" left")).map(str::to_owned)
    };
    let begun = Instant::now();
    while line("plain").is_none() || line("json").is_none() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", text(&place.bytes("plain")));
        std::thread::sleep(Duration::from_millis(20));
    }
    for child in &mut children {
        child.kill().expect("a process to kill");
        child.wait().expect("a dead process");
    }
    let said = line("plain").expect("a line");
    assert!(said.starts_with("epoch ") && !said.contains('\u{1b}'), "{said}");
    assert_eq!(text(&place.bytes("quiet")), "");
}
