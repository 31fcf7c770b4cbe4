//! One `.npy` file: half of the inputs get the magic number for free.
#![no_main]

use helmholtz::data::{Dataset, NamedBytes};
use helmholtz_fuzz::exercise;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (bool, Vec<u8>)| {
    let (magic, rest) = input;
    let mut bytes = if magic { b"\x93NUMPY\x01\x00".to_vec() } else { Vec::new() };
    if magic {
        // The length of the header's text: to its first line end.
        let text = rest.iter().position(|&byte| byte == b'\n').map_or(rest.len(), |end| end + 1);
        bytes.extend((text.min(usize::from(u16::MAX)) as u16).to_le_bytes());
    }
    bytes.extend(rest);
    exercise(Dataset::from_bytes(NamedBytes::new("x.npy", bytes)));
});
