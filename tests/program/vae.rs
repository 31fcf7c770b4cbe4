//! Variational autoencoders in the program.

use super::{Place, failure_of, idx_images, number, text};
use std::fs;

const TRAIN: &str = "train vae --hidden 24 --latent 3 --samples 20 --out run";

/// A `.npy` file of `f32`.
fn npy(shape: [usize; 2], values: &[f32]) -> Vec<u8> {
    let mut header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", shape[0], shape[1]);
    header.push_str(&" ".repeat(63 - (10 + header.len()) % 64));
    header.push('\n');
    let length = (header.len() as u16).to_le_bytes();
    let values = values.iter().flat_map(|value| value.to_le_bytes());
    b"\x93NUMPY\x01\x00".iter().copied().chain(length).chain(header.bytes()).chain(values).collect()
}

#[test]
fn a_run_leaves_a_folder_that_every_command_reads() {
    let place = Place::new();
    let trained = place.json(&format!("{TRAIN} --epochs 100"));
    let names = ["checkpoint.safetensors", "model.safetensors", "metrics.csv", "run.json", "curves.svg"];
    for name in names.iter().chain(&["samples.png", "reconstructions.png", "interpolation.png"]) {
        assert!(place.path("run").join(name).is_file(), "{name}");
    }
    assert!(fs::read_dir(place.path("run")).unwrap().count() == 8, "nothing else is left");
    assert_eq!((&trained["model"], &trained["split"]), (&"vae".into(), &"test".into()));
    assert_eq!((&trained["log_likelihood_kind"], &trained["examples"]), (&"lower".into(), &359.into()));
    assert!(number(&trained["log_likelihood"]) > number(&trained["baseline"]) + 1.0, "{trained}");
    assert!(number(&trained["log_likelihood"]) >= number(&trained["elbo"]));
    let parts = number(&trained["reconstruction"]) - number(&trained["kl"]);
    assert!((parts - number(&trained["elbo"])).abs() < 1e-6, "{trained}");
    let divergences = trained["kl_per_dimension"].as_array().expect("a list");
    let sum: f64 = divergences.iter().map(number).sum();
    assert!(divergences.len() == 3 && (sum - number(&trained["kl"])).abs() < 1e-4, "{trained}");
    assert!(number(&trained["active_units"]) > 0.0 && trained["collapse"].is_null());

    let evaluated = place.json("eval run --samples 20");
    for key in ["log_likelihood", "elbo", "monte_carlo_error", "data_error", "baseline", "method"] {
        assert_eq!(evaluated[key], trained[key], "{key}");
    }
    let more = place.json("eval run/model.safetensors digits --samples 200 --simulated");
    assert!(number(&more["log_likelihood"]) > number(&trained["log_likelihood"]));
    assert!(number(&more["simulated_lower"]) < number(&more["simulated_upper"]) + 0.1, "{more}");

    place.json("sample run --count 7 --out draws.npy");
    assert_eq!(place.bytes("draws.npy").len(), 128 + 7 * 64);
    place.json("sample run --count 7 --observation mean --out means.npy");
    assert_eq!(place.bytes("means.npy").len(), 128 + 7 * 64 * 4);
    assert_eq!(place.json("encode run --out codes.npy")["examples"], 359);
    assert_eq!(place.bytes("codes.npy").len(), 128 + 359 * 6 * 4);
    place.json("sample run --out samples.png");
    assert!(number(&place.json("reconstruct run --count 5 --out again.png")["squared_error"]) < 0.25);
    place.json("interpolate run --from 3 --to 358 --steps 4 --out between.png");
    for picture in ["samples.png", "again.png", "between.png", "run/interpolation.png"] {
        assert!(place.bytes(picture).starts_with(b"\x89PNG"), "{picture}");
    }
    let info = place.json("info run");
    assert_eq!((&info["latent"], &info["activation"]), (&3.into(), &"relu".into()));
    let told = text(&place.run("eval run --samples 20").stdout);
    for part in ["a lower bound on average", "reconstruction", "the weight rests on", "latent dimensions"] {
        assert!(told.contains(part), "{part:?} in {told}");
    }
}

