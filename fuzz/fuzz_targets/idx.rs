//! One IDX file of images, with or without one of labels.
#![no_main]

use helmholtz::data::{Dataset, NamedBytes, idx_file_length};
use helmholtz_fuzz::{IdxFile, exercise};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|files: (IdxFile, Option<IdxFile>)| {
    let (images, labels) = (files.0.bytes(), files.1.map(IdxFile::bytes));
    // A header alone never promises less than the header itself, and more bytes do not change what it says.
    if let Ok(length) = idx_file_length("images", &images) {
        assert!(length > 4);
        let mut longer = images.clone();
        longer.push(0);
        assert_eq!(idx_file_length("images", &longer).ok(), Some(length));
    }
    exercise(Dataset::from_bytes(NamedBytes::new("images", images.clone())));
    let labels = labels.map(|bytes| NamedBytes::new("labels", bytes));
    exercise(Dataset::from_idx_bytes(NamedBytes::new("images", images), labels));
});
