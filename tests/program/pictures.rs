//! Pictures of what is no image, and reports that say the same twice.

use super::{Place, size, text};

/// 60 rows of `width` bits as a `.npy` of u8: columns that follow one another.
fn table(width: usize) -> Vec<u8> {
    let shape = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': (60, {width}), }}");
    let mut npy = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    npy.extend(shape.bytes());
    npy.resize(127, b' ');
    npy.push(b'\n');
    npy.extend((0..60 * width).map(|place| u8::from((place / width * 7 + place % width / 2).is_multiple_of(3))));
    npy
}

/// A line of pixels, however much enlarged, is much wider than it is high.
fn is_no_barcode(png: &[u8]) -> bool {
    let (width, height) = size(png);
    height > 200 && width < 2 * height
}

#[test]
fn a_table_has_no_pictures_of_pixels_whatever_the_model() {
    let place = Place::new();
    place.write("table.npy", &table(13));
    for (family, options, pictures) in [
        ("rbm", "--hidden 30 --epochs 2", &["samples.png", "filters.png"][..]),
        ("boltzmann", "--hidden 3 --epochs 2", &["samples.png", "filters.png"]),
        ("vae", "--hidden 5 --latent 2 --epochs 2", &["samples.png", "reconstructions.png", "manifold.png"]),
    ] {
        place.json(&format!("train {family} table.npy {options} --out {family}"));
        for picture in pictures.iter().filter(|picture| **picture != "filters.png") {
            assert!(is_no_barcode(&place.bytes(&format!("{family}/{picture}"))), "{family} {picture}");
        }
        for picture in pictures {
            assert!(size(&place.bytes(&format!("{family}/{picture}"))).1 > 100, "{family} {picture}");
        }
        assert!(!place.path(&format!("{family}/interpolation.png")).exists());
        place.json(&format!("sample {family} --count 50 --out {family}.png"));
        assert!(is_no_barcode(&place.bytes(&format!("{family}.png"))), "{family}");
    }
    place.json("reconstruct vae --count 20 --out again.png");
    assert!(is_no_barcode(&place.bytes("again.png")));
    place.json("inpaint rbm --mask right --steps 5 --out filled.png");
    assert!(is_no_barcode(&place.bytes("filled.png")));
    assert_eq!(
        size(&place.bytes("filled.png")),
        size(&place.bytes("rbm/samples.png")),
        "a panel a column and a pair"
    );
    assert!(place.failure("interpolate vae").contains("lines of a table"));
    place.json("train hopfield table.npy --patterns 2 --out memory");
    assert!(size(&place.bytes("memory/recall.png")).1 > 100);

    // Without the data the draws stand alone, and that is said.
    std::fs::remove_file(place.path("table.npy")).unwrap();
    let alone = place.run("sample rbm --out alone.png");
    assert!(alone.status.success() && text(&alone.stderr).contains("the draws alone are pictured: "));
    assert!(is_no_barcode(&place.bytes("alone.png")));
}

#[test]
fn images_stay_images() {
    let place = Place::new();
    place.json("train rbm bars:3 --hidden 4 --epochs 2 --out run");
    // A hundred tiles of 3 × 3 pixels, each enlarged 16 times, and a line between them.
    assert_eq!(size(&place.bytes("run/samples.png")), (10 * 49 + 1, 10 * 49 + 1));
    let plane = place.json("train vae --hidden 8 --latent 2 --epochs 1 --out vae");
    assert_eq!(plane["model"], "vae");
    // Twenty by twenty tiles of 8 × 8, and room for the axes.
    let (width, height) = size(&place.bytes("vae/manifold.png"));
    assert!(width > 20 * 49 + 60 && height > 20 * 49 + 60, "{width} × {height}");
}

#[test]
fn info_tells_the_likelihood_in_the_words_of_the_report() {
    let place = Place::new();
    let said = text(&place.run("train rbm --hidden 30 --epochs 3 --ais 30,60 --out run").stdout);
    let info = text(&place.run("info run").stdout);
    let about = |text: &str| -> Vec<String> {
        let from = text.lines().skip_while(|line| !line.starts_with("log-likelihood"));
        from.take_while(|line| {
            !line.starts_with("warning") && !line.starts_with("baseline") && !line.starts_with("model")
        })
        .take_while(|line| !line.starts_with("position"))
        .map(str::to_owned)
        .collect()
    };
    let words = about(&said);
    assert!(words.len() >= 6 && words.iter().any(|line| line.starts_with("conservative")), "{said}");
    assert_eq!(about(&info), words, "{info}");
}

/// The advice of the page on improvement names options that there are, and the page on runs explains every line that a report
/// has.
#[test]
fn documents_know_the_options_and_the_reports_that_there_are() {
    let document = |name: &str| {
        std::fs::read_to_string(format!("{}/docs/{name}", env!("CARGO_MANIFEST_DIR"))).expect("a document")
    };
    let place = Place::new();
    let families = ["rbm", "boltzmann", "hopfield", "vae", "neural", "flow"];
    let helps: String = families
        .iter()
        .map(|family| format!("train {family} --help"))
        .chain(["eval --help", "sample --help", "recall --help", "inpaint --help"].map(str::to_owned))
        .map(|line| text(&place.run(&line).stdout))
        .collect();
    let advice = document("how-to-improve.md");
    let options = advice
        .split("--")
        .skip(1)
        .filter_map(|rest| rest.split(|c: char| !c.is_ascii_lowercase() && c != '-').next());
    for option in options.filter(|option| option.len() > 1) {
        assert!(helps.contains(&format!("--{option}")), "docs/how-to-improve.md names --{option}");
    }

    let explained = document("runs.md");
    for line in [
        "train rbm --hidden 30 --epochs 2 --ais 20,40 --out rbm",
        "train boltzmann --hidden 3 --epochs 1 --ais 20,40 --out boltzmann",
        "train hopfield --out hopfield",
        "train vae --hidden 8 --latent 2 --epochs 2 --early-stop 1 --samples 10 --out vae",
        "train vae --hidden 8 --epochs 1 --samples 10 --likelihood gaussian-learned --out gaussian",
        "train neural --hidden 4 --epochs 1 --out neural",
        "train flow --hidden 4 --layers 1 --epochs 1 --out flow",
        "train flow digits --hidden 4 --layers 1 --epochs 1 --out flow-of-digits",
        "compare rbm boltzmann vae gaussian hopfield --ais 20,40 --samples 10 --draws 40",
    ] {
        let output = place.run(line);
        assert!(output.status.success(), "{line}: {}", text(&output.stderr));
        for row in text(&output.stdout).lines() {
            let label: String = row.chars().take(15).collect();
            let label = label.trim();
            let known = label.is_empty() || explained.contains(&format!("`{label}`"));
            // The Hopfield report ends with a line for each rule, by its name, and with one picture.
            assert!(
                known || ["hebb", "storkey", "perceptron", "picture", "levels 0..16"].contains(&label),
                "{line}: {row}"
            );
        }
    }
}
