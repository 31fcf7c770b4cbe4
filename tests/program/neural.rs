//! Neural energies in the program.

use super::{Place, failure_of, npy, number, size, text};
use std::fs;

const SMALL: &str = "--hidden 8 --steps 20 --batch 32 --k 2";

#[test]
fn a_run_leaves_a_folder_that_every_command_reads() {
    let place = Place::new();
    let trained = place.json(&format!("train neural {SMALL} --out run"));
    let names = ["checkpoint.safetensors", "model.safetensors", "metrics.csv", "run.json", "curves.svg"];
    for name in names.iter().chain(&["density.png", "samples.png"]) {
        assert!(place.path("run").join(name).is_file(), "{name}");
    }
    assert_eq!(fs::read_dir(place.path("run")).unwrap().count(), 7, "nothing else is left");
    assert_eq!((&trained["model"], &trained["data"]), (&"neural".into(), &"gaussians8".into()));
    assert_eq!((&trained["split"], &trained["examples"]), (&"test".into(), &10_000.into()));
    assert_eq!(
        (&trained["log_likelihood_kind"], &trained["monte_carlo_error"]),
        (&"estimate".into(), &0.0.into())
    );
    // 8 normal distributions with an entropy of 2.832 nats; the rows' own error is below 0.02.
    assert!((number(&trained["true_log_likelihood"]) + 2.832).abs() < 0.1, "{trained}");
    assert!(number(&trained["log_likelihood"]) < number(&trained["true_log_likelihood"]));
    for key in ["baseline", "log_z", "log_z_error", "data_error", "modes", "high_quality", "samples_per_second"] {
        assert!(trained[key].is_number(), "{key}");
    }
    let evaluated = place.json("eval run");
    for key in ["log_likelihood", "log_z", "baseline", "modes", "method"] {
        assert_eq!(evaluated[key], trained[key], "{key}");
    }
    assert!(place.json("eval run/model.safetensors moons")["log_likelihood"].is_f64());
    place.json("sample run --count 7 --steps 20 --out draws.npy");
    assert_eq!(place.bytes("draws.npy").len(), 128 + 7 * 2 * 4);
    place.json("sample run --steps 20 --out dots.png");
    // Two panels beside each other and two below one another, axes around them.
    let (width, height) = size(&place.bytes("dots.png"));
    assert!(width > 600 && height > 600, "{width} × {height}");
    assert_eq!(size(&place.bytes("run/samples.png")), (width, height));
    let info = place.json("info run");
    assert_eq!((&info["model"], &info["activation"]), (&"neural".into(), &"tanh".into()));
    let data = place.json("info gaussians8");
    assert_eq!((&data["train"], &data["test"], &data["real"]), (&50_000.into(), &10_000.into(), &true.into()));
}

#[test]
fn a_stopped_run_resumes_in_a_new_process_byte_for_byte() {
    let place = Place::new();
    place.write("points.npy", &npy([300, 3], (0..900).map(|i| ((i * i) as f32 * 0.37).sin() * 5.0)));
    for method in [
        "--k 3 --chain-count 20 --buffer 60 --restart 0.2 --acceptance 0.6",
        "--method score-matching --noise 0.2 --schedule cosine --average 0",
    ] {
        let settings = format!("train neural points.npy {method} --hidden 6,5 --batch 30 --seed 7 --epochs 6");
        place.json(&format!("{settings} --out unbroken --overwrite --threads 2 --ais 4,10"));
        place.json(&format!("{settings} --out broken --overwrite --threads 1 --stop-after 2"));
        place.json("train neural --out broken --resume --threads 3 --ais 4,10");
        for name in ["checkpoint.safetensors", "model.safetensors", "metrics.csv", "samples.png"] {
            assert!(place.bytes(&format!("unbroken/{name}")) == place.bytes(&format!("broken/{name}")), "{name}");
        }
    }
    let message = place.failure("train neural --out broken --resume --epochs 9 --hidden 4");
    assert!(message.contains("--hidden 6,5, not 4"), "{message}");
    assert!(place.failure("train vae --out broken --resume").contains("kind \"neural\", not \"vae\""));
}

#[test]
fn many_dimensions_are_annealed_and_say_so() {
    let place = Place::new();
    place.write("points.npy", &npy([200, 4], (0..800).map(|i| ((i * i) as f32 * 0.37).sin() * 5.0)));
    let trained = place.json(&format!("train neural points.npy {SMALL} --out run --ais 20,30"));
    assert_eq!((&trained["log_likelihood_kind"], &trained["split"]), (&"upper".into(), &"train".into()));
    assert!(number(&trained["monte_carlo_error"]) > 0.0 && trained["modes"].is_null());
    let again = place.json("eval run --ais 30,60");
    assert!(again["method"].as_str().unwrap().contains("30 chains × 60 temperatures"), "{again}");
    let told = text(&place.run("eval run").stdout);
    assert!(told.contains("optimistic") && told.contains("a normal distribution with these rows'"), "{told}");
    // Grey levels are numbers too, and pictures of them are images.
    place.json(&format!("train neural digits {SMALL} --out digits --ais 4,5"));
    assert!(place.path("digits/samples.png").is_file() && !place.path("digits/density.png").exists());
}

