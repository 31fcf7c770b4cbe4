//! One `.npy` file: any bytes at all, any text for a header, or an array that is nearly right.
#![no_main]

use helmholtz::data::{Dataset, NamedBytes};
use helmholtz_fuzz::exercise;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum File {
    Bytes(Vec<u8>),
    Text { version: u8, text: String, values: Vec<u8> },
    Array { version: u8, kind: u8, fortran_order: bool, shape: Vec<u16>, values: Vec<u8>, missing: u8 },
}

const KINDS: [(&str, usize); 8] =
    [("|u1", 1), ("|b1", 1), ("<f4", 4), ("<f8", 8), ("?", 1), ("f4", 4), (">f4", 4), ("<f2", 2)];

fn file(version: u8, text: &str, values: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY".to_vec();
    bytes.extend([version, 0]);
    match version {
        1 => bytes.extend((text.len() as u16).to_le_bytes()),
        _ => bytes.extend((text.len() as u32).to_le_bytes()),
    }
    bytes.extend(text.as_bytes());
    bytes.extend(values);
    bytes
}

fuzz_target!(|input: File| {
    let bytes = match input {
        File::Bytes(bytes) => bytes,
        File::Text { version, text, values } => file(version % 5, &text, &values),
        File::Array { version, kind, fortran_order, shape, values, missing } => {
            let (descr, size) = KINDS[usize::from(kind) % KINDS.len()];
            let order = if fortran_order { "True" } else { "False" };
            let axes: Vec<String> = shape.iter().map(|axis| (axis % 40).to_string()).collect();
            let text =
                format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({}), }}\n", axes.join(", "));
            // Levels as they come, floats mostly from [0, 1]: exponents below that of 1.
            let count = shape.iter().take(3).map(|axis| usize::from(axis % 40)).product::<usize>();
            let mut data: Vec<u8> = values.iter().copied().chain([0]).cycle().take(count * size).collect();
            if size >= 4 {
                data.iter_mut().skip(size - 1).step_by(size).for_each(|byte| *byte &= 0x3e);
            }
            data.truncate(data.len().saturating_sub(usize::from(missing.saturating_sub(250))));
            file(1 + version % 3, &text, &data)
        }
    };
    exercise(Dataset::from_bytes(NamedBytes::new("x.npy", bytes)));
});