#[test]
fn a_stopped_run_resumes_in_a_new_process_byte_for_byte() {
    let place = Place::new();
    let settings = "train vae --hidden 16,8 --latent 2 --activation tanh --epochs 6 --binarize sample --seed 7 \
                    --importance-samples 3 --bound dreg --alternate --beta-warm-up 30 --clip 5 --average 0.9 \
                    --schedule cosine --warm-up 10 --samples 10";
    place.json(&format!("{settings} --out unbroken --threads 2"));
    place.json(&format!("{settings} --out broken --threads 1 --stop-after 2"));
    place.json("train vae --out broken --resume --threads 1 --stop-after 5");
    place.json("train vae --out broken --resume --threads 3 --samples 10");
    for name in ["checkpoint.safetensors", "model.safetensors", "metrics.csv", "manifold.png", "samples.png"] {
        assert!(place.bytes(&format!("unbroken/{name}")) == place.bytes(&format!("broken/{name}")), "{name}");
    }
    assert!(place.failure("train vae --out broken --resume --epochs 9 --latent 3").contains("--latent 2, not 3"));
    assert!(place.failure("train rbm --out broken --resume").contains("kind \"vae\", not \"rbm\""));
}

#[test]
fn densities_of_grey_levels_say_of_what_they_are_and_bits_of_grey_levels_have_none() {
    let place = Place::new();
    let fixed = place.json("train vae --hidden 16 --likelihood gaussian --epochs 4 --samples 10 --out fixed");
    assert_eq!((&fixed["binarize"], &fixed["largest_level"]), (&"none".into(), &16.0.into()));
    assert_eq!(place.json("eval fixed --samples 10")["log_likelihood"], fixed["log_likelihood"]);
    place.json("sample fixed --count 4 --out noisy.npy");
    assert_eq!(place.bytes("noisy.npy").len(), 128 + 4 * 64 * 4);
    let learned =
        place.run("train vae --hidden 0 --latent 2 --likelihood gaussian-learned --epochs 4 --out learned");
    assert!(text(&learned.stdout).contains("not to be compared"), "{}", text(&learned.stderr));

    let grey = place.json("train vae --hidden 16 --binarize none --epochs 2 --out grey");
    assert!(grey["log_likelihood"].is_null() && grey["objective"].is_f64(), "{grey}");
    let told = text(&place.run("eval grey").stdout);
    assert!(told.contains("none: grey levels give a model of bits none"), "{told}");
    assert!(place.json("eval grey --binarize sample --samples 10")["log_likelihood"].is_f64());
}

#[test]
fn a_collapsed_model_says_so_and_why() {
    let place = Place::new();
    let line = "train vae --hidden 0 --latent 2 --likelihood gaussian --scale unit --schedule linear --epochs 200 --samples 10 --out run";
    let collapsed = place.json(line);
    let why = collapsed["collapse"].as_str().unwrap_or_default();
    assert!(why.contains("0 of 2 latent dimensions") && why.contains("noise of variance 1.00"), "{collapsed}");
    assert!(text(&place.run("eval run --samples 10").stdout).contains("collapsed       0 of 2"));
}

#[test]
fn noise_from_a_file_gives_the_same_bound_whoever_draws_it() {
    let place = Place::new();
    place.json(&format!("{TRAIN} --epochs 4"));
    let noise: Vec<f32> = (0..359 * 3).map(|index| ((index * 7919) % 2003) as f32 / 1001.0 - 1.0).collect();
    place.write("noise.npy", &npy([359, 3], &noise));
    let first = place.json("eval run --noise noise.npy");
    let again = place.json("eval run --noise noise.npy --threads 1 --seed 9");
    assert_eq!((&first["elbo"], &first["kl"]), (&again["elbo"], &again["kl"]));
    let parts = number(&first["reconstruction"]) - number(&first["kl"]);
    assert!((parts - number(&first["elbo"])).abs() < 1e-9);
    // The mean over standard normal noise is close: this noise is a little narrower.
    assert!((number(&first["elbo"]) - number(&place.json("eval run --samples 50")["elbo"])).abs() < 3.0);

    place.write("short.npy", &npy([359, 2], &noise[..718]));
    assert!(place.failure("eval run --noise short.npy").contains("noise of 359 × 2, wanted 359 × 3"));
    place.write("nan.npy", &npy([359, 3], &[&noise[..5], &[f32::NAN], &noise[6..]].concat()));
    assert!(place.failure("eval run --noise nan.npy").contains("row 1, column 2 is NaN"));
    place.write("cut.npy", &npy([359, 3], &noise)[..500]);
    assert!(place.failure("eval run --noise cut.npy").contains("cut.npy"));
    assert!(place.failure("eval run --noise none.npy").contains("none.npy"));
    failure_of("both", place.run("eval run --noise noise.npy --samples 3"), 2);
}

