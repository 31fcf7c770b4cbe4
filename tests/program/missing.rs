//! Missing values and masks: training on what is there, imputing the rest, and what is refused.

use super::inputs::{of_f32, of_u8};
use super::{Place, text};

const TRAIN: &str = "train vae --hidden 16 --latent 2 --epochs 3 --samples 4";

/// A table of rows with a common factor; NaN where `missing` says so.
fn table(rows: usize, missing: impl Fn(usize, usize) -> bool) -> Vec<f32> {
    let wave = |x: f32| (x.sin() * 43.7).fract();
    (0..rows * 5)
        .map(|place| {
            let (row, column) = (place / 5, place % 5);
            let value = 20.0 * wave(row as f32 + 1.0) * (1.0 + column as f32) + wave(place as f32 * 1.7);
            if missing(row, column) { f32::NAN } else { value }
        })
        .collect()
}

#[test]
fn a_masked_run_resumes_byte_for_byte_and_completes_images() {
    let place = Place::new();
    for (name, mask) in [("part", "50% --dropout 0.2"), ("quadrants", "quadrants:2 --mask-loss hidden")] {
        let settings = format!("{TRAIN} --mask {mask}");
        place.json(&format!("{settings} --out unbroken-{name} --threads 2"));
        place.json(&format!("{settings} --out broken-{name} --threads 1 --stop-after 1"));
        place.json(&format!("train vae --out broken-{name} --resume --samples 4"));
        let both = ["unbroken", "broken"].map(|run| place.bytes(&format!("{run}-{name}/model.safetensors")));
        assert!(both[0] == both[1], "{name}");
    }
    place.json("train rbm --hidden 8 --epochs 2 --out rbm");
    let quick = "--latents 20 --draws 64 --steps 20";
    let one = place.json(&format!("inpaint unbroken-quadrants --rows 20 --count 3 {quick} --out filled.npy"));
    assert_eq!(
        (one["rows"].as_u64(), one["count"].as_u64(), one["hidden_pixels"].as_u64()),
        (Some(20), Some(3), Some(32))
    );
    assert!(one["score"].is_f64() && one["completion_bound"].is_f64() && one["wrong_fraction"].is_f64());
    let filled = place.bytes("filled.npy");
    assert!(text(&filled[..128]).contains("(60, 64)"), "a row for each imputation");
    // The left half was shown: it is the same in all three, which differ on the right.
    let rows: Vec<&[u8]> = filled[128..].chunks(64).take(3).collect();
    let half = |row: &[u8], left: bool| -> Vec<u8> {
        (0..64).filter(|pixel| (pixel % 8 < 4) == left).map(|pixel| row[pixel]).collect()
    };
    assert!(half(rows[0], true) == half(rows[1], true) && half(rows[0], false) != half(rows[2], false));
    // Several runs on the same masks: a row each and one for means, with differences to the first.
    let table = place.json(&format!("inpaint unbroken-part broken-quadrants rbm --mask 30% --rows 30 {quick}"));
    let ways = table["ways"].as_array().unwrap();
    let names: Vec<&str> = ways.iter().filter_map(|way| way["name"].as_str()).collect();
    assert_eq!(names, ["unbroken-part", "broken-quadrants", "rbm", "means"]);
    assert!(ways[0]["difference"].is_null() && ways[1]["difference_error"].is_f64());
    assert!(ways[2]["score_exact"] == true && ways[3]["score_exact"] == true, "eight hidden units are summed");
    assert!(place.path("rbm/inpainted.png").is_file());
}

/// Machines with another mask for each row, and a flow on the plane: exact where little is hidden.
#[test]
fn each_row_has_its_own_mask() {
    let place = Place::new();
    let hides = |row: usize, pixel: usize| pixel < 3 + row % 5;
    let ones: Vec<u8> = (0..359 * 64).map(|place| u8::from(hides(place / 64, place % 64))).collect();
    place.write("rows.npy", &of_u8(359, &ones));
    place.json("train rbm --hidden 30 --epochs 2 --out rbm --ais 10,10");
    place.json("train boltzmann --hidden 3 --epochs 1 --out boltzmann --ais 10,10");
    for model in ["rbm", "boltzmann"] {
        let told = place
            .json(&format!("inpaint {model} --mask rows.npy --rows 20 --latents 20 --steps 20 --out {model}.npy"));
        assert_eq!(told["hidden_values"].as_u64(), Some((0..20).map(|row| 3 + row % 5).sum()), "{told}");
        assert_eq!(told["score_exact"] == true, model == "rbm", "seven units at most are summed: {told}");
        let filled = place.bytes(&format!("{model}.npy"));
        assert_eq!(filled.len(), 128 + 20 * 64);
    }
    // The rows of one mask are what they are without the others.
    let five = |row: usize, pixel: usize| row.is_multiple_of(5) && hides(row, pixel);
    let ones: Vec<u8> = (0..359 * 64).map(|place| u8::from(five(place / 64, place % 64))).collect();
    place.write("fifth.npy", &of_u8(359, &ones));
    place.json("inpaint rbm --mask fifth.npy --rows 20 --latents 20 --steps 20 --out fifth.npy.npy");
    let (all, some) = (place.bytes("rbm.npy"), place.bytes("fifth.npy.npy"));
    for row in (0..20).filter(|row: &usize| row.is_multiple_of(5)) {
        let of = |bytes: &[u8]| bytes[128 + row * 64..][..64].to_vec();
        assert_eq!(of(&all), of(&some), "row {row}");
    }
    place.json("train flow gaussians8 --layers 2 --hidden 8 --steps 30 --out plane");
    place.write("second.npy", &of_u8(1, &[0, 1]));
    let told = place.json("inpaint plane --mask second.npy --rows 5 --steps 5 --latents 8");
    assert!(told["score_exact"] == true && told["score"].is_f64(), "{told}");
}

