//! MNIST's files, some or all of them, from their bytes, as the program hands them over once they are decompressed.
#![no_main]

use helmholtz::data::{Dataset, MnistParts, NamedBytes};
use helmholtz_fuzz::{IdxFile, exercise};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|parts: [Option<IdxFile>; 4]| {
    let [train_images, train_labels, test_images, test_labels] =
        parts.map(|part| part.map(|part| NamedBytes::new("part", part.bytes())));
    exercise(Dataset::from_mnist_parts(
        "folder",
        MnistParts { train_images, train_labels, test_images, test_labels },
    ));
});