/// What rests on one chain is no figure: neither better than anything, nor more than a level that the truth is below.
#[test]
fn annealing_that_rests_on_a_chain_has_no_headline() {
    let place = Place::new();
    place.write("points.npy", &npy([200, 4], (0..800).map(|i| ((i * i) as f32 * 0.37).sin() * 5.0)));
    place.json(&format!("train neural points.npy {SMALL} --out run --ais 20,30"));
    let alone = place.json("eval run --ais 1,5");
    assert!(alone["monte_carlo_error"].is_null() && alone["log_z_error"].is_null(), "{alone}");
    assert!(alone["warnings"].to_string().contains("too few to know the Monte Carlo error"), "{alone}");
    let told = text(&place.run("eval run --ais 1,5").stdout);
    for part in
        ["unknown: below", "with 95 % confidence", "--ais CHAINS,TEMPERATURES", "Monte Carlo error unknown"]
    {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!told.contains("nats better"), "{told}");
    // A column that hardly varies: no baseline, no advice, and its number.
    let odd = |i: usize| if i % 4 == 2 { f32::from(u8::from(i == 2)) } else { ((i * i) as f32 * 0.37).sin() };
    place.write("odd.npy", &npy([200, 4], (0..800).map(odd)));
    let odd = place.json(&format!("train neural odd.npy {SMALL} --out odd --ais 20,30"));
    assert!(
        odd["baseline"].is_null() && odd["warnings"].to_string().contains("column 2 (from 0) is constant"),
        "{odd}"
    );
    assert!(!odd["warnings"].to_string().contains("rate"), "{odd}");
}

#[test]
fn bad_settings_are_one_line_and_leave_nothing() {
    let place = Place::new();
    place.write("nan.npy", &npy([2, 2], [0.0, 1.0, f32::NAN, 9.0].into_iter()));
    place.write("bits.npy", &npy([2, 2], [0.0, 1.0, 1.0, 9.0].into_iter())[..130]);
    for (options, said) in [
        ("--hidden 8,0", "--hidden is 0"),
        ("--hidden 99999999999", "--hidden is 99999999999"),
        ("--confinement -1", "the confinement is -1"),
        ("--confinement NaN", "the confinement is NaN"),
        ("--k 0", "the number of Langevin steps is 0"),
        ("--buffer 300", "the size of the replay buffer is 300"),
        ("--chain-count 10000000000", "--chain-count is 10000000000"),
        ("--restart 2", "the share of restarts is 2"),
        ("--step-size 0", "the step size is 0"),
        ("--step-size -1", "the step size is -1"),
        ("--acceptance 1", "the acceptance to tune for is 1"),
        ("--regulariser -1", "the regulariser is -1"),
        ("--method score-matching --noise 0", "the noise of score matching is 0"),
        ("--method score-matching --noise -1", "the noise of score matching is -1"),
        ("--learning-rate 0", "the learning rate is 0"),
        ("--clip -1", "norm of the gradient is -1"),
        ("--average 1", "the decay of the average is 1"),
        ("--batch 0", "batch is 0"),
        ("--ais 0,10", "--ais: the number of chains is 0"),
        ("bars:3", "the data is bits"),
        ("digits --binarize sample", "the data is bits"),
        ("moons --binarize threshold", "--binarize is for grey levels"),
        ("moons --flip", "--flip is for bits and grey levels"),
        ("nan.npy", "row 1, column 0 is NaN or hidden"),
        ("bits.npy", "cut short"),
        ("missing.npy", "missing.npy"),
        ("spirals", "spirals"),
    ] {
        let message = place.failure(&format!("train neural {options} --out run"));
        assert!(message.contains(said), "{options}: {message}");
        assert!(!place.path("run").exists(), "{options} left a folder");
    }
    for options in ["--hidden x", "--method gibbs", "--activation swish", "--schedule fast"] {
        failure_of(options, place.run(&format!("train neural {options}")), 2);
    }
    for model in ["rbm", "boltzmann", "hopfield"] {
        let message = place.failure(&format!("train {model} ring --out run"));
        assert!(message.contains("ring is a density on the plane"), "{message}");
    }
}

#[test]
fn options_commands_and_data_of_another_kind_are_refused() {
    let place = Place::new();
    place.json(&format!("train neural moons {SMALL} --out run"));
    place.json("train rbm --hidden 4 --steps 2 --out rbm");
    place.json(&format!("train neural moons {SMALL} --confinement 0 --out open"));
    for (line, said) in [
        ("eval run --samples 10", "--samples is not for models of kind neural"),
        ("eval run digits", "64 values a row, the model 2"),
        ("eval run bars:2", "4 values a row, the model 2"),
        ("eval run --binarize sample", "--binarize is for grey levels"),
        ("eval rbm moons", "moons is a density on the plane"),
        ("eval open", "without a confinement"),
        ("sample run --steps 0", "the number of steps is 0"),
        ("sample run --count 0", "--count is 0"),
        ("sample run --observation mean", "--observation is not for models of kind neural"),
        ("inpaint run --mask top", "no hidden pixels"),
        ("encode run --out codes.npy", "encode is for variational autoencoders"),
    ] {
        let message = place.failure(line);
        assert!(message.contains(said), "{line}: {message}");
    }
    place.write("line.npy", &npy([50, 1], (0..50).map(|i| (i as f32).sin() * 3.0)));
    place.json(&format!("train neural line.npy {SMALL} --out line"));
    // One number has a picture too: how it is distributed.
    place.json("sample line --steps 5 --out line.png");
    assert!(place.path("line/samples.png").is_file() && size(&place.bytes("line.png")).1 > 300);
    place.json("sample line --steps 5 --out draws.npy");
}