#[test]
fn a_table_with_missing_values_trains_and_is_completed() {
    let place = Place::new();
    let hides = |row: usize, column: usize| (row * 5 + column) % 7 == 3;
    place.write("nan.npy", &of_f32(200, &table(200, hides)));
    place.write("whole.npy", &of_f32(200, &table(200, |_, _| false)));
    let ones: Vec<u8> = (0..1000).map(|place| u8::from(hides(place / 5, place % 5))).collect();
    place.write("mask.npy", &of_u8(200, &ones));
    let settings = "train vae --hidden 0 --latent 1 --steps 2000 --learning-rate 0.01 --samples 4";
    let nan = place.json(&format!("{settings} nan.npy --out nan"));
    place.json(&format!("{settings} whole.npy --mask mask.npy --out masked"));
    // The same numbers are hidden: the same model, bit for bit.
    let model = |run: &str| {
        let told = place.json(&format!("eval {run} --samples 8"));
        told["log_likelihood"].clone()
    };
    assert_eq!(model("nan"), model("masked"));
    assert!(nan["log_likelihood"].is_f64());
    let quick = "--latents 50 --draws 200";
    let told = place.json(&format!("inpaint nan whole.npy --mask mask.npy {quick} --out completed.npy"));
    let ways = told["ways"].as_array().unwrap();
    let error = |way: usize| ways[way]["mse_standardised"].as_f64().unwrap();
    assert_eq!((ways[1]["name"].as_str(), ways[2]["name"].as_str()), (Some("means"), Some("normal")));
    // One factor tells all columns: far better than means.
    assert!(error(0) < 0.3 * error(1), "{ways:?}");
    assert!(told["coverage50"].is_f64() && told["coverage90"].is_f64() && told["rmse"].is_f64());
    // Its own missing values, of which nothing is known: completed all the same, without a score.
    let own = place.json(&format!("inpaint nan {quick} --out own.npy"));
    assert!(own["ways"].is_null() && own["hidden_values"] == 143);
    let whole = table(200, |_, _| false);
    let completed = place.bytes("own.npy");
    let numbers = completed[128..].chunks(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()));
    for (index, (found, known)) in numbers.zip(&whole).enumerate() {
        assert!(hides(index / 5, index % 5) != (found == *known), "{index}");
    }
    // Of a small table with holes the decoder is linear unless told.
    place.json("train vae nan.npy --latent 1 --steps 2 --samples 2 --out usual");
    let usual = place.json("info usual");
    assert_eq!((&usual["decoder"], &usual["encoder"]), (&serde_json::json!([]), &serde_json::json!([128])));
    place.json("train vae whole.npy --latent 1 --steps 2 --samples 2 --out whole");
    assert_ne!(place.json("info whole")["decoder"], serde_json::json!([]));
    // Other models learn from whole rows.
    for line in ["train neural nan.npy", "train flow nan.npy", "train vae nan.npy --encoder 0"] {
        let said = place.failure(&format!("{line} --out other"));
        assert!(said.contains("missing") || said.contains("weights for masks"), "{line}: {said}");
    }
    assert!(place.failure("encode nan nan.npy --out codes.npy").contains("row 0, column 3 is missing"));
    place.json("train flow whole.npy --layers 1 --hidden 8 --steps 20 --out flow");
    let flow = place.json("inpaint flow --mask 30% --rows 3 --steps 10 --latents 8");
    assert!(flow["score"].is_null() && flow["rmse"].is_f64());
}

#[test]
fn what_makes_no_sense_is_said_in_one_line() {
    let place = Place::new();
    place.json(&format!("{TRAIN} --mask 30% --out run"));
    place.json("train rbm --hidden 4 --epochs 1 --out rbm");
    let empty = table(50, |_, column| column == 2);
    place.write("column.npy", &of_f32(50, &empty));
    place.write("all.npy", &of_f32(2, &[f32::NAN; 10]));
    place.write("ones.npy", &of_u8(8, &[1; 64]));
    for (mask, said) in [("upside", "must be 30%, top, bottom"), ("quadrants:4", "1 to 3 quadrants")] {
        let output = place.run(&format!("train vae --mask {mask}"));
        assert!(
            output.status.code() == Some(2) && text(&output.stderr).contains(said),
            "{}",
            text(&output.stderr)
        );
    }
    for (line, said) in [
        ("train vae column.npy", "column 2 has no value in any training row"),
        ("train vae all.npy", "all values are missing"),
        ("train vae --mask-loss all", "--mask-loss is for rows of which --mask hides a part"),
        ("train vae --dropout 1", "--dropout is 1"),
        ("train vae --mask 30% --labels", "a model of classes wants whole rows"),
        ("train vae --mask 30% --hidden 20 --encoder 0 --mask-input weights", "needs a hidden layer"),
        ("train vae --mask-input means", "--mask-input is for rows of which something is hidden"),
        ("inpaint rbm", "--mask says what is hidden"),
        ("inpaint run --mask ones.npy", "leaves nothing to complete rows by"),
        ("inpaint run --mask 0%", "--mask hides no pixel"),
        ("inpaint run --count 9 --latents 8", "--count is 9, more than the 8 of --latents"),
        ("inpaint run rbm --mask top --out a.png", "--out is for one model"),
        ("inpaint run --mask top --rows 0", "--rows is 0"),
    ] {
        let message = place.failure(line);
        assert!(message.contains(said) && message.lines().count() <= 2, "{line}: {message}");
    }
}
