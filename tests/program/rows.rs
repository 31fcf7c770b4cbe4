//! Files of numbers: the log-likelihood of each row, and the codes of rows.

use super::{Place, failure_of};
use std::str::FromStr;

/// A `.npy` file: the description and shape of its header, and its numbers.
struct Npy {
    description: String,
    shape: Vec<usize>,
    numbers: Vec<f64>,
}

impl Npy {
    fn read(place: &Place, name: &str) -> Self {
        let bytes = place.bytes(name);
        assert!(bytes.starts_with(b"\x93NUMPY\x01\x00"), "{name}");
        let end = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        assert_eq!(end % 64, 0, "{name}");
        let header = String::from_utf8(bytes[10..end].to_vec()).expect("a header of letters");
        let after = |key: &str| header.split_once(key).unwrap_or_else(|| panic!("{key} in {header}")).1;
        let description = after("'descr': '").split('\'').next().expect("a description").to_owned();
        let shape = after("'shape': (").split(')').next().expect("a shape");
        let shape = shape.split(',').map(str::trim).filter(|size| !size.is_empty());
        let shape: Vec<usize> = shape.map(usize::from_str).collect::<Result<_, _>>().expect("sizes");
        let numbers: Vec<f64> = match description.as_str() {
            "<f8" => bytes[end..].as_chunks().0.iter().map(|eight| f64::from_le_bytes(*eight)).collect(),
            "<f4" => bytes[end..].as_chunks().0.iter().map(|four| f64::from(f32::from_le_bytes(*four))).collect(),
            other => panic!("{name} holds {other}"),
        };
        assert_eq!(numbers.len(), shape.iter().product::<usize>(), "{name}");
        Npy { description, shape, numbers }
    }

    fn mean(&self) -> f64 {
        self.numbers.iter().sum::<f64>() / self.numbers.len() as f64
    }
}

#[test]
fn the_log_likelihoods_of_rows_have_the_mean_that_is_printed() {
    let place = Place::new();
    place.json("train rbm --hidden 16 --epochs 2 --out rbm");
    place.json("train boltzmann bars:2 --hidden 3 --steps 20 --out small");
    place.json("train boltzmann --hidden 0 --steps 20 --ais 8,20 --out pairs");
    place.json("train neural moons --hidden 8 --steps 20 --batch 32 --k 2 --out neural");
    place.json("train vae --hidden 4 --latent 2 --steps 2 --samples 2 --out vae");
    place.json("train boltzmann --hidden 21 --steps 2 --ais 2,2 --out hidden");
    for (line, rows) in [
        ("eval rbm", 359),
        ("eval rbm --exact-up-to 0 --ais 16,50", 359),
        ("eval rbm --precision i16 --split train", 1438),
        ("eval rbm --binarize sample", 359),
        ("eval small", 6),
        ("eval pairs --ais 16,50", 359),
        ("eval neural", 10_000),
        ("eval vae --samples 3", 359),
        ("eval hidden --rescore 8,20", 359),
    ] {
        let plain = place.json(line);
        let scored = place.json(&format!("{line} --out rows.npy"));
        assert_eq!(scored["log_likelihood"], plain["log_likelihood"], "{line}");
        let file = Npy::read(&place, "rows.npy");
        assert_eq!((file.description.as_str(), &file.shape[..]), ("<f8", &[rows][..]), "{line}");
        let printed = scored["log_likelihood"].as_f64().expect("a figure");
        assert!((file.mean() - printed).abs() < 1e-9 * printed.abs(), "{line}: {} {printed}", file.mean());
        assert!(file.numbers.iter().any(|row| *row != file.numbers[0]) || rows == 6, "{line}");
    }
}

#[test]
fn models_without_a_figure_of_each_row_say_so_in_a_line() {
    let place = Place::new();
    place.json("train vae --hidden 4 --latent 2 --steps 2 --samples 2 --out vae");
    place.json("train boltzmann bars:2 --hidden 2 --steps 2 --out boltzmann");
    place.json("train hopfield --out hopfield");
    for (line, said) in [
        ("eval hopfield --out rows.npy", "has no likelihood"),
        ("eval boltzmann --out rows.png", "must end in .npy"),
    ] {
        let message = place.failure(line);
        assert!(message.contains(said), "{line}: {message}");
        assert!(!place.path("rows.npy").exists(), "{line}");
    }
    place.write("noise.npy", b"");
    failure_of("both", place.run("eval vae --noise noise.npy --out rows.npy"), 2);
}

#[test]
fn an_rbm_encodes_rows_as_the_probabilities_of_its_hidden_units() {
    let place = Place::new();
    place.json("train rbm --hidden 16 --epochs 40 --out rbm");
    let encoded = place.json("encode rbm --split train");
    assert_eq!((&encoded["examples"], &encoded["hidden"]), (&1438.into(), &16.into()));
    let codes = Npy::read(&place, "rbm/codes.npy");
    assert_eq!((codes.description.as_str(), &codes.shape[..]), ("<f4", &[1438, 16][..]));
    assert!(codes.numbers.iter().all(|p| (0.0..=1.0).contains(p)));
    // Far from what any weights near 0 would give.
    assert!(codes.numbers.iter().any(|p| *p < 0.3) && codes.numbers.iter().any(|p| *p > 0.6));

    place.json("train boltzmann --hidden 2 --steps 2 --ais 2,2 --out boltzmann");
    for (line, said) in [
        ("encode rbm --binarize none", "told from bits"),
        ("encode rbm bars:3", "9"),
        ("encode rbm --out codes.png", "must end in .npy"),
        ("encode boltzmann", "encode is for variational autoencoders and restricted Boltzmann machines"),
    ] {
        let message = place.failure(line);
        assert!(message.contains(said), "{line}: {message}");
    }
}