/// A model with convolutions in every command, resumed byte for byte on another number of threads.
#[test]
fn convolutions_are_layers_like_others() {
    let place = Place::new();
    let train = "train vae --conv 16 --hidden 16 --latent 3 --samples 20 --epochs 40";
    let trained = place.json(&format!("{train} --threads 2 --out run"));
    assert!(number(&trained["log_likelihood"]) > number(&trained["baseline"]) + 1.0, "{trained}");
    place.json(&format!("{train} --threads 1 --stop-after 17 --out broken"));
    place.json("train vae --resume --threads 2 --samples 20 --out broken");
    assert!(place.bytes("run/model.safetensors") == place.bytes("broken/model.safetensors"));
    let info = place.json("info run");
    assert_eq!((&info["convolutions"], &info["visible"]), (&serde_json::json!([16]), &64.into()));
    place.json("sample run/model.safetensors --count 7 --out draws.npy");
    assert_eq!(place.bytes("draws.npy").len(), 128 + 7 * 64);
    place.json("reconstruct run --count 5 --out again.png");
    place.json("train vae --init run --epochs 1 --samples 20 --out further");
    assert_eq!(place.json("info further")["convolutions"], serde_json::json!([16]));
    place.json("train vae --conv --mask 50% --epochs 2 --samples 20 --out masked");
    assert!(place.json("inpaint masked --rows 4 --draws 32 --latents 8")["score"].is_f64());
    place.json("train vae --conv 4 --labels --labelled 100 --epochs 1 --samples 5 --out labelled");
}

#[test]
fn bad_settings_are_one_line_and_leave_nothing() {
    let place = Place::new();
    for (options, said) in [
        ("--latent 0", "--latent is 0"),
        ("--latent 18446744073709551615", "--latent is 18446744073709551615"),
        ("--hidden 20,0", "--hidden is 0"),
        ("--hidden 99999999999", "--hidden is 99999999999"),
        ("--conv 0,4", "--conv is 0"),
        ("--conv 99999999999", "--conv is 99999999999"),
        ("--conv 4,4,4,4", "a layer halves an image, and one of 8 × 8 has not that many halves"),
        ("moons --conv", "--conv is for images, and these are rows of 2"),
        ("--conv --mask 30% --mask-input weights", "--mask-input weights is not for convolutions"),
        ("--importance-samples 0", "--importance-samples is 0"),
        ("--importance-samples 1000000000", "--importance-samples is 1000000000"),
        ("--samples 0", "--samples is 0"),
        ("--beta -1", "beta is -1"),
        ("--beta NaN", "beta is NaN"),
        ("--learning-rate 0", "learning rate is 0"),
        ("--clip -1", "norm of the gradient is -1"),
        ("--average 1", "average is 1"),
        ("--weight-decay -1", "weight decay is -1"),
        ("--alternate --weight-decay 0.1", "weight decay of the alternating scheme"),
        ("--scale raw", "--scale raw is for grey levels"),
        ("--scale raw --binarize none", "needs numbers from 0 to 1, the data go up to 16"),
    ] {
        let message = place.failure(&format!("train vae --out run {options}"));
        assert!(message.contains(said), "{options}: {message}");
        assert!(!place.path("run").exists(), "{options} left a folder");
    }
    for options in [
        "--hidden x",
        "--conv large",
        "--schedule fast",
        "--likelihood poisson",
        "--activation swish",
        "--bound tight",
        "--latent -1",
    ] {
        failure_of(options, place.run(&format!("train vae {options}")), 2);
    }
}

#[test]
fn options_and_commands_of_another_kind_are_refused() {
    let place = Place::new();
    place.json(&format!("{TRAIN} --epochs 1"));
    place.json("train rbm --hidden 4 --steps 2 --out rbm");
    for (line, said) in [
        ("eval run --ais 10,10", "--ais is not for models of kind vae"),
        ("eval rbm --samples 10", "--samples is not for models of kind rbm"),
        ("sample run --steps 10", "--steps is not for models of kind vae"),
        ("sample rbm --observation mean", "--observation is not for models of kind rbm"),
        ("reconstruct rbm", "reconstruct is for variational autoencoders"),
        ("interpolate rbm", "interpolate is for variational autoencoders"),
        ("interpolate run --to 359", "--to is 359, but the last of 359 rows is 358"),
        ("interpolate run --steps 0", "--steps is 0"),
        ("reconstruct run --count 0", "--count is 0"),
        ("reconstruct run --out x.jpg", "must end in .png or .npy"),
        ("encode run --out x.png", "must end in .npy"),
        ("encode run bars:3", "9"),
        ("reconstruct run bars:3", "9"),
        ("eval run bars:3", "9"),
    ] {
        let message = place.failure(line);
        assert!(message.contains(said), "{line}: {message}");
    }
}

