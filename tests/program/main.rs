//! The program from end to end: what it leaves, what it says, and how it fails.

mod compare;
mod energy;
mod flow;
mod inputs;
mod json;
mod labels;
mod missing;
mod mixing;
mod neural;
mod pictures;
mod progress;
mod rows;
mod runs;
mod several;
mod standing;
mod vae;

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A folder to run in.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Place(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_helmholtz"));
        command.current_dir(self.0.path()).args(line.split_whitespace()).env_remove("HELMHOLTZ_ISA");
        #[cfg(unix)]
        ignore(&mut command, &[]);
        command
    }

    fn run(&self, line: &str) -> Output {
        self.command(line).output().expect("the program starts")
    }

    /// The one JSON object of a command that must succeed.
    fn json(&self, line: &str) -> Value {
        let output = self.run(&format!("{line} --json"));
        assert!(output.status.success(), "{line}: {}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    /// The message of a command that must fail with status 1 and one line, a hint perhaps after it.
    fn failure(&self, line: &str) -> String {
        failure_of(line, self.run(line), 1)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).expect("a file");
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// A `.npy` file of `f32`.
fn npy(shape: [usize; 2], values: impl Iterator<Item = f32>) -> Vec<u8> {
    let mut header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", shape[0], shape[1]);
    header.push_str(&" ".repeat(63 - (10 + header.len()) % 64));
    header.push('\n');
    let length = (header.len() as u16).to_le_bytes();
    b"\x93NUMPY\x01\x00"
        .iter()
        .copied()
        .chain(length)
        .chain(header.bytes())
        .chain(values.flat_map(f32::to_le_bytes))
        .collect()
}

/// Starts a command with these of the signals that end a program ignored, and the others not, whatever the tests themselves were
/// started to ignore: `nohup` and a shell without job control have them ignore some.
#[cfg(unix)]
fn ignore(command: &mut Command, ignored: &'static [libc::c_int]) {
    use std::os::unix::process::CommandExt;
    let dispose = || {
        for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGTERM] {
            let how = if ignored.contains(&signal) { libc::SIG_IGN } else { libc::SIG_DFL };
            // SAFETY: these signals may be ignored, and neither way runs any code.
            unsafe { libc::signal(signal, how) };
        }
        Ok(())
    };
    // SAFETY: between fork and exec nothing is called but `signal`, which may be.
    unsafe { command.pre_exec(dispose) };
}

/// Width and height of a PNG file.
fn size(png: &[u8]) -> (u32, u32) {
    assert!(png.starts_with(b"\x89PNG"));
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().expect("four bytes"));
    (number(16), number(20))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn failure_of(line: &str, output: Output, status: i32) -> String {
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{line}: {stderr}");
    assert!(output.stdout.is_empty(), "{line}: {}", text(&output.stdout));
    let lines: Vec<&str> = stderr.lines().collect();
    assert!(lines.first().is_some_and(|line| line.starts_with("error: ")), "{line}: {stderr}");
    assert!(lines.len() == 1 || lines.len() == 2 && lines[1].starts_with("hint: "), "{line}: {stderr}");
    stderr
}

const TRAIN: &str = "train rbm --hidden 16 --out run";

#[test]
fn the_weights_and_their_average_are_both_scored_and_one_is_kept() {
    let place = Place::new();
    let both = place.json(&format!("{TRAIN} --epochs 20"));
    assert_eq!(both["log_likelihood_average"], both["log_likelihood"]);
    assert!(both["log_likelihood_weights"].is_f64() && both["log_likelihood_weights"] != both["log_likelihood"]);
    assert_eq!(place.json("eval run/model.safetensors")["log_likelihood"], both["log_likelihood_average"]);
    let metrics = text(&place.bytes("run/metrics.csv"));
    for name in ["average_pseudo_likelihood", "average_log_likelihood"] {
        assert!(metrics.lines().next().is_some_and(|head| head.contains(name)), "{name}");
    }
    let lines = text(&place.run(&format!("{TRAIN} --epochs 20 --overwrite")).stdout);
    assert!(lines.contains("for the average of the weights") && lines.contains("for the weights as they are"));

    let plain = place.json(&format!("{TRAIN} --epochs 20 --average 0 --overwrite"));
    assert_eq!(plain["log_likelihood"], both["log_likelihood_weights"]);
    assert_eq!(plain["log_likelihood_weights"], plain["log_likelihood"]);
    assert!(plain["log_likelihood_average"].is_null());
    assert!(!text(&place.bytes("run/metrics.csv")).contains("average"));
}

#[test]
fn training_and_evaluation_go_in_sixteen_bits() {
    let place = Place::new();
    let trained = place.json(&format!("{TRAIN} --epochs 100 --precision i16"));
    assert!(trained["log_likelihood"].as_f64() > trained["baseline"].as_f64());
    let rounded = place.json("eval run --precision i16");
    let (own, other) = (trained["log_likelihood"].as_f64().unwrap(), rounded["log_likelihood"].as_f64().unwrap());
    assert!(own != other && (own - other).abs() < 0.05, "{own} {other}");
    assert!(rounded["rounding_bits"].is_i64());
    assert!(text(&place.run("eval run --precision i16").stdout).contains("of the rounded machine"));
    for method in ["exact", "pt"] {
        let message =
            place.failure(&format!("train rbm --hidden 4 --precision i16 --method {method} --out other"));
        assert!(message.contains("is i16, but must be f32"), "{message}");
    }
}

#[test]
fn the_newer_of_model_and_checkpoint_is_used() {
    let place = Place::new();
    let note = |line: &str| text(&place.run(line).stderr);
    for (options, machine) in [("", "the average of the weights"), ("--average 0", "the weights")] {
        place.json(&format!("{TRAIN} --epochs 2 --overwrite {options}"));
        assert!(!note("eval run").contains("using"));
        let old = place.bytes("run/model.safetensors");
        let newer = place.json("train rbm --out run --resume --epochs 6");
        // As if the resumed run had been killed after its last checkpoint, which it leaves before its model.
        place.write("run/model.safetensors", &old);
        assert_eq!(place.json("eval run")["log_likelihood"], newer["log_likelihood"]);
        assert_ne!(place.json("eval run/model.safetensors")["log_likelihood"], newer["log_likelihood"]);
        for line in ["eval run", "sample run --count 2", "inpaint run --mask top --rows 2 --steps 2"] {
            let said = note(line);
            assert!(
                said.contains(&format!("using {machine} at step 135 of 135: run/checkpoint")),
                "{line}: {said}"
            );
        }
        assert!(note("eval run --quiet").is_empty());
        fs::remove_file(place.path("run/model.safetensors")).unwrap();
        assert_eq!(place.json("eval run")["log_likelihood"], newer["log_likelihood"]);
        // A model is good whatever has become of the checkpoint beside it.
        place.write("run/model.safetensors", &old);
        place.write("run/checkpoint.safetensors", b"damaged");
        place.json("eval run");
    }
}

#[test]
fn defaults_follow_the_data_and_options_that_change_nothing_are_named() {
    let place = Place::new();
    let decay = |line: &str| {
        place.json(&format!("{line} --steps 2 --overwrite --out run"));
        let info = place.json("info run/model.safetensors");
        info["metadata"]["setting.weight-decay"].as_str().and_then(|decay| decay.parse::<f32>().ok())
    };
    assert_eq!(decay("train rbm --hidden 4"), Some(0.001));
    place.write("many.idx", &idx_images(3000));
    assert_eq!(decay("train rbm many.idx --hidden 4"), Some(0.0005));
    assert_eq!(decay("train rbm --hidden 4 --method exact"), Some(0.0));
    assert_eq!(decay("train rbm --hidden 4 --weight-decay 0.25"), Some(0.25));
    for (options, said) in [
        ("--method exact --k 2", "--k changes nothing with --method exact"),
        ("--replicas 4", "--replicas changes nothing with --method pcd"),
        ("--method cd --chains random", "--chains changes nothing with --method cd"),
        ("--method cd --chain-count 8", "--chain-count changes nothing with --method cd"),
        ("--chains data --chain-count 8", "--chain-count changes nothing with --chains data"),
    ] {
        let output = place.run(&format!("train rbm --hidden 4 --steps 2 --overwrite --out run {options}"));
        assert!(output.status.success() && text(&output.stderr).contains(said), "{}", text(&output.stderr));
    }
    let quiet = place.run("train rbm --hidden 4 --steps 2 --overwrite --out run --k 2");
    assert!(!text(&quiet.stderr).contains("changes nothing"), "{}", text(&quiet.stderr));
}

#[test]
fn a_run_leaves_a_folder_that_every_command_reads() {
    let place = Place::new();
    let trained = place.json(&format!("{TRAIN} --epochs 100"));
    let names = ["checkpoint.safetensors", "model.safetensors", "metrics.csv", "run.json"];
    for name in names.iter().chain(&["samples.png", "filters.png", "curves.svg"]) {
        assert!(place.path("run").join(name).is_file(), "{name}");
    }
    assert!(fs::read_dir(place.path("run")).unwrap().count() == 7, "nothing else is left");
    assert_eq!(trained["model"], "rbm");
    assert_eq!(trained["epochs"], 100);
    assert_eq!(trained["log_likelihood_kind"], "exact");
    assert_eq!(trained["split"], "test");
    assert_eq!(trained["examples"], 359);
    assert!(trained["log_likelihood"].as_f64() > trained["baseline"].as_f64());
    assert_eq!(text(&place.bytes("run/metrics.csv")).lines().count(), 51);

    let evaluated = place.json("eval run");
    assert_eq!(evaluated["log_likelihood"], trained["log_likelihood"]);
    assert_eq!(place.json("eval run/model.safetensors digits")["log_likelihood"], trained["log_likelihood"]);
    let annealed = place.json("eval run --exact-up-to 0 --ais 64,300");
    assert_eq!(annealed["log_likelihood_kind"], "upper");
    let error = annealed["log_likelihood"].as_f64().unwrap() - evaluated["log_likelihood"].as_f64().unwrap();
    assert!(error.abs() < 5.0 * annealed["monte_carlo_error"].as_f64().unwrap() + 0.01, "{error}");

    assert_eq!(place.json("sample run --count 70 --out draws.npy")["count"], 70);
    assert_eq!(place.bytes("draws.npy").len(), 128 + 70 * 64);
    place.json("sample run --steps 3 --out draws.png");
    place.json("sample run --from-data --steps 1 --out from-data.png");
    assert!(place.json("sample run --precision i16 --out fixed.npy")["method"].to_string().contains("16 bits"));
    place.json("inpaint run --mask left --rows 5 --steps 10");
    for picture in ["draws.png", "from-data.png", "run/inpainted.png", "run/samples.png", "run/filters.png"] {
        assert!(place.bytes(picture).starts_with(b"\x89PNG"), "{picture}");
    }
    assert_eq!(place.json("info run")["hidden"], 16);
    assert_eq!(place.json("info digits")["train"], 1438);
    assert!(place.json("info")["isa"].is_string());
}

#[test]
fn the_report_says_how_sure_it_is_and_what_to_do_next() {
    let place = Place::new();
    let output = place.run(&format!("{TRAIN} --epochs 2"));
    let report = text(&output.stdout);
    for part in ["exact", "data error", "independent pixels", "run/samples.png", "helmholtz sample run"] {
        assert!(report.contains(part), "{part:?} in {report}");
    }
    let quiet = place.run("eval run --quiet");
    assert!(quiet.stderr.is_empty() && !quiet.stdout.is_empty());
}

#[test]
fn a_stopped_run_resumes_in_a_new_process_byte_for_byte() {
    let place = Place::new();
    let settings = "train rbm --hidden 24 --epochs 6 --binarize sample --momentum 0.5 --seed 7 --ais 16,50";
    place.json(&format!("{settings} --out unbroken --threads 2"));
    place.json(&format!("{settings} --out broken --threads 1 --stop-after 2"));
    place.json("train rbm --out broken --resume --threads 1 --stop-after 5");
    place.json("train rbm --out broken --resume --threads 3 --ais 16,50");
    for name in ["checkpoint.safetensors", "model.safetensors", "metrics.csv"] {
        assert!(place.bytes(&format!("unbroken/{name}")) == place.bytes(&format!("broken/{name}")), "{name}");
    }
    let stretched = place.run("train rbm --out broken --resume --epochs 8 --ais 16,50");
    assert!(stretched.status.success());
    assert!(text(&stretched.stderr).contains("stretches over"), "{}", text(&stretched.stderr));
}

#[test]
fn a_killed_run_leaves_a_checkpoint_that_resumes_byte_for_byte() {
    let place = Place::new();
    place.json("train rbm --hidden 16 --steps 4000 --out unbroken");
    let line = "train rbm --hidden 16 --steps 4000 --out killed";
    let mut child = spawn(&place, line);
    wait_for(&place.path("killed/checkpoint.safetensors"));
    std::thread::sleep(Duration::from_millis(30));
    child.kill().expect("a process to kill");
    child.wait().expect("a dead process");
    place.json("train rbm --out killed --resume");
    for name in ["checkpoint.safetensors", "model.safetensors", "metrics.csv"] {
        assert!(place.bytes(&format!("unbroken/{name}")) == place.bytes(&format!("killed/{name}")), "{name}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_interrupted_run_saves_and_says_how_to_go_on() {
    let place = Place::new();
    // Whoever runs the tests may ignore signals, and the program goes on doing so.
    let mut child = Command::new("env")
        .args(["--default-signal=INT,TERM,HUP", env!("CARGO_BIN_EXE_helmholtz")])
        .args("train rbm --hidden 16 --steps 100000000 --out run".split(' '))
        .current_dir(place.path(""))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    wait_for(&place.path("run/checkpoint.safetensors"));
    std::thread::sleep(Duration::from_millis(200));
    let signalled = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(signalled.success());
    let begun = Instant::now();
    while child.try_wait().expect("a child").is_none() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not stop");
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output().expect("its output");
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("helmholtz train rbm --out run --resume"), "{}", text(&output.stdout));
    assert!(place.json("info run")["step"].as_u64() > Some(0));
    place.json("eval run");
}

fn spawn(place: &Place, line: &str) -> Child {
    place.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
}

fn wait_for(path: &Path) {
    let begun = Instant::now();
    while !path.exists() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{} does not come", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn resuming_with_another_setting_names_it_with_both_values() {
    let place = Place::new();
    place.json(&format!("{TRAIN} --epochs 4 --stop-after 1"));
    for (options, said) in [
        ("--hidden 17", "--hidden 16, not 17"),
        ("--batch 32", "--batch 64, not 32"),
        ("--seed 2", "--seed 1, not 2"),
        ("--learning-rate 0.1", "--learning-rate 0.05, not 0.1"),
        ("--method cd", "--method pcd, not cd"),
        ("--binarize sample", "--binarize threshold, not sample"),
        ("--flip", "--flip false, not true"),
        ("--epochs 0", "epochs is 0"),
        ("bars:8", "started on other data: digits"),
    ] {
        let message = place.failure(&format!("train rbm --out run --resume {options}"));
        assert!(message.contains(said), "{options}: {message}");
    }
    place.json("train rbm --out run --resume");
    assert!(place.failure("train rbm --out run --resume --epochs 2").contains("past the"));
}

#[test]
fn a_folder_is_never_overwritten_unasked() {
    let place = Place::new();
    place.json(&format!("{TRAIN} --epochs 1"));
    assert!(place.failure(&format!("{TRAIN} --epochs 1")).contains("there is a run in this folder already"));
    place.json(&format!("{TRAIN} --epochs 1 --overwrite"));
    fs::create_dir(place.path("mine")).unwrap();
    place.write("mine/model.safetensors", b"precious");
    assert!(place.failure("train rbm --out mine --overwrite").contains("that no run has written"));
    assert_eq!(place.bytes("mine/model.safetensors"), b"precious");
    for number in ["", "-2", "-3"] {
        place.json("train rbm bars:2 --hidden 2 --steps 5");
        assert!(place.path(&format!("runs/rbm-bars2{number}/run.json")).exists(), "{number}");
    }
}

#[test]
fn bad_settings_are_one_line_and_leave_nothing() {
    let place = Place::new();
    for (options, said) in [
        ("--hidden 0", "--hidden is 0"),
        ("--hidden 18446744073709551615", "can be at most"),
        ("--batch 1000000000000", "--batch is 1000000000000"),
        ("--chain-count 1000000000000", "--chain-count is 1000000000000"),
        ("--ais 0,10", "--ais: the number of chains is 0"),
        ("--ais 10000000000,10", "--ais: the number of chains is 10000000000"),
        ("--batch 0", "batch is 0"),
        ("--epochs 0", "epochs is 0"),
        ("--epochs 18446744073709551615", "epochs is 18446744073709551615"),
        ("--learning-rate NaN", "learning rate is NaN"),
        ("--learning-rate -1", "learning rate is -1"),
        ("--learning-rate inf", "learning rate is inf"),
        ("--momentum 1", "momentum is 1"),
        ("--weight-decay -0.1", "weight decay is -0.1"),
        ("--k 0", "k, the sweeps a step, is 0"),
        ("--method exact", "at most 16"),
        ("--validation 1438", "cannot hold out"),
        ("--early-stop 3 --validation 0", "--early-stop needs"),
        ("--threads 0", "--threads 0"),
        ("--resume", "no run to resume"),
        ("gaussians8", "density"),
        ("bars:0", "bars:0"),
        ("bars:x", "bars:x"),
        ("missing.npy", "missing.npy"),
    ] {
        let message = place.failure(&format!("train rbm --out run {options}"));
        assert!(message.contains(said), "{options}: {message}");
        assert!(!place.path("run").exists(), "{options} left a folder");
    }
    for line in ["train rbm --hidden many", "train rbm --hiden 3", "train", "frobnicate", "eval", "sample"] {
        let output = place.run(line);
        assert_eq!(output.status.code(), Some(2), "{line}");
        assert!(output.stdout.is_empty(), "{line}");
    }
    let misspelt = failure_of("--hiden", place.run("train rbm --hiden 3"), 2);
    assert!(misspelt.contains("'--hidden'"), "{misspelt}");
    let isa = place.command("info").env("HELMHOLTZ_ISA", "mmx").output().unwrap();
    assert!(failure_of("HELMHOLTZ_ISA", isa, 1).contains("HELMHOLTZ_ISA=mmx"));
}

#[test]
fn unwritable_places_are_refused_before_training() {
    let place = Place::new();
    place.write("file", b"");
    assert!(place.failure("train rbm --out file").contains("file: "));
    assert!(place.failure("train rbm --out file/run").contains("file/run: cannot write here"));
    place.json("train rbm bars:2 --hidden 2 --steps 5 --out run");
    assert!(place.failure("sample run --out none/x.png").contains("none/x.png"));
    assert!(place.failure("sample run --out x.jpg").contains("must end in .png or .npy"));
    assert!(place.failure("sample run --count 0").contains("--count is 0"));
    assert!(place.failure("sample run --count 18446744073709551615").contains("--count"));
    assert!(place.failure("inpaint run --mask 0%").contains("hides no pixel"));
}

#[test]
fn models_that_are_none_are_refused() {
    let place = Place::new();
    place.json(&format!("{TRAIN} --epochs 1"));
    let model = place.bytes("run/model.safetensors");
    place.write("cut.safetensors", &model[..model.len() - 4]);
    place.write("text.safetensors", b"once upon a time there was a model");
    place.write("empty.safetensors", b"");
    let mut huge = model.clone();
    huge[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    place.write("huge.safetensors", &huge);
    for name in ["cut", "text", "empty", "huge", "missing"] {
        let message = place.failure(&format!("eval {name}.safetensors digits"));
        assert!(message.contains(&format!("{name}.safetensors")), "{message}");
    }
    let message = place.failure("eval run bars:3");
    assert!(message.contains("9") && message.contains("64"), "{message}");
    assert!(place.failure("eval run --exact-up-to 26").contains("at most 25"));
    assert!(place.failure("eval run --exact-up-to 0 --ais 0,10").contains("is 0"));

    // A checkpoint that cannot be read is not resumed from, and stays as it is.
    place.write("run/checkpoint.safetensors", b"damaged");
    assert!(place.failure("train rbm --out run --resume").contains("checkpoint.safetensors"));
    assert_eq!(place.bytes("run/checkpoint.safetensors"), b"damaged");
}

/// An IDX file of `count` images of 4 × 4 pixels.
fn idx_images(count: u32) -> Vec<u8> {
    let header = [0x0803, count, 4, 4].map(u32::to_be_bytes).concat();
    let pixels = (0..count * 16).map(|i| if (i / 16 + i) % 3 == 0 { 255 } else { 0 });
    header.into_iter().chain(pixels).collect()
}

fn idx_labels(count: u32) -> Vec<u8> {
    let header = [0x0801, count].map(u32::to_be_bytes).concat();
    header.into_iter().chain((0..count).map(|i| (i % 10) as u8)).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

#[test]
fn compressed_data_is_read_and_damage_named() {
    let place = Place::new();
    fs::create_dir(place.path("mnist")).unwrap();
    let files = [("train-images-idx3-ubyte.gz", idx_images(40)), ("train-labels-idx1-ubyte.gz", idx_labels(40))];
    for (name, bytes) in files {
        place.write(&format!("mnist/{name}"), &gzip(&bytes));
    }
    place.write("mnist/t10k-images-idx3-ubyte", &idx_images(8));
    place.write("mnist/t10k-labels-idx1-ubyte", &idx_labels(8));
    let info = place.json("info mnist");
    assert_eq!((&info["train"], &info["test"], &info["labels"]), (&40.into(), &8.into(), &true.into()));
    let trained = place.json("train rbm mnist --hidden 3 --steps 20 --out run");
    assert_eq!(trained["examples"], 8);

    place.write("one.gz", &gzip(&idx_images(20)));
    assert_eq!(place.json("info one.gz")["examples"], 20);
    assert_eq!(place.json("eval run one.gz")["examples"], 20);

    place.write("mnist/t10k-labels-idx1-ubyte", &idx_labels(9));
    assert!(place.failure("info mnist").contains("9 labels"));
    let whole = gzip(&idx_images(20));
    place.write("cut.gz", &whole[..whole.len() - 12]);
    let mut lying = idx_images(20);
    lying[4..8].copy_from_slice(&u32::MAX.to_be_bytes());
    place.write("lying.gz", &gzip(&lying));
    place.write("long.gz", &gzip(&[idx_images(20), vec![1]].concat()));
    place.write("text.gz", &gzip(b"no images in here"));
    place.write("broken.gz", &[0x1f, 0x8b, 8, 0, 1, 2, 3]);
    place.write("empty", b"");
    for name in ["cut.gz", "lying.gz", "long.gz", "text.gz", "broken.gz", "empty"] {
        let message = place.failure(&format!("train rbm {name} --out other"));
        assert!(message.contains(name), "{message}");
        assert!(!place.path("other").exists());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_reader_that_has_left_and_a_full_disk_are_no_panic() {
    let place = Place::new();
    let mut child = place.command("info digits").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output.stderr));

    let full = || Stdio::from(fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    let output = place.command("info digits").stdout(full()).output().unwrap();
    assert!(failure_of("full", output, 1).contains("standard output"));

    // A limit on the size of files stands in for a full disk: the run ends with an error, the last checkpoint stays.
    place.json("train rbm --hidden 16 --epochs 4 --stop-after 2 --out run");
    let checkpoint = place.bytes("run/checkpoint.safetensors");
    let program = env!("CARGO_BIN_EXE_helmholtz");
    let script = format!("ulimit -f 1; trap '' XFSZ; exec {program} train rbm --out run --resume");
    let output = Command::new("sh").args(["-c", &script]).current_dir(place.path("")).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("error: run/"), "{}", text(&output.stderr));
    assert_eq!(place.bytes("run/checkpoint.safetensors"), checkpoint);
    assert!(
        fs::read_dir(place.path("run"))
            .unwrap()
            .all(|entry| { !entry.unwrap().file_name().to_string_lossy().ends_with(".partial") })
    );
    place.json("train rbm --out run --resume");
}

#[test]
fn benches_report_the_keys_they_promise() {
    let place = Place::new();
    let keys = ["isa", "threads", "macs_per_second", "flops_per_second", "peak_fraction"];
    let gibbs = place.json("bench gibbs --visible 30 --hidden 20 --chains 32");
    for key in keys.iter().chain(&["sweeps_per_second", "updates_per_second", "samples_per_second"]) {
        assert!(!gibbs[key].is_null(), "gibbs: {key}");
    }
    assert_eq!(place.json("bench gibbs --visible 30 --hidden 20 --chains 32 --precision i16")["precision"], "i16");
    let rbm = place.json("bench rbm --visible 30 --hidden 20 --batch 16");
    assert!(rbm["samples_per_second"].as_f64() > Some(0.0));
    let grey = place.json("bench rbm --visible 30 --hidden 20 --batch 16 --grey");
    assert!(grey["samples_per_second"].as_f64() > Some(0.0) && grey["grey"] == true);
    let gemm = place.json("bench gemm --size 16 --threads 1");
    assert!(keys.iter().all(|key| !gemm[key].is_null()));
    assert!(place.json("bench random --count 1000")["uniform_per_second"].as_f64() > Some(0.0));
    assert!(place.failure("bench gibbs --chains 0").contains("--chains is 0"));
    assert!(place.failure("bench gemm --size 1000000").contains("--size is 1000000"));
}
