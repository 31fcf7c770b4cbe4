//! MNIST's four files from their bytes, as the program hands them over once they are decompressed. Headers are made
//! from small numbers, so that counts and shapes often agree; a part may also be any bytes at all.
#![no_main]

use helmholtz::data::{Dataset, MnistParts, NamedBytes};
use helmholtz_fuzz::exercise;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Part {
    Bytes(Vec<u8>),
    Shaped { axes: [u8; 3], rank: u8, missing: u8, fill: u8 },
}

impl Part {
    fn bytes(self) -> Vec<u8> {
        match self {
            Part::Bytes(bytes) => bytes,
            Part::Shaped { axes, rank, missing, fill } => {
                let axes = &axes[..usize::from(rank % 4)];
                let mut bytes = vec![0, 0, 8, axes.len() as u8];
                bytes.extend(axes.iter().flat_map(|&axis| u32::from(axis % 8).to_be_bytes()));
                let values = axes.iter().map(|&axis| usize::from(axis % 8)).product::<usize>();
                bytes.extend(std::iter::repeat_n(fill, values));
                bytes.truncate(bytes.len().saturating_sub(usize::from(missing.saturating_sub(250))));
                bytes
            }
        }
    }
}

fuzz_target!(|parts: [Part; 4]| {
    let [train_images, train_labels, test_images, test_labels] =
        parts.map(|part| NamedBytes::new("part", part.bytes()));
    exercise(Dataset::from_mnist_parts(
        "folder",
        MnistParts { train_images, train_labels, test_images, test_labels },
    ));
});