#[test]
fn the_bench_reports_the_keys_it_promises() {
    let place = Place::new();
    let bench = place.json("bench vae --visible 20 --architecture burda --importance-samples 2 --batch 4");
    for key in ["isa", "threads", "macs_per_second", "samples_per_second", "steps_per_second", "peak_fraction"] {
        assert!(!bench[key].is_null(), "{key}");
    }
    assert!(place.failure("bench vae --batch 0").contains("--batch is 0"));
    assert!(place.failure("bench vae --importance-samples 0").contains("--importance-samples is 0"));
    assert!(place.failure("bench vae --visible 1000000000").contains("--visible is 1000000000"));
}

#[test]
fn a_file_without_metadata_is_known_by_its_tensors() {
    let place = Place::new();
    place.write("many.idx", &idx_images(40));
    place.json("train vae many.idx --hidden 6 --latent 2 --steps 20 --samples 10 --out run");
    let model = place.bytes("run/model.safetensors");
    let tensors = 8 + header_length(&model);
    let mut header: serde_json::Value = serde_json::from_slice(&model[8..tensors]).unwrap();
    header.as_object_mut().unwrap().remove("__metadata__");
    let header = header.to_string();
    let length = (header.len() as u64).to_le_bytes();
    place.write("foreign.safetensors", &[&length, header.as_bytes(), &model[tensors..]].concat());
    let ours = place.json("eval run many.idx --samples 10");
    let foreign = place.json("eval foreign.safetensors many.idx --samples 10");
    assert_eq!((&foreign["model"], &foreign["log_likelihood"]), (&"vae".into(), &ours["log_likelihood"]));
}

/// Bytes of the header of a safetensors file.
fn header_length(file: &[u8]) -> usize {
    u64::from_le_bytes(file[..8].try_into().unwrap()) as usize
}

#[test]
fn latent_variables_may_be_distributed_as_flows() {
    let place = Place::new();
    let options = "--hidden 24 --latent 3 --samples 20 --epochs 30 --posterior iaf:2:16 --prior flow:2:16";
    let trained = place.json(&format!("train vae {options} --out run"));
    assert!(number(&trained["log_likelihood"]) > number(&trained["baseline"]), "{trained}");
    let parts = number(&trained["reconstruction"]) - number(&trained["kl"]);
    assert!((parts - number(&trained["elbo"])).abs() < 1e-6, "{trained}");
    assert!(trained["kl_per_dimension"].is_null() && number(&trained["active_units"]) > 0.0, "{trained}");
    assert_eq!(place.json("eval run --samples 20")["elbo"], trained["elbo"]);
    let own = place.json("eval run/model.safetensors digits --samples 50 --simulated");
    assert!(number(&own["simulated_lower"]) < number(&own["simulated_upper"]) + 0.1, "{own}");
    place.json("sample run --count 7 --out draws.npy");
    assert_eq!(place.json("encode run --out codes.npy")["examples"], 359);
    place.json("reconstruct run --count 5 --out again.png");
    place.json("interpolate run --from 3 --to 358 --steps 4 --out between.png");
    let info = place.json("info run");
    assert_eq!((&info["posterior"], &info["prior"]), (&"iaf:2:16".into(), &"flow:2:16".into()));
    // The bytes are those of the unbroken run, and the distributions are settings like any other.
    place.json(&format!("train vae {options} --out halved --stop-after 10"));
    let said = place.failure("train vae --out halved --resume --prior normal");
    assert!(said.contains("this run was started with --prior flow:2:16, not normal"), "{said}");
    place.json("train vae --out halved --resume --samples 20");
    for name in ["model.safetensors", "checkpoint.safetensors", "metrics.csv"] {
        assert!(place.bytes(&format!("run/{name}")) == place.bytes(&format!("halved/{name}")), "{name}");
    }
    let said = place.failure("train vae --posterior iaf --bound dreg --importance-samples 4");
    assert!(said.contains("--bound dreg wants --posterior gaussian"), "{said}");
    assert!(place.failure("train vae --posterior iaf:0 --steps 1").contains("--posterior is 0"));
}
